import { execute, select } from './database.ts';

/** The next `POL-<code>-<year>-<seq>`; see `nextNumber`. */
export const nextPolicyNumber = (companyCode: string, year: string): Promise<string> =>
  numbered('POL', companyCode, 'policy', year);

/** The next `CLM-<code>-<year>-<seq>`; see `nextNumber`. */
export const nextClaimNumber = (companyCode: string, year: string): Promise<string> =>
  numbered('CLM', companyCode, 'claim', year);

async function numbered(
  prefix: string,
  companyCode: string,
  kind: string,
  year: string,
): Promise<string> {
  const number = await nextNumber(`${kind}/${year}`);
  return `${prefix}-${companyCode}-${year}-${`${number}`.padStart(6, '0')}`;
}

/** Whether the series of the company gives numbers of this form. */
export const isOfOwnSeries = (policyNumber: string, companyCode: string): boolean =>
  policyNumber.startsWith(`POL-${companyCode}-`) &&
  /^\d{4}-\d{6,}$/.test(policyNumber.slice(`POL-${companyCode}-`.length));

/** Rows of a series in `core.counters`; each gives every 16th number, the next one is its `value`. */
const slots = 16;

/**
 * The lowest number of a series of the company that nobody else is just taking. Its row stays locked
 * until the commit, so none is given twice and one that was rolled back is given again; others take
 * the next row meanwhile, and wait only when all are taken.
 * @param series `policy/2026`
 */
async function nextNumber(series: string): Promise<number> {
  const number =
    (await take(series, 'free')) ??
    (await begin(series), await take(series, 'free')) ??
    (await take(series, 'any'));
  if (number === undefined) throw new Error(`The series ${series} has no row`);
  return number;
}

/** The first of a year; who comes at the same moment waits for its commit. */
const begin = (series: string): Promise<number> =>
  execute(
    `INSERT INTO core.counters (company_id, name, slot, value)
     SELECT app.company_id(), $1, n, n + 1 FROM generate_series(0, ${slots} - 1) AS n
     ON CONFLICT DO NOTHING`,
    [series],
  );

/** @param which whoever waits for one that is taken waits for any, not all for the same */
async function take(series: string, which: 'free' | 'any'): Promise<number | undefined> {
  const choice = which === 'free' ? 'value LIMIT 1 FOR UPDATE SKIP LOCKED' : 'random() LIMIT 1';
  const [taken] = await select<{ value: string }>(
    `WITH chosen AS (SELECT slot FROM core.counters WHERE name = $1 ORDER BY ${choice})
     UPDATE core.counters AS c SET value = c.value + ${slots}
     FROM chosen WHERE c.name = $1 AND c.slot = chosen.slot
     RETURNING c.value - ${slots} AS value`,
    [series],
  );
  return taken && Number(taken.value);
}
