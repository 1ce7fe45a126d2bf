import type { Actor } from '../context.ts';
import { Conflict, invalidField, Unavailable } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking } from '../models/Booking.ts';
import { Claim } from '../models/Claim.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import { afterCommit, withTenant } from '../models/database.ts';
import { Document, stopScan } from '../models/Document.ts';
import { scanEndedAt } from '../models/documentScan.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { Payment } from '../models/Payment.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { stopVersion } from '../models/policyInForce.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { Report } from '../models/Report.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { getWorkflowRow } from '../models/workflowRows.ts';
import { kindsWith, type RunAction, type RunOrder } from '../rules/runActions.ts';
import { workflowIdOf, type WorkflowKind } from '../rules/workflowIds.ts';
import { retryStep } from '../workflows/attention.ts';
import { pauseClaim } from './claimPauses.ts';
import { pauseVersion } from './policyApprovalPauses.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import {
  contentWithNone,
  haveRead,
  refuseDecidedClaim,
  refuseMoneyUnderWay,
  refuseOpenRegistration,
  refusePremiumUnderWay,
  refuseUnfinishedStay,
  refuseUnpaidClaim,
  startAnew,
} from './runRepairs.ts';
import type { Temporal } from './temporal.ts';
import { workflowClosed, type WorkflowCommands } from './workflows.ts';

/** The kinds of workflow that operators act on. */
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
  booking: {
    find: (id: string) => getRow(Booking, id, { archived: true }),
    close: (id: string, at: Date) => Booking.update({ workflowClosedAt: at }, { where: { id } }),
  },
  report: {
    find: (id: string) => getRow(Report, id, { archived: true }),
    close: (id: string, at: Date) => Report.update({ workflowClosedAt: at }, { where: { id } }),
  },
  document: {
    find: async (id: string) => ({
      workflowClosedAt: scanEndedAt(await getRow(Document, id, { archived: true })),
    }),
    close: stopScan,
  },
  'policy-approval': {
    find: (id: string) => getRow(CompliancePolicyVersion, id, { archived: true }),
    close: stopVersion,
  },
  acknowledgement: {
    find: (id: string) => getWorkflowRow('acknowledgement', id),
    close: () => Promise.reject(noSuchAction('acknowledgement', 'terminate')),
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
  readonly operation: RunAction;
}

/** An order, and what is known of its run. */
interface Asked extends RunOrder {
  readonly workflowId: string;
  /** It may have ended by what an earlier try had done. */
  readonly isClosed: boolean;
}

/** How one action is carried out. */
interface Act {
  /** Outside of the database; asked again under the same command it changes nothing more. */
  readonly ask: (actor: Actor, asked: Asked) => Promise<void>;
  /** The effect on rows, which commits with the line in the audit. */
  readonly write?: (order: RunOrder) => Promise<void>;
}

