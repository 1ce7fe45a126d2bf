import type { Failpoint } from '../../src/failpoints.ts';

/** Where the worker dies while it gives money back. */
export const paymentDeaths: readonly { readonly at: Failpoint; readonly where?: string }[] = [
  { at: 'activity.before', where: 'sendPayment' },
  { at: 'gateway.beforeSend' },
  { at: 'gateway.afterSend' },
  { at: 'activity.after', where: 'sendPayment' },
  { at: 'activity.before', where: 'settlePayment' },
  { at: 'activity.after', where: 'settlePayment' },
];
