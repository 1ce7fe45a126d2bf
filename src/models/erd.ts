import { instance } from '@viz-js/viz';
import pg from 'pg';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isPrimary: boolean;
  readonly isForeign: boolean;
  readonly isKey: boolean;
}

interface Table {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
}

interface Relation {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
  readonly targetSchema: string;
  readonly target: string;
  readonly targetColumn: string;
  readonly isUnique: boolean;
}

/** The schemas in the order of the picture, and the colours of their headings and grounds. */
const looks = [
  { schema: 'platform', title: 'platform: who', heading: '#1f4e79', ground: '#eef4fb' },
  { schema: 'shared', title: 'shared: the business', heading: '#1e6b52', ground: '#edf7f2' },
  { schema: 'core', title: 'core: what keeps it durable', heading: '#5b4a82', ground: '#f4f1fa' },
] as const;
const schemas = looks.map(({ schema }) => schema);

/** One whose widths Graphviz knows without the font. */
const font = 'Arial';
const loneTablesARow = 4;

/**
 * The entity-relationship diagram of a migrated database, as SVG: the tables of each schema with
 * their key columns, and the foreign keys. The same catalog gives the same text.
 */
export async function drawErd(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'surety-erd' });
  await client.connect();
  try {
    const tables = await readTables(client);
    const relations = await readRelations(client);
    const graphviz = await instance();

    const drawn = graphviz.render(graph(tables, relations.filter(isDrawn)), { format: 'svg' });
    // A label that Graphviz cannot read is left out with a warning only.
    if (drawn.status === 'failure' || drawn.errors.length > 0) {
      throw new Error(`Graphviz: ${drawn.errors.map(({ message }) => message).join('; ')}`);
    }
    return drawn.output;
  } finally {
    await client.end();
  }
}

/** Nearly every table refers to its company: drawn where people and companies meet, else noise. */
const isDrawn = ({ schema, column }: Relation): boolean =>
  column !== 'company_id' || schema === 'platform';

async function readTables(client: pg.Client): Promise<readonly Table[]> {
  const { rows } = await client.query<Table>(
    `SELECT n.nspname AS schema, c.relname AS name,
            json_agg(json_build_object(
              'name', a.attname,
              'type', format_type(a.atttypid, a.atttypmod),
              'isPrimary', keys.is_primary,
              'isForeign', keys.is_foreign,
              'isKey', keys.is_primary OR keys.is_foreign OR keys.is_unique OR a.attname = 'status'
            ) ORDER BY keys.is_primary DESC, a.attnum) AS columns
     FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       CROSS JOIN LATERAL (SELECT
         EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary
                 AND a.attnum = ANY (i.indkey)) AS is_primary,
         EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique
                 AND a.attnum = ANY (i.indkey)) AS is_unique,
         EXISTS (SELECT 1 FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'
                 AND a.attnum = ANY (f.conkey)) AS is_foreign) AS keys
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY ($1)
     GROUP BY n.nspname, c.relname
     ORDER BY array_position($1, n.nspname::text), c.relname`,
    [schemas],
  );
  return rows;
}

/** Composite keys carry the company first; the line starts and ends at the column that says which row. */
async function readRelations(client: pg.Client): Promise<readonly Relation[]> {
  const { rows } = await client.query<Relation>(
    `SELECT n.nspname AS schema, c.relname AS table, a.attname AS column,
            tn.nspname AS "targetSchema", t.relname AS target, ta.attname AS "targetColumn",
            EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique
                    AND i.indpred IS NULL
                    AND i.indkey::int2[] <@ f.conkey AND f.conkey <@ i.indkey::int2[]) AS "isUnique"
     FROM pg_constraint f
       JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_class t ON t.oid = f.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[cardinality(f.conkey)]
       JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = f.confkey[cardinality(f.confkey)]
     WHERE f.contype = 'f' AND NOT c.relispartition AND f.conparentid = 0 AND n.nspname = ANY ($1)
     ORDER BY n.nspname, c.relname, f.conname`,
    [schemas],
  );
  return rows;
}

