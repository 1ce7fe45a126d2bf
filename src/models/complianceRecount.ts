import { select, takeTime } from './database.ts';

/** How far the kept counts of a policy were from the rows that they count. */
export interface Recount {
  readonly groups: number;
  /** All differences together. */
  readonly off: number;
}

/** A policy may concern everybody whom a company has. */
const statementTimeoutMs = 60_000;

const sums = ['pending', 'acknowledged', 'declined', 'exempted', 'answered'] as const;

const counted = (name: (typeof sums)[number]): string =>
  name === 'answered' ? 'acknowledged_at IS NOT NULL' : `is_current AND status = '${name}'`;

const listed = (write: (name: (typeof sums)[number]) => string): string =>
  sums.map(write).join(', ');

/**
 * Counts the rows of a policy and puts its kept counts right. Both are seen as of one moment, at which the
 * triggers let them agree; the difference is added, so that whoever answers meanwhile is counted too.
 */
export async function recount(policyId: string): Promise<Recount> {
  await takeTime(statementTimeoutMs);
  // Two at once would add the same difference twice.
  await select('SELECT 1 FROM compliance_policies WHERE id = $1 FOR NO KEY UPDATE', [policyId]);
  const [found] = await select<Recount>(
    `WITH kept AS (
       SELECT customer_id, department, slot, ${sums.join(', ')}
       FROM compliance_counts WHERE policy_id = $1),
     anew AS (
       SELECT customer_id, department, (hashtext(employee_id::text) & 15)::smallint AS slot,
         ${listed((name) => `(count(*) FILTER (WHERE ${counted(name)}))::integer AS ${name}`)}
       FROM acknowledgements WHERE policy_id = $1 GROUP BY 1, 2, 3),
     missing AS (
       SELECT customer_id, department, slot,
         ${listed((name) => `coalesce(a.${name}, 0) - coalesce(k.${name}, 0) AS ${name}`)}
       FROM anew a FULL JOIN kept k USING (customer_id, department, slot)),
     wrong AS (
       SELECT * FROM missing WHERE (${sums.join(', ')}) <> (${listed(() => '0')})),
     repaired AS (
       INSERT INTO compliance_counts AS c (company_id, policy_id, customer_id, department, slot,
         ${sums.join(', ')})
       SELECT (SELECT app.company_id()), $1::uuid, w.customer_id, w.department, w.slot,
         ${listed((name) => `w.${name}`)}
       FROM wrong w ORDER BY w.customer_id, w.department, w.slot
       ON CONFLICT (company_id, policy_id, customer_id, department, slot) DO UPDATE SET
         ${listed((name) => `${name} = c.${name} + excluded.${name}`)})
     SELECT count(*)::integer AS groups,
       coalesce(sum(${sums.map((name) => `abs(${name})`).join(' + ')}), 0)::integer AS off
     FROM wrong`,
    [policyId],
  );
  return found ?? { groups: 0, off: 0 };
}
