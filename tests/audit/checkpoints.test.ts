import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { readConfig } from '../../src/config.ts';
import type { Company } from '../../src/models/Company.ts';
import { dropCompany } from '../../src/models/companyDrop.ts';
import { keptSigningKey, openCheckpoints, type Checkpoints } from '../../worker/checkpoints.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { migratorUrl } from '../support/wholeCompany.ts';
import { sealAll, writeLines } from './chain.ts';

let database: TestDatabase;
let folder: string;
let checkpoints: Checkpoints;
let company: Company;

const settings = (): NodeJS.ProcessEnv => ({
  ENVIRONMENT: 'test',
  DATABASE_URL: database.workerUrl,
  AUDIT_CHECKPOINT_DIR: path.join(folder, 'checkpoints'),
});
const open = (changes: NodeJS.ProcessEnv = {}) =>
  openCheckpoints(readConfig({ ...settings(), ...changes }));

beforeEach(async () => {
  database = await openTestDatabase({ poolMax: 3 });
  folder = mkdtempSync(path.join(os.tmpdir(), 'surety-checkpoints-'));
  checkpoints = open();
  company = await buildCompany();
  await writeLines(company.id, [{}, {}, {}]);
  await sealAll();
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const file = (): string => {
  const [name = ''] = readdirSync(path.join(folder, 'checkpoints'));
  return path.join(folder, 'checkpoints', name);
};

/** The operator's program. @returns its exit code and what it printed */
async function run(...args: string[]): Promise<[number, string]> {
  const env = { PATH: process.env['PATH'], ...settings() };
  const program = ['--import', 'tsx', 'worker/verifyAudit.ts', ...args];
  return promisify(execFile)(process.execPath, program, { env }).then(
    ({ stdout }) => [0, stdout],
    (error: unknown) => {
      const { code, stdout, stderr } = { code: 0, stdout: '', stderr: '', ...Object(error) };
      return [code, stdout + stderr];
    },
  );
}

describe('checkpoints', () => {
  it('are written for chains that went on, signed, where only the worker may read them', async () => {
    expect(await checkpoints.write()).toBe(1);
    expect(await checkpoints.write()).toBe(0);
    await writeLines(company.id, [{}]);
    await sealAll();
    expect(await checkpoints.write()).toBe(1);

    const { byCompany, unsigned } = await checkpoints.read();
    const [first] = readFileSync(file(), 'utf8').split('\n');
    expect(byCompany.get(company.id)?.map(({ seq }) => seq)).toEqual([3, 4]);
    expect(unsigned).toEqual([]);
    expect(JSON.parse(first ?? '')).toMatchObject({ company_id: company.id, seq: 3, count: 3 });
    for (const place of [file(), path.join(folder, 'audit-signing.pem')]) {
      expect(statSync(place).mode & 0o777).toBe(0o600);
    }
  });

  it('are believed only as they were signed, by this key', async () => {
    await checkpoints.write();
    const forged = readFileSync(file(), 'utf8').replace('"seq":3', '"seq":2');
    appendFileSync(file(), `${forged}no JSON\n`);
    const otherKey = keptSigningKey(path.join(folder, 'other.pem'));

    const { byCompany, unsigned } = await checkpoints.read();
    const byOther = await open({ AUDIT_SIGNING_KEY: otherKey }).read();

    expect(byCompany.get(company.id)?.map(({ seq }) => seq)).toEqual([3]);
    expect(unsigned.map((place) => place.split(':')[1])).toEqual(['2', '3']);
    expect(byOther.byCompany.size).toBe(0);
  });

  it('need a folder and a key in production, and a key of the right kind', () => {
    const production = { ENVIRONMENT: 'production', SECRET_KEY: 'k'.repeat(32) };
    const strict = { ...production, JWT_SECRET_KEY: 'k'.repeat(32) };

    expect(() => open({ ...strict, AUDIT_CHECKPOINT_DIR: '' })).toThrow('AUDIT_CHECKPOINT_DIR');
    expect(() => open(strict)).toThrow('production needs AUDIT_SIGNING_KEY');
    expect(() => open({ AUDIT_SIGNING_KEY: 'secret' })).toThrow('no private Ed25519 key');
  });

  it('let the operator find a tail that was cut, and a company that is as it was', async () => {
    const other = await buildCompany();
    await writeLines(other.id, [{}]);
    await sealAll();
    await checkpoints.write();
    expect(await run()).toEqual([
      0,
      expect.stringContaining(`${company.code}: 3 lines are as they were sealed, 0 are not`),
    ]);

    await database.sql('DELETE FROM core.audit_seals WHERE company_id = $1 AND seq > 1', [
      company.id,
    ]);

    const [code, said] = await run();
    expect(code).toBe(1);
    expect(said).toContain(`${company.code}: BAD cut, number 2`);
    expect(said).toContain(`${other.code}: 1 lines are as they were sealed`);
    expect(await run('--company', other.code)).toEqual([0, expect.not.stringContaining('BAD')]);
    expect(await run('--company', 'NOBODY')).toEqual([1, 'There is no company NOBODY\n']);
  });

  it('let the operator find a company that is gone whole, unless it was removed as it should be', async () => {
    const removed = await buildCompany();
    await writeLines(removed.id, [{ timestamp: new Date('2015-02-03') }]);
    await sealAll();
    await checkpoints.write();
    await database.sql(`UPDATE platform.companies SET status = 'closed' WHERE id = $1`, [
      removed.id,
    ]);
    await dropCompany(
      { url: await migratorUrl(database), code: removed.code, exported: undefined },
      async () => undefined,
      () => undefined,
    );
    expect(await run()).toEqual([0, expect.not.stringContaining('BAD')]);

    for (const table of ['core.audit_seals', 'core.audit_logs', 'core.audit_keys']) {
      await database.sql(`DELETE FROM ${table} WHERE company_id = $1`, [company.id]);
    }
    await database.sql('DELETE FROM platform.companies WHERE id = $1', [company.id]);

    const [code, said] = await run();
    expect(code).toBe(1);
    expect(said).toContain(`${company.id}: BAD cut`);
    expect(said).not.toContain(removed.id);
  });
});
