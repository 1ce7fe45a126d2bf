import type { Actor } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { withGlobal, withTenant } from '../models/database.ts';
import { countRows, selectFirst, type Condition } from '../models/list.ts';
import { readOf, type CursorAsked, type CursorPage, type Cursors, type Placed } from './cursors.ts';
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

export type AuditQuery = AuditFilters & CursorAsked;

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

export type Facts = Readonly<Record<string, unknown>>;

const lineColumns = `a.id, a.timestamp, a.actor_id AS "actorId", a.actor_type AS "actorType",
  a.action, a.entity_type AS "entityType", a.entity_id AS "entityId", a.before, a.after,
  a.request_id AS "requestId", a.workflow_id AS "workflowId", a.ip, a.user_agent AS "userAgent"`;

const placed = (columns: string): string => `${columns}, a.timestamp::text AS "storedAt"`;

const newestFirst = { by: 'a.timestamp', id: 'a.id', order: 'desc' } as const;

/** What happened in a company, and in all of them, the newest first. */
export const createAuditLogs = ({ cursors }: { readonly cursors: Cursors }) => {
  const walk = <Line extends AuditLine>(
    columns: string,
    conditions: readonly Condition[],
    scope: readonly unknown[],
    asked: CursorAsked,
  ): Promise<CursorPage<Line>> =>
    cursors.walk<Line>(
      { scope: ['audit', ...scope], ...readOf(columns, lines, conditions, newestFirst, asked) },
      asked,
    );

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
    list: (
      actor: Actor,
      { page, size, cursor, ...filters }: AuditQuery,
    ): Promise<CursorPage<AuditLine>> =>
      withTenant(actor.companyId, () => {
        const scope = [actor.companyId, ...namedFilters(filters)];
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
      CursorPage<AuditLine & { readonly companyId: string }>
    > =>
      withGlobal(() => {
        const scope = ['all companies', companyId ?? null, ...namedFilters(filters)];
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

/** What is older than a line. */
const behind = ({ storedAt, id }: Placed<object>): Condition => [
  '(a.timestamp, a.id) < ($, $2)',
  storedAt,
  id,
];
