import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import type { AuditLog } from '../models/AuditLog.ts';
import { withGlobal, withTenant } from '../models/database.ts';
import { InsurancePlan } from '../models/InsurancePlan.ts';
import { selectFirst, selectPage, type Condition } from '../models/list.ts';
import { PropertyCategory } from '../models/PropertyCategory.ts';
import { getRow } from '../models/rows.ts';
import { securityActions, securityEntities } from '../rules/auditCategories.ts';
import type { Policies } from './policies.ts';
import { visible } from './subscriptionViews.ts';

export interface AuditFilters {
  readonly entityType?: string | undefined;
  readonly entityId?: string | undefined;
  readonly actorId?: string | undefined;
  readonly action?: string | undefined;
  readonly category?: 'security' | undefined;
  readonly from?: Date | undefined;
  /** Excluded. */
  readonly to?: Date | undefined;
}

export interface AuditQuery extends AuditFilters {
  readonly page: number;
  readonly size: number;
  /** Of an earlier answer with the same filters: goes on behind its last line. */
  readonly cursor?: string | undefined;
}

export type AuditLine = Pick<
  AuditLog,
  | 'id'
  | 'timestamp'
  | 'actorId'
  | 'actorType'
  | 'action'
  | 'entityType'
  | 'entityId'
  | 'requestId'
  | 'workflowId'
  | 'ip'
  | 'userAgent'
> & { readonly before: Facts | null; readonly after: Facts | null };

export interface AuditPage<Line = AuditLine> {
  readonly items: readonly Line[];
  /** In a walk by cursor as counted when it began. */
  readonly total: number;
  readonly nextCursor: string | null;
}

export type Facts = Readonly<Record<string, unknown>>;

/** A change, or a step of a lifecycle, as whoever may read the object sees it: no addresses. */
export interface HistoryEntry {
  readonly id: string;
  readonly at: Date;
  readonly kind: 'change' | 'transition';
  readonly action: string;
  readonly actorId: string | null;
  readonly actorType: AuditLog['actorType'];
  readonly workflowId: string | null;
  readonly before: Facts | null;
  readonly after: Facts | null;
  readonly fromStatus: string | null;
  readonly toStatus: string | null;
  readonly reason: string | null;
}

export type HistoryEntity = 'subscription' | 'policy' | 'plan' | 'category';

const lineColumns = `a.id, a.timestamp, a.actor_id AS "actorId", a.actor_type AS "actorType",
  a.action, a.entity_type AS "entityType", a.entity_id AS "entityId", a.before, a.after,
  a.request_id AS "requestId", a.workflow_id AS "workflowId", a.ip, a.user_agent AS "userAgent"`;

const newestFirst = { by: 'a.timestamp', id: 'a.id', order: 'desc' } as const;

/** Both have the index (company_id, entity_type or entity_id, …), which the outer conditions reach. */
const changesAndTransitions = `(
  SELECT id, timestamp AS at, 'change' AS kind, action, actor_id, actor_type, workflow_id,
    before, after, NULL AS from_status, NULL AS to_status, NULL AS reason, entity_type, entity_id
  FROM core.audit_logs WHERE action <> 'ACCESS_DENIED'
  UNION ALL
  SELECT id, at, 'transition', event, actor_id, actor_type, NULL,
    NULL, NULL, from_status, to_status, reason, entity_type, entity_id
  FROM core.transitions) h`;

const entryColumns = `h.id, h.at, h.kind, h.action, h.actor_id AS "actorId",
  h.actor_type AS "actorType", h.workflow_id AS "workflowId", h.before, h.after,
  h.from_status AS "fromStatus", h.to_status AS "toStatus", h.reason`;

