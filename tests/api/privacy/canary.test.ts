import { MockActivityEnvironment } from '@temporalio/testing';
import supertest from 'supertest';
import { acknowledgementActivities } from '../../../src/activities/acknowledgements.ts';
import { dateAt } from '../../../src/rules/calendar.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { sealAll } from '../../audit/chain.ts';
import { fill, registry } from '../../wall/registry.ts';
import { buildAdmin, buy } from './build.ts';

/** In every word that the person gives of themself, and nowhere else. */
const marker = 'qxzwyv';
const ip = '203.0.113.77';
const phone = '+4479460077';
const email = `${marker}@old.example`;
const newEmail = `${marker}@new.example`;
const password = 'Seven-Green-Otters-7';
const browser = { 'User-Agent': `Browser of ${marker}`, 'X-Forwarded-For': ip };

type Person = Awaited<ReturnType<typeof buildActor>>;

const { settleAudience, carryOutWave } = acknowledgementActivities();

let api: TestApi;
let companyId: string;
let timeZone: string;
let admin: Person;

beforeAll(async () => {
  api = await openTestApi({ TRUST_PROXY: 'true' });
  ({ id: companyId, timeZone } = await buildCompany());
  admin = await buildAdmin(api, companyId);
});
afterAll(() => api.close());

/** Every table of the database, whatever its schema, in which a row holds what the person gave. */
async function placesOf(words: readonly string[]): Promise<string[]> {
  const tables = await api.database.sql<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await api.database.sql(
      `SELECT t::text AS row FROM ${name} t, unnest($1::text[]) w WHERE t::text ILIKE '%' || w || '%'`,
      [words],
    );
    found.push(...rows.map((row) => `${name}: ${JSON.stringify(row)}`));
  }
  return found;
}

/** A partition counts as its table. */
const tablesOf = (places: readonly string[]): string[] => [
  ...new Set(places.map((place) => (place.split(':')[0] ?? '').replace(/_\d{4}_\d\d$/, ''))),
];

/** Is asked to read three documents: reads one, declines the second and wants no part of the third. */
async function read(person: Person): Promise<void> {
  const authors = [admin.userId];
  const [employee] = await hire(companyId, 1, { userId: person.userId });
  await api.database.sql(`UPDATE shared.employees SET name = $2, email = $3 WHERE id = $1`, [
    employee,
    `Employee ${marker}`,
    `${marker}@work.example`,
  ]);
  await buildActor({ companyId, role: 'hr' });
  const answers = [
    ['acknowledge', { policy_version: 1, typed_name: `Typed ${marker}` }],
    ['decline', { reason: `Not ${marker}` }],
    ['request-exemption', { reason: `Ill ${marker}`, valid_until: dateAt(Date.now(), timeZone) }],
  ] as const;
  for (const [answer, body] of answers) {
    const { policyId } = await buildPolicyRow({
      companyId,
      authors,
      title: answer,
      status: 'published',
    });
    const order = { companyId, policyId };
    const run = <T>(work: () => Promise<T>) => new MockActivityEnvironment().run(work);
    await run(() => settleAudience({ ...order, at: Date.now() }));
    if (answer === 'request-exemption') {
      await run(() => carryOutWave({ ...order, at: Date.now() + 40 * 86_400_000 }));
    }
    const [{ id } = {}] = await api.database.sql<{ id: string }>(
      'SELECT id FROM shared.acknowledgements WHERE policy_id = $1',
      [policyId],
    );
    const answered = await api
      .as(person)
      .post(`/acknowledgements/${id}/${answer}`, body, { ...browser, 'Idempotency-Key': answer });
    expect(answered.status).toBe(200);
  }
}

