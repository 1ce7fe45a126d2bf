import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import { Company } from '../../src/models/Company.ts';
import { withGlobal } from '../../src/models/database.ts';
import { getRow } from '../../src/models/rows.ts';
import type { Isolation } from '../../src/rules/companies.ts';
import {
  as,
  buildActor,
  buildCompany,
  buildDedicatedCompany,
  buildPlan,
  once,
} from '../support/build.ts';
import type { TestDatabase } from '../support/database.ts';
import { report } from '../support/report.ts';
import { marker, type Attempt, type Scene } from './attempts/attempt.ts';
import { definitionAttempts } from './attempts/definition.ts';
import { readingAttempts } from './attempts/reading.ts';
import { serverAttempts } from './attempts/server.ts';
import { sessionAttempts } from './attempts/session.ts';
import { writingAttempts } from './attempts/writing.ts';
import { connect, openCluster, type Cluster } from './cluster.ts';

let cluster: Cluster;
let ours: string;
let theirs: Scene['theirs'];
/** Of the company that is attacked. */
let business: string;
let before: string;
let superuser: string;

const asSuperuser: TestDatabase['sql'] = async (text, values = []) =>
  (await cluster.admin.query(text, values)).rows;

/** A company with a row in every table. */
async function buildSold(isolation: Isolation): Promise<Scene['theirs']> {
  const build = isolation === 'shared' ? buildCompany : () => buildDedicatedCompany(asSuperuser);
  const company = await build();
  const companyId = company.id;
  const plan = await buildPlan({ companyId });
  const holder = await buildActor({ companyId });
  const subscriptions = createSubscriptions({
    dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('No commands here')) },
  });
  const wish = { insurancePlanId: plan.id, autoRenew: false };
  await as(holder, () => subscriptions.subscribe(holder, company, wish, once(holder)));
  const categoryId = plan.propertyCategoryId;
  return { companyId, planId: plan.id, categoryId, userId: holder.userId };
}

/** All rows of the other company, and who may do what: neither ever changes. */
async function fingerprint(): Promise<string> {
  const { rows: tables } = await cluster.admin.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname ~ '^(platform|core|shared|t_[0-9a-f]+)$'
     ORDER BY 1`,
  );
  const parts: unknown[] = [];
  for (const { name } of tables) {
    const { rows } = await cluster.admin.query(
      `SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${name} t WHERE t::text LIKE $1`,
      [`%${theirs.companyId}%`],
    );
    parts.push(name, rows);
  }
  const { rows } = await cluster.admin.query(
    `SELECT md5(string_agg(concat(relname, relacl, relrowsecurity, relforcerowsecurity, relowner), ','
       ORDER BY oid)) AS tables,
     (SELECT md5(string_agg(p::text, ',' ORDER BY oid)) FROM pg_policy p) AS policies,
     (SELECT md5(string_agg(p.prosrc, ',' ORDER BY oid)) FROM pg_proc p) AS functions
     FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')`,
  );
  return JSON.stringify([parts, rows]);
}

/** Anew for each login: some of them use an id that must be free. */
const attempts = (): Attempt[] => {
  const scene = { ours, theirs, superuser };
  const all = [
    ...readingAttempts(scene),
    ...writingAttempts(scene),
    ...sessionAttempts(scene),
    ...serverAttempts(),
    ...definitionAttempts(),
  ];
  if (business === 'shared') return all;
  return all.map(({ sql, what, outcome, ...rest }) => ({
    ...rest,
    what,
    sql: [sql].flat().map((each) => each.replaceAll('shared.', `${business}.`)),
    outcome: inTheirSchema[what] ?? outcome,
  }));
};

/** There we have no rows to begin with, and may not have any. */
const inTheirSchema: Readonly<Record<string, Attempt['outcome']>> = {
  'INSERT of our rows as theirs': 0,
  'handing a row over': 0,
  'a foreign key': 0,
  'a unique name': '23514',
  'a unique id': '23514',
};

async function attempt(client: pg.Client, { sql, ...rest }: Attempt): Promise<unknown> {
  const said: string[] = [];
  const hear = (notice: unknown): void => void said.push(String(notice));
  client.on('notice', hear);
  client.on('notification', (message) => void said.push(JSON.stringify(message)));
  const company = 'company' in rest ? rest.company : ours;
  await client.query('BEGIN');
  try {
    if (company !== undefined) {
      await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [company]);
    }
    let last: pg.QueryResult | undefined;
    for (const statement of [sql].flat()) last = await client.query(statement);
    await client.query('COMMIT');
    said.push(JSON.stringify(last?.rows));
    return last?.rowCount ?? 0;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    said.push(JSON.stringify([error.message, error.detail, error.where, error.hint]));
    return error.code;
  } finally {
    await client.query('ROLLBACK');
    client.off('notice', hear);
    expect(said.join('\n')).not.toContain(marker);
  }
}

describe.each(['shared', 'dedicated_schema'] as const)('a company in %s', (isolation) => {
  beforeAll(async () => {
    cluster = await openCluster();
    ours = (await buildCompany()).id;
    await buildPlan({ companyId: ours });
    theirs = await buildSold(isolation);
    business = (await withGlobal(() => getRow(Company, theirs.companyId))).schemaName;
    await cluster.admin.query(`UPDATE ${business}.policies SET policyholder_name = '${marker}'`);
    await cluster.admin.query(`UPDATE core.audit_logs SET user_agent = '${marker}'`);
    await cluster.admin.query(
      `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at)
     VALUES ($1, '${marker}', '', now() + interval '1 day')`,
      [theirs.companyId],
    );
    await cluster.admin.query('ANALYZE');
    superuser = new URL(cluster.adminUrl).username;
    before = await fingerprint();
  });
  afterAll(() => cluster.close());

  describe.each(['app_api', 'app_worker'] as const)('as %s', (login) => {
    it('every way around the wall is refused or leads to nothing', async () => {
      const url = login === 'app_api' ? cluster.apiUrl : cluster.workerUrl;
      const all = attempts();
      const outcomes: [string, unknown][] = [];
      for (const each of all) {
        // A connection each, so that nothing is left over from the one before.
        const client = await connect(url);
        outcomes.push([each.what, await attempt(client, each)]);
        await client.end();
        await cluster.admin.query(
          `DELETE FROM shared.property_categories WHERE company_id = $1 AND name IN ('${marker}', 'free here')`,
          [ours],
        );
      }

      expect(all.length).toBeGreaterThanOrEqual(40);
      expect(outcomes).toEqual(all.map(({ what, outcome }) => [what, outcome]));
      expect(await fingerprint()).toBe(before);
      report(`${login}: ${all.length} attempts, 0 got through`);
    });

    if (isolation === 'shared') {
      it('a foreign and an unknown key are refused in the same words', async () => {
        const client = await connect(login === 'app_api' ? cluster.apiUrl : cluster.workerUrl);
        const refusal = async (categoryId: string): Promise<unknown> => {
          await client.query('BEGIN');
          await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [ours]);
          const error: unknown = await client
            .query(`UPDATE shared.insurance_plans SET property_category_id = '${categoryId}'`)
            .catch((refused: unknown) => refused);
          await client.query('ROLLBACK');
          if (!(error instanceof pg.DatabaseError)) return undefined;
          const { code, message, detail } = error;
          return [code, message, detail?.replace(categoryId, '<id>')];
        };

        const [foreign, unknown] = [await refusal(theirs.categoryId), await refusal(uuid())];
        await client.end();

        expect(foreign).toEqual(unknown);
        expect(foreign).toEqual(['23503', expect.any(String), expect.any(String)]);
      });
    }
  });
});
