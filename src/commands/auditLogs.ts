import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { withGlobal, withTenant } from '../models/database.ts';
import { countRows, selectFirst, selectPage, type Condition } from '../models/list.ts';
import { securityActions, securityEntities } from '../rules/auditCategories.ts';

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

export const exportFormats = ['jsonl', 'csv'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface AuditPage<Line = AuditLine> {
  readonly items: readonly Line[];
  /** In a walk by cursor as counted when it began. */
  readonly total: number;
  readonly nextCursor: string | null;
}

export type Facts = Readonly<Record<string, unknown>>;

const lineColumns = `a.id, a.timestamp, a.actor_id AS "actorId", a.actor_type AS "actorType",
  a.action, a.entity_type AS "entityType", a.entity_id AS "entityId", a.before, a.after,
  a.request_id AS "requestId", a.workflow_id AS "workflowId", a.ip, a.user_agent AS "userAgent"`;

/** Where a line stands, to the microsecond: SQL writes lines between two milliseconds. */
type Placed<Line> = Line & { readonly storedAt: string };

const placed = (columns: string): string => `${columns}, a.timestamp::text AS "storedAt"`;

const newestFirst = { by: 'a.timestamp', id: 'a.id', order: 'desc' } as const;

/** What happened in a company, and in all of them. */
export const createAuditLogs = ({ config }: { readonly config: Pick<Config, 'secretKey'> }) => {
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
      const found = await selectPage<Placed<Line>>(placed(columns), lines, conditions, order);
      const last = page * size < found.total ? found.items.at(-1) : undefined;
      return { ...found, nextCursor: last ? sign({ after: last, total: found.total }) : null };
    }
    if (page > 1) throw invalidField('page', 'A cursor goes on by itself', 'REPEATED');
    const place = readCursor(config.secretKey, scope, cursor);
    const rows = await selectFirst<Placed<Line>>(
      placed(columns),
      lines,
      [...conditions, behind(place)],
      { ...newestFirst, size: size + 1 },
    );
    const items = rows.slice(0, size);
    const last = rows.length > size ? items.at(-1) : undefined;
    const { total } = place;
    return { items, total, nextCursor: last ? sign({ after: last, total }) : null };
  };

  /**
   * Says in the audit what is taken out, then reads it page by page as it is asked for: in a memory
   * that does not grow with it, and no further than it is asked. What is written meanwhile is newer.
   */
  const takeOut = async <Line extends AuditLine>(
    within: <T>(work: () => Promise<T>) => Promise<T>,
    columns: string,
    conditions: readonly Condition[],
    record: (count: number) => void,
  ): Promise<AsyncGenerator<readonly Line[]>> => {
    const order = { ...newestFirst, size: exportPage };
    const pageOf = (more: readonly Condition[]) =>
      selectFirst<Placed<Line>>(placed(columns), lines, [...conditions, ...more], order);
    const first = await within(async () => {
      record(await countRows(lines, conditions));
      return pageOf([]);
    });
    return (async function* pages() {
      for (let page = first; ;) {
        yield page;
        const last = page.at(-1);
        if (!last || page.length < exportPage) return;
        page = await within(() => pageOf([behind(last)]));
      }
    })();
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
        const from = filters.from ?? recentOfAll(companyId);
        const conditions = [...ofCompany(companyId), ...conditionsOf({ ...filters, from })];
        const columns = `a.company_id AS "companyId", ${lineColumns}`;
        return walk(columns, conditions, scope, { page, size, cursor });
      }),

    /** Every line that the list would show, the newest first. */
    export: (
      { companyId }: Actor,
      { format, ...filters }: AuditFilters & { readonly format: ExportFormat },
    ) =>
      takeOut<AuditLine>(
        (work) => withTenant(companyId, work),
        lineColumns,
        conditionsOf(filters),
        (count) => recordExport({ format, filters, count }),
      ),

    /** Of one company, which finds it in its audit, or of all. For global administrators. */
    exportAll: ({
      companyId,
      format,
      ...given
    }: AuditFilters & {
      readonly companyId?: string | undefined;
      readonly format: ExportFormat;
    }) => {
      const filters = { ...given, from: given.from ?? recentOfAll(companyId) };
      return takeOut<AuditLine & { readonly companyId: string }>(
        withGlobal,
        `a.company_id AS "companyId", ${lineColumns}`,
        [...ofCompany(companyId), ...conditionsOf(filters)],
        (count) => recordExport({ format, filters, count, companyId }),
      );
    },
  };
};

export type AuditLogs = ReturnType<typeof createAuditLogs>;

const lines = 'core.audit_logs a';

/** Lines of an export that are in memory at once. */
const exportPage = 1000;

const recordExport = ({
  format,
  filters,
  count,
  companyId,
}: {
  readonly format: ExportFormat;
  readonly filters: AuditFilters;
  readonly count: number;
  readonly companyId?: string | undefined;
}): void => {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  AuditLog.record(
    'EXPORT',
    { type: 'audit_log', id: null },
    {
      after: { format, count, filters: Object.fromEntries(given) },
      ...(companyId !== undefined && { companyId }),
    },
  );
};

const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

/** Where all companies are asked about, only this far back unless told. */
const recentOfAll = (companyId: string | undefined): Date | undefined =>
  companyId === undefined ? daysAgo(31) : undefined;

const ofCompany = (companyId: string | undefined): Condition[] =>
  companyId === undefined ? [] : [['a.company_id = $', companyId]];

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
  readonly after: Pick<Placed<AuditLine>, 'storedAt' | 'id'>;
  readonly total: number;
}

/** What is older than a line. */
const behind = ({ storedAt, id }: Place['after']): Condition => [
  '(a.timestamp, a.id) < ($, $2)',
  storedAt,
  id,
];

/** A place in one company's list under certain filters; good for nothing else. */
function signCursor(key: string, scope: string, { after, total }: Place): string {
  const place = JSON.stringify([after.storedAt, after.id, total]);
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
  const [storedAt, id, total]: [string, string, number] = JSON.parse(place);
  return { storedAt, id, total };
}

const signature = (key: string, scope: string, place: string): string =>
  createHmac('sha256', key)
    .update(JSON.stringify(['audit-cursor', scope, place]))
    .digest('base64url');
