import type { TestDatabase } from './database.ts';

/** Every effect in a company: rows of lifecycles as they are, and how many rows tell of them. */
export type Ledger = Readonly<Record<string, unknown>>;

const tables = [
  'shared.policy_subscriptions',
  'shared.policies',
  'shared.subscription_terms',
  'shared.premium_invoices',
  'shared.payments',
  'shared.ledger_entries',
  'core.transitions',
  'core.timers',
  'core.notifications',
  'core.audit_logs',
  'core.outbox',
];

/** For comparing before and after; rows are told apart by all but the time of their last writing. */
export async function ledgerOf(database: TestDatabase, companyId: string): Promise<Ledger> {
  const counted = await Promise.all(
    tables.map(async (table) => {
      const rows = await database.sql<{ row: object }>(
        `SELECT to_jsonb(t) - 'updated_at' AS row FROM ${table} AS t
         WHERE company_id = $1 ORDER BY id`,
        [companyId],
      );
      return [table, rows.map(({ row }) => row)] as const;
    }),
  );
  return Object.fromEntries(counted);
}
