import type { Say } from '../../local/progress.ts';
import { migrateUp } from '../../src/models/migrate.ts';
import type { Row } from '../report.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { World } from '../world.ts';

/** Companies with schemas of their own are made, then one more migration goes through all of them. */
export async function schemas(
  { stack, sql }: World,
  { companies }: { readonly companies: number },
  say: Say,
): Promise<Row[]> {
  const made = await sql<{ id: string }>(
    `INSERT INTO platform.companies (id, name, code, isolation, schema_name, status)
     SELECT id, 'Own ' || id, 'OWN' || n, 'dedicated_schema', app.business_schema(id), 'closed'
     FROM (SELECT gen_random_uuid() AS id, n FROM generate_series(1, $1::int) n) AS c RETURNING id`,
    [companies],
  );
  const making: number[] = [];
  for (const [index, { id }] of made.entries()) {
    const startedAt = performance.now();
    await sql(
      `SELECT set_config('app.current_company_id', $1, true), app.prepare_business_schema()`,
      [id],
    );
    making.push(performance.now() - startedAt);
    if (index % 20 === 19) say(`${index + 1} of ${companies} made`);
  }
  await sql(`INSERT INTO migrations.business_steps (name, up) VALUES ('9999-bench', $1)`, [
    `ALTER TABLE policy_subscriptions ADD COLUMN bench text;
     CREATE INDEX policy_subscriptions_bench_idx ON policy_subscriptions (company_id, bench)`,
  ]);
  const startedAt = performance.now();
  await migrateUp(stack.urls.adminDatabase, {}, say);
  const seconds = rounded((performance.now() - startedAt) / 1000, 1);

  await sql(`DELETE FROM migrations.business_steps WHERE name = '9999-bench'`);
  for (const { id } of made) {
    await sql(
      `SELECT set_config('app.current_company_id', $1, true), app.drop_unused_business_schema()`,
      [id],
    );
  }
  return [
    {
      figure: "a schema of a company's own made",
      measured: `${rounded(median(making), 0)} ms, p95 ${rounded(percentile(making, 0.95), 0)} ms`,
      target: '<= 10 s',
      met: percentile(making, 0.95) <= 10_000,
      detail: { making },
    },
    {
      figure: `a column and an index in ${companies} schemas, four at a time`,
      measured: `${seconds} s`,
      target: 'shown',
      detail: { companies, seconds },
    },
  ];
}
