import type { Actor } from '../context.ts';
import { Conflict, invalidField, NotFound, Unavailable } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Claim } from '../models/Claim.ts';
import { withTenant } from '../models/database.ts';
import { Payment } from '../models/Payment.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { Report } from '../models/Report.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { workflowIdOf, type WorkflowKind } from '../rules/workflowIds.ts';
import { retryStep } from '../workflows/attention.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import type { Temporal } from './temporal.ts';
import { workflowClosed } from './workflows.ts';

/** The kinds of workflow that operators act on; a scan of a document tries itself again. */
const kinds = {
  subscription: {
    find: (id: string) => getRow(PolicySubscription, id, { archived: true }),
    close: (id: string, at: Date) =>
      PolicySubscription.update({ workflowClosedAt: at }, { where: { id } }),
  },
  claim: {
    find: (id: string) => getRow(Claim, id, { archived: true }),
    close: (id: string, at: Date) => Claim.update({ workflowClosedAt: at }, { where: { id } }),
  },
  payment: {
    find: (id: string) => getRow(Payment, id, { archived: true }),
    close: (id: string, at: Date) => Payment.update({ workflowClosedAt: at }, { where: { id } }),
  },
  report: {
    find: (id: string) => getRow(Report, id, { archived: true }),
    close: (id: string, at: Date) => Report.update({ workflowClosedAt: at }, { where: { id } }),
  },
  onboarding: {
    find: (id: string) => getRow(RegistrationRequest, id, { archived: true }),
    close: (id: string, at: Date) =>
      RegistrationRequest.update({ workflowClosedAt: at }, { where: { id } }),
  },
} as const satisfies Readonly<Record<WorkflowKind, object>>;

/** What an operator asked for, and of which run. */
export interface Operated {
  readonly workflowId: string;
  readonly operation: 'retry_step' | 'cancel' | 'terminate';
}

export interface Operation {
  readonly kind: WorkflowKind;
  readonly id: string;
  readonly reason: string;
  readonly once: Once;
}

/** What operators do to a run, the same for every kind. Each act is in the audit with its reason. */
export const createWorkflowOperations = ({
  temporal,
}: {
  readonly temporal: Pick<Temporal, 'command' | 'cancel' | 'terminate'>;
}) => {
  /** @throws NotFound, Conflict WORKFLOW_CLOSED */
  const operate = (
    { companyId }: Actor,
    operation: Operated['operation'],
    { kind, id, reason, once }: Operation,
    act: (workflowId: string, commandId: string) => Promise<void>,
  ): Promise<Operated | Replay> =>
    commandOnce(once, async (commandId) => {
      const workflowId = workflowIdOf(kind, companyId, id);
      await withTenant(companyId, async () => {
        const { workflowClosedAt } = await kinds[kind].find(id);
        if (workflowClosedAt) throw workflowClosed(kind, id);
      });
      await act(workflowId, commandId).catch(restoring);
      await withTenant(companyId, async () =>
        AuditLog.record('OPERATE', { type: kind, id }, { after: { operation, reason } }),
      );
      return { workflowId, operation };
    });

  return {
    /** A step that failed for good is tried again; harmless where none waits for it. */
    retryStep: (actor: Actor, operation: Operation): Promise<Operated | Replay> =>
      operate(actor, 'retry_step', operation, async (workflowId, commandId) => {
        const wish = { reason: operation.reason };
        await temporal.command(retryStep, { workflowId, commandId, wish });
      }),

    /** The workflow ends its object as its table says, and undoes what has to be undone. */
    cancel: (actor: Actor, operation: Operation): Promise<Operated | Replay> =>
      operate(actor, 'cancel', operation, (workflowId) => temporal.cancel(workflowId)),

    /**
     * Nothing more happens by itself, nothing is undone, and nobody starts the run again.
     * @param confirm the object's id once more
     * @throws Conflict MONEY_UNDER_WAY for a payment, whose money must not be lost from sight
     */
    terminate: (
      actor: Actor,
      { confirm, ...operation }: Operation & { readonly confirm: string },
    ): Promise<Operated | Replay> =>
      operate(actor, 'terminate', operation, async (workflowId) => {
        const { kind, id, reason } = operation;
        if (confirm !== id) {
          throw invalidField('confirm', 'must be the id of the object', 'NOT_CONFIRMED');
        }
        if (kind === 'payment') {
          throw new Conflict(
            'MONEY_UNDER_WAY',
            'A payment is cancelled, not terminated: its run then says what became of the money',
          );
        }
        await temporal.terminate(workflowId, reason);
        await withTenant(actor.companyId, async () => {
          await kinds[kind].close(id, new Date());
          await Timer.cancel(await Timer.setFor(id), reason);
        });
      }),
  };
};

/** The object is there, so its run is owed or about to be started again. */
function restoring(error: unknown): never {
  if (!(error instanceof NotFound)) throw error;
  throw new Unavailable('The workflow of this object is being restored; try again');
}

export type WorkflowOperations = ReturnType<typeof createWorkflowOperations>;
