import fc from 'fast-check';
import { addDays, addMonths, dateAt, startOfDay } from '../../src/rules/calendar.ts';
import {
  endDateOfExpiry,
  expiryChangeProblem,
  lifecycleBounds,
  lifecycleDefaults,
  lifecycleProblems,
  resolveLifecycle,
  timersAfterExpiryChange,
  timersOfTerm,
  type LifecycleConfig,
  type TermClock,
  type TimerPlan,
} from '../../src/rules/lifecycle.ts';
import { calendarDates, timeZones } from './property.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const at = (text: string): number => Date.parse(text);
const names = (timers: readonly TimerPlan[]): string[] => timers.map(({ name }) => name);

const buildTerm = ({
  plan = {},
  ...overrides
}: Partial<TermClock> & { plan?: LifecycleConfig } = {}): TermClock => ({
  termNo: 1,
  startDate: '2025-01-01',
  endDate: '2026-01-01',
  purchasedAt: at('2025-01-01T09:00:00Z'),
  timeZone: 'UTC',
  lifecycle: resolveLifecycle(plan, {}),
  ...overrides,
});

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

describe('timersOfTerm', () => {
  it('plans the offer, reminders, call, expiry and close of a term', () => {
    const timers = timersOfTerm(buildTerm());

    expect(timers.map(({ name, dueAt }) => [name, dateAt(dueAt, 'UTC')])).toEqual([
      ['renewal_offer', '2025-11-17'],
      ['renewal_reminder_30', '2025-12-02'],
      ['renewal_reminder_14', '2025-12-18'],
      ['renewal_reminder_7', '2025-12-25'],
      ['renewal_call', '2025-12-25'],
      ['renewal_reminder_1', '2025-12-31'],
      ['expiry', '2026-01-01'],
      ['late_renewal_close', '2026-01-31'],
    ]);
    expect(timers.every(({ occurrence }) => occurrence === 1)).toBe(true);
  });

  it('names the source of each', () => {
    const lifecycle = resolveLifecycle({ renewalOfferDays: 60 }, { lateRenewalDays: 10 });

    const timers = timersOfTerm(buildTerm({ lifecycle }));

    expect(Object.fromEntries(timers.map(({ name, source }) => [name, source]))).toMatchObject({
      renewal_offer: 'plan',
      renewal_reminder_7: 'default',
      expiry: 'term',
      late_renewal_close: 'setting',
    });
  });

  it('starts a first term that begins in the future', () => {
    const timers = timersOfTerm(buildTerm({ startDate: '2025-01-02' }));

    expect(timers[0]).toEqual({
      name: 'start',
      occurrence: 1,
      dueAt: at('2025-01-02T00:00:00Z'),
      source: 'term',
    });
  });

  it.each([
    ['begins today', 1, '2025-01-01'],
    ['renews one still running', 2, '2025-01-20'],
  ])('starts no term that %s', (_, termNo, startDate) => {
    expect(names(timersOfTerm(buildTerm({ termNo, startDate })))).not.toContain('start');
  });

  it('leaves out what is past at the purchase, but not the expiry', () => {
    const timers = timersOfTerm(buildTerm({ purchasedAt: at('2025-12-20T00:00:00Z') }));
    const expired = timersOfTerm(buildTerm({ purchasedAt: at('2026-03-01T00:00:00Z') }));

    expect(names(timers)).toEqual([
      'renewal_reminder_7',
      'renewal_call',
      'renewal_reminder_1',
      'expiry',
      'late_renewal_close',
    ]);
    expect(names(expired)).toEqual(['expiry']);
  });

  it('offers no renewal before the term has begun', () => {
    const timers = timersOfTerm(buildTerm({ startDate: '2025-02-01', endDate: '2025-02-21' }));

    expect(names(timers)).toEqual([
      'start',
      'renewal_reminder_14',
      'renewal_reminder_7',
      'renewal_call',
      'renewal_reminder_1',
      'expiry',
      'late_renewal_close',
    ]);
  });

  it('does not remind on the day of the offer or before it', () => {
    const plan = { renewalOfferDays: 14, renewalReminderDays: [30, 14, 7] };

    const timers = timersOfTerm(buildTerm({ plan }));

    expect(names(timers).filter((name) => name.startsWith('renewal_'))).toEqual([
      'renewal_offer',
      'renewal_reminder_7',
      'renewal_call',
    ]);
  });

  it('has no close without a late window', () => {
    const timers = timersOfTerm(buildTerm({ plan: { lateRenewalDays: 0 } }));

    expect(names(timers).at(-1)).toBe('expiry');
  });

  it('keeps midnight of the zone across a change of clocks', () => {
    const timeZone = 'Europe/Berlin';

    const timers = timersOfTerm(
      buildTerm({ startDate: '2024-04-05', endDate: '2025-04-05', timeZone }),
    );

    const due = Object.fromEntries(
      timers.map(({ name, dueAt }) => [name, new Date(dueAt).toISOString()]),
    );
    expect(due).toMatchObject({
      renewal_reminder_7: '2025-03-28T23:00:00.000Z',
      renewal_reminder_1: '2025-04-03T22:00:00.000Z',
      expiry: '2025-04-04T22:00:00.000Z',
    });
  });

  it('is sorted, has each name once, and nothing after the close', () => {
    fc.assert(
      fc.property(terms(), (term) => {
        const timers = timersOfTerm(term);

        const dues = timers.map(({ dueAt }) => dueAt);
        expect(dues).toEqual([...dues].sort((a, b) => a - b));
        expect(new Set(names(timers)).size).toBe(timers.length);
        expect(names(timers).filter((name) => name === 'expiry')).toHaveLength(1);
        expect(['expiry', 'late_renewal_close']).toContain(names(timers).at(-1));
        const unexpected = timers.filter(
          ({ name, dueAt }) => name !== 'expiry' && dueAt <= term.purchasedAt,
        );
        expect(unexpected).toEqual([]);
      }),
    );
  });
});

