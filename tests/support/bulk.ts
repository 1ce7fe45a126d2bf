import {
  createBulkOperations,
  type BulkView,
  type BulkWish,
} from '../../src/commands/bulkOperations.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { createWorkflowSearch } from '../../src/commands/workflowSearch.ts';
import type { Actor } from '../../src/context.ts';
import { bulkWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, once } from './build.ts';
import type { Journeys } from './journey.ts';
import { createCursors } from '../../src/commands/cursors.ts';

const cursors = createCursors({ secretKey: 'test' });

/** One operation on many runs and what can be seen of it. */
export interface BulkJourney {
  readonly id: string;
  readonly workflowId: string;
  /** Waits until nothing is left to be done. */
  end(): Promise<BulkView>;
}

export async function beginBulk(
  journeys: Journeys,
  operator: Actor,
  changes: Partial<BulkWish>,
): Promise<BulkJourney> {
  const { temporal } = journeys.server;
  const bulk = createBulkOperations({
    search: createWorkflowSearch({
      cursors,
      temporal,
      companies: { enter: () => Promise.reject(new Error('Nobody enters here')) },
    }),
    dispatcher: journeys.dispatcher,
  });
  const wish: BulkWish = {
    action: 'cancel',
    filter: {},
    reason: 'Asked for by phone',
    dryRun: false,
    perSecond: 50,
    ...changes,
  };
  const begun = await as(operator, () => bulk.begin(operator, wish, once(operator)));
  if (begun instanceof Replay || !begun.bulkId) throw new Error('Nothing was begun');
  const id = begun.bulkId;
  const workflowId = bulkWorkflowId(operator.companyId, id);
  await journeys.dispatcher.drained();
  return {
    id,
    workflowId,
    async end() {
      await temporal.client.workflow.getHandle(workflowId).result();
      return bulk.get(operator, id);
    },
  };
}
