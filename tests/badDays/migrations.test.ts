import { randomUUID } from 'node:crypto';
import pg from 'pg';
import * as migrator from '../../src/models/migrate.ts';
import { migrations as shipped, type Migration } from '../../src/models/migrations/index.ts';
import { services } from '../support/services.ts';
import { newEntry, subscribe } from './ledger.ts';
import { newKey, openProduct, until } from './product.ts';

/** The migrator as it is, on other migrations than ours. */
const migratorOn = (known: readonly Migration[]) => ({
  migrateUp: (url: string, say?: (progress: string) => void) =>
    migrator.migrateUp(url, {}, say, known),
  migrateDown: (url: string, to: string | 0) => migrator.migrateDown(url, to, known),
});

const additive: Migration = {
  name: '9001-additive',
  up: `ALTER TABLE shared.policy_subscriptions ADD COLUMN note text;
       CREATE INDEX policy_subscriptions_note_idx ON shared.policy_subscriptions (company_id, note);`,
  down: 'ALTER TABLE shared.policy_subscriptions DROP COLUMN note;',
};
const broken: Migration = {
  name: '9002-broken',
  up: 'CREATE TABLE shared.half (id uuid); ALTER TABLE shared.no_such_table ADD COLUMN a text;',
  down: 'DROP TABLE shared.half;',
};
const slow: Migration = {
  name: '9003-slow',
  up: 'CREATE TABLE shared.half (id uuid); SELECT pg_sleep(600);',
  down: 'DROP TABLE shared.half;',
};

const asAdmin = async <Row extends object>(url: string, sql: string): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
};

/** Everything that migrations make, by name and definition; the list of the applied is left out. */
const catalogue = (url: string): Promise<object[]> =>
  asAdmin(
    url,
    `WITH ours AS (SELECT oid, nspname FROM pg_namespace
       WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'migrations', 'public'))
     SELECT 'schema' AS kind, nspname::text AS name, '' AS what FROM ours
     UNION ALL SELECT 'column', attrelid::regclass || '.' || attname,
       concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
     FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN ours ON ours.oid = relnamespace
       LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attnum > 0 AND NOT attisdropped
     UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(k.oid)
     FROM pg_constraint k JOIN ours ON ours.oid = connamespace
     UNION ALL SELECT 'policy', tablename || '.' || policyname, concat_ws(' ', roles, qual, with_check)
     FROM pg_policies
     UNION ALL SELECT 'wall', oid::regclass::text,
       concat_ws(' ', relrowsecurity, relforcerowsecurity, relacl)
     FROM pg_class WHERE relnamespace IN (SELECT oid FROM ours)
     UNION ALL SELECT 'function', p.oid::regprocedure::text,
       CASE WHEN prokind = 'f' THEN md5(replace(pg_get_functiondef(p.oid), nspname || '.', 'here.')) END
     FROM pg_proc p JOIN ours ON ours.oid = pronamespace
     ORDER BY 1, 2, 3`,
  );

const applied = async (url: string): Promise<string[]> =>
  (await asAdmin<{ name: string }>(url, 'SELECT name FROM migrations.applied ORDER BY name')).map(
    ({ name }) => name,
  );

