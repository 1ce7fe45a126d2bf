import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { types } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { startStack, type Stack } from '../../local/stack.ts';
import { createPasswords } from '../../src/commands/passwords.ts';
import { readConfig } from '../../src/config.ts';
import { defineModels } from '../../src/models/all.ts';
import { Company } from '../../src/models/Company.ts';
import { Credential } from '../../src/models/Credential.ts';
import { openDatabase, withGlobal, withIdentity } from '../../src/models/database.ts';
import { Membership } from '../../src/models/Membership.ts';
import { roleCodes, type Role } from '../../src/rules/permissions.ts';
import { objectAt } from './people.ts';
import { fill, registry, type Place } from './registry.ts';

/** In everything that belongs to the other company, and nowhere else. */
const marker = 'Qxzwy';
const code = 'QXZWY';
const marked = /qxzwy/i;
/** Of people, in whichever company. */
const personal = [
  /@demo\.example/i,
  /newcomer\.example/i,
  /@example\.(com|org)/i,
  /Lovelace/,
  /qxzwy\.person/i,
];

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-canary-'));
const secrets = new Set<string>();
const places = registry().filter(({ path: at }) => !at.startsWith('/dev/'));
let stack: Stack;
let companyId: string;
let theirIds: Readonly<Record<string, string>>;
let ourIds: Readonly<Record<string, string>>;
let tokens: ReadonlyMap<Role, string>;

beforeAll(async () => {
  stack = await startStack({
    dataDir,
    ports: 'free',
    throwaway: true,
    env: {
      ENVIRONMENT: 'production',
      LOG_LEVEL: 'debug',
      LOG_DIR: path.join(dataDir, 'logs'),
      RATE_LIMIT_ENABLED: 'false',
    },
  });
  const accounts: { role: Role; email: string; password: string }[] = JSON.parse(
    readFileSync(path.join(dataDir, 'demo-accounts.json'), 'utf8'),
  );
  tokens = new Map(
    await Promise.all(
      accounts.map(async ({ role, ...login }) => [role, await signIn(login)] as const),
    ),
  );
  theirIds = await buildTheirs();
  ourIds = await buildThings(tokens.get('tenant_admin'), tokens.get('policyholder'), {
    category: 'Boathouses',
    plan: 'Boathouse',
    description: 'Afloat',
    reason: 'Sold',
  });
  await bringIn(newcomer);
}, 180_000);

/** Its administrator's password goes through registration, review and set-up. */
const newcomer = { email: 'ada@newcomer.example', password: `newcomer ${uuid()}` };

async function bringIn({ email, password }: typeof newcomer): Promise<void> {
  secrets.add(password);
  const reviewer = tokens.get('global_admin');
  const asReviewer = reviewer === undefined ? {} : { token: reviewer };
  const { id } = await dataOf(
    ask('POST', '/api/v1/register', {
      body: {
        company_name: 'Newcomer',
        requested_domain: 'newcomer.example',
        admin_email: email,
        admin_username: 'newcomer',
        admin_password: password,
      },
    }),
  );
  const review = `/api/v1/administration/registration-requests/${id}`;
  await patiently(() => ask('POST', `${review}/approve`, asReviewer));
  await patiently(async () => {
    const answer = await ask('GET', review, asReviewer);
    return answer.text.includes('"status":"active"') ? answer : { ...answer, status: 503 };
  });
  await signIn(newcomer);
}

afterAll(async () => {
  await stack.stop();
  rmSync(dataDir, { recursive: true });
}, 60_000);

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: string;
}

