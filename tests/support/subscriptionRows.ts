import type { Shown } from './billingModel.ts';
import type { TestDatabase } from './database.ts';
import { decidingTimers, type ShownTerm } from './termModel.ts';

export const shownTermOf = (database: TestDatabase, id: string): Promise<ShownTerm> =>
  shownAs<ShownTerm>(database, id);

/** With its invoices and the parts of its terms. */
export const shownOf = (database: TestDatabase, id: string): Promise<Shown> =>
  shownAs<Shown>(
    database,
    id,
    `, (SELECT coalesce(jsonb_agg(jsonb_build_object('termNo', i.term_no, 'reason', i.reason,
           'amount', (i.amount * 100)::integer, 'status', i.status) ORDER BY i.id), '[]')
         FROM shared.premium_invoices i WHERE i.subscription_id = s.id) AS invoices,
       (SELECT jsonb_agg(jsonb_build_object('termNo', t.term_no, 'startDate', t.start_date,
           'endDate', t.end_date, 'premium', (t.premium * 100)::integer)
           ORDER BY t.term_no, t.part_no)
         FROM shared.subscription_terms t
         WHERE t.subscription_id = s.id AND t.superseded_by IS NULL) AS parts`,
  );

async function shownAs<Row extends ShownTerm>(
  { sql }: TestDatabase,
  id: string,
  more = '',
): Promise<Row> {
  const [row] = await sql<Row>(
    `SELECT s.status, s.state_version AS version, s.term_no AS "termNo",
       s.end_date::text AS "endDate",
       round(extract(epoch FROM s.expires_at) * 1000)::float8 AS "expiresAt",
       s.workflow_closed_at IS NOT NULL AS "isClosed", p.status AS policy,
       ARRAY(SELECT name FROM core.timers t WHERE t.entity_id = s.id AND t.status = 'scheduled'
         AND t.name = ANY ($2) ORDER BY name) AS deciding ${more}
     FROM shared.policy_subscriptions s JOIN shared.policies p ON p.id = s.policy_id
     WHERE s.id = $1`,
    [id, decidingTimers],
  );
  if (!row) throw new Error(`There is no subscription ${id}`);
  return row;
}

/** One that can be collected, else one that cannot; where there is none, an id of none. */
export async function invoiceToPay({ sql }: TestDatabase, id: string): Promise<string> {
  const [found] = await sql<{ id: string }>(
    `SELECT id FROM shared.premium_invoices WHERE subscription_id = $1
     ORDER BY status IN ('open', 'overdue') DESC, payment_id IS NULL DESC, id LIMIT 1`,
    [id],
  );
  return found?.id ?? id;
}

/** What holds of the rows at any time, whatever happened: no money is lost, no step is missing. */
export async function expectSound({ sql }: TestDatabase, id: string): Promise<void> {
  const [seen] = await sql<Record<string, unknown>>(
    `WITH premium AS (
       SELECT p.id, p.status, p.amount, p.refunded_amount AS refunded, i.id AS invoice,
         i.status AS "invoiceStatus"
       FROM shared.payments p JOIN shared.premium_invoices i ON i.id = p.invoice_id
       WHERE i.subscription_id = $1)
     SELECT
       (SELECT coalesce(sum(l.amount), 0)::text FROM shared.ledger_entries l
         JOIN premium ON premium.id = l.payment_id) AS ledger,
       (SELECT count(*)::integer FROM premium WHERE status = 'completed'
         AND "invoiceStatus" <> 'paid' AND refunded <> amount) AS kept_for_nothing,
       (SELECT count(*)::integer FROM (SELECT invoice FROM premium WHERE "invoiceStatus" = 'paid'
         GROUP BY invoice HAVING count(*) FILTER (WHERE status = 'completed') <> 1) x) AS paid_wrongly,
       (SELECT count(*)::integer FROM premium WHERE refunded <> coalesce((SELECT sum(r.amount)
         FROM shared.payments r WHERE r.parent_payment_id = premium.id), 0)) AS refunded_wrongly,
       (SELECT count(*)::integer FROM shared.subscription_terms a JOIN shared.subscription_terms b
         ON b.subscription_id = a.subscription_id AND b.id <> a.id AND b.superseded_by IS NULL
           AND daterange(a.start_date, a.end_date) && daterange(b.start_date, b.end_date)
         WHERE a.subscription_id = $1 AND a.superseded_by IS NULL) AS covered_twice,
       (SELECT count(*) = max(state_version) FROM core.transitions WHERE entity_id = $1) AS "isWhole"`,
    [id],
  );
  expect(seen).toEqual({
    ledger: seen?.['ledger'] === '0' ? '0' : '0.00',
    kept_for_nothing: 0,
    paid_wrongly: 0,
    refunded_wrongly: 0,
    covered_twice: 0,
    isWhole: true,
  });
}
