import type { UpdateDefinition } from '@temporalio/common';
import type { Actor } from '../context.ts';
import { Conflict, NotFound, Refusal, Unavailable } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { withTenant } from '../models/database.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { Transition } from '../models/Transition.ts';
import { getWorkflowRow } from '../models/workflowRows.ts';
import { objectOf, type WorkflowKind } from '../rules/workflowIds.ts';
import { markDispatched } from './dispatch.ts';
import { isRepeated } from './idempotency.ts';
import type { Temporal } from './temporal.ts';

export interface WorkflowCommand<Wish> {
  readonly actor: Actor;
  readonly entityId: string;
  readonly workflowId: string;
  readonly commandId: string;
  /** Judges the command by the rows, and says what to send; runs inside the company's transaction. */
  readonly prepare: () => Promise<Wish>;
}

/**
 * Commands on running workflows. One that took effect before its answer was lost is neither judged
 * nor sent again: its transition is there. One that is under way still is not refused. A workflow whose
 * start is still owed is started first.
 */
export const createWorkflowCommands = (
  temporal: Pick<Temporal, 'start' | 'command' | 'outcome'>,
) => ({
  async command<Result, Wish>(
    update: UpdateDefinition<Result, [Wish]>,
    { actor, entityId, workflowId, commandId, prepare }: WorkflowCommand<Wish>,
  ): Promise<void> {
    /** What to send, judged by the rows; undefined once the command has taken effect. */
    const judge = (): Promise<Wish | undefined> =>
      withTenant(actor.companyId, async () => {
        if (await Transition.exists(commandId)) return undefined;
        try {
          return await prepare();
        } catch (error) {
          // Between the two reads an earlier try may have taken effect; its own effect then refuses it.
          if (error instanceof Refusal && (await Transition.exists(commandId))) return undefined;
          throw error;
        }
      });
    let wish: Wish | undefined;
    try {
      wish = await judge();
    } catch (error) {
      // Time may have passed since it was sent, and by the rows as they are it would be refused now.
      const mayBeSent = error instanceof Refusal && error.status < 500 && isRepeated();
      if (mayBeSent && (await temporal.outcome({ workflowId, commandId }))) return;
      throw error;
    }
    if (wish === undefined) return;

    const hasTakenEffect = (): Promise<boolean> =>
      withTenant(actor.companyId, () => Transition.exists(commandId));
    /** @returns false when there is no such running workflow. */
    const send = async (): Promise<boolean> => {
      try {
        await temporal.command(update, { workflowId, commandId, wish });
        return true;
      } catch (error) {
        if (error instanceof NotFound) return false;
        // The step may have committed while its answer waited behind others.
        const isPending = error instanceof Unavailable && error.code === 'COMMAND_PENDING';
        if (isPending && (await hasTakenEffect())) return true;
        throw error;
      }
    };
    if (await send()) return;

    // A parked start waits for an operator; the newest is the one that stands for the rows.
    const owed = await withTenant(actor.companyId, () =>
      OutboxEntry.findOne({
        where: { entityId, dispatchedAt: null, parkedAt: null },
        order: [['id', 'DESC']],
      }),
    );
    if (owed) {
      failpoint('owed.beforeStart');
      await temporal.start(owed);
      failpoint('owed.afterStart');
      await markDispatched([owed]);
      failpoint('owed.afterMark');
      if (await send()) return;
    }
    // If it has just closed, the rows know why the command comes too late.
    if ((await judge()) === undefined) return;
    await refuseClosed(actor, workflowId);
    throw new Unavailable('The workflow of this object is being restored; try again');
  },
});

export type WorkflowCommands = ReturnType<typeof createWorkflowCommands>;

/**
 * Nobody starts a run again that an operator has terminated, though its object may look alive.
 * @throws Conflict WORKFLOW_CLOSED
 */
async function refuseClosed({ companyId }: Actor, workflowId: string): Promise<void> {
  const object = objectOf(workflowId);
  if (!object) return;
  const { kind, id } = object;
  const { workflowClosedAt } = await withTenant(companyId, () => getWorkflowRow(kind, id));
  if (workflowClosedAt) throw workflowClosed(kind, id);
}

/** Nothing goes on there that could be changed or seen ahead. */
export const workflowClosed = (kind: WorkflowKind, id: string): Conflict =>
  new Conflict('WORKFLOW_CLOSED', `The workflow of the ${kind} ${id} has ended`);
