import { authRoutes } from '../../../src/api/auth/routes.ts';
import { createCompanies, type KnownCompany } from '../../../src/commands/companies.ts';
import { createAdministrators } from '../../../src/commands/administrators.ts';
import {
  buildIdentity,
  buildKnownCompany,
  goodPassword,
  newEmail,
} from '../../commands/identity/build.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { buildApp } from '../platform/harness.ts';

let database: TestDatabase;
let company: KnownCompany;
let api: ReturnType<typeof buildApp>['api'];
const identity = buildIdentity();
const { tokens, sessions } = identity;
const routes = authRoutes({ ...identity, prefix: '/api/v1' });

beforeAll(async () => {
  database = await openTestDatabase();
  company = await buildKnownCompany();
  ({ api } = buildApp({
    tokens,
    sessions,
    companies: createCompanies({ allowedHosts: ['127.0.0.1'], defaultCompany: company.code }),
    routes,
  }));
});
afterAll(() => database.close());

let asked = 0;
const registration = (overrides: object = {}) => ({
  username: `ada${(asked += 1)}`,
  email: newEmail(),
  password: goodPassword,
  first_name: 'Ada',
  last_name: 'Lovelace',
  ...overrides,
});

async function buildSignedIn() {
  const person = registration();
  await api.post('/api/v1/auth/register').send(person);
  const { body } = await api
    .post('/api/v1/auth/login')
    .send({ email: person.email, password: goodPassword });
  return { person, ...body.data };
}

