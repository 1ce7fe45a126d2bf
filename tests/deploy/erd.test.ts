import { readFileSync } from 'node:fs';
import { drawErd } from '../../src/models/erd.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('docs/erd.svg', () => {
  /** A copy: while somebody is connected to the template, no other test can copy it. */
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  it('shows the schema as it is (npm run db:erd draws it)', async () => {
    const drawn = await drawErd(database.adminUrl);

    expect(drawn === readFileSync('docs/erd.svg', 'utf8')).toBe(true);
  });

  it('comes out the same each time, with the relations between people and business', async () => {
    const drawn = await drawErd(database.adminUrl);

    expect(await drawErd(database.adminUrl)).toBe(drawn);
    expect(drawn).toContain(
      '<title>shared.policy_subscriptions:e&#45;&gt;platform.users:w</title>',
    );
    expect(drawn).not.toMatch(/audit_logs_\d{4}/);
  });
});
