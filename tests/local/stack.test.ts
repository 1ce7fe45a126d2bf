import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { startStack } from '../../local/stack.ts';

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-stack-'));

afterAll(() => rmSync(dataDir, { recursive: true }));

async function countTables(connectionString: string): Promise<number> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query(
      `SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'core'`,
    );
    return rows[0].tables;
  } finally {
    await client.end();
  }
}

type Ask = (method: string, route: string, body?: object) => Promise<Record<string, unknown>>;

/** @returns what asks the API as the demo company's person of that role */
async function signIn(api: string, dir: string, role: string): Promise<Ask> {
  const ask =
    (token?: string): Ask =>
    async (method, route, body) => {
      const response = await fetch(`${api}/api/v1${route}`, {
        method,
        headers: {
          'Content-Type': 'application/json',
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const answer: Record<string, unknown> = JSON.parse(await response.text());
      expect({ route, status: response.status, answer }).toMatchObject({ status: 200 });
      return { ...answer, ...Object(answer['data']) };
    };
  const accounts: { role: string; email: string; password: string }[] = JSON.parse(
    readFileSync(path.join(dir, 'demo-accounts.json'), 'utf8'),
  );
  const { email, password } = accounts.find((each) => each.role === role) ?? {};
  const { access_token: token } = await ask()('POST', '/auth/login', { email, password });
  return ask(String(token));
}

async function activeSubscriptions(ask: Ask): Promise<string[]> {
  const { items } = await ask('GET', '/subscriptions?status=active');
  return Array.isArray(items) ? items.map(({ id }) => String(id)) : [];
}

describe('startStack', () => {
  it('brings up the parts, survives their loss when told to, and leaves nothing running', async () => {
    const stack = await startStack({
      dataDir,
      ports: 'free',
      programs: [],
      seeded: false,
      throwaway: true,
    });
    const before = stack.pids();
    try {
      expect(await countTables(stack.urls.apiDatabase)).toBeGreaterThan(0);

      await stack.kill('postgres');
      expect(stack.pids()).toEqual({ gateway: before.gateway, temporal: before.temporal });
      await stack.start('postgres');

      expect(await countTables(stack.urls.workerDatabase)).toBeGreaterThan(0);
    } finally {
      await stack.stop();
    }
    expect(stack.pids()).toEqual({});
    expect(() => process.kill(before.temporal ?? 0, 0)).toThrow('ESRCH');
  });

  it('keeps all data over a stop, and what fell due meanwhile happens as soon as it is back', async () => {
    const dir = path.join(dataDir, 'again');
    const start = () =>
      startStack({ dataDir: dir, ports: 'free', throwaway: true, env: { LOG_LEVEL: 'info' } });
    const first = await start();
    let subscriptionId = '';
    let dueAt = 0;
    try {
      const admin = await signIn(first.urls.api, dir, 'tenant_admin');
      [subscriptionId = ''] = await activeSubscriptions(admin);
      dueAt = Date.now() + 15_000;
      await admin('PATCH', `/workflows/subscription/${subscriptionId}/timers/expiry`, {
        due_at: new Date(dueAt).toISOString(),
        reason: 'It falls due while all is off',
      });
    } finally {
      await first.stop();
    }
    expect(first.pids()).toEqual({});
    expect(Date.now()).toBeLessThan(dueAt);
    await pause(dueAt - Date.now());

    const second = await start();
    try {
      const admin = await signIn(second.urls.api, dir, 'tenant_admin');
      let status: unknown = 'active';
      for (const until = Date.now() + 20_000; status === 'active' && Date.now() < until;) {
        await pause(200);
        ({ status } = await admin('GET', `/subscriptions/${subscriptionId}`));
      }

      expect(status).toBe('expired');
      expect(await activeSubscriptions(admin)).toHaveLength(2);
    } finally {
      await second.stop();
    }
  });

  it('says which setting is not a port', async () => {
    await expect(startStack({ dataDir, env: { PORT: 'http' } })).rejects.toThrow(
      'PORT=http is not a port: give a number from 1 to 65535.',
    );
  });

  it('says that the database of DATABASE_URL cannot be reached', async () => {
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };

    await expect(startStack({ dataDir, ports: 'free', env })).rejects.toThrow(
      /^The database that DATABASE_URL names cannot be reached: .*ECONNREFUSED/,
    );
  });
});
