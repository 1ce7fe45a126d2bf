import {
  allowedTransitions,
  isLive,
  nextStatus,
  policyStatus,
  subscriptionEvents,
  subscriptionStatuses,
} from '../../src/rules/subscriptions.ts';

/** Requirements 2.4; whatever is not listed is illegal. */
const legal: Readonly<Record<string, string>> = {
  'none subscribe': 'active',
  'none order': 'pending_payment',
  'pending_payment charge': 'pending_payment',
  'pending_payment pay': 'active',
  'pending_payment not_taken_up': 'cancelled',
  'active start': 'active',
  'active expire': 'expired',
  'active cancel': 'cancelled',
  'active schedule_cancel': 'active',
  'active renew': 'active',
  'active change_expiry': 'active',
  'active endorse': 'active',
  'active charge': 'active',
  'active miss_payment': 'grace',
  'grace start': 'grace',
  'pending_payment move_deadline': 'pending_payment',
  'active move_deadline': 'active',
  'grace move_deadline': 'grace',
  'lapsed move_deadline': 'lapsed',
  'grace charge': 'grace',
  'grace pay': 'active',
  'grace cancel': 'cancelled',
  'grace schedule_cancel': 'grace',
  'grace lapse': 'lapsed',
  'grace expire': 'expired',
  'lapsed ask_reinstatement': 'lapsed',
  'lapsed reinstate': 'active',
  'lapsed expire': 'expired',
  'expired late_renew': 'active',
};

const everyPair = (['none', ...subscriptionStatuses] as const).flatMap((status) =>
  subscriptionEvents.map((event) => ({ status, event, next: legal[`${status} ${event}`] })),
);

describe('the transition table', () => {
  it.each(everyPair)('leads from $status by $event to $next', ({ status, event, next }) => {
    expect(nextStatus(status, event)).toBe(next);
  });

  it('knows the six statuses and these events', () => {
    expect(subscriptionStatuses).toEqual([
      'pending_payment',
      'active',
      'grace',
      'lapsed',
      'expired',
      'cancelled',
    ]);
    expect([...subscriptionEvents].toSorted()).toEqual(
      [...new Set(Object.keys(legal).map((row) => row.split(' ')[1]))].toSorted(),
    );
  });

  it('has one answer for a status and an event', () => {
    expect(everyPair.filter(({ next }) => next !== undefined)).toHaveLength(
      Object.keys(legal).length,
    );
  });
});

describe('allowedTransitions', () => {
  it('names what a person may ask for, and no timer', () => {
    expect(allowedTransitions('active')).toEqual([
      'cancel',
      'schedule_cancel',
      'renew',
      'change_expiry',
      'endorse',
    ]);
    expect(allowedTransitions('pending_payment')).toEqual(['charge', 'move_deadline']);
    expect(allowedTransitions('grace')).toEqual([
      'charge',
      'move_deadline',
      'cancel',
      'schedule_cancel',
    ]);
    expect(allowedTransitions('lapsed')).toEqual([
      'move_deadline',
      'ask_reinstatement',
      'reinstate',
    ]);
    expect(allowedTransitions('expired')).toEqual(['late_renew']);
    expect(allowedTransitions('cancelled')).toEqual([]);
  });

  it('names legal events only', () => {
    for (const status of subscriptionStatuses) {
      const allowed = allowedTransitions(status);

      expect(allowed.every((event) => nextStatus(status, event) !== undefined)).toBe(true);
    }
  });
});

describe('a subscription', () => {
  it('is live while it is awaited, active or in its grace', () => {
    expect(subscriptionStatuses.filter(isLive)).toEqual(['pending_payment', 'active', 'grace']);
  });

  it.each([
    ['active', false, 'draft'],
    ['active', true, 'active'],
    ['pending_payment', true, 'draft'],
    ['grace', true, 'grace'],
    ['lapsed', true, 'lapsed'],
    ['expired', true, 'expired'],
    ['cancelled', false, 'cancelled'],
    ['cancelled', true, 'cancelled'],
  ] as const)('that is %s, started: %s, has a policy that is %s', (status, started, policy) => {
    expect(policyStatus(status, started)).toBe(policy);
  });
});
