import { log } from '@temporalio/activity';
import { currentContext, principalOf, runInContext, type Actor } from '../context.ts';
import { Conflict, Refusal, Unavailable } from '../errors.ts';
import { BulkItem, type ItemOutcome } from '../models/BulkItem.ts';
import { BulkOperation } from '../models/BulkOperation.ts';
import { withTenant } from '../models/database.ts';
import type { RunOrder } from '../rules/runActions.ts';

/** Carries out one action on one run, as it would for a person who asks for that alone. */
export type OperateRun = (actor: Actor, order: RunOrder) => Promise<unknown>;

export interface BulkRef {
  readonly companyId: string;
  readonly bulkId: string;
}

/** What goes wrong is tried so often. */
const mostTries = 3;

/** Who does not answer may be starting anew, or be replaced by another release: some four minutes. */
const mostUnanswered = 10;

/** Before everything that is left has the same turn again; in milliseconds. */
const waitBefore = (tries: number): number => Math.min(2 ** (tries - 1), 60) * 1000;

/** Then the next try begins with what is left, so that each of them ends in time. */
const enoughMs = 20_000;

export const bulkActivities = ({ operateRun }: { readonly operateRun: OperateRun }) => {
  const carryOut = async (
    actor: Actor,
    { id: bulkId, companyId, action, reason }: BulkOperation,
    { id, kind, entityId }: Pick<BulkItem, 'id' | 'kind' | 'entityId'>,
  ): Promise<void> => {
    const tries = await withTenant(companyId, () => BulkItem.begin(id));
    if (tries === undefined) return;
    try {
      await operateRun(actor, {
        action,
        kind,
        id: entityId,
        reason,
        commandId: `bulk/${bulkId}/${id}`,
        isRepeated: tries > 1,
        alongside: () => endOnce(id),
      });
    } catch (error) {
      const outcome = outcomeOf(error, tries);
      if (outcome) await withTenant(companyId, () => BulkItem.end(id, outcome));
    }
  };

  return {
    /**
     * Safe to repeat: each item is asked for under an id of its own, and its outcome commits with the
     * rows and the audit of its effect. What was begun and has no outcome is taken up again.
     * @returns how many are left, and how long to leave them alone where all have had their turn
     */
    async carryOutBulk({ companyId, bulkId, most }: BulkRef & { readonly most: number }): Promise<{
      readonly left: number;
      /** Runs of an earlier release know nothing of it. */
      readonly waitMs?: number;
    }> {
      const { bulk, items } = await withTenant(companyId, async () => ({
        bulk: await BulkOperation.findOne({ where: { id: bulkId }, rejectOnEmpty: true }),
        items: await BulkItem.next(bulkId, most),
      }));
      const actor: Actor = { ...bulk.asker, companyId, sessionId: null };
      const cause = { actorId: principalOf(actor), actorType: actor.type };
      const until = performance.now() + enoughMs;
      await runInContext({ ...currentContext(), ...cause }, async () => {
        for (const item of items) {
          if (performance.now() > until) return;
          await carryOut(actor, bulk, item);
        }
      });
      return withTenant(companyId, async () => {
        const { left, tries } = await BulkItem.left(bulkId);
        if (left === 0) await close(bulkId);
        return { left, waitMs: tries > (items[0]?.tries ?? 0) ? waitBefore(tries) : 0 };
      });
    },
  };
};

/** @throws Conflict where another try has written it down meanwhile: its rows are enough */
async function endOnce(id: string): Promise<void> {
  if (await BulkItem.end(id, { result: 'done' })) return;
  throw new Conflict('ITEM_ENDED', `The item ${id} has its outcome already`);
}

/** Undefined where another try may come to something else. */
function outcomeOf(error: unknown, tries: number): ItemOutcome | undefined {
  if (error instanceof Refusal && !(error instanceof Unavailable)) {
    return { result: 'refused', code: error.code, message: error.message };
  }
  log.warn('A run was not acted on', { error, tries });
  if (error instanceof Unavailable) {
    if (tries < mostUnanswered) return undefined;
    return { result: 'failed', code: error.code, message: error.message };
  }
  if (tries < mostTries) return undefined;
  return { result: 'failed', code: 'INTERNAL_ERROR', message: 'Something went wrong on our side' };
}

const close = (id: string) =>
  BulkOperation.update({ workflowClosedAt: new Date() }, { where: { id, workflowClosedAt: null } });