/** What operators do to a run, the same for every kind. Each act is in the audit with its reason. */
export const createWorkflowOperations = ({
  temporal,
  workflows,
  dispatcher,
}: {
  readonly temporal: Pick<Temporal, 'command' | 'tell' | 'cancel' | 'terminate'>;
  readonly workflows: WorkflowCommands;
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
}) => {
  const pausing = (event: 'pause' | 'resume'): Act => ({
    ask: (actor, asked) =>
      asked.kind === 'policy-approval'
        ? pauseVersion(workflows, actor, { ...asked, event })
        : pauseClaim(workflows, actor, {
            ...asked,
            event: event === 'pause' ? 'hold' : 'release',
          }),
  });

  const acts: Readonly<Record<RunAction, Act>> = {
    /** A step that failed for good is tried again; harmless where none waits for it. */
    retry_step: {
      async ask(_, { workflowId, commandId, reason, isClosed }) {
        const command = { workflowId, commandId, wish: { reason } };
        await temporal.command(retryStep, command).catch(unlessOver(isClosed));
      },
    },

    /** The run reads its row and goes on from there. */
    signal: {
      ask: (_, asked) => haveRead(temporal, asked).catch(unlessOver(asked.isClosed)),
    },

    /** The workflow ends its object as its table says, and undoes what has to be undone. */
    cancel: {
      async ask({ companyId }, { kind, id, workflowId, isClosed }) {
        if (kind === 'claim' && !isClosed) {
          refuseDecidedClaim(await withTenant(companyId, () => kinds[kind].find(id)));
        }
        await temporal.cancel(workflowId).catch(unlessOver(isClosed));
      },
    },

    /** Nothing more happens by itself, nothing is undone, and nobody starts the run again. */
    terminate: {
      async ask({ companyId }, { kind, id, reason, confirm, workflowId }) {
        refuseUnconfirmed(id, confirm);
        refuseMoneyUnderWay(kind, 'terminated');
        const isOwed = await withTenant(companyId, async () => {
          await refuseUnfinished(kind, id);
          return OutboxEntry.isOwed(id);
        });
        await temporal.terminate(workflowId, reason).catch(unlessOver(!isOwed));
      },
      async write({ kind, id, reason }) {
        await kinds[kind].close(id, new Date());
        // What its last step began meanwhile is not given up: the run is started again from its row.
        await refuseUnfinished(kind, id);
        await Timer.cancel(await Timer.setFor(id), reason);
      },
    },

    /**
     * A run whose history cannot go on is ended, and another one goes on from the row. What it had
     * begun with is done once all the same: every step is fenced by the version of the row.
     */
    reset: {
      async ask(_, { kind, id, reason, confirm, workflowId }) {
        refuseUnconfirmed(id, confirm);
        refuseMoneyUnderWay(kind, 'reset');
        await temporal.terminate(workflowId, reason).catch(contentWithNone);
      },
      async write({ kind, id }) {
        const start = await startAnew(kind, id);
        afterCommit(() => dispatcher.dispatch(start));
      },
    },

    pause: pausing('pause'),
    resume: pausing('resume'),
  };

  const carryOut = async (actor: Actor, order: RunOrder): Promise<Operated> => {
    const { companyId } = actor;
    const { action, kind, id, reason, isRepeated = false } = order;
    if (!kindsWith(action).includes(kind)) {
      throw noSuchAction(kind, action);
    }
    const { ask, write } = acts[action];
    const workflowId = workflowIdOf(kind, companyId, id);
    const workflowClosedAt = await withTenant(
      companyId,
      async () => (await kinds[kind].find(id)).workflowClosedAt,
    );
    // An effect on rows would have its outcome, so that something else has ended it.
    if (workflowClosedAt && (write || !isRepeated)) throw workflowClosed(kind, id);
    await ask(actor, { ...order, workflowId, isClosed: Boolean(workflowClosedAt) });
    await withTenant(companyId, async () => {
      await write?.(order);
      AuditLog.record('OPERATE', { type: kind, id }, { after: { operation: action, reason } });
      await order.alongside?.();
    });
    return { workflowId, operation: action };
  };

  return {
    carryOut,

    /**
     * @throws NotFound; Conflict WORKFLOW_CLOSED, NO_SUCH_ACTION, ILLEGAL_TRANSITION, and MONEY_UNDER_WAY where
     * money must not be lost from sight; Invalid NOT_CONFIRMED; Unavailable
     */
    operate: (
      actor: Actor,
      {
        once,
        ...order
      }: Omit<RunOrder, 'commandId' | 'isRepeated' | 'alongside'> & { readonly once: Once },
    ): Promise<Operated | Replay> =>
      commandOnce(once, (commandId) => carryOut(actor, { ...order, commandId })),
  };
};

/** @throws Conflict where nights or a name would be held for ever, or money lost from sight */
async function refuseUnfinished(kind: WorkflowKind, id: string): Promise<void> {
  if (kind === 'onboarding') refuseOpenRegistration(await kinds[kind].find(id));
  if (kind === 'booking') refuseUnfinishedStay(await kinds[kind].find(id));
  if (kind === 'claim') refuseUnpaidClaim(await kinds[kind].find(id));
  if (kind === 'subscription') refusePremiumUnderWay(await PremiumInvoice.paymentsOf(id));
}

const noSuchAction = (kind: WorkflowKind, action: RunAction): Conflict =>
  new Conflict('NO_SUCH_ACTION', `A ${kind} has no ${action}`);

function refuseUnconfirmed(id: string, confirm: string | undefined): void {
  if (confirm === undefined || confirm === id) return;
  throw invalidField('confirm', 'must be the id of the object', 'NOT_CONFIRMED');
}

/** A run that is not there has ended with its object, or is owed and about to be started. */
const unlessOver =
  (isOver: boolean) =>
  (error: unknown): void => {
    contentWithNone(error);
    if (isOver) return;
    throw new Unavailable('The workflow of this object is being restored; try again');
  };

export type WorkflowOperations = ReturnType<typeof createWorkflowOperations>;
