/** Ids of workflows: one id is one business object; no personal data. */

export const subscriptionWorkflowId = (companyId: string, subscriptionId: string): string =>
  `subscription/${companyId}/${subscriptionId}`;

export const claimWorkflowId = (companyId: string, claimId: string): string =>
  `claim/${companyId}/${claimId}`;

export const policyApprovalWorkflowId = (companyId: string, versionId: string): string =>
  `policy-approval/${companyId}/${versionId}`;

/** One id for a report; each generation is a run of it. */
export const reportWorkflowId = (companyId: string, reportId: string): string =>
  `report/${companyId}/${reportId}`;

/** Temporal adds the time to it that the schedule was due at. */
export const scheduledReportWorkflowId = (companyId: string, reportId: string): string =>
  `report-schedule/${companyId}/${reportId}`;

export const bookingWorkflowId = (companyId: string, bookingId: string): string =>
  `booking/${companyId}/${bookingId}`;

export const paymentWorkflowId = (companyId: string, paymentId: string): string =>
  `payment/${companyId}/${paymentId}`;

/** Has no company yet. */
export const onboardingWorkflowId = (registrationId: string): string =>
  `onboarding/${registrationId}`;

/** Mail that belongs to no other workflow, such as a welcome. */
export const notificationWorkflowId = (companyId: string, notificationId: string): string =>
  `notification/${companyId}/${notificationId}`;

/** One event for one endpoint; each time that it is asked for is a run of its own. */
export const webhookWorkflowId = (companyId: string, deliveryId: string, round: number): string =>
  `webhook/${companyId}/${deliveryId}/${round}`;

/** The scan of one uploaded file. */
export const documentWorkflowId = (companyId: string, documentId: string): string =>
  `document/${companyId}/${documentId}`;

/** One action on many runs. */
export const bulkWorkflowId = (companyId: string, bulkId: string): string =>
  `bulk/${companyId}/${bulkId}`;

/** The keeper of one compliance policy's acknowledgements. */
export const acknowledgementWorkflowId = (companyId: string, policyId: string): string =>
  `acknowledgement/${companyId}/${policyId}`;

/** Replays of a run follow one another; two who ask at once get the same one. */
export const replayWorkflowId = (companyId: string, workflowId: string): string =>
  `replay/${companyId}/${workflowId}`;

/** Jobs over all companies; they name none. */
export const scheduleWorkflowId = (job: string): string => `schedule/${job}`;

/** Every kind of workflow that stands for one object, as it is named in paths. */
export const workflowKinds = [
  'subscription',
  'claim',
  'payment',
  'booking',
  'report',
  'document',
  'policy-approval',
  'acknowledgement',
  'onboarding',
] as const;

export type WorkflowKind = (typeof workflowKinds)[number];

export function workflowIdOf(kind: WorkflowKind, companyId: string, id: string): string {
  switch (kind) {
    case 'subscription':
      return subscriptionWorkflowId(companyId, id);
    case 'claim':
      return claimWorkflowId(companyId, id);
    case 'booking':
      return bookingWorkflowId(companyId, id);
    case 'payment':
      return paymentWorkflowId(companyId, id);
    case 'report':
      return reportWorkflowId(companyId, id);
    case 'document':
      return documentWorkflowId(companyId, id);
    case 'policy-approval':
      return policyApprovalWorkflowId(companyId, id);
    case 'acknowledgement':
      return acknowledgementWorkflowId(companyId, id);
    case 'onboarding':
      return onboardingWorkflowId(id);
    default:
      return kind satisfies never;
  }
}

/** The object that a run stands for; none for jobs, mails, scans and what is no run. */
export function objectOf(
  workflowId: string,
): { readonly kind: WorkflowKind; readonly id: string } | undefined {
  const [named, ...rest] = workflowId.split('/');
  const kind = workflowKinds.find((each) => each === named);
  const id = rest.at(-1);
  return kind && id ? { kind, id } : undefined;
}

/** The company in the id of a run; undefined for the platform's own. */
export function companyIn(workflowId: string): string | undefined {
  const [named, companyId] = workflowId.split('/');
  return named === 'onboarding' || named === 'schedule' ? undefined : companyId;
}

/** Of messages and webhooks: what is tried again there, and who hears of it, is their own rule. */
export const isDelivery = (workflowId: string): boolean =>
  workflowId.startsWith('notification/') || workflowId.startsWith('webhook/');