/** What happened in a company, and to one object. */
export const createAuditLogs = ({
  config,
  policies,
}: {
  readonly config: Pick<Config, 'secretKey'>;
  readonly policies: Pick<Policies, 'get'>;
}) => {
  /** Whoever may read the object; the routes of plans and categories ask for more. */
  const mayRead: Readonly<Record<HistoryEntity, (actor: Actor, id: string) => Promise<unknown>>> = {
    subscription: visible,
    policy: policies.get,
    plan: (_, id) => getRow(InsurancePlan, id, { archived: true }),
    category: (_, id) => getRow(PropertyCategory, id, { archived: true }),
  };

  /** The newest first, by pages, or by cursor, which costs the same however far it has come. */
  const walk = async <Line extends AuditLine>(
    columns: string,
    conditions: readonly Condition[],
    scope: string,
    { page, size, cursor }: Pick<AuditQuery, 'page' | 'size' | 'cursor'>,
  ): Promise<AuditPage<Line>> => {
    const sign = (place: Place) => signCursor(config.secretKey, scope, place);
    if (cursor === undefined) {
      const order = { ...newestFirst, page, size };
      const found = await selectPage<Line>(columns, lines, conditions, order);
      const last = page * size < found.total ? found.items.at(-1) : undefined;
      return { ...found, nextCursor: last ? sign({ after: last, total: found.total }) : null };
    }
    if (page > 1) throw invalidField('page', 'A cursor goes on by itself', 'REPEATED');
    const place = readCursor(config.secretKey, scope, cursor);
    const rows = await selectFirst<Line>(
      columns,
      lines,
      [...conditions, ['(a.timestamp, a.id) < ($, $2)', place.timestamp, place.id]],
      { ...newestFirst, size: size + 1 },
    );
    const items = rows.slice(0, size);
    const last = rows.length > size ? items.at(-1) : undefined;
    const { total } = place;
    return { items, total, nextCursor: last ? sign({ after: last, total }) : null };
  };

  return {
    list: (actor: Actor, { page, size, cursor, ...filters }: AuditQuery): Promise<AuditPage> =>
      withTenant(actor.companyId, () => {
        const scope = JSON.stringify([actor.companyId, namedFilters(filters)]);
        return walk<AuditLine>(lineColumns, conditionsOf(filters), scope, { page, size, cursor });
      }),

    /** Of one company or of all; of all without `from` the last 31 days. For global administrators. */
    listAll: ({
      companyId,
      page,
      size,
      cursor,
      ...filters
    }: AuditQuery & { readonly companyId?: string | undefined }): Promise<
      AuditPage<AuditLine & { readonly companyId: string }>
    > =>
      withGlobal(() => {
        const scope = JSON.stringify(['all companies', companyId ?? null, namedFilters(filters)]);
        const from = filters.from ?? (companyId === undefined ? daysAgo(31) : undefined);
        const conditions = conditionsOf({ ...filters, from });
        if (companyId !== undefined) conditions.unshift(['a.company_id = $', companyId]);
        const columns = `a.company_id AS "companyId", ${lineColumns}`;
        return walk(columns, conditions, scope, { page, size, cursor });
      }),

    /** From its beginning on. */
    history: (
      actor: Actor,
      entity: HistoryEntity,
      id: string,
      { page, size }: { readonly page: number; readonly size: number },
    ) =>
      withTenant(actor.companyId, async () => {
        await mayRead[entity](actor, id);
        return selectPage<HistoryEntry>(
          entryColumns,
          changesAndTransitions,
          [
            ['h.entity_type = $', entity],
            ['h.entity_id = $', id],
          ],
          { by: 'h.at', id: 'h.id', order: 'asc', page, size },
        );
      }),
  };
};

export type AuditLogs = ReturnType<typeof createAuditLogs>;

const lines = 'core.audit_logs a';

const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

const conditionsOf = ({
  entityType,
  entityId,
  actorId,
  action,
  category,
  from,
  to,
}: AuditFilters): Condition[] => [
  ...(entityType ? [['a.entity_type = $', entityType] as const] : []),
  ...(entityId ? [['a.entity_id = $', entityId] as const] : []),
  ...(actorId ? [['a.actor_id = $', actorId] as const] : []),
  ...(action ? [['a.action = $', action] as const] : []),
  ...(category
    ? [
        [
          '(a.action = ANY ($) OR a.entity_type = ANY ($2))',
          securityActions,
          securityEntities,
        ] as const,
      ]
    : []),
  ...(from ? [['a.timestamp >= $', from] as const] : []),
  ...(to ? [['a.timestamp < $', to] as const] : []),
];

/** In an order of our own, so that equal filters are equal text. */
const namedFilters = (filters: AuditFilters) => {
  const { entityType, entityId, actorId, action, category, from, to } = filters;
  return [entityType, entityId, actorId, action, category, from, to].map((value) => value ?? null);
};

interface Place {
  readonly after: Pick<AuditLine, 'timestamp' | 'id'>;
  readonly total: number;
}

/** A place in one company's list under certain filters; good for nothing else. */
function signCursor(key: string, scope: string, { after, total }: Place): string {
  const place = JSON.stringify([after.timestamp.toISOString(), after.id, total]);
  return `${Buffer.from(place).toString('base64url')}.${signature(key, scope, place)}`;
}

/** @throws Invalid unless we signed it for these filters of this company */
function readCursor(key: string, scope: string, cursor: string) {
  const [encoded = '', signed = ''] = cursor.split('.');
  const place = Buffer.from(encoded, 'base64url').toString();
  const expected = Buffer.from(signature(key, scope, place));
  const given = Buffer.from(signed);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw invalidField('cursor', 'The cursor belongs to another list', 'CURSOR_INVALID');
  }
  const [timestamp, id, total]: [string, string, number] = JSON.parse(place);
  return { timestamp, id, total };
}

const signature = (key: string, scope: string, place: string): string =>
  createHmac('sha256', key)
    .update(JSON.stringify(['audit-cursor', scope, place]))
    .digest('base64url');
