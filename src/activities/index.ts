import type { PlatformAddresses } from '../rules/hostNames.ts';
import { acknowledgementActivities } from './acknowledgements.ts';
import { bookingActivities } from './bookings.ts';
import { bulkActivities, type OperateRun } from './bulk.ts';
import { alertActivities, type TroubledRuns } from './alerts.ts';
import { claimActivities } from './claims.ts';
import { closedRunActivities, type ClosedRunDependencies } from './closedRuns.ts';
import { deadlineActivities } from './deadlines.ts';
import { documentActivities, type DocumentDependencies } from './documents.ts';
import { endorsementActivities } from './endorsements.ts';
import type { OpenWorkflows } from './drift.ts';
import { jobActivities } from './jobs.ts';
import { notificationActivities, type MailDependencies } from './notifications.ts';
import { onboardingActivities } from './onboarding.ts';
import { paymentActivities, type PaymentDependencies } from './payments.ts';
import { policyApprovalActivities } from './policyApprovals.ts';
import { premiumActivities } from './premiums.ts';
import { provisioningActivities } from './provisioning.ts';
import { reinstatementActivities } from './reinstatements.ts';
import { replayActivities, type ReplayDependencies } from './replays.ts';
import { reportActivities, type ReportSchedules } from './reports.ts';
import { subscriptionActivities } from './subscriptions.ts';
import { webhookActivities, type WebhookDependencies } from './webhooks.ts';

export interface ActivityDependencies
  extends
    MailDependencies,
    Pick<ClosedRunDependencies, 'closedRuns'>,
    DocumentDependencies,
    PaymentDependencies,
    PlatformAddresses,
    ReplayDependencies,
    WebhookDependencies {
  readonly openWorkflows: OpenWorkflows;
  readonly troubledRuns: TroubledRuns;
  readonly reportSchedules: ReportSchedules;
  readonly operateRun: OperateRun;
}

/** Everything a workflow may have done outside of itself. Needs an open database. */
export const createActivities = (dependencies: ActivityDependencies) => ({
  ...subscriptionActivities(),
  ...endorsementActivities(),
  ...premiumActivities(),
  ...reinstatementActivities(),
  ...deadlineActivities(),
  ...claimActivities(),
  ...policyApprovalActivities(),
  ...acknowledgementActivities(),
  ...onboardingActivities(dependencies),
  ...provisioningActivities(dependencies),
  ...notificationActivities(dependencies),
  ...paymentActivities(dependencies),
  ...bookingActivities(),
  ...jobActivities(dependencies),
  ...bulkActivities(dependencies),
  ...alertActivities(dependencies),
  ...reportActivities(dependencies),
  ...documentActivities(dependencies),
  ...closedRunActivities(dependencies),
  ...replayActivities(dependencies),
  ...webhookActivities(dependencies),
});

export type Activities = ReturnType<typeof createActivities>;
