import type { ReportFile } from '../../commands/reports.ts';
import { csvLine } from '../csv.ts';
import { pageOf } from './page.ts';
import { presentReportData } from './present.ts';
import type { downloadFormats } from './schema.ts';

type Format = (typeof downloadFormats)[number];

export const mediaTypeOf = {
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
} as const satisfies Readonly<Record<Format, string>>;

/** The text of a report's file. */
export function fileText(file: ReportFile, format: Format): string {
  switch (format) {
    case 'json':
      return JSON.stringify(factsOf(file));
    case 'csv':
      return csvOf(file);
    case 'html':
      return pageOf(file);
    default:
      return format satisfies never;
  }
}

/** For Content-Disposition: named after the type and the day, since a name may hold anything. */
export const fileHeader = ({ report, generatedAt }: ReportFile, format: Format): string =>
  `${format === 'html' ? 'inline' : 'attachment'}; filename="${report.reportType}-` +
  `${generatedAt.toISOString().slice(0, 10)}.${format}"`;

const factsOf = ({ report, data, generatedAt }: ReportFile) => ({
  id: report.id,
  name: report.name,
  report_type: data.reportType,
  generated_at: generatedAt.toISOString(),
  ...presentReportData(data),
});

/** One table is a plain file; several stand one below the other, each under its title. */
const csvOf = ({ data: { tables } }: ReportFile): string =>
  tables
    .map(({ title, columns, rows }) =>
      [
        ...(tables.length > 1 ? [csvLine([title])] : []),
        csvLine(columns.map(({ name }) => name)),
        ...rows.map((row) => csvLine(columns.map(({ name }) => row[name]))),
      ].join(''),
    )
    .join('\r\n');
