export { maintain, reconcile } from './jobs.ts';
export { notificationDelivery } from './notificationDelivery.ts';
export { subscriptionLifecycle } from './subscriptionLifecycle.ts';
