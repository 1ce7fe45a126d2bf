import fc from 'fast-check';
import { dateAt } from '../../../src/rules/calendar.ts';
import { resolveLifecycle } from '../../../src/rules/lifecycle.ts';
import { timersOfTerm } from '../../../src/rules/termTimers.ts';
import { at, buildTerm, names, terms } from './build.ts';
import { seed } from '../property.ts';

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
      { seed },
    );
  });
});
