/** Ids of workflows: one id is one business object; no personal data. */

export const subscriptionWorkflowId = (companyId: string, subscriptionId: string): string =>
  `subscription/${companyId}/${subscriptionId}`;

/** Has no company yet. */
export const onboardingWorkflowId = (registrationId: string): string =>
  `onboarding/${registrationId}`;

/** Mail that belongs to no other workflow, such as a welcome. */
export const notificationWorkflowId = (companyId: string, notificationId: string): string =>
  `notification/${companyId}/${notificationId}`;

/** Jobs over all companies; they name none. */
export const scheduleWorkflowId = (job: string): string => `schedule/${job}`;
