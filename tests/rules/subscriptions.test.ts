import {
  allowedTransitions,
  isLive,
  nextStatus,
  policyStatus,
  subscriptionEvents,
  subscriptionStatuses,
} from '../../src/rules/subscriptions.ts';

/** Requirements 2.4 without billing; whatever is not listed is illegal. */
const legal: Readonly<Record<string, string>> = {
  'none subscribe': 'active',
  'active start': 'active',
  'active expire': 'expired',
  'active cancel': 'cancelled',
  'active schedule_cancel': 'active',
  'active renew': 'active',
  'active change_expiry': 'active',
  'expired late_renew': 'active',
};

const everyPair = (['none', ...subscriptionStatuses] as const).flatMap((status) =>
  subscriptionEvents.map((event) => ({ status, event, next: legal[`${status} ${event}`] })),
);

describe('the transition table', () => {
  it.each(everyPair)('leads from $status by $event to $next', ({ status, event, next }) => {
    expect(nextStatus(status, event)).toBe(next);
  });

  it('knows the three statuses and eight events', () => {
    expect(subscriptionStatuses).toEqual(['active', 'expired', 'cancelled']);
    expect([...subscriptionEvents].toSorted()).toEqual(
      Object.keys(legal)
        .map((row) => row.split(' ')[1])
        .toSorted(),
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
  it('is live while it is active', () => {
    expect(subscriptionStatuses.filter(isLive)).toEqual(['active']);
  });

  it.each([
    ['active', false, 'draft'],
    ['active', true, 'active'],
    ['expired', true, 'expired'],
    ['cancelled', false, 'cancelled'],
    ['cancelled', true, 'cancelled'],
  ] as const)('that is %s, started: %s, has a policy that is %s', (status, started, policy) => {
    expect(policyStatus(status, started)).toBe(policy);
  });
});