describe('the employee of an address', () => {
  const linked = async (employee: string) => {
    const [row] = await database.sql<{ to: string | null }>(
      'SELECT user_id AS "to" FROM shared.employees WHERE id = $1',
      [employee],
    );
    return row?.to;
  };

  it('is whoever signs in, or goes on, with the address once it is shown to be theirs', async () => {
    const { person, user, refresh_token } = await buildSignedIn();
    const [employee = '', other = ''] = await hire(company.id, 2);
    await database.sql('UPDATE shared.employees SET email = $2 WHERE id = $1', [
      employee,
      person.email,
    ]);
    const logIn = () =>
      api.post('/api/v1/auth/login').send({ email: person.email, password: goodPassword });

    await logIn();
    expect(await linked(employee)).toBeNull();

    await database.sql('UPDATE platform.users SET email_confirmed_at = now() WHERE id = $1', [
      user.id,
    ]);
    await api.post('/api/v1/auth/refresh').send({ refresh_token });
    expect(await linked(employee)).toBe(user.id);

    // Somebody has decided otherwise: that stays.
    await database.sql('UPDATE shared.employees SET user_id = NULL WHERE id = $1', [employee]);
    await database.sql('UPDATE shared.employees SET user_id = $2 WHERE id = $1', [other, user.id]);
    await logIn();
    expect(await linked(employee)).toBeNull();

    await database.sql('UPDATE shared.employees SET user_id = NULL WHERE id = $1', [other]);
    const answers = await Promise.all([logIn(), logIn()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await linked(employee)).toBe(user.id);
  });
});

describe('POST /auth/register', () => {
  it.each(['/api/v1/auth/register', '/api/auth/register', '/api/auth/register/'])(
    'at %s answers 201 without a token, and takes the address in any case',
    async (path) => {
      const person = registration({ phone_number: `+49 30 ${10_000 + asked}` });

      const response = await api.post(path).send({ ...person, email: person.email.toUpperCase() });

      expect(response.status).toBe(201);
      expect(response.body).toMatchObject({ success: true });
      expect(response.body.data).toEqual({ email: person.email, message: expect.any(String) });
    },
  );

  it('answers a known address with the same bytes but for time and request id', async () => {
    const person = registration();
    const answers = [];
    for (const username of [person.username, `${person.username}b`]) {
      const { status, body } = await api
        .post('/api/v1/auth/register')
        .send({ ...person, username });
      answers.push({ status, body: { ...body, timestamp: '', request_id: '' } });
    }

    expect(answers[0]?.status).toBe(201);
    expect(answers[1]).toEqual(answers[0]);
  });

  it.each([
    ['no fields', { username: undefined, email: undefined }, ['username', 'email']],
    ['no address', { email: 'ada' }, ['email']],
    ['a long name', { username: 'a'.repeat(31) }, ['username']],
    ['a long phone number', { phone_number: '+491234567890123' }, ['phone_number']],
    ['a role', { role: 'tenant_admin' }, ['role']],
    ['a short password', { password: 'Aa1!' }, ['password']],
  ])('refuses %s with 422 and one detail a field', async (_what, change, fields) => {
    const response = await api.post('/api/v1/auth/register').send(registration(change));

    expect(response.status).toBe(422);
    const named = response.body.details.map((detail: { field: string }) => detail.field);
    expect([...new Set(named)]).toEqual(fields);
  });

  it('answers 409 for a taken username and a taken phone number', async () => {
    const person = registration({ phone_number: '+49 30 1234' });
    await api.post('/api/v1/auth/register').send(person);

    const name = await api
      .post('/api/v1/auth/register')
      .send(registration({ username: person.username }));
    const phone = await api
      .post('/api/v1/auth/register')
      .send(registration({ phone_number: '+49 30 1234' }));

    expect(name).toMatchObject({ status: 409, body: { code: 'USERNAME_TAKEN' } });
    expect(phone).toMatchObject({ status: 409, body: { code: 'PHONE_TAKEN' } });
  });

  it('answers 404 where no company is addressed', async () => {
    const nowhere = buildApp({
      tokens,
      sessions,
      companies: createCompanies({ allowedHosts: ['127.0.0.1'], defaultCompany: undefined }),
      routes,
    });

    const response = await nowhere.api.post('/api/v1/auth/register').send(registration());

    expect(response).toMatchObject({ status: 404, body: { code: 'TENANT_UNKNOWN' } });
  });
});

describe('signing in', () => {
  it('answers tokens and the user, and the token opens /auth/me', async () => {
    const {
      person,
      access_token: token,
      refresh_token: refreshToken,
      ...rest
    } = await buildSignedIn();

    expect(rest).toEqual({
      token_type: 'Bearer',
      expires_in: 1800,
      user: {
        id: expect.any(String),
        username: person.username,
        email: person.email,
        first_name: 'Ada',
        last_name: 'Lovelace',
        phone_number: null,
        is_active: true,
        date_joined: expect.any(String),
        last_login_at: expect.any(String),
        mfa_enabled: false,
        company_id: company.id,
        role: 'policyholder',
        roles: ['policyholder'],
        is_admin: false,
        scope: 'tenant',
      },
    });
    expect(refreshToken).toMatch(/^[\w-]{43}$/);
    const me = await api.get('/api/v1/auth/me').auth(token, { type: 'bearer' });
    expect(me).toMatchObject({ status: 200, body: { data: rest.user } });
  });

  it('refuses a wrong password and an unknown address with equal answers', async () => {
    const { person } = await buildSignedIn();
    const answers = [];
    for (const email of [person.email, newEmail()]) {
      const { status, body } = await api
        .post('/api/auth/login')
        .send({ email, password: 'Wrong-Green-Otters-7' });
      answers.push({ status, body: { ...body, timestamp: '', request_id: '' } });
    }

    expect(answers[0]).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(answers[1]).toEqual(answers[0]);
  });

  it('refreshes once per token, at the old path too', async () => {
    const { refresh_token: token } = await buildSignedIn();

    const first = await api.post('/api/auth/refresh').send({ refresh_token: token });
    const again = await api.post('/api/auth/refresh').send({ refresh_token: token });

    expect(first).toMatchObject({ status: 200, body: { data: { token_type: 'Bearer' } } });
    expect(again).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });

  it('ends with /auth/logout, for access and refresh token alike', async () => {
    const { access_token: access, refresh_token: refresh } = await buildSignedIn();

    const out = await api.post('/api/v1/auth/logout').auth(access, { type: 'bearer' });

    expect(out.status).toBe(200);
    const me = await api.get('/api/v1/auth/me').auth(access, { type: 'bearer' });
    const next = await api.post('/api/v1/auth/refresh').send({ refresh_token: refresh });
    expect([me.status, next.status]).toEqual([401, 401]);
  });

  it('is listed, page by page, to nobody but its owner', async () => {
    const { person, access_token: access } = await buildSignedIn();
    await buildSignedIn();
    await api.post('/api/v1/auth/login').send({ email: person.email, password: goodPassword });

    const page = await api.get('/api/v1/auth/logins?size=1').auth(access, { type: 'bearer' });
    const beyond = await api.get('/api/v1/auth/logins?page=9').auth(access, { type: 'bearer' });

    expect(page.status).toBe(200);
    expect(page.body.pagination).toMatchObject({ page: 1, size: 1, total: 2, has_next: true });
    expect(page.body.items).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        ip: expect.stringContaining('127.0.0.1'),
        user_agent: expect.any(String),
      },
    ]);
    expect(beyond.body).toMatchObject({ items: [], pagination: { total: 2 } });
  });

  it.each([
    ['GET', '/api/v1/auth/me'],
    ['GET', '/api/v1/auth/logins'],
    ['POST', '/api/v1/auth/logout'],
  ] as const)('is what %s %s asks of a stranger', async (method, path) => {
    const response = await (method === 'GET' ? api.get(path) : api.post(path));

    expect(response).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
  });
});

describe('the one-time link', () => {
  it('leads to a page whose form sets the password by its code', async () => {
    const email = newEmail();
    const { password } = await createAdministrators(identity).appoint({
      email,
      role: 'global_admin',
    });
    if (typeof password === 'string') throw new Error('A link was expected');
    const link = new URL(password.link);

    const page = await api.get(link.pathname);
    const set = await api
      .post('/api/v1/auth/password-reset/confirm')
      .send({ code: link.hash.slice(1), password: goodPassword });
    const login = await api.post('/api/v1/auth/login').send({ email, password: goodPassword });

    expect(page.status).toBe(200);
    expect(page.text).toContain('"/api/v1/auth/password-reset/confirm"');
    expect(page.headers['content-security-policy']).toContain("script-src 'sha256-");
    expect(page.text).not.toContain(link.hash.slice(1));
    expect(set.status).toBe(200);
    expect(login.body.data.user).toMatchObject({
      role: 'global_admin',
      is_admin: true,
      scope: 'global',
    });
  });
});
