/**
 * The lifecycle of a subscription as data while nothing is billed. A new status is a row of
 * `statuses`, a new step a row of `transitions`. Loaded by workflows: imports nothing.
 */
const statuses = [
  { code: 'active', isLive: true, policy: 'active' },
  { code: 'expired', isLive: false, policy: 'expired' },
  { code: 'cancelled', isLive: false, policy: 'cancelled' },
] as const;

/**
 * `by: 'user'` is what a person may ask for; the same event may also come from a timer (a scheduled
 * cancellation, auto_renew). `none` is the state before the subscription exists.
 */
const transitions = [
  { from: 'none', event: 'subscribe', to: 'active', by: 'user' },
  { from: 'active', event: 'start', to: 'active', by: 'timer' },
  { from: 'active', event: 'expire', to: 'expired', by: 'timer' },
  { from: 'active', event: 'cancel', to: 'cancelled', by: 'user' },
  { from: 'active', event: 'schedule_cancel', to: 'active', by: 'user' },
  { from: 'active', event: 'renew', to: 'active', by: 'user' },
  { from: 'active', event: 'change_expiry', to: 'active', by: 'user' },
  { from: 'expired', event: 'late_renew', to: 'active', by: 'user' },
] as const satisfies readonly {
  from: StatusBefore;
  event: string;
  to: SubscriptionStatus;
  by: 'user' | 'timer';
}[];

export type SubscriptionStatus = (typeof statuses)[number]['code'];

export type StatusBefore = SubscriptionStatus | 'none';

export type SubscriptionEvent = (typeof transitions)[number]['event'];

/** What a policy shows; derived from its subscription, never decided on its own. */
export type PolicyStatus = 'draft' | (typeof statuses)[number]['policy'];

/** Every status, in the order of the requirement. */
export const subscriptionStatuses: readonly SubscriptionStatus[] = statuses.map(({ code }) => code);

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

/** The events a person may ask for in this status; a 409 names them. Timers' events are left out. */
export const allowedTransitions = (status: StatusBefore): readonly SubscriptionEvent[] =>
  transitions.filter((row) => row.from === status && row.by === 'user').map((row) => row.event);

/** Whether the contract runs, so that it can be cancelled and blocks a second one like it. */
export const isLive = (status: SubscriptionStatus): boolean =>
  statuses.some((row) => row.code === status && row.isLive);

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
