import type pg from 'pg';
import { ConnectionError } from 'sequelize';
import { Connection } from '../../src/models/connection.ts';
import { startFaultProxy, type FaultProxy } from '../support/faultProxy.ts';
import { services } from '../support/services.ts';

const begin = `BEGIN; SELECT set_config('app.current_company_id', 'ours', true)`;

describe('a connection that begins its transactions with their first statement', () => {
  let client: Connection;
  let proxy: FaultProxy;
  let messages: string[];

  /** As Sequelize asks: by a callback. */
  const ask = (text: string, values?: readonly unknown[]) =>
    new Promise<pg.QueryResult>((resolve, reject) => {
      const answer = (error: Error | null, result: pg.QueryResult): void =>
        error ? reject(error) : resolve(result);
      Reflect.apply(client.query, client, [text, ...(values ? [values] : []), answer]);
    });

  beforeEach(async () => {
    messages = [];
    const url = new URL(services().adminUrl);
    proxy = await startFaultProxy({
      target: Number(url.port),
      choose: (message) => void messages.push(message.toString('latin1')),
    });
    url.port = String(proxy.port);
    url.pathname = '/postgres';
    client = new Connection({ connectionString: url.toString() });
    await client.connect();
    messages = [];
  });
  afterEach(async () => {
    await client.end();
    await proxy.close();
  });

  it('sends both at once, and each of the others by itself', async () => {
    await ask(begin);
    const { rows } = await ask(
      `SELECT current_setting('app.current_company_id') AS company, $1::int AS one`,
      [1],
    );
    await ask('SELECT 2 AS two');
    await ask('COMMIT;');
    const outside = await ask(`SELECT current_setting('app.current_company_id', true) AS company`);

    expect(rows).toEqual([{ company: 'ours', one: 1 }]);
    expect(outside.rows).toEqual([{ company: '' }]);
    expect(messages).toHaveLength(4);
    expect(messages[0]).toMatch(/BEGIN.*current_setting/s);
  });

  it('sends together what is asked together', async () => {
    await ask(begin);
    const asked = await Promise.all([
      ask('SELECT 1 AS n'),
      ask('SELECT $1::int AS n', [2]),
      ask('SELECT 3 AS n'),
    ]);
    await ask('COMMIT;');

    expect(asked.map(({ rows }) => rows)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
    expect(messages).toHaveLength(2);
  });

  it.each(['COMMIT;', 'ROLLBACK;'])(
    'sends nothing of one that asked nothing before its %s',
    async (end) => {
      await ask(begin);
      await ask(end);

      expect(messages).toEqual([]);
      expect((await ask('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    },
  );

  describe('and ends them with their last one', () => {
    /** Begins one, asks what is said, and commits with what is last. */
    const commit = async (sql: string, asked: readonly string[] = []) => {
      const told: string[] = [];
      await ask(begin);
      for (const text of asked) await ask(text);
      client.last = {
        sql,
        values: [7],
        answer: (error) => told.push(error instanceof Error ? error.message : 'done'),
      };
      messages = [];
      await ask('COMMIT;');
      return told;
    };
    beforeEach(() => client.query('CREATE TEMPORARY TABLE kept (id int CHECK (id < 9))'));

    it('in one message, also where nothing was asked before', async () => {
      expect(await commit('INSERT INTO kept VALUES ($1)', ['SELECT 1'])).toEqual(['done']);
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatch(/INSERT.*COMMIT/s);

      expect(await commit('INSERT INTO kept VALUES ($1 + 1)')).toEqual(['done']);
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatch(/BEGIN.*INSERT.*COMMIT/s);
      expect((await ask('SELECT id FROM kept ORDER BY id')).rows).toEqual([{ id: 7 }, { id: 8 }]);
    });

    it('and commits nothing where that fails', async () => {
      const insert = 'INSERT INTO kept VALUES (1)';

      expect(await commit('INSERT INTO kept VALUES ($1 + 2)', [insert])).toEqual([
        expect.stringContaining('violates check constraint'),
      ]);
      expect(await commit('INSERT INTO kept VALUES ($1::int / 0)')).toEqual(['division by zero']);

      expect((await ask('SELECT id FROM kept')).rows).toEqual([]);
      expect(await commit('INSERT INTO kept VALUES ($1)')).toEqual(['done']);
    });

    it('but not with the end of one that is rolled back', async () => {
      await ask(begin);
      await ask('SELECT 1');
      client.last = { sql: 'INSERT INTO kept VALUES ($1)', values: [7], answer: () => undefined };
      await ask('ROLLBACK;');
      await ask(begin);
      await ask('SELECT 1');
      await ask('COMMIT;');

      expect((await ask('SELECT id FROM kept')).rows).toEqual([]);
    });

    it('and is told why its begin failed', async () => {
      await ask(`BEGIN; SELECT set_config('role', 'nobody_at_all', true)`);
      const told: unknown[] = [];
      client.last = {
        sql: 'INSERT INTO kept VALUES ($1)',
        values: [7],
        answer: (error) => told.push(error),
      };
      await ask('COMMIT;');

      expect(String(told[0])).toContain('role "nobody_at_all" does not exist');
      expect((await ask('SELECT id FROM kept')).rows).toEqual([]);
    });
  });

  it('carries out nothing after a begin that failed, and says why that did', async () => {
    await client.query('CREATE TEMPORARY TABLE kept (id int)');
    await ask(`BEGIN; SELECT set_config('role', 'nobody_at_all', true)`);

    await expect(ask('INSERT INTO kept VALUES ($1)', [1])).rejects.toThrow(
      'role "nobody_at_all" does not exist',
    );
    await ask('ROLLBACK;');

    expect((await ask('SELECT * FROM kept')).rows).toEqual([]);
  });

  it('is of use again after a statement that failed', async () => {
    await ask(begin);
    await expect(ask('SELECT $1::int / 0', [1])).rejects.toThrow('division by zero');
    await expect(ask('SELECT 1')).rejects.toThrow('current transaction is aborted');
    await expect(ask('COMMIT;')).rejects.toThrow('rolled back');
    await ask(begin);

    expect((await ask('SELECT 3 AS three')).rows).toEqual([{ three: 3 }]);
    await ask('COMMIT;');
  });

  it('fails each statement that waits when the server goes away', async () => {
    await ask(begin);
    client.on('error', () => undefined);

    await expect(ask('SELECT pg_terminate_backend(pg_backend_pid())')).rejects.toThrow(
      /terminat|closed|ECONNRESET/,
    );
  });

  it('counts as none when the server goes away while Sequelize sets it up', async () => {
    client.on('error', () => undefined);
    const setUp = client.query('SET client_min_messages TO warning; SELECT pg_sleep(60)');
    proxy.hangUp();

    await expect(setUp).rejects.toBeInstanceOf(ConnectionError);
  });
});
