import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seed } from '../../local/seed.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the demo data', () => {
  let database: TestDatabase;
  let dataDir: string;
  const said: string[] = [];

  beforeEach(async () => {
    database = await openTestDatabase();
    dataDir = mkdtempSync(path.join(tmpdir(), 'surety-seed-'));
  });

  afterEach(async () => {
    await database.close();
    rmSync(dataDir, { recursive: true });
  });

  /** Until it says so; as if the terminal was interrupted there. */
  const seedUntil = (step?: string): Promise<void> =>
    seed({
      env: { ENVIRONMENT: 'test', DATABASE_URL: database.apiUrl, DEFAULT_COMPANY: 'DEMO' },
      dataDir,
      say(text) {
        said.push(text);
        if (text === step) throw new Error('interrupted');
      },
    });
  const counts = () =>
    database.sql(
      `SELECT (SELECT count(*) FROM platform.companies WHERE code = 'DEMO')::int AS companies,
         (SELECT count(*) FROM shared.insurance_plans)::int AS plans,
         (SELECT count(*) FROM platform.users)::int AS people,
         (SELECT count(*) FROM shared.policy_subscriptions)::int AS subscriptions`,
    );
  const whole = [{ companies: 1, plans: 18, people: 13, subscriptions: 3 }];
  const accounts = path.join('.', 'demo-accounts.json');

  it.each(['company and catalogue', 'one person for each role', 'live subscriptions'])(
    'is completed, with the same passwords, after an interruption at: %s',
    async (step) => {
      await expect(seedUntil(step)).rejects.toThrow('interrupted');
      const begun: unknown = JSON.parse(
        readFileSync(path.join(dataDir, 'seed-begun.json'), 'utf8'),
      );

      await seedUntil();

      expect(await counts()).toEqual(whole);
      expect(JSON.parse(readFileSync(path.join(dataDir, accounts), 'utf8'))).toEqual(begun);
      expect(existsSync(path.join(dataDir, 'seed-begun.json'))).toBe(false);
    },
  );

  it('is made once, and leaves the accounts of other companies alone', async () => {
    const earlier = {
      company: 'ACME',
      role: 'tenant_admin',
      email: 'a@acme.example',
      password: 'x',
    };
    writeFileSync(path.join(dataDir, accounts), JSON.stringify([earlier]));

    await seedUntil();
    await seedUntil();

    expect(await counts()).toEqual(whole);
    const kept: object[] = JSON.parse(readFileSync(path.join(dataDir, accounts), 'utf8'));
    expect(kept).toHaveLength(14);
    expect(kept[0]).toEqual(earlier);
  });
});
