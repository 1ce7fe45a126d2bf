import type { InferAttributes } from 'sequelize';
import { principalOf, type Actor } from '../context.ts';
import { Conflict, Forbidden, Invalid, invalidField, type FieldProblem } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { afterCommit, append, flush, select, withTenant } from '../models/database.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { Report } from '../models/Report.ts';
import type { ReportData, ReportTable } from '../models/reportData.ts';
import { reportStart } from '../models/reportStart.ts';
import { archiveRow, editRow, getRow, noSuch } from '../models/rows.ts';
import { fullNameOf, type User } from '../models/User.ts';
import { allows } from '../rules/permissions.ts';
import {
  nextReportStatus,
  periodProblem,
  policyTypeProblem,
  scheduleOf,
  scheduleProblem,
  type ReportFilters,
  type ReportFormat,
  type ReportStatus,
  type ReportType,
  type WishedSchedule,
} from '../rules/reports.ts';
import { reportWorkflowId } from '../rules/workflowIds.ts';
import { seesAll } from './categories.ts';
import type { Dispatcher } from './dispatch.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

/** What a person may set. */
export interface ReportWish {
  readonly name: string;
  readonly reportType: ReportType;
  readonly filters: ReportFilters;
  readonly format: ReportFormat;
  readonly schedule?: WishedSchedule | null | undefined;
}

export interface ReportListFilters extends ListAsked<keyof typeof sortColumns> {
  readonly reportType?: ReportType | undefined;
  readonly status?: ReportStatus | undefined;
  readonly includeArchived: boolean;
}

/** A report without its data, as lists show it. */
export interface ReportView {
  readonly report: Omit<InferAttributes<Report>, 'reportData'>;
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' | 'closed' };
}

/** With the data of the last generation that got ready. */
export interface ReportDetail extends ReportView {
  readonly data: ReportData | null;
}

/** What a file is made of. */
export interface ReportFile {
  readonly report: Report;
  readonly data: ReportData;
  readonly generatedAt: Date;
}

const sortColumns = {
  createdAt: 'r.created_at',
  name: 'lower(r.name)',
  generatedAt: 'r.generated_at',
} as const;

