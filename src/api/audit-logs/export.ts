import { Readable } from 'node:stream';
import type { ExportFormat } from '../../commands/auditLogs.ts';
import { csvLine } from '../csv.ts';

type Cells = Readonly<Record<string, unknown>>;

const mediaTypeOf = {
  jsonl: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
} as const satisfies Readonly<Record<ExportFormat, string>>;

/** What an export's route declares of its answer. */
export const exportAnswer = {
  mediaType: ({ format }: { readonly format: ExportFormat }): string => mediaTypeOf[format],
  mediaTypes: Object.values(mediaTypeOf),
};

/** For Content-Disposition: a file named after the day. */
export const attachment = (format: ExportFormat): string =>
  `attachment; filename="audit-${new Date().toISOString().slice(0, 10)}.${format}"`;

/** A stream that asks for a page when the client has taken the one before; none after it has gone. */
export const exported = <Line>(
  pages: AsyncGenerator<readonly Line[]>,
  format: ExportFormat,
  columns: readonly string[],
  present: (line: Line) => Cells,
): Readable => Readable.from(texts(pages, format, columns, present), { objectMode: false });

async function* texts<Line>(
  pages: AsyncGenerator<readonly Line[]>,
  format: ExportFormat,
  columns: readonly string[],
  present: (line: Line) => Cells,
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(columns);
  for await (const page of pages) {
    if (page.length === 0) continue;
    const cells = page.map(present);
    yield format === 'csv'
      ? cells.map((line) => csvLine(columns.map((name) => line[name]))).join('')
      : cells.map((line) => `${JSON.stringify(line)}\n`).join('');
  }
}
