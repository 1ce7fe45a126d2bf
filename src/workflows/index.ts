export { acknowledgement } from './acknowledgement.ts';
export { bookingLifecycle } from './bookingLifecycle.ts';
export { bulkOperation } from './bulkOperation.ts';
export { claimProcessing } from './claimProcessing.ts';
export { documentScan } from './documentScan.ts';
export {
  alignReports,
  exportHistories,
  maintain,
  reconcile,
  remindOfRenewals,
  tendDocuments,
  watchRuns,
} from './jobs.ts';
export { notificationDelivery } from './notificationDelivery.ts';
export { payment } from './payment.ts';
export { policyApproval } from './policyApproval.ts';
export { replayCheck } from './replayCheck.ts';
export { report, scheduledReport } from './report.ts';
export { subscriptionLifecycle } from './subscriptionLifecycle.ts';
export { tenantOnboarding } from './tenantOnboarding.ts';
export { webhookDelivery } from './webhookDelivery.ts';