/** One's own reports, and everybody's with the right to; the routes say who may make any. */
export const createReports = ({
  dispatcher,
}: {
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
}) => {
  const dispatchLater = (start: WorkflowStart): void =>
    afterCommit(() => dispatcher.dispatch(start));

  return {
    list: (actor: Actor, filters: ReportListFilters) =>
      withTenant(actor.companyId, async () => {
        const { reportType, status, search, includeArchived } = filters;
        const page = await selectPage<Row>(
          columns(['reportData']),
          'reports r',
          [
            ...(allows(actor, 'report:read_all')
              ? []
              : [['r.created_by = $', principalOf(actor)] as const]),
            ...(includeArchived && seesAll(actor) ? [] : [live]),
            ...(reportType ? [['r.report_type = $', reportType] as const] : []),
            ...(status ? [['r.status = $', status] as const] : []),
            ...(search ? [['r.name ILIKE $', containing(search)] as const] : []),
            ...madeWithin('r', filters),
          ],
          sortedBy(sortColumns, filters, 'r.id'),
        );
        return { ...page, items: page.items.map(asView) };
      }),

    get: (actor: Actor, id: string): Promise<ReportDetail> =>
      withTenant(actor.companyId, () => viewOf(actor, id)),

    /** The row and the promise of its first generation. */
    create: (actor: Actor, wish: ReportWish, once: Once): Promise<ReportDetail | Replay> =>
      rowsOnce(once, async () => {
        const values = checked(wish);
        const id = append(Report, { ...values, status: 'pending' });
        AuditLog.record('CREATE', { type: Report.entityType, id }, { after: values });
        await flush();
        dispatchLater(OutboxEntry.promise(reportStart(await getRow(Report, id))));
        await flush();
        return viewOf(actor, id);
      }),

    /**
     * Generated anew where the answer changes with it: another type or other filters.
     * @throws Conflict ILLEGAL_TRANSITION when that would be while a generation is under way
     */
    replace: (
      actor: Actor,
      id: string,
      wish: ReportWish,
      expectedVersion: number | undefined,
    ): Promise<ReportDetail> =>
      withTenant(actor.companyId, async () => {
        const values = checked(wish);
        const report = await writable(actor, id);
        const { reportType, filters } = report;
        await editRow(Report, report, values, expectedVersion);
        const asked = ({ reportType: type, filters: by }: Pick<Report, 'reportType' | 'filters'>) =>
          JSON.stringify([type, by.from, by.to, by.policyType]);
        if (asked(report) !== asked({ reportType, filters })) {
          dispatchLater(await report.generateAgain(nextCommandId(report), new Date()));
          await flush();
        }
        return viewOf(actor, id);
      }),

    /**
     * Another generation; what was generated before stays until it is ready.
     * @throws Conflict ILLEGAL_TRANSITION while one is under way
     */
    generate: (actor: Actor, id: string, once: Once): Promise<ReportDetail | Replay> =>
      rowsOnce(
        once,
        async () => {
          const report = await writable(actor, id);
          dispatchLater(await report.generateAgain(nextCommandId(report), new Date()));
          await flush();
          return viewOf(actor, id);
        },
        () => visible(actor, id),
      ),

    /** Its schedule goes with it. */
    archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<unknown> =>
      withTenant(actor.companyId, async () =>
        archiveRow(Report, await writable(actor, id), expectedVersion),
      ),

    /**
     * What a file is written from; the audit tells of it.
     * @throws Conflict REPORT_NOT_READY before the first generation has ended well
     */
    download: (
      actor: Actor,
      id: string,
      {
        format,
        table,
      }: { readonly format?: string | undefined; readonly table?: string | undefined },
    ): Promise<ReportFile> =>
      withTenant(actor.companyId, async () => {
        const report = await visible(actor, id);
        const { reportData, generatedAt, status } = report;
        if (!reportData || !generatedAt) {
          throw new Conflict('REPORT_NOT_READY', `The report ${id} has no data yet`, { status });
        }
        const tables = reportData.tables.filter(
          ({ name }) => table === undefined || name === table,
        );
        if (tables.length === 0) {
          const names = reportData.tables.map(({ name }) => name).join(', ');
          throw invalidField('table', `The report has the tables ${names}`, 'INVALID_CHOICE');
        }
        AuditLog.record(
          'EXPORT',
          { type: Report.entityType, id },
          { after: { format: format ?? report.format, ...(table && { table }) } },
        );
        return { report, data: await withNames({ ...reportData, tables }), generatedAt };
      }),
  };
};

export type Reports = ReturnType<typeof createReports>;

/** Another person's without the right to all is a 404 like an unknown one. */
export async function visible(actor: Actor, id: string): Promise<Report> {
  const report = await getRow(Report, id);
  if (!isVisible(actor, report)) throw noSuch(Report.entityType, id);
  return report;
}

async function writable(actor: Actor, id: string): Promise<Report> {
  const report = await getRow(Report, id, { lock: true });
  if (!isVisible(actor, report)) throw noSuch(Report.entityType, id);
  if (!owns(actor, report) && !allows(actor, 'report:write_any')) throw new Forbidden();
  return report;
}

/** Names stand with their people, who may be erased; a report keeps ids. Whoever has left has none. */
async function withNames(data: ReportData): Promise<ReportData> {
  const columns = data.tables.flatMap((table) => table.columns);
  if (!columns.some(({ kind }) => kind === 'person')) return data;
  const ids = data.tables.flatMap(({ columns: own, rows }) =>
    own.flatMap(({ name, kind }) =>
      kind === 'person' ? rows.flatMap((row) => row[name] ?? []) : [],
    ),
  );
  const people = await select<Pick<User, 'id' | 'firstName' | 'lastName' | 'username'>>(
    `SELECT id, first_name AS "firstName", last_name AS "lastName", username
     FROM platform.users WHERE id = ANY ($1)`,
    [ids],
  );
  const names = new Map(people.map((person) => [person.id, fullNameOf(person)]));
  return { ...data, tables: data.tables.map((table) => named(table, names)) };
}

