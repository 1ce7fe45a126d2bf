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
import {
  businessSchema,
  openDatabase,
  select,
  withGlobal,
  withIdentity,
  withTenant,
} from '../../src/models/database.ts';
import { Membership } from '../../src/models/Membership.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { roleCodes, type Role } from '../../src/rules/permissions.ts';
import { objectAt } from './people.ts';
import { fill, registry, type Place } from './registry.ts';

/** In everything that belongs to the other companies, and nowhere else: too long to come up in a token. */
const marker = 'Qxzwyvkjq';
/** One lives among all, one in tables of its own. */
const isolations = ['shared', 'dedicated_schema'] as const;
const marked = new RegExp(marker, 'i');
/** One for each way of seeing; LONG_RUN=1 takes all, though the others see less of the same. */
const driven: readonly (Role | 'nobody')[] = process.env['LONG_RUN']
  ? [...roleCodes, 'nobody']
  : ['global_admin', 'tenant_admin', 'operator', 'auditor', 'policyholder', 'nobody'];
/** Of people, in whichever company. */
const personal = [
  /@demo\.example/i,
  /newcomer\.example/i,
  /@example\.(com|org)/i,
  /Lovelace/,
  new RegExp(`${marker}\\.person`, 'i'),
];

const dataDir = mkdtempSync(path.join(tmpdir(), 'surety-canary-'));
const secrets = new Set<string>();
const places = registry().filter(({ path: at }) => !at.startsWith('/dev/'));
let stack: Stack;
let theirs: readonly Theirs[];
let ourIds: Readonly<Record<string, string>>;
let tokens: ReadonlyMap<Role, string>;

beforeAll(async () => {
  stack = await startStack({
    dataDir,
    ports: 'free',
    built: true,
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
  theirs = [await buildTheirs('shared'), await buildTheirs('dedicated_schema')];
  const ours = {
    category: 'Boathouses',
    plan: 'Boathouse',
    description: 'Afloat',
    reason: 'Sold',
    person: 'Ada Lovelace',
    document: 'Safe mooring',
  };
  const things = await buildThings(tokens.get('tenant_admin'), tokens.get('policyholder'), ours);
  ourIds = {
    ...things,
    ...(await buildDocuments(tokens, ours)),
    ...(await buildClaimsAndStays(tokens, 'shared', { ...ours, policyId: things['policies'] })),
  };
  await bringIn(newcomer);
}, 600_000);

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
});

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

interface Theirs {
  readonly companyId: string;
  /** Of their own administrator. */
  readonly token: string;
  readonly ids: Readonly<Record<string, string>>;
}

