import type { InferAttributes } from 'sequelize';
import { principalOf, type Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { BulkItem } from '../models/BulkItem.ts';
import { BulkOperation, bulkStatusOf, type BulkFilter } from '../models/BulkOperation.ts';
import { bulkStart } from '../models/bulkStart.ts';
import { afterCommit, append, flush, select, withTenant } from '../models/database.ts';
import { columnsOf, selectPage, sortedBy, type ListAsked } from '../models/list.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { noSuch } from '../models/rows.ts';
import {
  kindsWith,
  mostBulkItems,
  needsConfirmation,
  type BulkResult,
  type BulkStatus,
  type RunAction,
} from '../rules/runActions.ts';
import { bulkWorkflowId } from '../rules/workflowIds.ts';
import type { Dispatcher } from './dispatch.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedText } from './typedText.ts';
import type { FoundWorkflow, RunFilter, WorkflowSearch } from './workflowSearch.ts';

/** One action on every run that a filter finds among those that go on. */
export interface BulkWish {
  readonly action: RunAction;
  readonly filter: Omit<RunFilter, 'open' | 'kinds'>;
  readonly reason: string;
  /** How many runs the dry run told of, for what nobody can take back. */
  readonly confirm?: number | undefined;
  readonly dryRun: boolean;
  readonly perSecond: number;
}

/** What was begun, or would be. */
export interface BulkBegun {
  readonly dryRun: boolean;
  readonly count: number;
  /** The first of them; of a dry run alone. */
  readonly items: readonly FoundWorkflow[];
  readonly bulkId: string | null;
}

export interface BulkView extends InferAttributes<BulkOperation> {
  readonly status: BulkStatus;
  readonly workflowId: string;
  readonly counts: Readonly<Record<BulkResult | 'total', number>>;
}

export type BulkItemView = InferAttributes<BulkItem>;

export interface BulkItemFilters extends Pick<
  ListAsked<keyof typeof sortColumns>,
  'sortBy' | 'sortOrder' | 'page' | 'size'
> {
  readonly result?: BulkResult | undefined;
}

export interface BulkFilters extends Pick<
  ListAsked<keyof typeof bulkSortColumns>,
  'sortBy' | 'sortOrder' | 'page' | 'size'
> {
  readonly status?: BulkStatus | undefined;
  readonly action?: RunAction | undefined;
}

const bulkSortColumns = { createdAt: 'b.created_at' } as const;

/** As `bulkStatusOf` says it of a row. */
const standing: Readonly<Record<BulkStatus, string>> = {
  running: 'b.aborted_at IS NULL AND b.workflow_closed_at IS NULL',
  finished: 'b.aborted_at IS NULL AND b.workflow_closed_at IS NOT NULL',
  aborted: 'b.aborted_at IS NOT NULL',
};

/** Items are numbered in the order in which they are carried out. */
const sortColumns = { id: 'i.id' } as const;

const shownItems = 10;

/** What operators do to many runs at once: fixed when it begins, carried out by a workflow. */
export const createBulkOperations = ({
  search,
  dispatcher,
}: {
  readonly search: Pick<WorkflowSearch, 'list' | 'asking'>;
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
}) => ({
  /**
   * @throws Invalid NOT_CONFIRMED, NOTHING_FOUND, TOO_MANY; Unavailable where blocked runs are asked for
   * and Temporal is away
   */
  async begin(
    actor: Actor,
    { action, dryRun, perSecond, confirm, ...wish }: BulkWish,
    once: Once,
  ): Promise<BulkBegun | Replay> {
    const reason = typedText('reason', wish.reason);
    const filter = { ...filterFor(action, wish.filter), open: true };
    if (dryRun) {
      const { items, total } = await search.list(actor, {
        ...filter,
        sortBy: 'createdAt',
        sortOrder: 'asc',
        page: 1,
        size: shownItems,
      });
      return { dryRun, count: total, items, bulkId: null };
    }
    const find = await search.asking(actor, filter);
    return rowsOnce(once, async () => {
      const runs = await find(mostBulkItems + 1);
      const count = runs.length;
      refuseUnfit(action, count, confirm);
      const { companyId, type, userId, roles, key } = actor;
      const asker = { type, userId, roles, ...(key && { key }) };
      const kept = keptOf(filter);
      const id = append(BulkOperation, { action, filter: kept, reason, perSecond, asker });
      await flush();
      await BulkItem.fix(companyId, id, runs);
      AuditLog.record(
        'CREATE',
        { type: BulkOperation.entityType, id },
        { after: { action, filter: kept, reason, count } },
      );
      const start = OutboxEntry.promise(bulkStart({ id, companyId, action, perSecond }));
      afterCommit(() => dispatcher.dispatch(start));
      return { dryRun, count, items: [], bulkId: id };
    });
  },

  list: (actor: Actor, filters: BulkFilters) =>
    withTenant(actor.companyId, async () => {
      const { status, action } = filters;
      const { items, total } = await selectPage<InferAttributes<BulkOperation>>(
        columnsOf(BulkOperation, 'b'),
        'core.bulk_operations b',
        [
          ...(status ? [[standing[status]] as const] : []),
          ...(action ? [['b.action = $', action] as const] : []),
        ],
        sortedBy(bulkSortColumns, filters, 'b.id'),
      );
      return { items: await viewsOf(items), total };
    }),

  get: (actor: Actor, id: string): Promise<BulkView> =>
    withTenant(actor.companyId, () => viewOf(id)),

  /** What it came to with each run, in the order in which they are carried out. */
  items: (actor: Actor, id: string, filters: BulkItemFilters) =>
    withTenant(actor.companyId, async () => {
      await found(id);
      const { result } = filters;
      return selectPage<BulkItemView>(
        columnsOf(BulkItem, 'i'),
        'core.bulk_items i',
        [['i.bulk_id = $', id], ...(result ? [['i.result = $', result] as const] : [])],
        sortedBy(sortColumns, filters, 'i.id'),
      );
    }),

  /**
   * What has not begun is not begun any more; what has, comes to its end.
   * @throws Conflict BULK_ENDED
   */
  abort: (
    actor: Actor,
    { id, reason: written }: { readonly id: string; readonly reason: string },
    once: Once,
  ): Promise<BulkView | Replay> =>
    rowsOnce(once, async () => {
      const reason = typedText('reason', written);
      const bulk = await found(id, { lock: true });
      const status = bulkStatusOf(bulk);
      if (status !== 'running') {
        throw new Conflict('BULK_ENDED', `The operation ${id} is ${status}`, { status });
      }
      await bulk.update({
        abortedAt: new Date(),
        abortedBy: principalOf(actor),
        abortReason: reason,
      });
      AuditLog.record(
        'UPDATE',
        { type: BulkOperation.entityType, id },
        { before: { status }, after: { status: bulkStatusOf(bulk), reason } },
      );
      return viewOf(id);
    }),
});

export type BulkOperations = ReturnType<typeof createBulkOperations>;

/** Runs without the action are left out. @throws Invalid for a type that does not have it */
function filterFor(action: RunAction, filter: BulkWish['filter']): RunFilter {
  const kinds = kindsWith(action);
  const { type } = filter;
  if (type && !kinds.includes(type)) {
    throw invalidField('filter.type', `A ${type} has no ${action}`, 'INVALID_CHOICE');
  }
  return { ...filter, kinds };
}

function refuseUnfit(action: RunAction, count: number, confirm: number | undefined): void {
  if (count === 0) throw invalidField('filter', 'finds no run that goes on', 'NOTHING_FOUND');
  if (count > mostBulkItems) {
    throw invalidField(
      'filter',
      `finds more than ${mostBulkItems} runs; narrow it and do them one part after the other`,
      'TOO_MANY',
    );
  }
  if (needsConfirmation(action) && confirm !== count) {
    throw invalidField(
      'confirm',
      `must be the number of runs, which a dry run tells; there are ${count} now`,
      'NOT_CONFIRMED',
    );
  }
}

const keptOf = ({ type, status, overdue, blocked, ...within }: BulkWish['filter']): BulkFilter => ({
  type,
  status,
  overdue,
  blocked,
  createdAfter: within.createdAfter?.toISOString(),
  createdBefore: within.createdBefore?.toISOString(),
});

async function found(id: string, { lock = false } = {}): Promise<BulkOperation> {
  const bulk = await BulkOperation.findOne({ where: { id }, lock });
  if (!bulk) throw noSuch(BulkOperation.entityType, id);
  return bulk;
}

async function viewOf(id: string): Promise<BulkView> {
  const [view] = await viewsOf([(await found(id)).get()]);
  if (!view) throw new Error(`Nothing is seen of ${id}`);
  return view;
}

async function viewsOf(
  bulks: readonly InferAttributes<BulkOperation>[],
): Promise<readonly BulkView[]> {
  const counted = await select<{ bulkId: string; result: BulkResult; count: number }>(
    `SELECT bulk_id AS "bulkId", result, count(*)::integer AS count FROM core.bulk_items
     WHERE bulk_id = ANY ($1::uuid[]) GROUP BY bulk_id, result`,
    [bulks.map(({ id }) => id)],
  );
  return bulks.map((bulk) => {
    const own = counted.filter(({ bulkId }) => bulkId === bulk.id);
    const of = (result: BulkResult): number =>
      own.find((each) => each.result === result)?.count ?? 0;
    return {
      ...bulk,
      status: bulkStatusOf(bulk),
      workflowId: bulkWorkflowId(bulk.companyId, bulk.id),
      counts: {
        total: own.reduce((sum, { count }) => sum + count, 0),
        pending: of('pending'),
        done: of('done'),
        refused: of('refused'),
        failed: of('failed'),
      },
    };
  });
}
