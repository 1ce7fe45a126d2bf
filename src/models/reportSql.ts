import type { ReportColumn, ReportTable } from './reportData.ts';

/**
 * How one table of a report is read. Its SQL aggregates from `asked` (what the report is asked with)
 * and the company's tables; it has these columns in this order, and no more than the first three say what a
 * row is.
 */
export interface TableQuery extends Pick<ReportTable, 'name' | 'title' | 'columns' | 'charts'> {
  readonly sql: string;
}

const columnsOf =
  (kind: ReportColumn['kind']) =>
  (columns: Readonly<Record<string, string>>): ReportColumn[] =>
    Object.entries(columns).map(([name, label]) => ({ name, label, kind }));
export const texts = columnsOf('text');
export const counts = columnsOf('count');
export const amounts = columnsOf('money');
export const people = columnsOf('person');

export const ofMonth = texts({ month: 'Month', currency: 'Currency' });
export const ofType = texts({ policy_type: 'Policy type', currency: 'Currency' });

/** Of a table `p`. */
export const isOfType = '(asked.policy_type IS NULL OR p.policy_type = asked.policy_type)';

/** The month in which an instant falls by the company's calendar, or a day does. */
export const monthAt = (instant: string): string =>
  `to_char(${instant} AT TIME ZONE asked.time_zone, 'YYYY-MM')`;
export const monthOf = (day: string): string => `to_char(${day}, 'YYYY-MM')`;

const isBetween = (value: string, from: string, to: string): string =>
  `(${from} IS NULL OR ${value} >= ${from}) AND (${to} IS NULL OR ${value} < ${to})`;
export const isWithin = (day: string): string => isBetween(day, 'asked.from_day', 'asked.to_day');
export const happenedWithin = (instant: string): string =>
  isBetween(instant, 'asked.from_instant', 'asked.to_instant');
