import type { ReportFilters, ReportPeriod, ReportType } from '../rules/reports.ts';
import { select, takeTime } from './database.ts';
import { reportQueries } from './reportQueries.ts';

/** A column of a table: how its values are to be read, and what people call it. */
export interface ReportColumn {
  readonly name: string;
  readonly label: string;
  /** A `person` is an id; the name is put beside it when somebody reads the report. */
  readonly kind: 'text' | 'count' | 'money' | 'person';
}

/** Bars: a group for each row, called after `labels`, with a bar for each of `series`. */
export interface ReportChart {
  readonly title: string;
  readonly labels: readonly string[];
  readonly series: readonly string[];
}

export interface ReportTable {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly ReportColumn[];
  readonly charts: readonly ReportChart[];
  readonly rows: readonly Readonly<Record<string, string | number | null>>[];
  /** There were more rows than a report holds. */
  readonly isTruncated: boolean;
}

/** What a generation found; it describes itself, so that older ones stay readable. */
export interface ReportData {
  readonly reportType: ReportType;
  readonly filters: ReportFilters;
  readonly period: ReportPeriod;
  readonly timeZone: string;
  readonly tables: readonly ReportTable[];
}

/** What the tables are read with; days are those of the zone. */
export interface ReportQuestion {
  readonly filters: ReportFilters;
  readonly period: ReportPeriod;
  readonly timeZone: string;
}

/** A table holds no more rows. */
export const mostRows = 1000;

/** Statements of the doors have seconds; these look at everything a company has. */
const statementTimeoutMs = 120_000;

/** How many tables a report of the type has. */
export const tableCount = (type: ReportType): number => reportQueries[type].length;

/** One table, in the company's transaction. @param place from 0 */
export async function readTable(
  type: ReportType,
  place: number,
  { filters, period, timeZone }: ReportQuestion,
): Promise<ReportTable> {
  const query = reportQueries[type][place];
  if (!query) throw new RangeError(`The report ${type} has no table ${place}`);
  const { sql, ...table } = query;
  await takeTime(statementTimeoutMs);
  const rows = await select<ReportTable['rows'][number]>(
    `WITH asked AS MATERIALIZED (
       SELECT $1::date AS from_day, $2::date AS to_day, $3::text AS policy_type,
         $4::text AS time_zone, $1::date::timestamp AT TIME ZONE $4::text AS from_instant,
         $2::date::timestamp AT TIME ZONE $4::text AS to_instant)
     ${sql} ORDER BY 1, 2, 3 LIMIT ${mostRows + 1}`,
    [period.from, period.to, filters.policyType ?? null, timeZone],
  );
  return { ...table, rows: rows.slice(0, mostRows), isTruncated: rows.length > mostRows };
}
