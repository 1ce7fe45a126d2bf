import type { Model, ModelStatic } from 'sequelize';
import { select } from './database.ts';

/** A condition with its values; `$` stands for the first, `$2` for the second: `premium_minor >= $`. */
export type Condition = readonly [sql: string, ...values: readonly unknown[]];

export interface ListOrder {
  /** SQL expressions from a fixed map, never from a request; its values are bound. */
  readonly by: string | Condition;
  /** The column that decides between equals: `s.id`. */
  readonly id: string;
  readonly order: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

/** What a list is asked with, next to its own filters. */
export interface ListAsked<Sort extends string> {
  readonly search?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  readonly sortBy: Sort;
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

/** Those of the table `alias` that were made in the window. */
export const madeWithin = (
  alias: string,
  { createdAfter, createdBefore }: Pick<ListAsked<string>, 'createdAfter' | 'createdBefore'>,
): readonly Condition[] => [
  ...(createdAfter ? [[`${alias}.created_at >= $`, createdAfter] as const] : []),
  ...(createdBefore ? [[`${alias}.created_at < $`, createdBefore] as const] : []),
];

/** The order and the page that were asked for. @param id the column that decides between equals */
export const sortedBy = <Sort extends string>(
  columns: Readonly<Record<Sort, string>>,
  {
    sortBy,
    sortOrder,
    page,
    size,
  }: Pick<ListAsked<Sort>, 'sortBy' | 'sortOrder' | 'page' | 'size'>,
  id: string,
): ListOrder => ({ by: columns[sortBy], id, order: sortOrder, page, size });

/**
 * One page of what `read` selects, whose rows carry the total. A page past the end has no row that
 * could: the first one is read for it.
 */
export async function readPage<Row extends { readonly total: string | number }>(
  { page, size }: { readonly page: number; readonly size: number },
  read: (limit: number, offset: number) => Promise<Row[]>,
): Promise<{ items: Row[]; total: number }> {
  const items = await read(size, (page - 1) * size);
  const [first] = items.length > 0 || page === 1 ? items : await read(1, 0);
  return { items, total: Number(first?.total ?? 0) };
}

/** One page and the total in one statement. */
export async function selectPage<Row extends object>(
  columns: string,
  from: string,
  conditions: readonly Condition[],
  order: ListOrder,
): Promise<{ items: Row[]; total: number }> {
  const { where, bind } = whereAll(conditions);
  const sorted = orderBy(order, bind);
  return readPage(order, (limit, offset) =>
    select<Row & { total: string }>(
      `SELECT ${columns}, count(*) OVER () AS total FROM ${from} WHERE ${where}
       ${sorted.sql} LIMIT ${limit} OFFSET ${offset}`,
      sorted.bind,
    ),
  );
}

export interface WideTable {
  readonly from: string;
  readonly narrow: string;
  /** Tables that `narrow` puts together, as `w`: no more of each is looked at than the page may need. */
  readonly parts?: readonly string[];
}

/**
 * Like `selectPage` for wide rows of large tables: the page's ids and the total are found in `narrow`,
 * to which the conditions and the order belong, and only the rows of the page are read as a whole.
 */
export async function selectWidePage<Row extends object>(
  columns: string,
  { from, narrow, parts }: WideTable,
  conditions: readonly Condition[],
  order: ListOrder,
): Promise<{ items: Row[]; total: number }> {
  const { id } = order;
  const { where, bind } = whereAll(conditions);
  const sorted = orderBy(order, bind);
  return readPage(order, (limit, offset) => {
    const found = parts?.map(
      (part) => `(SELECT w.* FROM ${part} w WHERE ${where} ${sorted.sql} LIMIT ${offset + limit})`,
    );
    const within = found ? `(${found.join(' UNION ALL ')}) w` : `${narrow} WHERE ${where}`;
    return select<Row & { total: string }>(
      `WITH page AS MATERIALIZED (SELECT ${id} AS id FROM ${within}
           ${sorted.sql} LIMIT ${limit} OFFSET ${offset}),
         counted AS MATERIALIZED (SELECT count(*) AS total FROM ${narrow} WHERE ${where})
       SELECT ${columns}, (SELECT total FROM counted) AS total
       FROM ${from} JOIN page ON page.id = ${id} ${sorted.sql}`,
      sorted.bind,
    );
  });
}

export async function countRows(from: string, conditions: readonly Condition[]): Promise<number> {
  const { where, bind } = whereAll(conditions);
  const [counted] = await select<{ total: string }>(
    `SELECT count(*) AS total FROM ${from} WHERE ${where}`,
    bind,
  );
  return Number(counted?.total ?? 0);
}

/** The first rows alone, without a total: what a walk by cursor needs of a long table. */
export async function selectFirst<Row extends object>(
  columns: string,
  from: string,
  conditions: readonly Condition[],
  order: Omit<ListOrder, 'page'>,
): Promise<Row[]> {
  const { where, bind } = whereAll(conditions);
  const sorted = orderBy(order, bind);
  return select<Row>(
    `SELECT ${columns} FROM ${from} WHERE ${where} ${sorted.sql} LIMIT ${order.size}`,
    sorted.bind,
  );
}

/** Those rows of `ids` that meet the conditions, in one statement. @param id the column: `p.id` */
export function selectThose<Row extends object>(
  columns: string,
  from: string,
  [id, ids]: readonly [id: string, ids: readonly string[]],
  conditions: readonly Condition[],
): Promise<Row[]> {
  const { where, bind } = whereAll([[`${id} = ANY ($::uuid[])`, ids], ...conditions]);
  return select<Row>(`SELECT ${columns} FROM ${from} WHERE ${where}`, bind);
}

/**
 * The first rows for each of `ids`, in one statement that walks the index of the list once for each.
 * @param by the column that holds one of `ids`: `c.policy_id`
 */
export async function selectFirstOfEach<Row extends object>(
  columns: string,
  from: string,
  [by, ids]: readonly [by: string, ids: readonly string[]],
  conditions: readonly Condition[],
  order: Omit<ListOrder, 'page'>,
): Promise<ReadonlyMap<string, Row[]>> {
  const { where, bind } = whereAll([[`${by} = owner.id`], ...conditions]);
  const sorted = orderBy(order, bind);
  const owners = sorted.bind.push(ids);
  const rows = await select<Row & { ownedBy: string }>(
    `SELECT owner.id AS "ownedBy", first.* FROM unnest($${owners}::uuid[]) AS owner (id)
     CROSS JOIN LATERAL (SELECT ${columns}, row_number() OVER (${sorted.sql}) AS place
       FROM ${from} WHERE ${where} ${sorted.sql} LIMIT ${order.size}) AS first
     ORDER BY owner.id, first.place`,
    sorted.bind,
  );
  return grouped(rows, ({ ownedBy }) => ownedBy);
}

/** Rows by what they have in common, in their order. */
function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
}

/** The usual order of a list, of the table `alias`. */
export const newestFirst = (alias: string): Pick<ListOrder, 'by' | 'id' | 'order'> => ({
  by: `${alias}.created_at`,
  id: `${alias}.id`,
  order: 'desc',
});

/** By their id. */
export const byId = <Row extends { readonly id: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, Row> => new Map(rows.map((row) => [row.id, row]));

/** What is shown of the rows of each group. */
export const viewsOfEach = <Row, View>(
  groups: ReadonlyMap<string, readonly Row[]>,
  view: (row: Row) => View,
): ReadonlyMap<string, readonly View[]> =>
  new Map([...groups].map(([id, rows]) => [id, rows.map(view)]));

/**
 * Every column of a model's table under its attribute's name, for a statement that calls it `alias`.
 * @param except attributes too large for a list
 */
export const columnsOf = (
  model: ModelStatic<Model>,
  alias: string,
  except: readonly string[] = [],
): string =>
  Object.entries(model.getAttributes())
    .filter(([name]) => !except.includes(name))
    .map(([name, { field }]) => `${alias}.${field} AS "${name}"`)
    .join(', ');

/** A search text as a LIKE pattern that means itself. */
export const containing = (text: string): string =>
  `%${text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;

function whereAll(conditions: readonly Condition[]): { where: string; bind: unknown[] } {
  const bind: unknown[] = [];
  const written = conditions.map((condition) => bound(condition, bind));
  return { where: written.join(' AND ') || 'true', bind };
}

/** Its values come after the others, so that the count can do without them. */
function orderBy(
  { by, id, order }: Pick<ListOrder, 'by' | 'id' | 'order'>,
  others: readonly unknown[],
): { sql: string; bind: unknown[] } {
  const bind = [...others];
  const first = typeof by === 'string' ? by : bound(by, bind);
  const direction = order === 'desc' ? 'DESC' : 'ASC';
  return { sql: `ORDER BY ${first} ${direction}, ${id} ${direction}`, bind };
}

/** The SQL with the places of its values, which it adds to `bind`. */
function bound([sql, ...values]: Condition, bind: unknown[]): string {
  const places = values.map((value) => `$${bind.push(value)}`);
  return sql.replaceAll(/\$(\d?)/g, (_, place: string) => places[Number(place || 1) - 1] ?? '');
}
