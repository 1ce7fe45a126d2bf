import { DatabaseError } from 'sequelize';
import { loggedError } from '../src/logger.ts';
import { select, withGlobal } from '../src/models/database.ts';
import { openTestDatabase, type TestDatabase } from './support/database.ts';

describe('an error in the log', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  it('says what failed and where, without the values of the statement', async () => {
    const sql = `SELECT $1::text || 'it''s kim@home.example' || (1 / $2::integer)::text`;
    const error = await withGlobal(() => select(sql, ['kim@home.example', 0])).catch(
      (failure: unknown) => failure,
    );

    const written = JSON.stringify(loggedError(error));

    expect(error).toBeInstanceOf(DatabaseError);
    expect(JSON.stringify(error)).toContain('kim@home.example');
    expect(JSON.parse(written)).toMatchObject({
      type: 'SequelizeDatabaseError',
      message: 'division by zero',
      code: '22012',
      sql: "SELECT $1::text || '…' || (1 / $2::integer)::text",
    });
    expect(written).not.toContain('kim@home.example');
  });

  it('is followed to its causes, which are no richer', () => {
    const inner = Object.assign(new Error('refused'), {
      code: 'ECONNREFUSED',
      address: '192.0.2.9',
    });
    const outer = new AggregateError([inner], 'all failed', { cause: inner });

    const told = loggedError(outer);

    const cause = { type: 'Error', message: 'refused', code: 'ECONNREFUSED' };
    expect(told).toMatchObject({ type: 'AggregateError', cause, errors: [cause] });
    expect(JSON.stringify(told)).not.toContain('192.0.2.9');
  });
});
