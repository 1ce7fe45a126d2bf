export { maintain, reconcile, remindOfRenewals } from './jobs.ts';
export { notificationDelivery } from './notificationDelivery.ts';
export { subscriptionLifecycle } from './subscriptionLifecycle.ts';
export { tenantOnboarding } from './tenantOnboarding.ts';
