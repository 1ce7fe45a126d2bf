import { platformCompanyId, select, takeTime, withTenant } from './database.ts';

/**
 * Takes the oldest month out of the audit if its time is over by the settings; workers alone may. The
 * function itself tells of it in the platform's audit, so that none goes in silence.
 * @returns its first day; undefined when nothing is that old
 */
export const retireAuditMonth = (): Promise<string | undefined> =>
  withTenant(platformCompanyId, async () => {
    // It counts what it takes out; readers that are at it now go first.
    await takeTime(50_000);
    const [row] = await select<{ month: string | null }>(
      'SELECT app.retire_audit_month()::text AS month',
    );
    return row?.month ?? undefined;
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
