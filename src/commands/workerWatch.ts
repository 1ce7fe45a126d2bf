import { Unavailable } from '../errors.ts';
import { writeLook } from '../models/alerting.ts';
import { AlertRule } from '../models/AlertRule.ts';
import { platformCompanyId, withTenant } from '../models/database.ts';
import { isLongAgo } from '../rules/alerts.ts';
import type { Temporal } from './temporal.ts';

/**
 * Looks whether workers ask every task queue for work. It runs in the API: where there is no worker,
 * no job tells of it either.
 * @param startedAt a queue counts as silent only for as long as somebody has listened
 * @returns one look; what Temporal does not answer raises and resolves nothing
 */
export function createWorkerWatch(
  temporal: Pick<Temporal, 'lastPolls'>,
  startedAt = new Date(),
): () => Promise<void> {
  return async () => {
    const at = new Date();
    // No rule has less than a minute.
    if (!isLongAgo(startedAt, 1, at)) return;
    const rules = await withTenant(platformCompanyId, () => AlertRule.inForce());
    const { isEnabled, minutes } = rules.no_worker;
    const polls = await temporal.lastPolls().catch((error: unknown) => {
      if (error instanceof Unavailable) return undefined;
      throw error;
    });
    if (!polls) return;

    const isSilent = (last: Date | undefined): boolean =>
      last === undefined || isLongAgo(last, minutes ?? 0, at);
    const silent = [...polls].filter(([, last]) => isEnabled && isSilent(last));
    // Too early to tell a queue without a worker from one whose worker is about to come.
    if (silent.length > 0 && !isLongAgo(startedAt, minutes ?? 0, at)) return;
    const causes = silent.map(([subject, last]) => ({
      kind: 'no_worker' as const,
      subject,
      since: last ?? at,
      detail: null,
      attempts: null,
    }));
    await withTenant(platformCompanyId, () =>
      writeLook({
        companyId: platformCompanyId,
        at,
        causes,
        answered: ['no_worker'],
        rules,
      }),
    );
  };
}
