import fc from 'fast-check';
import type { BusinessCalendar } from '../../src/rules/businessDays.ts';

const given = process.env['SEED'];

/** `SEED=123 jest …` repeats a run; a failing property names its seed. */
export const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);

process.stdout.write(`property tests: SEED=${seed}\n`);
fc.configureGlobal({ seed, numRuns: 200 });

const dayMs = 86_400_000;
const isoDay = (days: number): string => new Date(days * dayMs).toISOString().slice(0, 10);

/** Real dates from 1990 to 2090. */
export const calendarDates = fc.integer({ min: 7305, max: 43_829 }).map(isoDay);

/** 0.01 to 1,000,000.00 */
export const premiums = fc
  .integer({ min: 1, max: 100_000_000 })
  .map((cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`);

/** Zones with gaps at midnight, half-hour offsets, a skipped day, and none of it. */
export const timeZones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/Sao_Paulo',
  'America/New_York',
  'Pacific/Apia',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
);

/**
 * Any week, holidays of 2026 and 2027, and hours that end after they begin.
 * @param earliest hour at which work may begin; by five all clocks have changed that do
 */
export const businessCalendars = (earliest = 0): fc.Arbitrary<BusinessCalendar> =>
  fc.record({
    timeZone: timeZones,
    workingDays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    workingHours: fc
      .uniqueArray(fc.integer({ min: 4 * earliest, max: 95 }), { minLength: 2, maxLength: 2 })
      .map((quarters) => quarters.toSorted((a, b) => a - b).map(timeOfDay))
      .map(([from = '', to = '']) => ({ from, to })),
    holidays: fc.array(fc.integer({ min: 20_454, max: 21_183 }).map(isoDay), { maxLength: 30 }),
  });

const timeOfDay = (quarters: number): string =>
  `${String(Math.floor(quarters / 4)).padStart(2, '0')}:${String((quarters % 4) * 15).padStart(2, '0')}`;
