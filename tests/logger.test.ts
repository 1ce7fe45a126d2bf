import { pino } from 'pino';
import { Registry } from 'prom-client';
import { DatabaseError } from 'sequelize';
import { loggedError } from '../src/logger.ts';
import { databaseMetrics } from '../src/metrics.ts';
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

describe('a statement', () => {
  const linesOf = (options: { readonly isEchoed?: boolean } = {}): unknown[] => {
    const lines: unknown[] = [];
    const log = pino(
      { level: 'debug' },
      { write: (line: string) => void lines.push(JSON.parse(line)) },
    );
    const { onQuery } = databaseMetrics(new Registry(), log, options);
    onQuery(`SELECT 'it''s kim@home.example' FROM late`, 500);
    onQuery('SELECT 1', 499);
    return lines;
  };

  it('that takes half a second is a line of the performance stream, without its values', () => {
    expect(linesOf()).toEqual([
      expect.objectContaining({
        stream: 'performance',
        sql: "SELECT '…' FROM late",
        milliseconds: 500,
      }),
    ]);
  });

  it('is in the log however fast it was, where that is wanted', () => {
    expect(linesOf({ isEchoed: true })).toMatchObject([
      { msg: 'slow query' },
      { msg: 'query', sql: 'SELECT 1', milliseconds: 499 },
    ]);
  });
});
