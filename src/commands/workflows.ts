import type { UpdateDefinition } from '@temporalio/common';
import type { Actor } from '../context.ts';
import { NotFound, Unavailable } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { withTenant } from '../models/database.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { markDispatched } from './dispatch.ts';
import type { Temporal } from './temporal.ts';

export interface WorkflowCommand<Wish> {
  readonly actor: Actor;
  readonly entityId: string;
  readonly workflowId: string;
  readonly commandId: string;
  readonly wish: Wish;
}

/** Commands on running workflows; a workflow whose start is still owed is started first. */
export const createWorkflowCommands = (temporal: Pick<Temporal, 'start' | 'command'>) => ({
  async command<Result, Wish>(
    update: UpdateDefinition<Result, [Wish]>,
    { actor, entityId, ...target }: WorkflowCommand<Wish>,
  ): Promise<Result> {
    try {
      return await temporal.command(update, target);
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
    }
    const owed = await withTenant(actor.companyId, () =>
      OutboxEntry.findOne({ where: { entityId, dispatchedAt: null } }),
    );
    if (!owed) throw new Unavailable('The workflow of this object is being restored; try again');
    failpoint('owed.beforeStart');
    await temporal.start(owed);
    failpoint('owed.afterStart');
    await markDispatched([owed]);
    failpoint('owed.afterMark');
    return temporal.command(update, target);
  },
});

export type WorkflowCommands = ReturnType<typeof createWorkflowCommands>;
