import fc from 'fast-check';
import { addDays, addMonths, dateAt, startOfDay } from '../../../src/rules/calendar.ts';
import {
  endDateOfExpiry,
  expiryChangeProblem,
  timersAfterExpiryChange,
  timersOfTerm,
  type TimerPlan,
} from '../../../src/rules/termTimers.ts';
import { calendarDates, timeZones } from '../property.ts';
import { at, buildTerm, hourMs, names, terms } from './build.ts';

const dayMs = 24 * hourMs;

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
  const change = (wish: { now: number; expiresAt: number; timers?: TimerPlan[] }) =>
    timersAfterExpiryChange({ timers, startDate, timeZone, ...wish });

  it('moves every timer with an expiry that comes earlier', () => {
    const now = at('2025-06-01T12:00:00Z');
    const expiresAt = now + 30 * dayMs;

    const { scheduled, cancelled } = change({ now, expiresAt });

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

    const { scheduled, cancelled } = change({ now, expiresAt });

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

    const { scheduled, cancelled } = change({
      now,
      expiresAt: at('2026-01-11T00:00:00Z'),
      timers: open,
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
      change({
        now,
        expiresAt: now + 5 * dayMs,
        timers: [...timers, cancellation(dueAt)],
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
    expect(() => change({ now: 0, expiresAt: 1, timers: [] })).toThrow(RangeError);
  });
});

const byName = (a: TimerPlan, b: TimerPlan): number => a.name.localeCompare(b.name);