describe('expiryChangeProblem', () => {
  const now = at('2025-06-01T12:00:00Z');
  const startsAt = at('2025-01-01T00:00:00Z');

  it.each([0, 1, 30 * dayMs])('takes %i ms from now', (ms) => {
    expect(expiryChangeProblem({ expiresAt: now + ms, now, startsAt })).toBeUndefined();
  });

  it.each([-1, 30 * dayMs + 1])('refuses %i ms from now', (ms) => {
    expect(expiryChangeProblem({ expiresAt: now + ms, now, startsAt })).toMatchObject({
      code: 'EXPIRY_OUT_OF_RANGE',
    });
  });

  it('refuses an end before the start of the term', () => {
    const change = { expiresAt: now + dayMs, now, startsAt: now + dayMs };

    expect(expiryChangeProblem(change)).toMatchObject({ code: 'EXPIRY_BEFORE_START' });
  });
});

describe('endDateOfExpiry', () => {
  const term = { startDate: '2025-06-01', timeZone: 'Europe/Berlin' };

  it.each([
    ['2025-08-10T15:00:23Z', '2025-08-10'],
    ['2025-08-09T22:00:00Z', '2025-08-10'],
    ['2025-06-01T09:00:00Z', '2025-06-02'],
  ])('of %s is %s, at least a day after the start', (expiresAt, date) => {
    expect(endDateOfExpiry(at(expiresAt), term)).toBe(date);
  });

  it('is the old end date for an unmoved expiry', () => {
    fc.assert(
      fc.property(calendarDates, timeZones, (startDate, timeZone) => {
        const endDate = addMonths(startDate, 6);
        fc.pre(endDate !== '2011-12-30');

        expect(endDateOfExpiry(startOfDay(endDate, timeZone), { startDate, timeZone })).toBe(
          endDate,
        );
      }),
    );
  });
});

