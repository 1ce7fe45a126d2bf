import { jobActivities, type OpenWorkflows } from './jobs.ts';
import { notificationActivities, type MailDependencies } from './notifications.ts';
import { onboardingActivities } from './onboarding.ts';
import { provisioningActivities } from './provisioning.ts';
import { subscriptionActivities } from './subscriptions.ts';

export interface ActivityDependencies extends MailDependencies {
  readonly openWorkflows: OpenWorkflows;
  /** Every company gets `<code>.<this>`; none where it is not set. */
  readonly platformDomain: string | undefined;
}

/** Everything a workflow may have done outside of itself. Needs an open database. */
export const createActivities = (dependencies: ActivityDependencies) => ({
  ...subscriptionActivities(),
  ...onboardingActivities(dependencies),
  ...provisioningActivities(dependencies),
  ...notificationActivities(dependencies),
  ...jobActivities(dependencies),
});

export type Activities = ReturnType<typeof createActivities>;
