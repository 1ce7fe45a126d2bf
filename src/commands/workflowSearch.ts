import { validate as isUuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Company } from '../models/Company.ts';
import { withTenant } from '../models/database.ts';
import {
  containing,
  madeWithin,
  selectFirst,
  selectWidePage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { noSuch } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { standsStill } from '../models/watchedPolicy.ts';
import {
  workflowColumns,
  workflowTable,
  type LifecycleStatus,
  type WorkflowRow,
} from '../models/workflowRows.ts';
import { allows } from '../rules/permissions.ts';
import { workflowIdOf, workflowKinds, type WorkflowKind } from '../rules/workflowIds.ts';
import type { Companies } from './companies.ts';
import type { Cursors, Placed } from './cursors.ts';
import { uiUrlFor, type FailingStep, type Temporal } from './temporal.ts';
import type { DateName } from './timelines.ts';

/** What runs are found by. */
export interface RunFilter extends Pick<
  ListAsked<string>,
  'search' | 'createdAfter' | 'createdBefore'
> {
  readonly type?: WorkflowKind | undefined;
  /** Where no type is named; all unless told. */
  readonly kinds?: readonly WorkflowKind[] | undefined;
  readonly status?: LifecycleStatus | undefined;
  /** Whether its run goes on. */
  readonly open?: boolean | undefined;
  readonly overdue?: boolean | undefined;
  readonly blocked?: boolean | undefined;
}

export type FoundRun = Pick<WorkflowRow, 'kind' | 'id'>;

export interface WorkflowFilters extends RunFilter, ListAsked<keyof typeof sortColumns> {
  /** For the platform's own people; others have one company. */
  readonly companyId?: string | undefined;
  readonly cursor?: string | undefined;
}

/** An object with a workflow, as operators see it: by numbers, without people. */
export interface FoundWorkflow extends Omit<WorkflowRow, 'workflowClosedAt'> {
  readonly workflowId: string;
  /** What people call it, such as the number of a claim; null where it has no name yet. */
  readonly reference: string | null;
  /** `parked`: its start was given up and waits for an operator. */
  readonly run: 'starting' | 'parked' | 'running' | 'closed';
  readonly closedAt: Date | null;
  /** A timer is late, or a deadline of people was missed. */
  readonly isOverdue: boolean;
  readonly next: { readonly name: DateName; readonly dueAt: Date } | null;
}

export interface WorkflowDetail extends FoundWorkflow {
  /** Where operators see the run; null for whoever does not operate runs. */
  readonly workflowUrl: string | null;
  readonly timers: readonly Pick<Timer, 'name' | 'dueAt' | 'originalDueAt' | 'source' | 'status'>[];
  readonly failingStep: FailingStep | null;
  /** It goes on only once somebody has helped. */
  readonly isBlocked: boolean;
}

const sortColumns = { createdAt: 'w.created_at' } as const;

/** Finds runs by the rows of their objects; of a company that one is in, or may enter. */
export const createWorkflowSearch = ({
  temporal,
  companies,
  cursors,
}: {
  readonly cursors: Cursors;
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl' | 'blocked'>;
  readonly companies: Pick<Companies, 'enter'>;
}) => ({
  /**
   * @throws NotFound for another company's id
   * @throws Unavailable where blocked ones are asked for and Temporal is away
   */
  async list(actor: Actor, { companyId: named, ...asked }: WorkflowFilters) {
    const companyId = named ?? actor.companyId;
    if (companyId !== actor.companyId) {
      if (!allows(actor, 'company:manage_all')) throw noSuch(Company.entityType, companyId);
      await companies.enter(actor, companyId);
    }
    const { page, size, cursor, ...filters } = asked;
    const { from, parts, conditions } = await chosen(temporal, { ...actor, companyId }, filters);
    const order = sortedBy(sortColumns, asked, 'w.id');
    const read = (more: string, further: readonly Condition[], place: typeof order) =>
      selectWidePage<Placed<Row>>(
        `${columns}, ${more}`,
        { from, narrow: from, parts },
        [...conditions, ...further],
        place,
      );
    return withTenant(companyId, async () => {
      const found = await cursors.walk<Row>(
        {
          scope: ['workflows', companyId, actor.userId, actor.roles, ...entriesOf(filters)],
          by: sortColumns[filters.sortBy],
          id: order.id,
          order: filters.sortOrder,
          page: (more) => read(more, [], order),
          behind: async (more, further, most) =>
            (await read(more, [further], { ...order, page: 1, size: most })).items,
        },
        { page, size, cursor },
      );
      return { ...found, items: found.items.map(asFound) };
    });
  },

  /**
   * What a filter finds in the company, as a question to ask inside of a transaction.
   * @throws Unavailable as `list`
   */
  async asking(
    actor: Actor,
    filters: RunFilter,
  ): Promise<(most: number) => Promise<readonly FoundRun[]>> {
    const { from, conditions } = await chosen(temporal, actor, filters);
    const order = { by: 'w.created_at', id: 'w.id', order: 'asc' } as const;
    return (most) =>
      selectFirst<FoundRun>('w.kind, w.id', from, conditions, { ...order, size: most });
  },

  /** @throws NotFound */
  async get(actor: Actor, kind: WorkflowKind, id: string): Promise<WorkflowDetail> {
    const { found, timers } = await withTenant(actor.companyId, async () => ({
      found: asFound(await visibleRun(actor, kind, id)),
      timers: await Timer.setFor(id),
    }));
    const { workflowId, run } = found;
    const failingStep = run === 'running' ? await temporal.failingStep(workflowId) : undefined;
    return {
      ...found,
      workflowUrl: uiUrlFor(actor, temporal, workflowId),
      timers,
      failingStep: failingStep ?? null,
      isBlocked: run === 'parked' || (failingStep !== undefined && failingStep.movedBy !== 'retry'),
    };
  },
});

export type WorkflowSearch = ReturnType<typeof createWorkflowSearch>;

/** In the open transaction. @throws NotFound for whoever may not see behind it */
export async function visibleRun(actor: Actor, kind: WorkflowKind, id: string): Promise<Row> {
  const [row] = await selectFirst<Row>(
    columns,
    `${workflowTable([kind])} w`,
    [['w.id = $', id], ...ownClaimsHidden(actor)],
    { by: 'w.id', id: 'w.id', order: 'asc', size: 1 },
  );
  if (!row) throw noSuch(kind, id);
  return row;
}

/** In an order of our own, so that equal filters are equal text. */
const entriesOf = (filters: object) =>
  Object.entries(filters).toSorted(([one], [other]) => (one < other ? -1 : 1));

interface Row extends WorkflowRow {
  readonly reference: string | null;
  readonly isOverdue: boolean;
  readonly owed: 'starting' | 'parked' | null;
  readonly next: { readonly name: DateName; readonly dueAt: string } | null;
}

const isOverdue = `(w.workflow_closed_at IS NULL AND (w.is_late OR w.id IN (
  SELECT t.entity_id FROM core.timers t
  WHERE t.status = 'scheduled' AND t.due_at < now() - interval '1 minute')))`;

const columns = `${workflowColumns}, ${isOverdue} AS "isOverdue",
  coalesce(w.reference, (SELECT p.policy_number FROM policies p
    WHERE p.company_id = w.company_id AND p.id = w.policy_id)) AS reference,
  (SELECT CASE WHEN o.parked_at IS NULL THEN 'starting' ELSE 'parked' END FROM core.outbox o
   WHERE o.company_id = w.company_id AND o.entity_id = w.id AND o.dispatched_at IS NULL
   ORDER BY o.id DESC LIMIT 1) AS owed,
  coalesce((SELECT jsonb_build_object('name', t.name, 'dueAt', t.due_at) FROM core.timers t
   WHERE t.company_id = w.company_id AND t.entity_id = w.id AND t.status = 'scheduled'
   ORDER BY t.due_at, t.name LIMIT 1),
   (SELECT jsonb_build_object('name', a.next_action, 'dueAt', a.next_action_at) FROM acknowledgements a
    WHERE w.kind = 'acknowledgement' AND a.company_id = w.company_id AND a.policy_id = w.id
      AND a.next_action_at IS NOT NULL AND NOT ${standsStill}
    ORDER BY a.next_action_at, a.id LIMIT 1)) AS next`;

/** Those of the actor's company. Temporal is asked here, and not inside of a transaction. */
async function chosen(
  temporal: Pick<Temporal, 'blocked'>,
  actor: Actor,
  filters: RunFilter,
): Promise<{
  readonly from: string;
  readonly parts: readonly string[];
  readonly conditions: readonly Condition[];
}> {
  const { type, blocked } = filters;
  const kinds = type ? [type] : (filters.kinds ?? workflowKinds);
  const waiting =
    blocked === undefined
      ? []
      : await temporal.blocked(actor.companyId, () => lateRuns(actor.companyId));
  return {
    from: `${workflowTable(kinds)} w`,
    parts: kinds.map((kind) => workflowTable([kind])),
    conditions: [
      ...ownClaimsHidden(actor),
      ...conditionsOf(actor, filters),
      ...(blocked === undefined ? [] : [isBlockedAmong(waiting, blocked)]),
    ],
  };
}

function conditionsOf(actor: Actor, filters: RunFilter): readonly Condition[] {
  const { status, open, overdue, search } = filters;
  const late: Condition = [overdue ? isOverdue : `NOT ${isOverdue}`];
  return [
    ...(status ? [['w.status = $', status] as const] : []),
    ...(open === undefined
      ? []
      : [[`w.workflow_closed_at IS ${open ? 'NULL' : 'NOT NULL'}`] as const]),
    ...(overdue === undefined ? [] : [late]),
    ...(search ? [matching(actor, search)] : []),
    ...madeWithin('w', filters),
  ];
}

/**
 * The id of the object or of its run, or what it is called. Whoever may read policies and claims finds
 * theirs by all that those are found by; operators see no people, so they do not find by them.
 */
function matching(actor: Actor, text: string): Condition {
  const id = text.split('/').at(-1);
  if (isUuid(id)) return ['w.id = $', id];
  const byNumber = `SELECT s.id FROM policy_subscriptions s
      JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id
      WHERE p.policy_number = upper($)
    UNION ALL SELECT c.id FROM claims c WHERE c.claim_number = upper($)
    UNION ALL SELECT y.id FROM payments y WHERE y.transaction_id = $
    UNION ALL SELECT r.id FROM reports r WHERE r.report_type = $
    UNION ALL SELECT v.id FROM compliance_policy_versions v
      JOIN compliance_policies d ON d.company_id = v.company_id AND d.id = v.policy_id
      WHERE d.title ILIKE $2
    UNION ALL SELECT k.id FROM compliance_policies k WHERE k.title ILIKE $2
    UNION ALL SELECT g.id FROM core.registration_requests g
      WHERE g.company_name ILIKE $2 OR g.requested_domain ILIKE $2`;
  const byPolicy = `UNION ALL SELECT s.id FROM policy_subscriptions s
    WHERE s.policy_id IN (SELECT * FROM search_policy_ids($2))`;
  const byClaim = 'UNION ALL SELECT * FROM search_claim_ids($2)';
  return [
    `w.id IN (${byNumber}
      ${allows(actor, 'policy:read') ? byPolicy : ''}
      ${allows(actor, 'claim:read') ? byClaim : ''})`,
    text,
    containing(text),
  ];
}

/** Whose timer did not fire, as of those whose code fails; the first hundred, by how late they are. */
const lateRuns = (companyId: string): Promise<readonly string[]> =>
  withTenant(companyId, async () => {
    const late = await selectFirst<Pick<Timer, 'workflowId'>>(
      't.workflow_id AS "workflowId"',
      'core.timers t',
      [[`t.status = 'scheduled' AND t.due_at < now() - interval '1 minute'`]],
      { by: 't.due_at', id: 't.id', order: 'asc', size: 100 },
    );
    return [...new Set(late.map(({ workflowId }) => workflowId))];
  });

/** By Temporal, or by the rows where it has not begun. */
const isBlockedAmong = (workflowIds: readonly string[], wanted: boolean): Condition => [
  `(w.workflow_closed_at IS NULL AND (w.id = ANY ($::uuid[]) OR EXISTS (
     SELECT FROM core.outbox o
     WHERE o.company_id = w.company_id AND o.entity_id = w.id AND o.parked_at IS NOT NULL
       AND o.dispatched_at IS NULL))) = $2`,
  workflowIds.map((workflowId) => workflowId.split('/').at(-1)),
  wanted,
];

/** Whoever has a claim themselves does not see behind it. */
const ownClaimsHidden = ({ userId }: Actor): readonly Condition[] =>
  userId
    ? [
        [
          `(w.kind <> 'claim' OR w.policy_id NOT IN (
             SELECT held.id FROM policies held WHERE held.user_id = $))`,
          userId,
        ],
      ]
    : [];

function asFound({ workflowClosedAt, owed, next, ...row }: Row): FoundWorkflow {
  const { kind, companyId, id } = row;
  return {
    ...row,
    workflowId: workflowIdOf(kind, companyId, id),
    run: workflowClosedAt ? 'closed' : (owed ?? 'running'),
    closedAt: workflowClosedAt,
    next: workflowClosedAt || !next ? null : { ...next, dueAt: new Date(next.dueAt) },
  };
}
