import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import { jobActivities } from '../../src/activities/jobs.ts';
import { checkAudit } from '../../src/commands/auditChecks.ts';
import { dropCompany } from '../../src/models/companyDrop.ts';
import { exportCompany } from '../../src/models/companyExport.ts';
import { restoreCompany } from '../../src/models/companyRestore.ts';
import { migrateDown, migrateUp } from '../../src/models/migrate.ts';
import { migrations } from '../../src/models/migrations/index.ts';
import type { Company } from '../../src/models/Company.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { sealNext } from '../../src/models/auditSeals.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  buildWholeCompany,
  migratorUrl,
  oddText,
  rowsOf,
  schemaOf,
  type WholeCompany,
} from '../support/wholeCompany.ts';

let database: TestDatabase;
let url: string;
let dir: string;
let file: string;
let neighbour: Company;
let sealing: NodeJS.Timeout;

const quiet = (): void => undefined;
const noWorkflows = async (): Promise<void> => undefined;

beforeAll(async () => {
  database = await openTestDatabase();
  url = await migratorUrl(database);
  dir = mkdtempSync(path.join(tmpdir(), 'surety-company-'));
  sealing = setInterval(() => void sealNext().catch(quiet), 300);
});
afterAll(async () => {
  clearInterval(sealing);
  await database.close();
  rmSync(dir, { recursive: true });
});

beforeEach(async () => {
  file = path.join(dir, `${Date.now()}.surety.gz`);
  neighbour = await buildCompany();
  await buildActor({ companyId: neighbour.id });
});

const close = (id: string) =>
  database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [id]);

const build = async (isolation: Company['isolation'] = 'shared'): Promise<WholeCompany> => {
  const whole = await buildWholeCompany(database, { isolation, neighbour });
  await close(whole.company.id);
  return whole;
};

const platformLines = (id: string) =>
  database.sql<{ action: string; after: Record<string, unknown> }>(
    `SELECT action, after FROM core.audit_logs
     WHERE company_id = $1 AND entity_id = $2 ORDER BY timestamp, id`,
    [platformCompanyId, id],
  );

/** What a checkpoint says of the chain. */
const headsOf = (id: string) =>
  database.sql<{ seq: number; hash: string }>(
    `SELECT seq::int, hash FROM core.audit_seals WHERE company_id = $1 ORDER BY seq DESC LIMIT 1`,
    [id],
  );

const without = (rows: Record<string, string[]>, tables: readonly string[]) =>
  Object.fromEntries(Object.entries(rows).filter(([name]) => !tables.includes(name)));

describe('a file of an older release', () => {
  it('comes in by way of a database that is migrated like it, and then on', async () => {
    const newest = migrations.at(-1)?.name ?? '';
    const toOlder = () => migrateDown(database.adminUrl, newest);
    const toNewer = () => migrateUp(database.adminUrl);
    const newFile = `${file}.new`;
    const { company } = await build();
    const { id, code } = company;
    await toOlder();
    await exportCompany({ url, code, file }, quiet);
    const before = await rowsOf(database, id);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    expect(await toNewer()).toEqual([newest]);

    const refused = restoreCompany({ url, file, isTrial: false }, quiet);
    await expect(refused).rejects.toThrow(`has besides ${newest}`);
    await toOlder();
    await restoreCompany({ url, file, isTrial: false }, quiet);
    await toNewer();
    await exportCompany({ url, code, file: newFile }, quiet);
    await dropCompany({ url, code, exported: newFile }, noWorkflows, quiet);
    await restoreCompany({ url, file: newFile, isTrial: false }, quiet);

    const after = await rowsOf(database, id);
    for (const table of ['shared.policies', 'shared.claims', 'platform.users', 'core.audit_logs'])
      expect([table, after[table]]).toEqual([table, expect.arrayContaining(before[table] ?? [])]);
    expect(await checkAudit(id)).toMatchObject({ isValid: true });
  });
});

