import { jobActivities, type OpenWorkflows } from './jobs.ts';
import { notificationActivities, type MailDependencies } from './notifications.ts';
import { subscriptionActivities } from './subscriptions.ts';

export interface ActivityDependencies extends MailDependencies {
  readonly openWorkflows: OpenWorkflows;
}

/** Everything a workflow may have done outside of itself. Needs an open database. */
export const createActivities = (dependencies: ActivityDependencies) => ({
  ...subscriptionActivities(),
  ...notificationActivities(dependencies),
  ...jobActivities(dependencies),
});

export type Activities = ReturnType<typeof createActivities>;
