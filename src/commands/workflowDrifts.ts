import type { InferAttributes } from 'sequelize';
import { principalOf, type Actor } from '../context.ts';
import { Conflict, NotFound } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { withTenant } from '../models/database.ts';
import { columnsOf, selectPage, sortedBy, type Condition, type ListAsked } from '../models/list.ts';
import { noSuch } from '../models/rows.ts';
import { WorkflowDrift } from '../models/WorkflowDrift.ts';
import type { DriftFinding, DriftKind } from '../rules/workflowDrifts.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { contentWithNone, haveRead, startAnew } from './runRepairs.ts';
import type { Temporal } from './temporal.ts';

export interface DriftFilters extends ListAsked<keyof typeof sortColumns> {
  readonly type?: DriftKind | undefined;
  readonly finding?: DriftFinding | undefined;
  /** Whether it is still there; all without. */
  readonly open?: boolean | undefined;
}

export type DriftView = InferAttributes<WorkflowDrift>;

/** What a repair did. */
export interface Repaired {
  readonly workflowId: string;
  /** `start`: the run is promised anew. `read_again`: it goes on from the row. `end`: it is to end. */
  readonly repair: 'start' | 'read_again' | 'end';
}

const sortColumns = { foundAt: 'd.found_at' } as const;

/** Where rows and runs were found to differ, and how they are brought together: the row rules. */
export const createWorkflowDrifts = ({
  temporal,
  dispatcher,
}: {
  readonly temporal: Pick<Temporal, 'tell' | 'command' | 'cancel'>;
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
}) => ({
  list: (actor: Actor, filters: DriftFilters) =>
    withTenant(actor.companyId, () =>
      selectPage<DriftView>(
        columnsOf(WorkflowDrift, 'd'),
        'core.workflow_drifts d',
        conditionsOf(filters),
        sortedBy(sortColumns, filters, 'd.id'),
      ),
    ),

  /** @throws NotFound; Conflict DRIFT_RESOLVED, WORKFLOW_CLOSED, WORKFLOW_NOT_RUNNING; Unavailable */
  repair: (
    actor: Actor,
    { id, reason }: { readonly id: string; readonly reason: string },
    once: Once,
  ): Promise<Repaired | Replay> =>
    commandOnce(once, async (commandId) => {
      const { companyId } = actor;
      const drift = await withTenant(companyId, () => openDrift(id));
      const { kind, entityId, workflowId, finding } = drift;
      const repair = repairs[finding];
      switch (repair) {
        case 'start':
          dispatcher.dispatch(await withTenant(companyId, () => startAnew(kind, entityId)));
          break;
        case 'read_again':
          await haveRead(temporal, { kind, workflowId, commandId, reason }).catch(refuseNone);
          break;
        case 'end':
          await temporal.cancel(workflowId).catch(contentWithNone);
          break;
        default:
          repair satisfies never;
      }
      await withTenant(companyId, async () => {
        await WorkflowDrift.update(
          { repairedAt: new Date(), repairedBy: principalOf(actor) },
          { where: { id } },
        );
        AuditLog.record(
          'OPERATE',
          { type: kind, id: entityId },
          { after: { operation: 'repair_drift', finding, repair, reason } },
        );
      });
      return { workflowId, repair };
    }),
});

export type WorkflowDrifts = ReturnType<typeof createWorkflowDrifts>;

const repairs = {
  missing: 'start',
  left_open: 'end',
  state: 'read_again',
  timers: 'read_again',
} as const satisfies Readonly<Record<DriftFinding, Repaired['repair']>>;

async function openDrift(id: string): Promise<WorkflowDrift> {
  const drift = await WorkflowDrift.findOne({ where: { id } });
  if (!drift) throw noSuch('drift', id);
  if (drift.resolvedAt) {
    throw new Conflict('DRIFT_RESOLVED', `The drift ${id} is no longer there`);
  }
  return drift;
}

/** @throws Conflict WORKFLOW_NOT_RUNNING where the run has ended since the check */
function refuseNone(error: unknown): never {
  if (!(error instanceof NotFound)) throw error;
  throw new Conflict('WORKFLOW_NOT_RUNNING', 'The run has ended since; the next check tells more');
}

const conditionsOf = ({ type, finding, open }: DriftFilters): readonly Condition[] => [
  ...(type ? [['d.kind = $', type] as const] : []),
  ...(finding ? [['d.finding = $', finding] as const] : []),
  ...(open === undefined ? [] : [[`d.resolved_at IS ${open ? '' : 'NOT '}NULL`] as const]),
];