describe.each(['shared', 'dedicated_schema'] as const)('one company, %s', (isolation) => {
  it('is exported, removed and restored with every row as it was', async () => {
    const { company, alone, referredTo, shared } = await build(isolation);
    const { id, code } = company;

    await exportCompany({ url, code, file }, quiet);
    const before = await rowsOf(database, id);
    const checkpoints = await headsOf(id);
    const nextDoor = await rowsOf(database, neighbour.id);
    const removed = await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    const between = await rowsOf(database, id);
    const people = await database.sql(
      'SELECT id, email, first_name, is_active FROM platform.users WHERE id = ANY ($1) ORDER BY email',
      [[alone, referredTo, shared]],
    );
    const nextDoorBetween = await rowsOf(database, neighbour.id);
    await restoreCompany({ url, file, isTrial: false }, quiet);
    const after = await rowsOf(database, id);

    expect(Object.values(between).flat()).toEqual([]);
    expect(nextDoorBetween).toEqual(nextDoor);
    expect(people).toEqual([
      { id: referredTo, email: `${referredTo}@removed.invalid`, first_name: '', is_active: false },
      expect.objectContaining({ id: shared, first_name: 'Ada', is_active: true }),
    ]);
    expect(removed).toMatchObject({ 'platform.companies': 1, 'platform.users': 2 });

    const passing = ['core.idempotency_keys', 'platform.refresh_tokens'];
    const changing = ['core.audit_logs', 'core.audit_seals'];
    expect(without(after, [...passing, ...changing])).toEqual(
      without(before, [...passing, ...changing]),
    );
    for (const table of changing)
      expect(after[table]).toEqual(expect.arrayContaining(before[table] ?? []));
    expect(after['core.audit_logs']).toHaveLength((before['core.audit_logs'] ?? []).length + 1);
    for (const table of passing) expect(after[table]).toEqual([]);
    const business = isolation === 'shared' ? 'shared' : schemaOf(id);
    const filled = Object.keys(before).filter((table) => before[table]?.length);
    expect(filled).toEqual(
      expect.arrayContaining([
        ...['api_keys', 'audit_keys', 'audit_logs', 'audit_seals', 'calendars', 'counters'].map(
          (table) => `core.${table}`,
        ),
        ...['invitations', 'notifications', 'outbox', 'timers', 'transitions'].map(
          (table) => `core.${table}`,
        ),
        ...['companies', 'domains', 'feature_flags', 'memberships', 'users'].map(
          (table) => `platform.${table}`,
        ),
        ...['customers', 'employees', 'compliances', 'customer_compliances', 'templates'].map(
          (table) => `${business}.${table}`,
        ),
        ...[
          'compliance_policies',
          'compliance_policy_versions',
          'approval_steps',
          'policy_configurations',
          'campaigns',
          'acknowledgements',
          'acknowledgement_history',
          'exemptions',
          'evidence_packs',
          'evidence_pack_lines',
        ].map((table) => `${business}.${table}`),
        ...['insurance_plans', 'policies', 'policy_subscriptions'].map(
          (table) => `${business}.${table}`,
        ),
        ...['claims', 'claim_locations', 'claim_notes', 'claim_recoveries', 'claim_reserves'].map(
          (table) => `${business}.${table}`,
        ),
        `${business}.fraud_flags`,
        ...['properties', 'reservations', 'bookings', 'reviews', 'payments'].map(
          (table) => `${business}.${table}`,
        ),
      ]),
    );
    const customers = (after[`${business}.customers`] ?? []).map((row) => JSON.parse(row));
    expect(customers).toMatchObject([{ name: oddText }]);
    expect(String(after[`${business}.policies`])).toContain(
      '123456789012345678901234567890.123456789',
    );

    expect(checkpoints).toHaveLength(1);
    const check = await checkAudit(id, checkpoints);
    expect(check).toMatchObject({ isValid: true, firstBad: null });
    const lines = await platformLines(id);
    expect(lines.map(({ action }) => action)).toEqual(['EXPORT', 'DELETE', 'RESTORE']);
    expect(lines[1]?.after).toMatchObject({ code, removed });
  });
});

describe('the file', () => {
  it('is for its owner alone, and says what it is', async () => {
    const { company } = await build();

    const ending = await exportCompany({ url, code: company.code, file }, quiet);

    const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      format: 'surety-company-1',
      company: { id: company.id, code: company.code },
    });
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual(ending);
    await expect(exportCompany({ url, code: company.code, file }, quiet)).rejects.toThrow(
      /is there already/,
    );
  });

  it.each<[string, (content: Buffer) => Buffer, RegExp]>([
    ['cut', (content) => content.subarray(0, content.length - 100), /is cut/],
    ['cut at the end of a line', (content) => zip(textOf(content).slice(0, -1)), /is cut/],
    ['changed in a byte', (content) => flipped(content), /not as it was written|not the export/],
    [
      'changed in a value',
      (content) => zip(textOf(content).map((line) => line.replace('"EUR"', '"USD"'))),
      /not as it was written/,
    ],
    [
      'without a row',
      (content) => zip(textOf(content).filter((line) => !line.startsWith('{"table":"customers"'))),
      /not as it was written/,
    ],
    ['something else', () => gzipSync('{"a":1}\n'), /is not the export of a company/],
    ['no archive', () => Buffer.from('hello'), /not as it was written/],
  ])('that is %s is refused before anything is written', async (_name, spoil, sentence) => {
    const { company } = await build();
    const { id, code } = company;
    await exportCompany({ url, code, file }, quiet);
    const spoilt = `${file}.spoilt`;
    writeFileSync(spoilt, spoil(readFileSync(file)));

    await expect(dropCompany({ url, code, exported: spoilt }, noWorkflows, quiet)).rejects.toThrow(
      sentence,
    );
    expect((await rowsOf(database, id))['platform.companies']).toHaveLength(1);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    const between = await platformLines(id);
    await expect(restoreCompany({ url, file: spoilt, isTrial: false }, quiet)).rejects.toThrow(
      sentence,
    );

    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
    expect(await platformLines(id)).toEqual(between);
  });
});