async function ask(
  method: string,
  at: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: object } = {},
): Promise<Answer> {
  const hasBody = method !== 'GET' && method !== 'DELETE';
  const response = await fetch(`${stack.urls.api}${at}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(hasBody && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(hasBody && { body: JSON.stringify(body ?? {}) }),
  });
  const text = await response.text();
  return { status: response.status, text, headers: JSON.stringify([...response.headers]) };
}

async function dataOf(asked: Promise<Answer>): Promise<Record<string, string>> {
  const { status, text } = await asked;
  if (status >= 300) throw new Error(`${status} ${text}`);
  return JSON.parse(text).data;
}

async function signIn(login: { email: string; password: string }): Promise<string> {
  const { access_token: access = '', refresh_token: refresh = '' } = await dataOf(
    ask('POST', '/api/v1/auth/login', { body: { email: login.email, password: login.password } }),
  );
  for (const secret of [login.password, access, refresh]) secrets.add(secret);
  return access;
}

/** A company whose every word carries the marker; what it has went the usual ways. */
async function buildTheirs(): Promise<Record<string, string>> {
  const config = readConfig({ ...stack.env, ENVIRONMENT: 'test' });
  const database = openDatabase(
    {
      url: stack.urls.apiDatabase,
      poolMax: 2,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 10_000,
      applicationName: 'surety-canary',
    },
    defineModels,
  );
  companyId = uuid();
  const passwords = createPasswords(config);
  const logins = new Map<Role, { email: string; password: string; userId: string }>();
  try {
    await withGlobal(() =>
      Company.create({
        id: companyId,
        name: `${marker} Mutual`,
        code,
        contactEmail: `office@${marker.toLowerCase()}.example`,
        timeZone: 'Europe/Berlin',
        defaultCurrency: 'EUR',
      }),
    );
    for (const role of roleCodes.filter((each) => each !== 'global_admin')) {
      const email = `${role.replace('_', '-')}@${marker.toLowerCase()}.person.example`;
      const password = `${marker}-${uuid()}-Aa1`;
      const passwordHash = await passwords.hash(password);
      const userId = await withIdentity(companyId, async () => {
        const id = await Credential.add({
          username: `${marker}${role}`,
          email,
          passwordHash,
          firstName: `${marker}first`,
          lastName: `${marker}last`,
          phoneNumber: null,
        });
        if (!id) throw new Error(`${email} exists already`);
        await Membership.grant({ companyId, userId: id, role });
        return id;
      });
      logins.set(role, { email, password, userId });
    }
  } finally {
    await database.close();
  }
  const loginOf = (role: Role) => logins.get(role) ?? { email: '', password: '', userId: '' };
  const things = await buildThings(
    await signIn(loginOf('tenant_admin')),
    await signIn(loginOf('policyholder')),
    {
      category: `${marker} houses`,
      plan: `${marker} home`,
      description: `${marker} cover`,
      reason: `${marker} moved away`,
    },
  );
  return { ...things, users: loginOf('policyholder').userId };
}

/** A category, a plan, two subscriptions, one of them cancelled by its workflow, and notices. */
async function buildThings(
  admin: string | undefined,
  holder: string | undefined,
  words: Readonly<Record<'category' | 'plan' | 'description' | 'reason', string>>,
): Promise<Record<string, string>> {
  const asAdmin = admin === undefined ? {} : { token: admin };
  const asHolder = holder === undefined ? {} : { token: holder };
  const category = await dataOf(
    ask('POST', '/api/v1/categories', {
      ...asAdmin,
      body: { name: words.category, segment: 'residential', description: words.description },
    }),
  );
  const plan = async (name: string) =>
    dataOf(
      ask('POST', '/api/v1/plans', {
        ...asAdmin,
        body: {
          name,
          property_category_id: category['id'],
          coverage_level: 'basic',
          coverage_amount: '1000.00',
          premium: '10.00',
          duration_months: 12,
          description: words.description,
        },
      }),
    );
  const buy = async (planId: string | undefined) =>
    dataOf(
      ask('POST', '/api/v1/subscriptions', { ...asHolder, body: { insurance_plan_id: planId } }),
    );
  const kept = await plan(words.plan);
  const other = await plan(`${words.plan} again`);
  const subscription = await buy(kept['id']);
  const cancelled = await buy(other['id']);
  await patiently(() =>
    ask('PATCH', `/api/v1/subscriptions/${cancelled['id']}/cancel`, {
      ...asHolder,
      body: { reason: words.reason },
    }),
  );
  await patiently(() =>
    ask('PATCH', `/api/v1/workflows/subscription/${subscription['id']}/timers/expiry`, {
      ...asAdmin,
      body: { extend_by: -86_400 * 340, reason: words.reason },
    }),
  );
  const invitation = await dataOf(
    ask('POST', '/api/v1/invitations', {
      ...asAdmin,
      body: { email: `${words.category.replace(' ', '.')}@invited.example`, role: 'hr' },
    }),
  );
  const notices = JSON.parse(
    (await ask('GET', '/api/v1/notifications?channel=in_app', asHolder)).text,
  );
  return {
    categories: category['id'] ?? '',
    plans: kept['id'] ?? '',
    subscriptions: subscription['id'] ?? '',
    'workflows/subscription': subscription['id'] ?? '',
    policies: subscription['policy_id'] ?? '',
    notifications: notices.items[0].id,
    invitations: invitation['id'] ?? '',
  };
}

/** The workflow may not have begun yet. */
async function patiently(work: () => Promise<Answer>): Promise<void> {
  for (let left = 60; ; left -= 1) {
    const { status, text } = await work();
    if (status < 300) return;
    if (left === 0) throw new Error(`${status} ${text}`);
    await pause(500);
  }
}

/** Whatever a query may name, aimed at the other company. */
function filtersOf({ route }: Place): string[] {
  const names = Object.keys(route.schemas.query?.describe()['keys'] ?? {});
  const aims: Readonly<Record<string, string | undefined>> = {
    user_id: theirIds['users'],
    actor_id: theirIds['users'],
    insurance_plan_id: theirIds['plans'],
    property_category: theirIds['categories'],
    entity_id: theirIds['subscriptions'],
    include_archived: 'true',
    size: '100',
  };
  return names.flatMap((name) => (aims[name] === undefined ? [] : [`${name}=${aims[name]}`]));
}

/** The example, with each id in it replaced by one of theirs. */
function bodyOf({ route }: Place): unknown {
  const example: unknown = route.examples?.body;
  if (example === undefined) return {};
  return JSON.parse(JSON.stringify(example), (name, value: unknown) =>
    name === 'insurance_plan_id'
      ? theirIds['plans']
      : name === 'property_category_id'
        ? theirIds['categories']
        : value,
  );
}

const idFor = ({ endpoint }: Place, ids: Readonly<Record<string, string>>): string =>
  objectAt(endpoint, ids) ?? uuid();

/** What would end the session that asks. */
const signsOut = ['POST /auth/logout', 'DELETE /auth/sessions'];

/** What global administrators have for looking after companies. */
const overAll = [
  'GET /companies',
  'GET /administration/audit-logs',
  'GET /administration/audit-logs/export',
];

async function drive(role: Role | 'nobody'): Promise<{ asked: number; hits: string[] }> {
  const hits: string[] = [];
  let asked = 0;
  const token = role === 'nobody' ? undefined : tokens.get(role);
  for (const place of places) {
    if (signsOut.includes(place.endpoint)) continue;
    const { method } = place.route;
    const ways = [
      { ids: theirIds, query: '', headers: {} },
      { ids: theirIds, query: '', headers: { 'x-company-id': companyId } },
      { ids: ourIds, query: '', headers: {} },
      ...filtersOf(place).map((query) => ({ ids: ourIds, query: `?${query}`, headers: {} })),
    ];
    for (const { ids, query, headers } of ways) {
      // A global administrator may enter any company, and some routes are there to see them all.
      const isForAll = Object.keys(headers).length > 0 || overAll.includes(place.endpoint);
      if (role === 'global_admin' && isForAll) continue;
      const at = `${fill(place.path, { id: idFor(place, ids), name: 'expiry' })}${query}`;
      const answer = await ask(method, at, {
        ...(token !== undefined && { token }),
        body: bodyOf(place),
        headers,
      });
      asked += 1;
      if (marked.test(answer.text) || marked.test(answer.headers)) {
        hits.push(`${role}: ${method} ${at}: ${answer.status} ${answer.text.slice(0, 300)}`);
      }
    }
  }
  return { asked, hits };
}

/** Every word in it; payloads are bytes and are read as what they say. */
function readable(value: unknown): string {
  if (types.isUint8Array(value)) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${readable(part)}`)
    .join('\n');
}

