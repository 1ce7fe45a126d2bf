import { select } from '../models/database.ts';
import { nobody } from './identity.ts';

/** A row as it is shown: names in snake_case, instants as text. */
export type ExportedRow = Readonly<Record<string, unknown>>;

/** One member of the document, read page after page, so that it may be of any length. */
export interface ExportedPart {
  readonly name: string;
  readonly rows: () => AsyncGenerator<ExportedRow>;
}

/** Rows of `t`, which has an id. */
export interface ExportedTable {
  readonly name: string;
  readonly columns: string;
  readonly from: string;
  /** Names every parameter. */
  readonly where: string;
}

/**
 * A part of what a table has, by id.
 * @param open each page is a transaction of its own: none waits for a slow reader
 */
export const partOf = (
  table: ExportedTable,
  parameters: readonly string[],
  open: (read: () => Promise<Row[]>) => Promise<Row[]>,
): ExportedPart => ({
  name: table.name,
  rows: () => pages((behind) => open(() => pageOf(table, [...parameters, behind]))),
});

const pageSize = 500;

interface Row {
  readonly key: string;
  readonly row: ExportedRow;
}

const pageOf = (
  { columns, from, where }: ExportedTable,
  parameters: readonly string[],
): Promise<Row[]> =>
  select<Row>(
    `SELECT p.key, to_jsonb(p) - 'key' AS row FROM (
       SELECT t.id AS key, ${columns} FROM ${from}
       WHERE ${where} AND t.id > $${parameters.length}
       ORDER BY t.id LIMIT ${pageSize}) p ORDER BY p.key`,
    parameters,
  );

async function* pages(read: (behind: string) => Promise<Row[]>): AsyncGenerator<ExportedRow> {
  let behind: string | undefined = nobody;
  while (behind !== undefined) {
    const page: Row[] = await read(behind);
    for (const { row } of page) yield row;
    behind = page.length === pageSize ? page.at(-1)?.key : undefined;
  }
}
