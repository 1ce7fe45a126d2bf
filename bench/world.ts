import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import type { Say } from '../local/progress.ts';
import type { Stack } from '../local/stack.ts';
import { createTokens } from '../src/commands/tokens.ts';
import { readConfig } from '../src/config.ts';
import { platformCompanyId } from '../src/models/database.ts';
import type { Role } from '../src/rules/permissions.ts';
import { call, insurable, subscribeRequest, type Person, type Request } from './requests.ts';

/** A company to measure with: what a figure needs of it is made through the product's own API. */
export interface World {
  readonly stack: Stack;
  readonly prefix: string;
  readonly people: readonly Person[];
  readonly admin: Person;
  readonly globalAdmin: Person;
  /** Whose people and plans these are. */
  readonly companyId: string;
  readonly planIds: readonly string[];
  readonly categoryId: string;
  /** As superuser, for looking behind the wall. */
  readonly sql: <R extends object>(text: string, values?: readonly unknown[]) => Promise<R[]>;
  /** Each with a session of their own, in the role that they have. */
  signIn(userIds: readonly string[], role: Role): Promise<Person[]>;
  /** One subscription for everybody who has none, and waits until its workflow has settled. */
  subscribeAll(say: Say): Promise<void>;
  /** Waits until no workflow start is owed and every e-mail is out. */
  settle(say: Say): Promise<void>;
  close(): Promise<void>;
}

/** The API's own figures. */
export async function readMetrics({ urls, env }: Stack): Promise<string> {
  const headers = { Authorization: `Bearer ${env['METRICS_TOKEN']}` };
  return (await fetch(`${urls.api}/metrics`, { headers })).text();
}

const plansInAll = 200;
const settleWithinMs = 300_000;