const logFiles = (): string[] =>
  readdirSync(path.join(dataDir, 'logs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.includes('.log'))
    .map((name) => path.join(dataDir, 'logs', name));

describe('another company, marked in every word', () => {
  it('has its marker where it belongs', async () => {
    const theirs = tokens.get('global_admin');
    const { text } = await ask('GET', '/api/v1/plans', {
      ...(theirs !== undefined && { token: theirs }),
      headers: { 'x-company-id': companyId },
    });

    expect(text).toMatch(marked);
  });

  it.each([...roleCodes, 'nobody'] as const)(
    'shows nothing to a %s of ours on any route',
    async (role) => {
      const { asked, hits } = await drive(role);
      console.info(`${role}: ${asked} requests, ${hits.length} hits`);

      expect(hits).toEqual([]);
      expect(asked).toBeGreaterThan(places.length * 2);
    },
    120_000,
  );

  it('is in no workflow of ours, and no person is in any workflow', async () => {
    const connection = await Connection.connect({ address: stack.urls.temporalAddress });
    const client = new Client({ connection });
    const hits: string[] = [];
    let histories = 0;
    let readInputs = 0;
    for await (const run of client.workflow.list()) {
      const handle = client.workflow.getHandle(run.workflowId, run.runId);
      const { events } = await handle.fetchHistory();
      const said = readable([events, run.searchAttributes, run.memo]);
      histories += 1;
      const isTheirs = run.workflowId.includes(companyId);
      if (said.includes('"companyId":')) readInputs += 1;
      if (!isTheirs && marked.test(said)) hits.push(`${run.workflowId}: marker`);
      for (const word of personal) {
        if (word.test(said)) hits.push(`${run.workflowId}: ${word.exec(said)?.[0]}`);
      }
      for (const secret of secrets) {
        if (said.includes(secret)) hits.push(`${run.workflowId}: a secret`);
      }
    }
    await connection.close();
    console.info(`${histories} histories, ${hits.length} hits`);

    expect(hits).toEqual([]);
    expect(histories).toBeGreaterThan(6);
    expect(readInputs).toBeGreaterThan(6);
  });

  it('keeps a password that came in by a registration nowhere but as a hash', async () => {
    const client = new pg.Client({ connectionString: stack.urls.adminDatabase });
    await client.connect();
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables
       WHERE table_schema IN ('platform', 'core', 'shared') AND table_type = 'BASE TABLE'`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const { rowCount } = await client.query(
        `SELECT 1 FROM ${name} t WHERE position($1 IN t::text) > 0 LIMIT 1`,
        [newcomer.password],
      );
      if (rowCount) found.push(name);
    }
    const { rows: known } = await client.query(
      `SELECT password_hash FROM platform.users WHERE email = $1`,
      [newcomer.email],
    );
    await client.end();
    const mails = readdirSync(path.join(dataDir, 'mails')).map((file) =>
      readFileSync(path.join(dataDir, 'mails', file), 'utf8'),
    );

    expect(found).toEqual([]);
    expect(known).toMatchObject([{ password_hash: expect.stringContaining('$argon2id$') }]);
    expect(mails.some((mail) => mail.includes('Newcomer'))).toBe(true);
    expect(mails.filter((mail) => mail.includes(newcomer.password))).toEqual([]);
  });

  it('leaves no word, no person and no secret in the logs', async () => {
    const wrong = { email: `nobody@${marker.toLowerCase()}.person.example`, password: marker };
    await ask('POST', '/api/v1/auth/login', { body: wrong });
    await ask('GET', `/api/v1/plans?search=${marker}`, {});
    await pause(1000);

    const hits: string[] = [];
    let lines = 0;
    for (const file of logFiles()) {
      for (const line of readFileSync(file, 'utf8').split('\n')) {
        lines += 1;
        const found = [marked, ...personal].find((word) => word.test(line));
        if (found) hits.push(`${path.basename(file)}: ${line.slice(0, 400)}`);
        for (const secret of secrets) {
          if (line.includes(secret)) hits.push(`${path.basename(file)}: a secret`);
        }
      }
    }
    console.info(`${logFiles().length} log files, ${lines} lines, ${hits.length} hits`);

    expect(hits).toEqual([]);
    expect(lines).toBeGreaterThan(500);
  });
});
