import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
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

describe('createLogger', () => {
  let dir: string;
  beforeAll(async () => void (dir = await mkdtemp(path.join(tmpdir(), 'surety-logs-'))));
  afterAll(() => rm(dir, { recursive: true }));

  /** In a process of its own, as its files are written by threads and its lines go to the console. */
  async function logged(logDir: string | undefined, lines: string): Promise<string> {
    const settings = { logLevel: 'info', logLevels: { relay: 'debug', sealer: 'error' }, logDir };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '--eval',
        `import { createLogger } from './src/logger.ts';
         const { log, access, moduleLog } = createLogger(${JSON.stringify(settings)}, 'api');
         ${lines}`,
      ],
      { cwd: path.join(import.meta.dirname, '..'), maxBuffer: 100_000_000 },
    );
    return stdout;
  }

  const filesOf = async (kind: string): Promise<string[]> =>
    (await readdir(dir)).filter((name) => name.startsWith(`${kind}.`)).toSorted();

  const textOf = async (kind: string): Promise<string> => {
    const files = await filesOf(kind);
    const texts = await Promise.all(files.map((name) => readFile(path.join(dir, name), 'utf8')));
    return texts.join('');
  };

  const messagesIn = (text: string): string[] =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg);

  const someLines = `
    log.debug('too much'); log.info('as usual');
    moduleLog('relay').debug('closely watched'); moduleLog('relay').trace('too much');
    moduleLog('sealer').warn('hushed'); moduleLog('sealer').error('broken');
    access.info('asked');`;

  it('gives each module its level, in the files as on the console', async () => {
    const alone = await logged(undefined, someLines);
    const besides = await logged(dir, someLines);

    const expected = ['as usual', 'closely watched', 'broken'];
    expect(messagesIn(alone)).toEqual([...expected, 'asked']);
    expect(messagesIn(besides)).toEqual(expected);
    expect(messagesIn(await textOf('api'))).toEqual(expected);
    expect(messagesIn(await textOf('api-error'))).toEqual(['broken']);
    expect(messagesIn(await textOf('access'))).toEqual(['asked']);
  });

  it('begins another file at 20 MB', async () => {
    const before = await filesOf('api');

    await logged(dir, `for (let n = 0; n < 23; n += 1) log.info('x'.repeat(1_000_000));`);
    await logged(dir, `log.info('in the next file');`);

    expect((await filesOf('api')).length).toBeGreaterThan(before.length);
    expect(messagesIn(await textOf('api'))).toContain('in the next file');
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
