/**
 * The lifecycle of a subscription as data. A new status is a row of `statuses`, a new step a row of
 * `transitions`. `pending_payment`, `grace` and `lapsed` occur where premiums are invoiced. Loaded by
 * workflows: imports nothing.
 */
const statuses = [
  { code: 'pending_payment', isLive: true, policy: 'draft' },
  { code: 'active', isLive: true, policy: 'active' },
  { code: 'grace', isLive: true, policy: 'grace' },
  { code: 'lapsed', isLive: false, policy: 'lapsed' },
  { code: 'expired', isLive: false, policy: 'expired' },
  { code: 'cancelled', isLive: false, policy: 'cancelled' },
] as const;

/**
 * `by: 'user'` is what a person may ask for; the same event may also come from a timer (a scheduled
 * cancellation, auto_renew). `payment`: from money that came, or on its way. `none` is the state before
 * the subscription exists.
 */
const transitions = [
  { from: 'none', event: 'subscribe', to: 'active', by: 'user' },
  { from: 'none', event: 'order', to: 'pending_payment', by: 'user' },
  { from: 'pending_payment', event: 'charge', to: 'pending_payment', by: 'user' },
  { from: 'pending_payment', event: 'move_deadline', to: 'pending_payment', by: 'user' },
  { from: 'pending_payment', event: 'pay', to: 'active', by: 'payment' },
  { from: 'pending_payment', event: 'not_taken_up', to: 'cancelled', by: 'timer' },
  { from: 'active', event: 'start', to: 'active', by: 'timer' },
  { from: 'active', event: 'expire', to: 'expired', by: 'timer' },
  { from: 'active', event: 'cancel', to: 'cancelled', by: 'user' },
  { from: 'active', event: 'schedule_cancel', to: 'active', by: 'user' },
  { from: 'active', event: 'renew', to: 'active', by: 'user' },
  { from: 'active', event: 'change_expiry', to: 'active', by: 'user' },
  { from: 'active', event: 'endorse', to: 'active', by: 'user' },
  { from: 'active', event: 'charge', to: 'active', by: 'payment' },
  { from: 'active', event: 'move_deadline', to: 'active', by: 'payment' },
  { from: 'active', event: 'miss_payment', to: 'grace', by: 'timer' },
  // A premium may be due at the very moment at which the cover begins.
  { from: 'grace', event: 'start', to: 'grace', by: 'timer' },
  { from: 'grace', event: 'charge', to: 'grace', by: 'user' },
  { from: 'grace', event: 'move_deadline', to: 'grace', by: 'user' },
  { from: 'grace', event: 'pay', to: 'active', by: 'payment' },
  { from: 'grace', event: 'cancel', to: 'cancelled', by: 'user' },
  { from: 'grace', event: 'schedule_cancel', to: 'grace', by: 'user' },
  { from: 'grace', event: 'lapse', to: 'lapsed', by: 'timer' },
  { from: 'grace', event: 'expire', to: 'expired', by: 'timer' },
  { from: 'lapsed', event: 'move_deadline', to: 'lapsed', by: 'user' },
  { from: 'lapsed', event: 'ask_reinstatement', to: 'lapsed', by: 'user' },
  { from: 'lapsed', event: 'reinstate', to: 'active', by: 'user' },
  { from: 'lapsed', event: 'expire', to: 'expired', by: 'timer' },
  { from: 'expired', event: 'late_renew', to: 'active', by: 'user' },
] as const satisfies readonly {
  from: StatusBefore;
  event: string;
  to: SubscriptionStatus;
  by: 'user' | 'timer' | 'payment';
}[];

export type SubscriptionStatus = (typeof statuses)[number]['code'];

export type StatusBefore = SubscriptionStatus | 'none';

export type SubscriptionEvent = (typeof transitions)[number]['event'];

/** What a policy shows; derived from its subscription, never decided on its own. */
export type PolicyStatus = 'draft' | (typeof statuses)[number]['policy'];

/** Every status, in the order of the requirement. */
export const subscriptionStatuses: readonly SubscriptionStatus[] = statuses.map(({ code }) => code);

/** Those in which the contract runs. */
export const liveStatuses: readonly SubscriptionStatus[] = statuses
  .filter((row) => row.isLive)
  .map(({ code }) => code);

/** Every event, in the order of the table. */
export const subscriptionEvents: readonly SubscriptionEvent[] = [
  ...new Set(transitions.map(({ event }) => event)),
];

/** The status after the event; undefined when the event is illegal in this status. */
export const nextStatus = (
  status: StatusBefore,
  event: SubscriptionEvent,
): SubscriptionStatus | undefined =>
  transitions.find((row) => row.from === status && row.event === event)?.to;

/** The events a person may ask for in this status; a 409 names them. The others are left out. */
export const allowedTransitions = (status: StatusBefore): readonly SubscriptionEvent[] =>
  transitions.filter((row) => row.from === status && row.by === 'user').map((row) => row.event);

/** Whether the contract runs, so that it can be cancelled and blocks a second one like it. */
export const isLive = (status: SubscriptionStatus): boolean => liveStatuses.includes(status);

/**
 * The policy of a subscription in this status. `hasStarted`: the first term's start has come; until
 * then the policy of a live subscription is a draft.
 */
export const policyStatus = (status: SubscriptionStatus, hasStarted: boolean): PolicyStatus => {
  if (isLive(status) && !hasStarted) return 'draft';
  const row = statuses.find(({ code }) => code === status);
  if (!row) throw new RangeError(`Unknown subscription status: ${status}`);
  return row.policy;
};