const textOf = (content: Buffer): string[] =>
  gunzipSync(content).toString('utf8').trimEnd().split('\n');
const zip = (lines: readonly string[]): Buffer =>
  gzipSync(lines.map((line) => `${line}\n`).join(''));
const flipped = (content: Buffer): Buffer => {
  const changed = Buffer.from(content);
  const place = changed.length >> 1;
  changed[place] = (changed[place] ?? 0) ^ 1;
  return changed;
};

describe('a restoration', () => {
  it('that is only tried changes nothing', async () => {
    const { company } = await build();
    const { id, code } = company;
    await exportCompany({ url, code, file }, quiet);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);

    await restoreCompany({ url, file, isTrial: true }, quiet);

    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
    expect((await platformLines(id)).map(({ action }) => action)).toEqual(['EXPORT', 'DELETE']);
  });

  it('is refused while the company, its code or its name is there', async () => {
    const { company } = await build();
    const { id, code, name } = company;
    await exportCompany({ url, code, file }, quiet);
    const restore = () => restoreCompany({ url, file, isTrial: false }, quiet);

    await expect(restore()).rejects.toThrow(`${code} cannot come in: the company ${code}`);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    const other = await buildCompany();
    await database.sql('UPDATE platform.companies SET code = $2 WHERE id = $1', [other.id, code]);
    await expect(restore()).rejects.toThrow(`${code} cannot come in: the company ${code}`);
    await database.sql('UPDATE platform.companies SET code = $2, name = $3 WHERE id = $1', [
      other.id,
      other.code,
      name.toUpperCase(),
    ]);
    await expect(restore()).rejects.toThrow(`${code} cannot come in: the company ${other.code}`);

    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
  });

  it("is refused while one of its domains or addresses is somebody else's", async () => {
    const { company, alone } = await build();
    const { id, code } = company;
    const [person] = await database.sql<{ email: string }>(
      'SELECT email FROM platform.users WHERE id = $1',
      [alone],
    );
    await exportCompany({ url, code, file }, quiet);
    const [domain] = await database.sql<{ domain: string }>(
      'SELECT domain FROM platform.domains WHERE company_id = $1',
      [id],
    );
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    const restore = () => restoreCompany({ url, file, isTrial: false }, quiet);
    const stranger = await buildActor({ companyId: neighbour.id });

    await database.sql('UPDATE platform.users SET email = $2 WHERE id = $1', [
      stranger.userId,
      person?.email,
    ]);
    await expect(restore()).rejects.toThrow(`somebody else by now: ${person?.email}`);
    await database.sql('UPDATE platform.users SET email = $2 WHERE id = $1', [
      stranger.userId,
      stranger.email,
    ]);
    await database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES (gen_random_uuid(), $1, $2, now())`,
      [neighbour.id, domain?.domain],
    );
    await expect(restore()).rejects.toThrow('somebody else has one of its domains by now');

    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
  });

  it('is refused where the migrations differ', async () => {
    const { company } = await build();
    const { code } = company;
    await exportCompany({ url, code, file }, quiet);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    await database.sql(`INSERT INTO migrations.applied (name) VALUES ('9999-later')`);

    const restored = restoreCompany({ url, file, isTrial: false }, quiet);

    await expect(restored).rejects.toThrow('lacks none and has besides 9999-later');
    await database.sql(`DELETE FROM migrations.applied WHERE name = '9999-later'`);
  });

  it('lets no row of another company in, whatever the file says', async () => {
    const { company } = await build();
    const { id, code } = company;
    await exportCompany({ url, code, file }, quiet);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    const lines = textOf(readFileSync(file));
    const domain = lines.findIndex((line) => line.startsWith('{"table":"platform.domains"'));
    lines[domain] = (lines[domain] ?? '').replace(id, neighbour.id);
    const body = lines.slice(0, -1);
    const sha256 = createHash('sha256')
      .update(`${body.join('\n')}\n`)
      .digest('hex');
    const ending = { ...JSON.parse(lines.at(-1) ?? ''), sha256 };
    const forged = `${file}.forged`;
    writeFileSync(forged, zip([...body, JSON.stringify(ending)]));

    const restored = restoreCompany({ url, file: forged, isTrial: false }, quiet);

    await expect(restored).rejects.toThrow('violates row-level security policy');
    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
  });

  it('leaves people as they are who are still there', async () => {
    const { company, shared } = await build();
    const { code } = company;
    await exportCompany({ url, code, file }, quiet);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    await database.sql(`UPDATE platform.users SET first_name = 'Later' WHERE id = $1`, [shared]);

    await restoreCompany({ url, file, isTrial: false }, quiet);

    const kept = await database.sql('SELECT first_name FROM platform.users WHERE id = $1', [
      shared,
    ]);
    expect(kept).toEqual([{ first_name: 'Later' }]);
  });

  it('leaves what was under way to the reconciler', async () => {
    const { company } = await build();
    const { id, code } = company;
    await database.sql(
      `UPDATE core.outbox SET dispatched_at = now() WHERE company_id = '${id}';
       UPDATE shared.policy_subscriptions SET created_at = now() - interval '5 minutes'
       WHERE company_id = '${id}'`,
    );
    await exportCompany({ url, code, file }, quiet);
    await dropCompany({ url, code, exported: file }, noWorkflows, quiet);
    await restoreCompany({ url, file, isTrial: false }, quiet);

    const jobs = jobActivities({ openWorkflows: async () => new Map() });
    await new MockActivityEnvironment().run(() => jobs.restoreWorkflows());

    const owed = await database.sql(
      `SELECT s.id = o.entity_id AS of_row, o.is_restart FROM core.outbox o, shared.policy_subscriptions s
       WHERE o.company_id = $1 AND s.company_id = $1 AND o.dispatched_at IS NULL`,
      [id],
    );
    expect(owed).toEqual([{ of_row: true, is_restart: true }]);
  });

  it('seals what had no seal, so that the audit is whole', async () => {
    const { company } = await build();
    const { id, code } = company;
    await exportCompany({ url, code, file }, quiet);
    await database.sql('DELETE FROM core.audit_seals WHERE company_id = $1 AND seq > 1', [id]);
    const early = `${file}.early`;
    await exportCompany({ url, code, file: early }, quiet);
    await dropCompany({ url, code, exported: early }, noWorkflows, quiet);

    await restoreCompany({ url, file: early, isTrial: false }, quiet);

    expect(await checkAudit(id)).toMatchObject({ isValid: true });
  });
});

describe('a removal', () => {
  it('is refused for a company that is open, unknown, another one or changed since', async () => {
    const { company } = await build();
    const other = await build();
    const { id, code } = company;
    await exportCompany({ url, code, file }, quiet);
    const drop = (exported?: string, of = code) =>
      dropCompany({ url, code: of, exported }, noWorkflows, quiet);

    await expect(drop(file, other.company.code)).rejects.toThrow('is of another company');
    await expect(drop(file, 'NOBODY')).rejects.toThrow('There is no company NOBODY');
    await expect(drop(file, 'PLATFORM')).rejects.toThrow('There is no company PLATFORM');
    await expect(drop()).rejects.toThrow(/The audit of \w+ has to be kept until \d{4}-\d\d-\d\d: /);
    await database.sql(`UPDATE shared.customers SET name = 'new' WHERE company_id = $1`, [id]);
    await expect(drop(file)).rejects.toThrow(/has changed since .*, in customers: export it again/);
    await database.sql(`UPDATE platform.companies SET status = 'active' WHERE id = $1`, [id]);
    await expect(drop(file)).rejects.toThrow(`${code} is active`);

    expect((await rowsOf(database, id))['shared.policies']).toHaveLength(1);
    expect((await platformLines(id)).map(({ action }) => action)).toEqual(['EXPORT']);
  });

  it('needs no file once the audit need not be kept any more', async () => {
    const { company } = await build();
    const { id, code } = company;
    const age = async (years: number) =>
      database.sql(
        `UPDATE core.audit_logs SET timestamp = timestamp - make_interval(years => $2)
         WHERE company_id = $1`,
        [id, years],
      );
    const drop = () => dropCompany({ url, code, exported: undefined }, noWorkflows, quiet);

    await age(2);
    await expect(drop()).rejects.toThrow('has to be kept until');
    await age(2);
    await drop();

    expect(Object.values(await rowsOf(database, id)).flat()).toEqual([]);
  });
});