describe('timersAfterExpiryChange', () => {
  const startDate = '2025-01-01';
  const timeZone = 'UTC';
  const timers = timersOfTerm(buildTerm());

  it('moves every timer with an expiry that comes earlier', () => {
    const now = at('2025-06-01T12:00:00Z');
    const expiresAt = now + 30 * dayMs;

    const { scheduled, cancelled } = timersAfterExpiryChange({
      timers,
      expiresAt,
      now,
      startDate,
      timeZone,
    });

    expect(scheduled.map(({ name, dueAt }) => [name, new Date(dueAt).toISOString()])).toEqual([
      ['renewal_reminder_30', '2025-06-01T12:00:00.000Z'],
      ['renewal_reminder_14', '2025-06-17T12:00:00.000Z'],
      ['renewal_reminder_7', '2025-06-24T12:00:00.000Z'],
      ['renewal_call', '2025-06-24T12:00:00.000Z'],
      ['renewal_reminder_1', '2025-06-30T12:00:00.000Z'],
      ['expiry', '2025-07-01T12:00:00.000Z'],
      ['late_renewal_close', '2025-07-31T00:00:00.000Z'],
    ]);
    expect(cancelled).toEqual(['renewal_offer']);
  });

  it('sends only the latest of the reminders now past, and asks for the call', () => {
    const now = at('2025-06-01T12:00:00Z');
    const expiresAt = now + 2 * 60_000;

    const { scheduled, cancelled } = timersAfterExpiryChange({
      timers,
      expiresAt,
      now,
      startDate,
      timeZone,
    });

    expect(scheduled.map(({ name, dueAt }) => [name, dueAt])).toEqual([
      ['renewal_call', now],
      ['renewal_reminder_1', now],
      ['expiry', expiresAt],
      ['late_renewal_close', at('2025-07-01T00:00:00Z')],
    ]);
    expect(cancelled).toEqual([
      'renewal_offer',
      'renewal_reminder_30',
      'renewal_reminder_14',
      'renewal_reminder_7',
    ]);
  });

  it('keeps the reminders still to come when the expiry moves back', () => {
    const now = at('2025-12-26T00:00:00Z');
    const open = timers.filter(({ dueAt }) => dueAt > now);

    const { scheduled, cancelled } = timersAfterExpiryChange({
      timers: open,
      expiresAt: at('2026-01-11T00:00:00Z'),
      now,
      startDate,
      timeZone,
    });

    expect(scheduled.map(({ name, dueAt }) => [name, dateAt(dueAt, timeZone)])).toEqual([
      ['renewal_reminder_1', '2026-01-10'],
      ['expiry', '2026-01-11'],
      ['late_renewal_close', '2026-02-10'],
    ]);
    expect(cancelled).toEqual([]);
  });

  it('keeps a cancellation that comes first and drops one that comes too late', () => {
    const now = at('2025-06-01T00:00:00Z');
    const cancellation = (dueAt: number): TimerPlan => ({
      name: 'cancellation',
      occurrence: 1,
      dueAt,
      source: 'command',
    });
    const move = (dueAt: number) =>
      timersAfterExpiryChange({
        timers: [...timers, cancellation(dueAt)],
        expiresAt: now + 5 * dayMs,
        now,
        startDate,
        timeZone,
      });

    const early = move(now + 2 * dayMs);
    const late = move(now + 6 * dayMs);

    expect(early.scheduled).toContainEqual(cancellation(now + 2 * dayMs));
    expect(late.cancelled).toContain('cancellation');
  });

  it('changes nothing when the expiry stays', () => {
    fc.assert(
      fc.property(terms(), (term) => {
        const planned = timersOfTerm({
          ...term,
          purchasedAt: startOfDay(term.startDate, term.timeZone) - hourMs,
        });
        const expiresAt = startOfDay(term.endDate, term.timeZone);
        const now = startOfDay(term.startDate, term.timeZone);

        const { scheduled, cancelled } = timersAfterExpiryChange({
          ...term,
          timers: planned,
          expiresAt,
          now,
        });

        expect([...scheduled].sort(byName)).toEqual([...planned].sort(byName));
        expect(cancelled).toEqual([]);
      }),
    );
  });

  it('loses no timer, fires nothing in the past, and ends with the close', () => {
    const minutes = fc.integer({ min: 0, max: 30 * 24 * 60 });

    fc.assert(
      fc.property(terms(), fc.integer({ min: 0, max: 400 }), minutes, (term, days, ahead) => {
        const now = startOfDay(addDays(term.startDate, days), term.timeZone) + 17 * 60_000;
        const expiresAt = now + ahead * 60_000;
        const open = timersOfTerm(term).filter(
          ({ name, dueAt }) => name === 'expiry' || dueAt > now,
        );

        const { scheduled, cancelled } = timersAfterExpiryChange({
          ...term,
          timers: open,
          expiresAt,
          now,
        });

        expect([...names(scheduled), ...cancelled].sort()).toEqual(names(open).sort());
        expect(scheduled.every(({ dueAt }) => dueAt >= now)).toBe(true);
        expect(['expiry', 'late_renewal_close']).toContain(names(scheduled).at(-1));
        expect(scheduled.find(({ name }) => name === 'expiry')?.dueAt).toBe(expiresAt);
      }),
    );
  });

  it('is an error once the expiry has fired', () => {
    expect(() =>
      timersAfterExpiryChange({ timers: [], expiresAt: 1, now: 0, startDate, timeZone }),
    ).toThrow(RangeError);
  });
});

const byName = (a: TimerPlan, b: TimerPlan): number => a.name.localeCompare(b.name);

function terms() {
  return fc
    .record({
      startDate: calendarDates,
      halfYears: fc.integer({ min: 1, max: 4 }),
      bought: fc.integer({ min: -90 * 24, max: 40 * 24 }),
      timeZone: timeZones,
      termNo: fc.integer({ min: 1, max: 3 }),
      offer: fc.integer({ min: 14, max: 90 }),
      reminders: fc.uniqueArray(fc.integer({ min: 1, max: 90 }), { maxLength: 10 }),
      late: fc.integer({ min: 0, max: 90 }),
    })
    .map(
      ({ startDate, halfYears, bought, timeZone, termNo, offer, reminders, late }): TermClock => {
        const endDate = addMonths(startDate, halfYears * 6);
        const purchasedAt = startOfDay(startDate, timeZone) + bought * hourMs;
        const plan = {
          renewalOfferDays: offer,
          renewalReminderDays: reminders,
          lateRenewalDays: late,
        };
        return {
          termNo,
          startDate,
          endDate,
          purchasedAt,
          timeZone,
          lifecycle: resolveLifecycle(plan, {}),
        };
      },
    );
}