/** Goes through everything that takes something personal. @returns the person's id */
async function live(): Promise<string> {
  const visitor = api.visiting(companyId);
  const names = { username: marker, first_name: `First ${marker}`, last_name: `Last ${marker}` };
  const invited = await api
    .as(admin)
    .post('/invitations', { email, role: 'hr' }, { 'Idempotency-Key': 'invite' });
  await visitor.post('/auth/register', { email, password, ...names }, browser);
  await visitor.post('/auth/register', { email, password, ...names, username: 'b' }, browser);
  await visitor.post('/auth/login', { email, password: `Wrong ${password}` }, browser);
  await visitor.post('/auth/password-reset', { email }, browser);
  const login = await visitor.post('/auth/login', { email, password }, browser);
  const { access_token: token, user } = login.body.data;
  const self = { ...browser, Authorization: `Bearer ${token}` };
  const { id } = user;
  await visitor.patch(`/users/${id}`, { first_name: `Grace ${marker}`, phone_number: phone }, self);
  await visitor.get('/users', {}, self);
  await visitor.post('/users/update-email', { email: newEmail, current_password: password }, self);
  const holder = {
    type: 'user',
    userId: id,
    companyId,
    roles: ['policyholder'],
    sessionId: null,
    email,
  } as const;
  await buy(api, holder);
  await api.database.sql('UPDATE platform.users SET email_confirmed_at = now() WHERE id = $1', [
    id,
  ]);
  await api
    .as(admin)
    .post(`/users/${id}/memberships`, { role: 'employee' }, { 'Idempotency-Key': 'grant' });
  await read({ ...holder, roles: ['employee'] });
  await api
    .as(admin)
    .post(
      '/users',
      { email: `other.${marker}@old.example`, role: 'hr' },
      { 'Idempotency-Key': 'other' },
    );
  await api.database.sql(
    `UPDATE core.notifications SET last_error = 'no mailbox ' || recipient_address
     WHERE recipient_address LIKE '%old.example'`,
  );
  expect([invited.status, login.status]).toEqual([201, 200]);
  return id;
}

describe('a person who is erased', () => {
  it('is nowhere in the database and in no answer any more', async () => {
    const id = await live();
    const { body: other } = await api.as(admin).get('/users', { search: 'other' });
    await api.as(admin).post(`/users/${other.items[0].id}/erase`, { reason: 'A test' });
    await sealAll();
    const words = [marker, ip, phone];
    const before = await placesOf(words);

    const erased = await api.as(admin).post(`/users/${id}/erase`, { reason: 'Asked for it' });
    await sealAll();

    expect(erased).toMatchObject({ status: 200, body: { data: { account_erased: true } } });
    expect(tablesOf(before).toSorted()).toEqual([
      'core.audit_logs',
      'core.idempotency_keys',
      'core.invitations',
      'core.notifications',
      'platform.email_changes',
      'platform.refresh_tokens',
      'platform.users',
      'shared.acknowledgements',
      'shared.employees',
      'shared.exemptions',
      'shared.policies',
    ]);
    expect(await placesOf(words)).toEqual([]);
    expect((await api.as(admin).get('/audit-logs/verify')).body.data).toMatchObject({
      valid: true,
      unsealed: 0,
    });
    const hits: string[] = [];
    let asked = 0;
    for (const { route, path } of registry()) {
      if (route.method !== 'GET') continue;
      const at = `/${fill(path, { id, name: 'expiry' })}`;
      const query = at.endsWith('/users') ? { include_archived: true } : {};
      const { text, headers } = await api.as(admin).get(at, query);
      // A picture has no text.
      const said = JSON.stringify([text, headers]).toLowerCase();
      asked += 1;
      if (words.some((word) => said.includes(word))) hits.push(`${at}: ${said}`);
    }
    expect(hits).toEqual([]);
    expect(asked).toBeGreaterThan(40);
  });

  it('can register anew with the same address', async () => {
    const again = { email, password, username: marker, first_name: 'New', last_name: 'Life' };

    const registered = await api.visiting(companyId).post('/auth/register', again);
    const login = await supertest(api.address)
      .post('/api/v1/auth/login')
      .set('Host', `${companyId}.example`)
      .send({ email, password });

    expect([registered.status, login.status]).toEqual([201, 200]);
  });
});
