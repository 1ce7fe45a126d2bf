import fc from 'fast-check';
import { addMonths, startOfDay } from '../../../src/rules/calendar.ts';
import { resolveLifecycle, type LifecycleConfig } from '../../../src/rules/lifecycle.ts';
import type { TermClock, TimerPlan } from '../../../src/rules/termTimers.ts';
import { calendarDates, timeZones } from '../property.ts';

export const hourMs = 3_600_000;
export const at = (text: string): number => Date.parse(text);
export const names = (timers: readonly TimerPlan[]): string[] => timers.map(({ name }) => name);

export const buildTerm = ({
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

/** Any term with any numbers, bought before its start or late. */
export function terms() {
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
