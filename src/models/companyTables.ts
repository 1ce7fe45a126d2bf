import pg from 'pg';
import { CompanyRefused } from './companyOwner.ts';

/** A table with rows of one company, as the catalog knows it. */
export interface CompanyTable {
  /** With its schema, unless it is a business table. */
  readonly name: string;
  /** For statements. */
  readonly sql: string;
  /** What can be written: generated columns are left out. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly key: readonly string[];
  /** Names of the tables whose rows must be there first. */
  readonly refersTo: readonly string[];
  /** Which of its rows belong to the company; its id stands in it. */
  readonly condition: string;
}

/** Sessions, answers kept for repeated requests and lines of an import are in no file; counts count anew. */
const passing: ReadonlySet<string> = new Set([
  'compliance_counts',
  'core.employee_import_lines',
  'core.idempotency_keys',
  'platform.refresh_tokens',
]);

export const companies = 'platform.companies';
export const users = 'platform.users';

interface Found extends Omit<CompanyTable, 'condition' | 'sql'> {
  readonly schema: string;
  readonly table: string;
  readonly isWalled: boolean;
  /** Columns that name a person. */
  readonly people: readonly string[];
}

/**
 * All tables with a company's rows, in an order in which they can be filled; the people it knows and
 * the company itself are among them.
 * @param schema where its business tables stand
 * @throws CompanyRefused where the owner would not see the rows of one
 */
export async function companyTables(
  client: pg.Client,
  companyId: string,
  schema: string,
): Promise<CompanyTable[]> {
  const { rows } = await client.query<Found>(
    `SELECT n.nspname AS schema, c.relname AS table,
       CASE n.nspname WHEN $1 THEN '' ELSE n.nspname || '.' END || c.relname AS name,
       (SELECT json_agg(json_build_object('name', a.attname,
            'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
            AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       (SELECT json_agg(a.attname ORDER BY array_position(k.conkey, a.attnum))
          FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
          WHERE k.conrelid = c.oid AND k.contype = 'p') AS key,
       (SELECT coalesce(json_agg(DISTINCT
            CASE tn.nspname WHEN $1 THEN '' ELSE tn.nspname || '.' END || t.relname), '[]')
          FROM pg_constraint k JOIN pg_class t ON t.oid = k.confrelid
            JOIN pg_namespace tn ON tn.oid = t.relnamespace
          WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid) AS "refersTo",
       (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
          FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
          WHERE k.conrelid = c.oid AND k.contype = 'f'
            AND k.confrelid = to_regclass('${users}')) AS people,
       EXISTS (SELECT FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
         WHERE p.polrelid = c.oid AND p.polpermissive AND r.rolname = 'app_owner'
           AND (p.polcmd = '*' OR c.oid = to_regclass('${companies}')
             OR c.oid = to_regclass('${users}'))) AS "isWalled"
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('platform', 'core', $1)
       AND (c.oid IN (to_regclass('${companies}'), to_regclass('${users}'))
         OR EXISTS (SELECT FROM pg_attribute a
           WHERE a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped))
     ORDER BY name`,
    [schema],
  );
  const unseen = rows.filter(({ isWalled, key }) => !isWalled || !key).map(({ name }) => name);
  if (unseen.length > 0) {
    throw new CompanyRefused(
      `The owner of the tables cannot act for one company in ${unseen.join(', ')}: ` +
        'that needs a policy and a primary key',
    );
  }
  const id = pg.escapeLiteral(companyId);
  const sqlOf = ({ schema: place, table }: Found): string =>
    `${pg.escapeIdentifier(place)}.${pg.escapeIdentifier(table)}`;
  const people = rows.flatMap((found) =>
    found.people.map(
      (column) =>
        `SELECT ${pg.escapeIdentifier(column)} FROM ${sqlOf(found)} WHERE company_id = ${id}`,
    ),
  );
  const conditionOf = (name: string): string => {
    if (name === companies) return `id = ${id}`;
    return name === users ? `id IN (${people.join(' UNION ')})` : `company_id = ${id}`;
  };
  return inOrder(
    rows.map((found) => ({
      name: found.name,
      sql: sqlOf(found),
      columns: found.columns,
      key: found.key,
      refersTo: found.refersTo,
      condition: conditionOf(found.name),
    })),
  );
}

/** What an export has of them. */
export const lasting = (tables: readonly CompanyTable[]): CompanyTable[] =>
  tables.filter(({ name }) => !passing.has(name));

/** Each behind those it refers to. */
function inOrder(tables: readonly CompanyTable[]): CompanyTable[] {
  const names = new Set(tables.map(({ name }) => name));
  const ordered: CompanyTable[] = [];
  const placed = new Set<string>();
  while (ordered.length < tables.length) {
    const next = tables.filter(
      ({ name, refersTo }) =>
        !placed.has(name) && refersTo.every((other) => placed.has(other) || !names.has(other)),
    );
    if (next.length === 0) throw new Error('Tables of companies refer to each other in a circle');
    for (const table of next) {
      ordered.push(table);
      placed.add(table.name);
    }
  }
  return ordered;
}

/** Where a company's business tables stand. */
export async function businessSchemaOf(client: pg.Client, companyId: string): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(
    `SELECT coalesce(to_regnamespace(app.business_schema($1))::text, 'shared') AS schema`,
    [companyId],
  );
  return rows[0]?.schema ?? 'shared';
}

const fetchSize = 500;

/**
 * The rows of a company in the order of their keys, by pages: each row as a JSON array of its columns'
 * texts. Needs a transaction.
 */
export async function* rowTexts(
  client: pg.Client,
  { sql, columns, key, condition }: CompanyTable,
): AsyncGenerator<readonly string[]> {
  const texts = columns.map(({ name }) => `${pg.escapeIdentifier(name)}::text`);
  const order = key.map((name) => pg.escapeIdentifier(name));
  await client.query(
    `DECLARE company_rows NO SCROLL CURSOR FOR
     SELECT json_build_array(${texts.join(', ')})::text FROM ${sql}
     WHERE ${condition} ORDER BY ${order.join(', ')}`,
  );
  for (;;) {
    const { rows } = await client.query<[string]>({
      text: `FETCH ${fetchSize} FROM company_rows`,
      rowMode: 'array',
    });
    if (rows.length > 0) yield rows.map(([text]) => text);
    if (rows.length < fetchSize) break;
  }
  await client.query('CLOSE company_rows');
}