/** With a column `adjuster` beside `adjuster_id`, which the charts are labelled by. */
function named(table: ReportTable, names: ReadonlyMap<string, string>): ReportTable {
  const nameOf = (column: string): string => column.replace(/_id$/, '');
  const people = table.columns.filter(({ kind }) => kind === 'person').map(({ name }) => name);
  return {
    ...table,
    columns: table.columns.flatMap((column) =>
      column.kind === 'person'
        ? [
            { ...column, name: nameOf(column.name), kind: 'text' },
            { ...column, label: 'Id' },
          ]
        : [column],
    ),
    charts: table.charts.map((chart) => ({
      ...chart,
      labels: chart.labels.map((label) => (people.includes(label) ? nameOf(label) : label)),
    })),
    rows: table.rows.map((row) => ({
      ...row,
      ...Object.fromEntries(
        people.map((column) => {
          const id = row[column];
          return [nameOf(column), id === null ? 'Nobody' : (names.get(String(id)) ?? 'Unknown')];
        }),
      ),
    })),
  };
}

const owns = (actor: Actor, { createdBy }: Pick<Report, 'createdBy'>): boolean =>
  createdBy !== null && createdBy === principalOf(actor);

const isVisible = (actor: Actor, report: Pick<Report, 'createdBy'>): boolean =>
  owns(actor, report) || allows(actor, 'report:read_all');

const nextCommandId = ({ id, generation }: Report): string =>
  `report/${id}/generate/${generation + 1}`;

/** What may be stored. @throws Invalid with all that is wrong */
function checked({ name, reportType, filters, format, schedule = null }: ReportWish) {
  const problems: FieldProblem[] = [];
  const period = periodProblem(filters);
  if (period) problems.push({ field: 'filters.to', ...period });
  const ofType = policyTypeProblem(reportType, filters);
  if (ofType) problems.push({ field: 'filters.policy_type', ...ofType });
  const unfit = schedule && scheduleProblem(schedule);
  if (unfit) problems.push({ ...unfit, field: `schedule.${unfit.field}` });
  if (problems.length > 0) throw new Invalid(problems);
  return { name, reportType, filters, format, schedule: schedule && scheduleOf(schedule) };
}

interface Row extends Omit<InferAttributes<Report>, 'reportData'> {
  /** Its start is still owed, or was given up and waits for an operator. */
  readonly isStarting: boolean;
}

const columns = (except: readonly string[] = []): string =>
  `${columnsOf(Report, 'r', except)},
   EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = r.company_id
       AND o.entity_id = r.id AND o.dispatched_at IS NULL) AS "isStarting"`;

const live: Condition = ['r.archived_at IS NULL'];

async function viewOf(actor: Actor, id: string): Promise<ReportDetail> {
  const [row] = await selectFirst<Row & Pick<Report, 'reportData'>>(
    columns(),
    'reports r',
    [live, ['r.id = $', id]],
    { by: 'r.id', id: 'r.id', order: 'asc', size: 1 },
  );
  if (!row || !isVisible(actor, row)) throw noSuch(Report.entityType, id);
  const { reportData, ...rest } = row;
  return { ...asView(rest), data: reportData && (await withNames(reportData)) };
}

function asView({ isStarting, ...report }: Row): ReportView {
  const { companyId, id, status, workflowClosedAt } = report;
  const ongoing = isStarting && nextReportStatus(status, 'begin') ? 'starting' : 'running';
  return {
    report,
    workflow: {
      id: reportWorkflowId(companyId, id),
      state: workflowClosedAt ? 'closed' : ongoing,
    },
  };
}