describe('migrations', () => {
  const made: string[] = [];
  const server = (): string => services().adminUrl;

  /** Empty, unless `template` is what is tested. */
  async function newDatabase(template = 'template0'): Promise<string> {
    const name = `migrations_${randomUUID().replaceAll('-', '')}`;
    const url = new URL(server());
    url.pathname = '/postgres';
    await asAdmin(url.toString(), `CREATE DATABASE ${name} TEMPLATE ${template}`);
    made.push(name);
    url.pathname = `/${name}`;
    return url.toString();
  }
  const migratedDatabase = (): Promise<string> => newDatabase(new URL(server()).pathname.slice(1));

  afterAll(async () => {
    const url = new URL(server());
    url.pathname = '/postgres';
    for (const name of made) {
      await asAdmin(url.toString(), `DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  it('go up, down to nothing and up again to the same', async () => {
    const { migrateUp, migrateDown } = migratorOn(shipped);
    const url = await newDatabase();
    const names = shipped.map(({ name }) => name);

    expect(await migrateUp(url)).toEqual(names);
    const first = await catalogue(url);
    expect(await migrateDown(url, 0)).toEqual(names.toReversed());
    const nothing = await catalogue(url);
    expect(await migrateUp(url)).toEqual(names);

    expect(nothing).toEqual([]);
    expect(await catalogue(url)).toEqual(first);
    expect(first.length).toBeGreaterThan(200);
  });

  it('count the answers that were given before, of each company', async () => {
    const { migrateUp: migrateBefore } = migratorOn(shipped.filter(({ name }) => name < '0072'));
    const { migrateUp } = migratorOn(shipped);
    const url = await newDatabase();
    await migrateBefore(url);
    await asAdmin(
      url,
      `SET session_replication_role = replica;
       INSERT INTO platform.companies (id, name, code)
       SELECT gen_random_uuid(), code, code FROM unnest('{ACME,OTHER}'::text[]) AS code;
       INSERT INTO shared.acknowledgements (company_id, id, policy_id, policy_version, employee_id,
         cycle, acknowledgement_type, status, is_current, customer_id, due_date, original_due_date,
         acknowledged_at, evidence_hash)
       SELECT c.id, gen_random_uuid(), c.id, 1, c.id, cycle, 'manual', 'acknowledged', cycle = 2, c.id,
         '2026-01-31', '2026-01-31', now(), repeat('0', 64)
       FROM platform.companies c, generate_series(1, 2) AS cycle WHERE c.code IN ('ACME', 'OTHER');
       INSERT INTO shared.compliance_counts
       SELECT c.id, c.id, c.id, '', (hashtext(c.id::text) & 15)::smallint, 0, 1, 0, 0
       FROM platform.companies c WHERE c.code IN ('ACME', 'OTHER')`,
    );

    await migrateUp(url);

    const counts = 'SELECT acknowledged, answered FROM shared.compliance_counts';
    expect(await asAdmin(url, counts)).toEqual([
      { acknowledged: 1, answered: 2 },
      { acknowledged: 1, answered: 2 },
    ]);
  });

  it('settle starts that were given up where their run was started since', async () => {
    const { migrateUp: migrateBefore } = migratorOn(shipped.filter(({ name }) => name < '0094'));
    const { migrateUp } = migratorOn(shipped);
    const url = await newDatabase();
    await migrateBefore(url);
    await asAdmin(
      url,
      `INSERT INTO platform.companies (id, name, code) VALUES (gen_random_uuid(), 'Acme', 'ACME');
       SET session_replication_role = replica;
       INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
         input, not_before, parked_at, dispatched_at)
       SELECT c.id, ('00000000-0000-7000-8000-00000000000' || n)::uuid, 'subscription', c.id, 'any', run,
         '{}', now(), CASE WHEN NOT is_started THEN now() END, CASE WHEN is_started THEN now() END
       FROM platform.companies c, (VALUES (1, 'a', false), (2, 'a', true), (3, 'a', false), (4, 'b', false))
         AS owed (n, run, is_started)`,
    );

    await migrateUp(url);

    const settled = `SELECT id::text FROM core.outbox
      WHERE parked_at IS NOT NULL AND dispatched_at IS NOT NULL ORDER BY company_id`;
    const first = { id: '00000000-0000-7000-8000-000000000001' };
    expect(await asAdmin(url, settled)).toEqual([first, first]);
  });

  it('confirm the addresses that were shown, and date sign-ins by company', async () => {
    const { migrateUp: migrateBefore } = migratorOn(shipped.filter(({ name }) => name < '0033'));
    const { migrateUp } = migratorOn(shipped);
    const url = await newDatabase();
    await migrateBefore(url);
    await asAdmin(
      url,
      `INSERT INTO platform.companies (id, name, code)
       SELECT gen_random_uuid(), code, code FROM unnest('{ACME,OTHER}'::text[]) AS code;
       INSERT INTO platform.users (id, username, email, password_hash, created_by)
       SELECT gen_random_uuid(), name, name || '@a.example', 'x',
         CASE WHEN name IN ('added', 'guest') THEN '00000000-0000-4000-8000-000000000001'::uuid END
       FROM unnest('{invited,added,ruler,guest,stranger}'::text[]) AS name;
       INSERT INTO platform.memberships (company_id, id, user_id, role, created_by)
       SELECT c.id, gen_random_uuid(), u.id,
         CASE u.username WHEN 'added' THEN 'hr' WHEN 'ruler' THEN 'global_admin'
           ELSE 'policyholder' END, u.created_by
       FROM platform.users u, platform.companies c
       WHERE CASE u.username WHEN 'ruler' THEN c.code NOT IN ('ACME', 'OTHER')
         WHEN 'stranger' THEN c.code IN ('ACME', 'OTHER') ELSE c.code = 'ACME' END;
       INSERT INTO core.invitations (company_id, id, email, role, token_hash, status, expires_at,
         accepted_by)
       SELECT c.id, gen_random_uuid(), u.email, 'hr', u.id::text, 'accepted', now(), u.id
       FROM platform.users u, platform.companies c WHERE u.username = 'invited' AND c.code = 'ACME';
       INSERT INTO platform.refresh_tokens (id, company_id, user_id, family_id, token_hash,
         created_at, expires_at)
       SELECT gen_random_uuid(), c.id, u.id, u.id, n::text, '2026-01-01'::timestamptz + n * interval '1 day',
         now()
       FROM platform.users u, platform.companies c, generate_series(1, 2) n
       WHERE u.username = 'stranger' AND c.code = 'OTHER'`,
    );

    await migrateUp(url);

    const confirmed = await asAdmin<{ name: string }>(
      url,
      'SELECT username AS name FROM platform.users WHERE email_confirmed_at IS NOT NULL ORDER BY 1',
    );
    const signedIn = await asAdmin(
      url,
      `SELECT c.code, m.last_login_at AS at FROM platform.memberships m
         JOIN platform.users u ON u.id = m.user_id JOIN platform.companies c ON c.id = m.company_id
       WHERE u.username = 'stranger' ORDER BY c.code`,
    );
    expect(confirmed.map(({ name }) => name)).toEqual(['added', 'invited', 'ruler']);
    expect(signedIn).toEqual([
      { code: 'ACME', at: null },
      { code: 'OTHER', at: expect.any(Date) },
    ]);
  });

  it('go on with the numbers of policies where they were', async () => {
    const { migrateUp: migrateBefore } = migratorOn(shipped.filter(({ name }) => name < '0020'));
    const { migrateUp, migrateDown } = migratorOn(shipped);
    const url = await newDatabase();
    const series = (): Promise<object[]> =>
      asAdmin(
        url,
        `SELECT to_jsonb(c) - '{created_at,company_id}'::text[] AS row FROM core.counters AS c
         ORDER BY value`,
      );
    await migrateBefore(url);
    await asAdmin(
      url,
      `INSERT INTO core.counters (company_id, name, value)
       SELECT id, 'policy/2026', 41 FROM platform.companies LIMIT 1`,
    );
    const before = await series();

    await migrateUp(url);
    expect(await series()).toEqual(
      Array.from({ length: 16 }, (_, slot) => ({
        row: { name: 'policy/2026', slot, value: 42 + slot },
      })),
    );
    await migrateDown(url, '0020-number-slots');
    expect(before).toEqual([{ row: { name: 'policy/2026', value: 41 } }]);
    expect(await series()).toEqual(before);
  });

  it('go back to the years of the audit that were before', async () => {
    const { migrateUp: migrateBefore } = migratorOn(shipped.filter(({ name }) => name < '0065'));
    const { migrateUp, migrateDown } = migratorOn(shipped.filter(({ name }) => name < '0066'));
    const url = await newDatabase();
    await migrateBefore(url);
    const before = await catalogue(url);
    await migrateUp(url);
    const after = await catalogue(url);

    await migrateDown(url, '0065-audit-years-of-all');

    expect(after).not.toEqual(before);
    expect(await catalogue(url)).toEqual(before);
  });

  it('leave nothing of a run in which one is broken', async () => {
    const { migrateUp } = migratorOn([...shipped, additive, broken]);
    const url = await migratedDatabase();
    const before = await catalogue(url);

    await expect(migrateUp(url)).rejects.toThrow(/no_such_table/);

    expect(await catalogue(url)).toEqual(before);
    expect(await applied(url)).toEqual(shipped.map(({ name }) => name));
  });

  it('leave nothing of a run that is killed midway, and run afterwards', async () => {
    const { migrateUp } = migratorOn([...shipped, additive, slow]);
    const url = await migratedDatabase();
    const before = await catalogue(url);
    const killed = migrateUp(url).then(
      () => 'ran to its end',
      () => 'killed',
    );
    const runner = `FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%'
      AND application_name = 'surety-migrate' AND datname = current_database()`;
    await until(
      'the slow migration runs',
      async () => (await asAdmin(url, `SELECT 1 ${runner}`)).length === 1,
      120_000,
    );

    await asAdmin(url, `SELECT pg_terminate_backend(pid) ${runner}`);

    expect(await killed).toBe('killed');
    expect(await catalogue(url)).toEqual(before);
    const { migrateUp: again } = migratorOn([...shipped, additive]);
    expect(await again(url)).toEqual([additive.name]);
  });

  it('run once when two start them at once', async () => {
    const { migrateUp } = migratorOn(shipped);
    const url = await newDatabase();

    const runs = await Promise.all([migrateUp(url), migrateUp(url), migrateUp(url)]);

    expect(runs.toSorted((a, b) => b.length - a.length)).toEqual([
      shipped.map(({ name }) => name),
      [],
      [],
    ]);
  });

  it('let the old code go on while one that only adds is run', async () => {
    const product = await openProduct();
    try {
      const { migrateUp, migrateDown } = migratorOn([...shipped, additive]);
      const statuses: number[] = [];
      let isOver = false;
      const client = async (): Promise<void> => {
        while (!isOver) {
          const { status } = await subscribe(product, newEntry(), { key: newKey() });
          const list = await product
            .as('policyholder')
            .send({ method: 'GET', path: '/subscriptions?page_size=5' });
          statuses.push(status, list.status);
        }
      };
      const clients = Promise.all([client(), client(), client(), client()]);

      for (let round = 0; round < 3; round += 1) {
        await until('more was answered', () => statuses.length > 40 * (round + 1), 120_000);
        expect(await migrateUp(product.stack.urls.adminDatabase)).toEqual([additive.name]);
        await until('more was answered', () => statuses.length > 40 * (round + 1) + 20, 120_000);
        if (round < 2) await migrateDown(product.stack.urls.adminDatabase, additive.name);
      }
      isOver = true;
      await clients;

      expect(new Set(statuses)).toEqual(new Set([200, 201]));
      expect(product.refusals).toEqual([]);
      await product.restart('api');
      await product.restart('worker');
      await subscribe(product, newEntry(), { key: newKey() });
    } finally {
      await product.close();
    }
  });

  describe('of companies with schemas of their own', () => {
    const everywhere: Migration = {
      name: '9004-everywhere',
      business: {
        up: 'ALTER TABLE policy_subscriptions ADD COLUMN note text',
        down: 'ALTER TABLE policy_subscriptions DROP COLUMN note',
      },
    };
    /** Goes through where four have it already only once there is no table `gate`. */
    const gated: Migration = {
      name: '9005-gated',
      business: {
        up: `CREATE TABLE late (company_id uuid);
             SELECT pg_sleep(600) FROM pg_class AS gate WHERE gate.relname = 'gate'
               AND (SELECT count(*) FROM pg_class WHERE relname = 'late') > 4`,
        down: 'DROP TABLE late',
      },
    };
    const withNote = (url: string) =>
      asAdmin<{ schema: string }>(
        url,
        `SELECT relnamespace::regnamespace::text AS schema FROM pg_class c JOIN pg_attribute a
           ON a.attrelid = c.oid AND a.attname = 'note' WHERE c.relname = 'policy_subscriptions'`,
      );
    const lateIn = (url: string) => asAdmin(url, `SELECT 1 FROM pg_class WHERE relname = 'late'`);

    async function databaseOf(companies: number): Promise<{ url: string; schemas: string[] }> {
      const url = await migratedDatabase();
      // Gives the owner its rights in this database.
      await migratorOn(shipped).migrateUp(url);
      await asAdmin(
        url,
        `INSERT INTO platform.companies (id, name, code, isolation)
         SELECT gen_random_uuid(), 'Own ' || n, 'OWN' || n, 'dedicated_schema'
         FROM generate_series(1, ${companies}) n`,
      );
      await asAdmin(
        url,
        `DO $$ DECLARE company uuid; BEGIN
           FOR company IN SELECT id FROM platform.companies WHERE isolation = 'dedicated_schema' LOOP
             PERFORM set_config('app.current_company_id', company::text, true);
             PERFORM app.prepare_business_schema();
           END LOOP; END $$`,
      );
      const known = await asAdmin<{ schema: string }>(
        url,
        'SELECT schema_name AS schema FROM migrations.business_schemas ORDER BY 1',
      );
      return { url, schemas: known.map(({ schema }) => schema) };
    }

    it('make each like the one that all others share', async () => {
      const { url, schemas } = await databaseOf(1);
      const bare = (await catalogue(url)).map((each) => JSON.stringify(each));
      const own = schemas[0] ?? 'none';
      const named = (schema: string): string[] =>
        bare
          .filter((each) => each.includes(`${schema}.`))
          .map((each) => each.replaceAll(`${schema}.`, 'here.'))
          .filter((each) => !each.includes('own_company'));

      expect(named(own).toSorted()).toEqual(named('shared').toSorted());
      expect(bare.filter((each) => each.includes('own_company')).length).toBeGreaterThan(5);
    });

    it('go to all but the one that is broken, say which, and go on there', async () => {
      const { url, schemas } = await databaseOf(6);
      const { migrateUp, migrateDown } = migratorOn([...shipped, everywhere]);
      const odd = schemas[2] ?? 'none';
      await asAdmin(url, `ALTER TABLE ${odd}.policy_subscriptions ADD COLUMN note integer`);
      const said: string[] = [];

      const failure = migrateUp(url, (progress) => said.push(progress));

      await expect(failure).rejects.toThrow(`1 of 6 schemas of companies could not be migrated`);
      await expect(failure).rejects.toThrow(odd);
      expect(said).toHaveLength(6);
      expect(await withNote(url)).toHaveLength(7);
      const pending = (await migrator.migrationStatus(url)).schemas.filter(
        (each) => each.pending > 0,
      );
      expect(pending).toMatchObject([{ schema: odd, pending: 1 }]);

      expect(await migrateDown(url, everywhere.name)).toEqual([everywhere.name]);
      expect(await withNote(url)).toEqual([{ schema: odd }]);
      await expect(migrateUp(url)).rejects.toThrow(odd);

      await asAdmin(url, `ALTER TABLE ${odd}.policy_subscriptions DROP COLUMN note`);
      expect(await migrateUp(url)).toEqual([]);
      expect(await withNote(url)).toHaveLength(7);
      expect(
        (await migrator.migrationStatus(url)).schemas.every(({ pending: open }) => open === 0),
      ).toBe(true);
      await migrateDown(url, everywhere.name);
      expect(await withNote(url)).toEqual([]);
    });

    it('go on where they were killed, at most four at a time', async () => {
      const { url } = await databaseOf(12);
      const { migrateUp } = migratorOn([...shipped, gated]);
      await asAdmin(url, 'CREATE TABLE public.gate ()');
      const migrators = `FROM pg_stat_activity WHERE application_name = 'surety-migrate'
        AND datname = current_database()`;
      const isHeld = `wait_event = 'PgSleep' AND query LIKE '%prepare_business_schema%'`;
      const killed = migrateUp(url).then(
        () => 'ran to its end',
        (error: unknown) => String(error),
      );
      await until(
        'some are done, and the next ones are at work',
        async () => (await asAdmin(url, `SELECT 1 ${migrators} AND ${isHeld}`)).length >= 4,
        120_000,
      );
      const atOnce = (await asAdmin(url, `SELECT 1 ${migrators}`)).length;
      await asAdmin(url, `SELECT pg_terminate_backend(pid) ${migrators}`);

      expect(await killed).toContain('could not be migrated');
      const before = (await lateIn(url)).length;
      await asAdmin(url, 'DROP TABLE public.gate');
      await migrateUp(url);

      expect(atOnce).toBe(4);
      expect(before).toBeGreaterThan(3);
      expect(before).toBeLessThan(13);
      expect(await lateIn(url)).toHaveLength(13);
    });
  });
});
