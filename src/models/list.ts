import { select } from './database.ts';

/** One condition with its value; `$` stands for the value's place: `premium_minor >= $`. */
export type Condition = readonly [sql: string, value: unknown] | readonly [sql: string];

export interface ListOrder {
  /** SQL expressions from a fixed map, never from a request. */
  readonly by: string;
  /** The column that decides between equals: `s.id`. */
  readonly id: string;
  readonly order: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

/** One page and the total in one statement. A page past the end counts once more. */
export async function selectPage<Row extends object>(
  columns: string,
  from: string,
  conditions: readonly Condition[],
  { by, id, order, page, size }: ListOrder,
): Promise<{ items: Row[]; total: number }> {
  const bind: unknown[] = [];
  const where = conditions
    .map((condition) =>
      condition.length === 1
        ? condition[0]
        : condition[0].replaceAll('$', `$${bind.push(condition[1])}`),
    )
    .join(' AND ');
  const rest = `FROM ${from} WHERE ${where || 'true'}`;
  const direction = order === 'desc' ? 'DESC' : 'ASC';
  const rows = await select<Row & { total: string }>(
    `SELECT ${columns}, count(*) OVER () AS total ${rest}
     ORDER BY ${by} ${direction}, ${id} ${direction}
     LIMIT ${size} OFFSET ${(page - 1) * size}`,
    bind,
  );
  const [first] = rows;
  if (first) return { items: rows, total: Number(first.total) };
  if (page === 1) return { items: [], total: 0 };
  const [counted] = await select<{ total: string }>(`SELECT count(*) AS total ${rest}`, bind);
  return { items: [], total: Number(counted?.total ?? 0) };
}

/** A search text as a LIKE pattern that means itself. */
export const containing = (text: string): string =>
  `%${text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;