function graph(tables: readonly Table[], relations: readonly Relation[]): string {
  return `digraph surety {
  graph [rankdir=LR, bgcolor=white, fontname="${font}", fontsize=13, fontcolor="#444444", pad=0.4,
    nodesep=0.35, ranksep=0.9, labelloc=b, labeljust=l, label="${legend}"]
  node [shape=plain, fontname="${font}", fontsize=11]
  edge [color="#7a8794", penwidth=1.2, dir=both, arrowsize=0.8, arrowhead=tee]
${looks.map((look) => cluster(look, tables, relations)).join('\n')}
${relations.map(line).join('\n')}
}`;
}

const legend =
  'The forked end of a line is the many side. Every table with company_id belongs to one company; ' +
  'those lines are drawn in platform only.\\lColumns that are no key are counted, not listed.\\l';

function cluster(
  { schema, title, heading, ground }: (typeof looks)[number],
  tables: readonly Table[],
  relations: readonly Relation[],
): string {
  const own = tables.filter((table) => table.schema === schema);
  const linked = new Set(
    relations.flatMap((relation) => [
      id(relation.schema, relation.table),
      id(relation.targetSchema, relation.target),
    ]),
  );
  const lone = own.map(({ name }) => id(schema, name)).filter((name) => !linked.has(name));
  return `  subgraph cluster_${schema} {
    graph [label="${title}", labelloc=t, labeljust=l, style="rounded,filled", color="${heading}",
      fillcolor="${ground}", fontcolor="${heading}", fontsize=18, margin=18]
${own.map((table) => node(table, heading)).join('\n')}
${inRows(lone)
  .map((row) => `    ${row.join(' -> ')} [style=invis]`)
  .join('\n')}
  }`;
}

/** Tables without lines would all stand in one column: a few of them make a row. */
function inRows(names: readonly string[]): readonly (readonly string[])[] {
  const count = Math.ceil(names.length / loneTablesARow);
  return Array.from({ length: count }, (_, row) =>
    names.filter((_name, index) => index % count === row),
  ).filter((row) => row.length > 1);
}

function node({ schema, name, columns }: Table, heading: string): string {
  const keys = columns.filter(({ isKey }) => isKey);
  const others = columns.length - keys.length;
  const cells = [
    `<tr><td colspan="3" align="left" bgcolor="${heading}"><font color="white"><b>${text(name)}</b>  </font></td></tr>`,
    ...keys.map(
      (column) =>
        `<tr><td align="left" port="to ${column.name}">${mark(column)}</td>` +
        `<td align="left">${text(column.name)}</td>` +
        `<td align="left" port="from ${column.name}"><font color="#777777"> ${text(shortType(column.type))} </font></td></tr>`,
    ),
    ...(others > 0
      ? [
          `<tr><td></td><td colspan="2" align="left"><font color="#777777"><i>and ${others} more</i></font></td></tr>`,
        ]
      : []),
  ];
  return `    ${id(schema, name)} [label=<<table border="1" color="${heading}" bgcolor="white" cellborder="0" cellspacing="0" cellpadding="4">${cells.join('')}</table>>]`;
}

function line(relation: Relation): string {
  const from = `${id(relation.schema, relation.table)}:"from ${relation.column}":e`;
  const to = `${id(relation.targetSchema, relation.target)}:"to ${relation.targetColumn}":w`;
  return `  ${from} -> ${to} [arrowtail=${relation.isUnique ? 'tee' : 'crow'}]`;
}

function mark({ isPrimary, isForeign }: Column): string {
  const marks = [isPrimary ? 'PK' : '', isForeign ? 'FK' : ''].filter(Boolean);
  return marks.length > 0 ? `<font color="#8a6d1d" point-size="9">${marks.join(' ')}</font>` : '';
}

const id = (schema: string, table: string): string => `"${schema}.${table}"`;

const shortType = (type: string): string =>
  type.replace('timestamp with time zone', 'timestamptz').replace('character varying', 'varchar');

const text = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
