import {
  lifecycleBounds,
  lifecycleDefaults,
  lifecycleProblems,
  resolveLifecycle,
} from '../../../src/rules/lifecycle.ts';

describe('resolveLifecycle', () => {
  it('takes the plan, then the company, then the default, and says which', () => {
    const lifecycle = resolveLifecycle(
      { lateRenewalDays: 0, renewalReminderDays: [5] },
      { lateRenewalDays: 60, renewalOfferDays: 60 },
    );

    expect(lifecycle).toMatchObject({
      lateRenewalDays: { value: 0, source: 'plan' },
      renewalReminderDays: { value: [5], source: 'plan' },
      renewalOfferDays: { value: 60, source: 'setting' },
      coolingOffDays: { value: 14, source: 'default' },
      shortRate: { value: 0, source: 'default' },
    });
  });

  it('gives every number a value', () => {
    const lifecycle = resolveLifecycle({}, {});

    expect(Object.keys(lifecycle)).toEqual(Object.keys(lifecycleDefaults));
  });

  it('does not go on with a stored value out of bounds', () => {
    expect(() => resolveLifecycle({ coolingOffDays: 61 }, {})).toThrow(RangeError);
    expect(() => resolveLifecycle({}, { renewalOfferDays: 13 })).toThrow(RangeError);
  });
});

describe('lifecycleProblems', () => {
  it('finds none in the defaults', () => {
    expect(lifecycleProblems(lifecycleDefaults)).toEqual([]);
  });

  it.each([
    ['renewalOfferDays', 14, 90],
    ['lateRenewalDays', 0, 90],
    ['coolingOffDays', 0, 60],
    ['shortRate', 0, 1],
    ['paymentWindowHours', 1, 336],
    ['graceDays', 0, 90],
    ['reinstatementDays', 0, 180],
  ] as const)('takes %s from %d to %d and nothing outside', (field, min, max) => {
    const problems = [min - 1, min, max, max + 1].map((value) =>
      lifecycleProblems({ [field]: value }),
    );

    expect(problems.map((found) => found.length)).toEqual([1, 0, 0, 1]);
    expect(lifecycleBounds[field]).toMatchObject({ min, max });
  });

  it.each([
    [{ renewalOffer: 30 }, 'renewalOffer', 'UNKNOWN_FIELD'],
    [{ toString: 30 }, 'toString', 'UNKNOWN_FIELD'],
    [{ graceDays: 1.5 }, 'graceDays', 'OUT_OF_RANGE'],
    [{ graceDays: '30' }, 'graceDays', 'OUT_OF_RANGE'],
    [{ graceDays: null }, 'graceDays', 'OUT_OF_RANGE'],
    [{ shortRate: 0.12345 }, 'shortRate', 'OUT_OF_RANGE'],
    [{ renewalReminderDays: [7, 7] }, 'renewalReminderDays', 'OUT_OF_RANGE'],
    [{ renewalReminderDays: [0] }, 'renewalReminderDays', 'OUT_OF_RANGE'],
    [{ renewalReminderDays: 7 }, 'renewalReminderDays', 'OUT_OF_RANGE'],
    [[], '', 'INVALID_FORMAT'],
    [null, '', 'INVALID_FORMAT'],
  ])('refuses %j', (config, field, code) => {
    expect(lifecycleProblems(config)).toEqual([expect.objectContaining({ field, code })]);
  });

  it('takes every share of up to four places', () => {
    const shares = Array.from({ length: 10_001 }, (_, index) => index / 10_000);

    expect(shares.filter((shortRate) => lifecycleProblems({ shortRate }).length > 0)).toEqual([]);
  });
});