/** A company whose every word carries the marker; what it has went the usual ways. */
async function buildTheirs(isolation: (typeof isolations)[number]): Promise<Theirs> {
  const config = readConfig({ ...stack.env, ENVIRONMENT: 'test' });
  const database = openDatabase(
    {
      // Setting companies up is the workers' business.
      url: stack.urls.workerDatabase,
      poolMax: 2,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 10_000,
      applicationName: 'surety-canary',
    },
    defineModels,
  );
  const companyId = uuid();
  const host = `${isolation.replace('_', '-')}.${marker.toLowerCase()}`;
  const passwords = createPasswords(config);
  const logins = new Map<Role, { email: string; password: string; userId: string }>();
  try {
    await withGlobal(() =>
      Company.create({
        id: companyId,
        name: `${marker} Mutual ${isolation}`,
        code: `${marker.toUpperCase()}${isolation.slice(0, 1).toUpperCase()}`,
        contactEmail: `office@${host}.example`,
        timeZone: 'Europe/Berlin',
        defaultCurrency: 'EUR',
        isolation,
        ...(isolation === 'dedicated_schema' && { schemaName: businessSchema(companyId) }),
      }),
    );
    if (isolation === 'dedicated_schema') {
      await withTenant(companyId, () => select('SELECT app.prepare_business_schema()'));
    }
    for (const role of roleCodes.filter((each) => each !== 'global_admin')) {
      const email = `${role.replace('_', '-')}@${host}.person.example`;
      const password = `${marker}-${uuid()}-Aa1`;
      const passwordHash = await passwords.hash(password);
      const userId = await withIdentity(companyId, async () => {
        const id = await Credential.add({
          username: `${marker}${isolation.slice(0, 1)}${role}`,
          email,
          passwordHash,
          firstName: `${marker}first`,
          lastName: `${marker}last`,
          phoneNumber: null,
          isConfirmed: true,
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
  const token = await signIn(loginOf('tenant_admin'));
  const holder = await signIn(loginOf('policyholder'));
  const words = {
    category: `${marker} houses`,
    plan: `${marker} home`,
    description: `${marker} cover`,
    reason: `${marker} moved away`,
    person: `${marker} Hopper`,
    document: `${marker} handbook`,
  };
  const things = await buildThings(token, holder, words);
  const theirTokens = new Map<Role, string>([
    ['tenant_admin', token],
    ['policyholder', holder],
    ['compliance_manager', await signIn(loginOf('compliance_manager'))],
    ['claims_manager', await signIn(loginOf('claims_manager'))],
  ]);
  const documents = await buildDocuments(theirTokens, words);
  const schema = isolation === 'shared' ? isolation : businessSchema(companyId);
  const business = await buildClaimsAndStays(theirTokens, schema, {
    ...words,
    policyId: things['policies'],
  });
  const { userId, email } = loginOf('policyholder');
  return { companyId, token, ids: { ...things, ...documents, ...business, users: userId, email } };
}

type Words = Readonly<
  Record<'category' | 'plan' | 'description' | 'reason' | 'person' | 'document', string>
>;

/** A category, a plan, two subscriptions, one of them cancelled by its workflow, and notices. */
async function buildThings(
  admin: string | undefined,
  holder: string | undefined,
  words: Words,
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

/** A customer's employee who has read a document that is in force and signed it, and the audit of that. */
async function buildDocuments(
  logins: ReadonlyMap<Role, string>,
  { description, document, person, reason }: Words,
): Promise<Record<string, string>> {
  const as = (role: Role) => {
    const token = logins.get(role);
    return token === undefined ? {} : { token };
  };
  const author = as('compliance_manager');
  const reader = as('policyholder');
  const make = (at: string, body: object) =>
    dataOf(ask('POST', `/api/v1/${at}`, { ...author, body }));
  const customer = await make('customers', { name: `${document} customer` });
  const account = await dataOf(ask('GET', '/api/v1/auth/me', reader));
  const employee = await make('employees', {
    customer_id: customer['id'],
    user_id: account['id'],
    name: person,
    email: `${person.replace(' ', '.').toLowerCase()}@reader.example.com`,
    role: `${document} reader`,
    department: `${document} department`,
  });
  const compliance = await make('compliances', {
    compliance_type: 'infosec',
    compliance_title: `${document} compliance`,
  });
  const complying = await make('customer-compliance', {
    customer_id: customer['id'],
    compliance_id: compliance['id'],
  });
  const template = await make('templates', { name: `${document} template`, description });
  const policy = await make('compliance-policies', {
    title: document,
    content: `# ${document}\n\n${description}`,
    description,
    customer_compliance_id: complying['id'],
    audience_customer_id: customer['id'],
  });
  const configuration = await make('policy-configurations', {
    policy_id: policy['id'],
    key: 'vulnerability_sla',
    value: description,
  });
  const campaign = await make('campaigns', {
    policy_id: policy['id'],
    name: `${document} campaign`,
    due_days: 14,
  });
  const at = `/api/v1/compliance-policies/${policy['id']}`;
  await patiently(() => ask('POST', `${at}/submit`, author));
  await patiently(() => ask('POST', `${at}/approve`, as('tenant_admin')));
  await patiently(() => ask('POST', `${at}/publish`, author));
  let asked = '';
  await patiently(async () => {
    const mine = await ask(
      'GET',
      `/api/v1/acknowledgements/mine?policy_id=${policy['id']}`,
      reader,
    );
    asked = JSON.parse(mine.text).items?.[0]?.id ?? '';
    return asked === '' ? { ...mine, status: 503 } : mine;
  });
  const request = `/api/v1/acknowledgements/${asked}`;
  await dataOf(
    ask('PATCH', request, { ...author, body: { due_date: inDays(20), reason, dry_run: false } }),
  );
  await dataOf(
    ask('POST', `${request}/acknowledge`, {
      ...reader,
      body: { policy_version: 1, typed_name: person },
    }),
  );
  const audited = await dataOf(
    ask('POST', `/api/v1/customer-compliance/${complying['id']}/complete-audit`, author),
  );
  return {
    customers: customer['id'] ?? '',
    employees: employee['id'] ?? '',
    compliances: compliance['id'] ?? '',
    'customer-compliance': complying['id'] ?? '',
    'evidence-packs': audited['evidence_pack_id'] ?? '',
    templates: template['id'] ?? '',
    'compliance-policies': policy['id'] ?? '',
    'policy-configurations': configuration['id'] ?? '',
    campaigns: campaign['id'] ?? '',
    acknowledgements: asked,
    'workflows/acknowledgement': policy['id'] ?? '',
  };
}

/**
 * A claim with all that hangs on it, a property with a guest who pays and reviews, and what connects a
 * company to others: a key, an address for events, mails in its own words, a report.
 * @param schema in which its stays are
 */
async function buildClaimsAndStays(
  logins: ReadonlyMap<Role, string>,
  schema: string,
  {
    policyId,
    description,
    person,
    plan,
    reason,
  }: Words & { readonly policyId: string | undefined },
): Promise<Record<string, string>> {
  const make = (role: Role, at: string, body: object) => {
    const token = logins.get(role);
    const headers = { 'idempotency-key': uuid() };
    return dataOf(
      ask('POST', `/api/v1/${at}`, { ...(token !== undefined && { token }), body, headers }),
    );
  };
  const claim = await make('policyholder', 'claims', {
    policy_id: policyId,
    title: `${plan} claim`,
    description,
    incident_date: inDays(0),
    claim_amount: '100.00',
  });
  const ofClaim = `claims/${claim['id']}`;
  const note = await make('claims_manager', `${ofClaim}/add-note`, { note: reason });
  const recovery = await make('claims_manager', `${ofClaim}/recoveries`, {
    kind: 'subrogation',
    party: person,
    estimated: '10.00',
  });
  const flag = await make('claims_manager', `${ofClaim}/fraud-flags`, { reason, score: 10 });
  const form = new FormData();
  form.set('document_type', 'estimate');
  form.set('description', description);
  form.set(
    'files',
    new Blob([`%PDF-1.7\n${description}\n`], { type: 'application/pdf' }),
    'offer.pdf',
  );
  const document = await upload(`${ofClaim}/add-document`, logins.get('policyholder'), form);
  const property = await make('tenant_admin', 'properties', {
    name: `${plan} by the lake`,
    description,
    address: reason,
    price_per_night: '100.00',
    max_guests: 2,
    instant_book: true,
    status: 'listed',
  });
  const booking = await make('policyholder', 'bookings', {
    property_id: property['id'],
    start_date: inDays(30),
    end_date: inDays(32),
    guests: 1,
  });
  await patiently(async () => {
    const token = logins.get('policyholder');
    return ask('POST', `/api/v1/bookings/${booking['id']}/pay`, {
      ...(token !== undefined && { token }),
      headers: { 'idempotency-key': `pay ${booking['id']}` },
    });
  });
  const admin = logins.get('tenant_admin');
  let payment = '';
  await patiently(async () => {
    const answer = await ask('GET', `/api/v1/payments?booking_id=${booking['id']}`, {
      ...(admin !== undefined && { token: admin }),
    });
    payment = JSON.parse(answer.text).items?.[0]?.id ?? '';
    return payment === '' ? { ...answer, status: 503 } : answer;
  });
  const report = await make('tenant_admin', 'reports', {
    name: `${plan} report`,
    report_type: 'claims_overview',
    format: 'csv',
  });
  const words = { code: 'report_ready', subject: `${plan} is here`, body: description };
  const endpoint = {
    url: `https://hooks.${asLabel(plan)}.example/surety`,
    events: ['claim_denied'],
  };
  const made = {
    'notification-templates': await make('tenant_admin', 'notification-templates', words),
    'webhook-endpoints': await make('tenant_admin', 'webhook-endpoints', endpoint),
    'api-keys': await make('tenant_admin', 'api-keys', {
      name: `${plan} key`,
      scopes: ['policy:read'],
      expires_at: new Date(Date.now() + 30 * 86_400_000).toISOString(),
    }),
    'companies/current/domains': await make('tenant_admin', 'companies/current/domains', {
      domain: `claimed.${asLabel(plan)}.example`,
    }),
    claims: claim,
    notes: note,
    recoveries: recovery,
    'fraud-flags': flag,
    documents: document,
    'workflows/document': document,
    'workflows/claim': claim,
    properties: property,
    bookings: booking,
    reviews: await addReview(schema, booking['id'], description),
    'workflows/booking': booking,
    reports: report,
    'workflows/report': report,
  };
  const ids = Object.entries(made).map(([kind, row]) => [kind, row['id'] ?? ''] as const);
  return { ...Object.fromEntries(ids), payments: payment, 'workflows/payment': payment };
}

/** As row: the stay is still ahead, and only one that is over can be reviewed. */
async function addReview(
  schema: string,
  bookingId: string | undefined,
  said: string,
): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: stack.urls.adminDatabase });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO ${schema}.reviews (company_id, id, property_id, booking_id, reviewer_id, rating, comment,
       host_reply, replied_at)
     SELECT company_id, $2, property_id, id, guest_id, 5, $3, $3, now() FROM ${schema}.bookings WHERE id = $1
     RETURNING id`,
    [bookingId, uuid(), said],
  );
  await client.end();
  return { id: rows[0]?.id ?? '' };
}

const asLabel = (text: string): string => text.toLowerCase().replaceAll(' ', '-');

async function upload(
  at: string,
  token: string | undefined,
  form: FormData,
): Promise<Record<string, string>> {
  const response = await fetch(`${stack.urls.api}/api/v1/${at}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  const text = await response.text();
  if (response.status >= 300) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text).data.documents[0];
}

const inDays = (days: number): string => addDays(dateAt(Date.now(), 'Europe/Berlin'), days);

/** The workflow may not have begun yet. */
async function patiently(work: () => Promise<Answer>): Promise<void> {
  for (let left = 600; ; left -= 1) {
    const { status, text } = await work();
    if (status < 300) return;
    if (left === 0) throw new Error(`${status} ${text}`);
    await pause(500);
  }
}

/** Whatever a query may name, aimed at another company. */
function filtersOf({ route }: Place, ids: Theirs['ids']): string[] {
  const names = Object.keys(route.schemas.query?.describe()['keys'] ?? {});
  const aims: Readonly<Record<string, string | undefined>> = {
    ...aimsOf(route.path, ids),
    actor_id: ids['users'],
    property_category: ids['categories'],
    entity_id: ids['subscriptions'],
    include_archived: 'true',
    size: '100',
  };
  return names.flatMap((name) => (aims[name] === undefined ? [] : [`${name}=${aims[name]}`]));
}

/** The example, with each id in it replaced by one of theirs; whom it adds is one of their people. */
function bodyOf({ route, endpoint }: Place, ids: Theirs['ids']): unknown {
  const example: unknown = route.examples?.body;
  if (example === undefined) return {};
  const aims = aimsOf(route.path, ids);
  return JSON.parse(JSON.stringify(example), (name, value: unknown) =>
    name === 'email' && endpoint === 'POST /users'
      ? ids['email']
      : name === 'employee_ids'
        ? [ids['employees']]
        : (aims[name] ?? value),
  );
}

/** What each field names in a route's query or body; a policy is a contract only where there are claims. */
const aimsOf = (at: string, ids: Theirs['ids']): Readonly<Record<string, string | undefined>> => ({
  user_id: ids['users'],
  insurance_plan_id: ids['plans'],
  property_category_id: ids['categories'],
  policy_id: ids[at.startsWith('/claims') ? 'policies' : 'compliance-policies'],
  customer_id: ids['customers'],
  audience_customer_id: ids['customers'],
  employee_id: ids['employees'],
  manager_id: ids['employees'],
  compliance_id: ids['compliances'],
  customer_compliance_id: ids['customer-compliance'],
  template_id: ids['templates'],
  property_id: ids['properties'],
  insured_property_id: ids['properties'],
  booking_id: ids['bookings'],
  claim_id: ids['claims'],
  payment_id: ids['payments'],
  campaign_id: ids['campaigns'],
});

/** Whose lists name them by words. */
const markedKinds = [
  'plans',
  'customers',
  'employees',
  'compliances',
  'templates',
  'compliance-policies',
  'campaigns',
  'acknowledgements',
  'claims',
  'properties',
  'bookings',
  'reviews',
  'payments',
  'reports',
  'notification-templates?size=100',
  'webhook-endpoints',
  'api-keys',
  'companies/current/domains',
];

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

interface WayIn {
  readonly aims: Theirs['ids'];
  readonly ids: Readonly<Record<string, string>>;
  readonly query: string;
  readonly headers: object;
}

async function drive(role: Role | 'nobody'): Promise<{ asked: number; hits: string[] }> {
  const hits: string[] = [];
  let asked = 0;
  const token = role === 'nobody' ? undefined : tokens.get(role);
  for (const place of places) {
    if (signsOut.includes(place.endpoint)) continue;
    const { method } = place.route;
    const waysInto = ({ companyId, ids: aims }: Theirs): WayIn[] => [
      { aims, ids: aims, query: '', headers: {} },
      { aims, ids: aims, query: '', headers: { 'x-company-id': companyId } },
      { aims, ids: ourIds, query: '', headers: {} },
      ...filtersOf(place, aims).map((query) => ({
        aims,
        ids: ourIds,
        query: `?${query}`,
        headers: {},
      })),
    ];
    const go = async ({ aims, ids, query, headers }: WayIn): Promise<void> => {
      // A global administrator may enter any company, and some routes are there to see them all.
      const isForAll = Object.keys(headers).length > 0 || overAll.includes(place.endpoint);
      if (role === 'global_admin' && isForAll) return;
      const at = `${fill(place.path, { id: idFor(place, ids), name: 'expiry' })}${query}`;
      const answer = await ask(method, at, {
        ...(token !== undefined && { token }),
        body: bodyOf(place, aims),
        headers,
      });
      asked += 1;
      if (marked.test(answer.text) || marked.test(answer.headers)) {
        hits.push(`${role}: ${method} ${at}: ${answer.status} ${answer.text.slice(0, 300)}`);
      }
    };
    await Promise.all(theirs.flatMap(waysInto).map(go));
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

describe('two other companies, marked in every word', () => {
  it('have their marker where it belongs', async () => {
    for (const { token } of theirs) {
      for (const kind of markedKinds) {
        const { text } = await ask('GET', `/api/v1/${kind}`, { token });
        expect([kind, text]).toEqual([kind, expect.stringMatching(marked)]);
      }
    }
  });

  it('are kept in both isolations', async () => {
    const client = new pg.Client({ connectionString: stack.urls.adminDatabase });
    await client.connect();
    const keptIn = (schema: string): string =>
      `(SELECT count(*) FROM ${schema}.insurance_plans WHERE name ~* $1) AS plans,
       (SELECT count(*) FROM ${schema}.employees WHERE name ~* $1) AS employees,
       (SELECT count(*) FROM ${schema}.compliance_policies WHERE title ~* $1) AS documents,
       (SELECT count(*) FROM ${schema}.acknowledgements WHERE evidence ->> 'statement' ~* $1
          AND evidence -> 'person' ->> 'typedName' ~* $1) AS evidence`;
    const { rows } = await client.query(
      `SELECT 'shared' AS schema, ${keptIn('shared')}
       UNION ALL SELECT 'own', ${keptIn(businessSchema(theirs[1]?.companyId ?? ''))}`,
      [marker],
    );
    await client.end();

    const kept = { plans: '2', employees: '1', documents: '1', evidence: '1' };
    expect(rows).toEqual([
      { schema: 'shared', ...kept },
      { schema: 'own', ...kept },
    ]);
  });

  it.each(driven)('show nothing to a %s of ours on any route', async (role) => {
    const { asked, hits } = await drive(role);
    console.info(`${role}: ${asked} requests, ${hits.length} hits`);

    expect(hits).toEqual([]);
    expect(asked).toBeGreaterThan(places.length * 2);
  });

  it('are in no workflow of ours, and no person is in any workflow', async () => {
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
      const isTheirs = theirs.some(({ companyId }) => run.workflowId.includes(companyId));
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

  it('keep a password that came in by a registration nowhere but as a hash', async () => {
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

  it('leave no word, no person and no secret in the logs', async () => {
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