export async function makeWorld(
  stack: Stack,
  { people: count, say }: { readonly people: number; readonly say: Say },
): Promise<World> {
  const pool = new pg.Pool({ connectionString: stack.urls.adminDatabase, max: 2 });
  const sql = async <R extends object>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<R[]> => (await pool.query<R>(text, [...values])).rows;
  const config = readConfig(stack.env);
  const tokens = createTokens(config);
  const prefix = config.apiPrefix;
  const [company] = await sql<{ id: string }>('SELECT id FROM platform.companies WHERE code = $1', [
    config.defaultCompany,
  ]);
  const ours = company?.id ?? '';

  /** Each with a session of their own. */
  const signIn = async (
    userIds: readonly string[],
    role: Role,
    companyId = ours,
  ): Promise<Person[]> => {
    const sessions = userIds.map((userId) => ({ userId, sessionId: uuid() }));
    await sql(
      `INSERT INTO platform.refresh_tokens (id, company_id, user_id, family_id, token_hash, expires_at)
       SELECT gen_random_uuid(), $1, s.user_id, s.family_id, s.family_id::text, now() + interval '1 day'
       FROM unnest($2::uuid[], $3::uuid[]) AS s (user_id, family_id)`,
      [companyId, userIds, sessions.map(({ sessionId }) => sessionId)],
    );
    return Promise.all(
      sessions.map(async ({ userId, sessionId }) => {
        const { token } = await tokens.sign({ userId, companyId, roles: [role], sessionId });
        return { userId, token };
      }),
    );
  };

  say(`${count} people`);
  const userIds = Array.from({ length: count }, () => uuid());
  const globalId = uuid();
  await sql(
    `INSERT INTO platform.users (id, username, email, first_name, last_name)
     SELECT id, 'bench-' || n, 'bench-' || n || '@holder.example', 'Holder', n::text
     FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)`,
    [[...userIds, globalId]],
  );
  await sql(
    `INSERT INTO platform.memberships (company_id, id, user_id, role)
     SELECT $1::uuid, gen_random_uuid(), id, 'policyholder' FROM unnest($2::uuid[]) AS u (id)
     UNION ALL SELECT $3::uuid, gen_random_uuid(), $4::uuid, 'global_admin'`,
    [ours, userIds, platformCompanyId, globalId],
  );
  const people = await signIn(userIds, 'policyholder');
  const [administrator] = await sql<{ userId: string }>(
    `SELECT user_id AS "userId" FROM platform.memberships
     WHERE company_id = $1 AND role = 'tenant_admin' LIMIT 1`,
    [ours],
  );
  const [admin] = await signIn([administrator?.userId ?? ''], 'tenant_admin');
  const [globalAdmin] = await signIn([globalId], 'global_admin', platformCompanyId);
  if (!admin || !globalAdmin) throw new Error('The demo company has no tenant administrator');

  say('properties');
  await sql(
    `INSERT INTO shared.properties (company_id, id, owner_id, name, description, address, price_per_night,
       currency, time_zone, check_in_time, check_out_time, max_guests, min_nights, max_nights,
       instant_book, cancellation_policy, status)
     SELECT $1::uuid, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $2::uuid,
       'House ' || n, 'Two rooms', 'Lindau', 100,
       'EUR', 'Europe/Berlin', '15:00', '11:00', 2, 1, 30, false, 'strict', 'listed'
     FROM generate_series(1, $3::integer) AS n`,
    [ours, userIds[0], insurable],
  );

  say('plans');
  const categories = await sql<{ id: string }>('SELECT id FROM shared.property_categories');
  const existing = await sql<{ id: string }>('SELECT id FROM shared.insurance_plans');
  const levels = ['basic', 'standard', 'premium'] as const;
  await sendAll(
    Array.from({ length: plansInAll - existing.length }, (_, index) => ({
      kind: 'plan',
      method: 'POST' as const,
      path: `${prefix}/plans`,
      token: admin.token,
      body: {
        name: `Bench plan ${index}`,
        property_category_id: categories[index % categories.length]?.id,
        coverage_level: levels[index % levels.length],
        coverage_amount: `${100_000 + 500 * index}.00`,
        premium: `${90 + ((index * 37) % 400)}.00`,
        duration_months: index % 2 === 0 ? 12 : 6,
        description: 'Fire, water and storm',
      },
    })),
    8,
  );
  const planIds = (await sql<{ id: string }>('SELECT id FROM shared.insurance_plans')).map(
    ({ id }) => id,
  );

  // As the server does by itself within a minute or so.
  await sql('ANALYZE');

  async function sendAll(requests: readonly Request[], connections: number): Promise<void> {
    let next = 0;
    const work = async (): Promise<void> => {
      for (let request = requests[next++]; request; request = requests[next++]) {
        await call(stack.urls.api, request);
      }
    };
    await Promise.all(Array.from({ length: connections }, work));
  }

  async function settle(report: Say): Promise<void> {
    const deadline = Date.now() + settleWithinMs;
    for (;;) {
      const [left] = await sql<{ starts: number; mails: number }>(
        `SELECT (SELECT count(*)::int FROM core.outbox
                 WHERE dispatched_at IS NULL AND parked_at IS NULL) AS starts,
           (SELECT count(*)::int FROM core.notifications
            WHERE channel = 'email' AND status = 'queued') AS mails`,
      );
      if (!left || left.starts + left.mails === 0) return;
      if (Date.now() > deadline) {
        throw new Error(`${left.starts} starts and ${left.mails} mails are still owed`);
      }
      report(`${left.starts} workflow starts and ${left.mails} mails to go`);
      await pause(2000);
    }
  }

  return {
    stack,
    prefix,
    people,
    admin,
    globalAdmin,
    companyId: ours,
    planIds,
    categoryId: categories[0]?.id ?? '',
    sql,
    signIn,
    settle,
    async subscribeAll(report) {
      const holders = await sql<{ userId: string }>(
        'SELECT DISTINCT user_id AS "userId" FROM shared.policy_subscriptions',
      );
      const have = new Set(holders.map(({ userId }) => userId));
      const without = people.filter(({ userId }) => !have.has(userId));
      report(`${without.length} subscriptions`);
      await sendAll(
        without.map((person, index) =>
          subscribeRequest(prefix, person, planIds[index % planIds.length]),
        ),
        6,
      );
      await settle(report);
      // What autovacuum does within a minute, so that how long this took makes no difference.
      await sql('ANALYZE');
    },
    close: () => pool.end(),
  };
}
