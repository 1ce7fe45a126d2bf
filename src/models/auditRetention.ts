import { AuditLog } from './AuditLog.ts';
import { select, takeTime, withGlobal } from './database.ts';

/** Years that the audit is kept: the platform's setting, and at least the longest of a company. */
const keptYears = `(SELECT greatest(
  max(coalesce((settings -> 'audit' ->> 'retentionYears')::int, 7)) FILTER (WHERE code = 'PLATFORM'),
  max((settings -> 'audit' ->> 'retentionYears')::int)) FROM platform.companies)`;

/**
 * Takes the oldest month out of the audit if its time is over; told in the platform's audit.
 * @returns its first day; undefined when nothing is that old
 */
export const retireAuditMonth = (): Promise<string | undefined> =>
  withGlobal(async () => {
    // It counts what it takes out; readers that are at it now go first.
    await takeTime(50_000);
    const [row] = await select<{ month: string | null }>(
      `SELECT app.retire_audit_month(${keptYears})::text AS month`,
    );
    if (!row?.month) return undefined;
    AuditLog.record('DELETE', { type: 'audit_month', id: null }, { after: { month: row.month } });
    return row.month;
  });

/**
 * Up to when the present company's audit was taken out because its time was over, in seconds since 1970.
 * A line that stands at or before then shows that something else has been at work: then it is undefined.
 */
export async function retiredUntil(): Promise<number | undefined> {
  const [row] = await select<{ until: string }>(
    `SELECT extract(epoch FROM r.until)::text AS until
     FROM (SELECT max(last_at) AS until FROM core.audit_retired) r
     WHERE r.until IS NOT NULL
       AND NOT EXISTS (SELECT FROM core.audit_logs a WHERE a.timestamp <= r.until)`,
  );
  return row && Number(row.until);
}
