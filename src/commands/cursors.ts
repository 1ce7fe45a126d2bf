import { createHmac, timingSafeEqual } from 'node:crypto';
import { invalidField } from '../errors.ts';
import { selectFirst, selectPage, type Condition, type ListOrder } from '../models/list.ts';

export interface CursorAsked {
  readonly page: number;
  readonly size: number;
  /** Of an earlier answer to the same question: goes on behind its last row. */
  readonly cursor?: string | undefined;
}

export interface CursorPage<Row> {
  readonly items: readonly Row[];
  /** In a walk by cursor as counted when it began. */
  readonly total: number;
  /** Null at the end. */
  readonly nextCursor: string | null;
}

/** With where it stands, to the microsecond: SQL writes rows between two milliseconds. */
export type Placed<Row> = Row & { readonly id: string; readonly storedAt: string };

interface Walk<Row> {
  /** Which list this is, of whom, with which filters: a cursor is good for nothing else. */
  readonly scope: readonly unknown[];
  /** SQL of the instant that the list is sorted by. */
  readonly by: string;
  /** The column that decides between equals. */
  readonly id: string;
  readonly order: 'asc' | 'desc';
  /** @param columns to be read besides the list's own */
  readonly page: (
    columns: string,
  ) => Promise<{ readonly items: readonly Placed<Row>[]; readonly total: number }>;
  /** The first `most` rows that meet the condition. */
  readonly behind: (
    columns: string,
    place: Condition,
    most: number,
  ) => Promise<readonly Placed<Row>[]>;
}

/** Lists that are read by pages or walked by cursor, which costs the same however far it has come. */
export const createCursors = ({ secretKey }: { readonly secretKey: string }) => {
  const signature = (scope: readonly unknown[], place: string): string =>
    createHmac('sha256', secretKey)
      .update(JSON.stringify(['cursor', ...scope, place]))
      .digest('base64url');

  const sign = (scope: readonly unknown[], { storedAt, id }: Placed<object>, total: number) => {
    const place = JSON.stringify([storedAt, id, total]);
    return `${Buffer.from(place).toString('base64url')}.${signature(scope, place)}`;
  };

  /** @throws Invalid unless we signed it for this very list */
  const read = (scope: readonly unknown[], cursor: string): [string, string, number] => {
    const [encoded = '', signed = ''] = cursor.split('.');
    const place = Buffer.from(encoded, 'base64url').toString();
    const expected = Buffer.from(signature(scope, place));
    const given = Buffer.from(signed);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw invalidField('cursor', 'The cursor belongs to another list', 'CURSOR_INVALID');
    }
    return JSON.parse(place);
  };

  return {
    /** @throws Invalid CURSOR_INVALID, REPEATED */
    async walk<Row extends object>(
      { scope, by, id, order, page: readPage, behind }: Walk<Row>,
      { page, size, cursor }: CursorAsked,
    ): Promise<CursorPage<Row>> {
      const columns = `${by}::text AS "storedAt"`;
      if (cursor === undefined) {
        const found = await readPage(columns);
        const last = page * size < found.total ? found.items.at(-1) : undefined;
        return { ...found, nextCursor: last ? sign(scope, last, found.total) : null };
      }
      if (page > 1) throw invalidField('page', 'A cursor goes on by itself', 'REPEATED');
      const [storedAt, lastId, total] = read(scope, cursor);
      const further = `(${by}, ${id}) ${order === 'desc' ? '<' : '>'} ($::timestamptz, $2::uuid)`;
      const rows = await behind(columns, [further, storedAt, lastId], size + 1);
      const items = rows.slice(0, size);
      const last = rows.length > size ? items.at(-1) : undefined;
      return { items, total, nextCursor: last ? sign(scope, last, total) : null };
    },
  };
};

/** A list that is read of tables as they are. */
export const readOf = <Row extends object>(
  columns: string,
  from: string,
  conditions: readonly Condition[],
  order: { readonly by: string } & Pick<ListOrder, 'id' | 'order'>,
  { page, size }: CursorAsked,
): Omit<Walk<Row>, 'scope'> => ({
  ...order,
  page: (more) => selectPage(`${columns}, ${more}`, from, conditions, { ...order, page, size }),
  behind: (more, place, most) =>
    selectFirst(`${columns}, ${more}`, from, [...conditions, place], { ...order, size: most }),
});

export type Cursors = ReturnType<typeof createCursors>;
