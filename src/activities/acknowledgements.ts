import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { carryOutBatch } from '../models/acknowledgementWave.ts';
import { raiseAlerts } from '../models/acknowledgementAlerts.ts';
import { settleBatch } from '../models/acknowledging.ts';
import { select, withTenant } from '../models/database.ts';
import { Notification } from '../models/Notification.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import type { KeeperState } from '../models/keeperStart.ts';
import {
  batchSize,
  isOutdated,
  momentOf,
  noteClocks,
  redateBatch,
  watchedPolicy,
  type Watched,
} from '../models/watchedPolicy.ts';
import { addDays } from '../rules/calendar.ts';

export interface KeeperRef {
  readonly companyId: string;
  readonly policyId: string;
}

/** `at` (epoch milliseconds) is the workflow's clock. */
export interface KeeperOrder extends KeeperRef {
  readonly at: number;
}

const firstId = '00000000-0000-0000-0000-000000000000';

export const acknowledgementActivities = () => ({
  /**
   * Asks whom the policy concerns, and asks no more whom it does not: so many people in one transaction.
   * Safe to repeat: it passes over whoever stands as they should.
   */
  async settleAudience(order: KeeperOrder): Promise<void> {
    await withWatched(order, async (watched) => {
      if (!watched.clocks) await noteClocks(watched);
    });
    await throughAll(order, settleBatch);
  },

  /** Moves the next dates of all rows to where the present settings have them. Safe to repeat. */
  async redate(order: KeeperOrder): Promise<void> {
    const seen = await withWatched(order, async (watched) => watched);
    await throughAll(order, redateBatch);
    // Not those that came meanwhile: their rows may have been passed already.
    await withWatched(order, () => noteClocks(seen));
  },

  /**
   * Reminds, escalates and opens cycles as they are due, then tells whoever is responsible. Safe to
   * repeat: each row moves on in the transaction in which its message is queued.
   */
  async carryOutWave(order: KeeperOrder): Promise<void> {
    let handled = batchSize;
    while (handled === batchSize) {
      cancellationSignal().throwIfAborted();
      handled = await withWatched(order, carryOutBatch);
      heartbeat();
    }
    await withWatched(order, raiseAlerts);
  },

  /** Safe to repeat: it only reads. */
  readKeeper: (order: KeeperOrder): Promise<KeeperState> =>
    withWatched(order, async (watched) => {
      const { companyId, policyId } = order;
      const [facts] = await select<{ pending: number; nextAt: Date | null; owes: boolean }>(
        `SELECT (SELECT coalesce(sum(pending), 0)::integer FROM compliance_counts
             WHERE policy_id = $1) AS pending,
           (SELECT min(next_action_at) FROM acknowledgements
            WHERE policy_id = $1 AND next_action_at IS NOT NULL) AS "nextAt",
           EXISTS (SELECT 1 FROM acknowledgements WHERE policy_id = $1 AND owed_alerts <> '{}') AS owes`,
        [policyId],
      );
      const mailAt = await Notification.nextTryOf(acknowledgementWorkflowId(companyId, policyId));
      return stateOf(watched, mailAt, facts ?? { pending: 0, nextAt: null, owes: false });
    }),
});

/** One transaction about the policy as it is at the workflow's time. */
const withWatched = <T>(
  { companyId, policyId, at }: KeeperOrder,
  work: (watched: Watched) => Promise<T>,
): Promise<T> =>
  withTenant(companyId, async () => work(await watchedPolicy(policyId, new Date(at))));

/** One transaction after the other, each from where the last has come to. */
async function throughAll(
  order: KeeperOrder,
  batch: (watched: Watched, after: string) => Promise<string | undefined>,
): Promise<void> {
  let after: string | undefined = firstId;
  while (after !== undefined) {
    cancellationSignal().throwIfAborted();
    const from: string = after;
    after = await withWatched(order, (watched) => batch(watched, from));
    heartbeat();
  }
}

function stateOf(
  watched: Watched,
  mailAt: Date | undefined,
  { pending, nextAt, owes }: { pending: number; nextAt: Date | null; owes: boolean },
): KeeperState {
  // Alerts that came after those of today go out tomorrow.
  const tomorrow = owes ? momentOf(watched, addDays(watched.today, 1)).getTime() : Infinity;
  const hasMail = mailAt !== undefined && mailAt <= watched.at;
  const nextMail = mailAt && !hasMail ? mailAt.getTime() : Infinity;
  const next = Math.min(nextAt?.getTime() ?? Infinity, tomorrow, nextMail);
  const isClosed = !watched.published && pending === 0 && next === Infinity && !hasMail;
  return {
    status: isClosed ? 'closed' : pending > 0 ? 'watching' : 'idle',
    stateVersion: watched.published?.version ?? 0,
    pending,
    nextAt: next === Infinity ? null : next,
    hasMail,
    isOutdated: isOutdated(watched),
    isClosed,
  };
}
