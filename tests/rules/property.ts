import fc from 'fast-check';

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
