import { retireAuditMonth } from '../../src/models/auditRetention.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('a month of audit that takes long to retire', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase({ statementTimeoutMs: 3000 });
  });

  afterAll(() => database.close());

  it('gets the time that it takes, which others do not', async () => {
    await database.sql(
      `CREATE OR REPLACE FUNCTION app.retire_audit_month() RETURNS date
         LANGUAGE sql AS $$ SELECT DATE '2015-03-01' FROM pg_sleep(6) $$;
       GRANT EXECUTE ON FUNCTION app.retire_audit_month() TO app_api`,
    );

    expect(await retireAuditMonth()).toBe('2015-03-01');
  });
});
