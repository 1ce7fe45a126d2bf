import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { carryOutBatch } from '../models/acknowledgementWave.ts';
import { raiseAlerts } from '../models/acknowledgementAlerts.ts';
import { settleBatch } from '../models/acknowledging.ts';
import { askLatecomers, beforeAll, carryOnCampaigns } from '../models/campaigning.ts';
import { withTenant } from '../models/database.ts';
import { keeperStateOf } from '../models/keepers.ts';
import type { KeeperState } from '../models/keeperStart.ts';
import {
  batchSize,
  noteAsked,
  noteClocks,
  redateBatch,
  watchedPolicy,
  type Watched,
} from '../models/watchedPolicy.ts';

export interface KeeperRef {
  readonly companyId: string;
  readonly policyId: string;
}

/** `at` (epoch milliseconds) is the workflow's clock. */
export interface KeeperOrder extends KeeperRef {
  readonly at: number;
}

export const acknowledgementActivities = () => ({
  /**
   * Asks whom the policy concerns, and asks no more whom it does not: so many people in one transaction.
   * Campaigns ask whoever has come into their audience.
   * Safe to repeat: it passes over whoever stands as they should.
   */
  async settleAudience(order: KeeperOrder): Promise<void> {
    const seen = await withWatched(order, async (watched) => {
      if (!watched.clocks) await noteClocks(watched);
      return watched;
    });
    await throughAll(order, settleBatch);
    await withWatched(order, askLatecomers);
    await withTenant(order.companyId, () => noteAsked(seen));
  },

  /** Moves the next dates of all rows to where the present settings have them. Safe to repeat. */
  async redate(order: KeeperOrder): Promise<void> {
    const seen = await withWatched(order, async (watched) => watched);
    await throughAll(order, redateBatch);
    // Not those that came meanwhile: their rows may have been passed already.
    await withTenant(order.companyId, () => noteClocks(seen));
  },

  /**
   * Does what campaigns wait for, reminds, escalates and opens cycles as they are due, then tells whoever is
   * responsible. Safe to repeat: each row moves on in the transaction in which its message is queued.
   */
  async carryOutWave(order: KeeperOrder): Promise<void> {
    for (let isMore = true; isMore;) {
      cancellationSignal().throwIfAborted();
      isMore = await withWatched(order, carryOnCampaigns);
      heartbeat();
    }
    let handled = batchSize;
    while (handled === batchSize) {
      cancellationSignal().throwIfAborted();
      handled = await withWatched(order, carryOutBatch);
      heartbeat();
    }
    await withWatched(order, raiseAlerts);
  },

  /** Safe to repeat: it only reads. */
  readKeeper: (order: KeeperOrder): Promise<KeeperState> => withWatched(order, keeperStateOf),
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
  let after: string | undefined = beforeAll;
  while (after !== undefined) {
    cancellationSignal().throwIfAborted();
    const from: string = after;
    after = await withWatched(order, (watched) => batch(watched, from));
    heartbeat();
  }
}
