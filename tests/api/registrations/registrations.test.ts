import { randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { registry } from '../../wall/registry.ts';

let api: TestApi;
let reviewer: Actor;

beforeAll(async () => {
  // Temporal is away all the time: registrations come in nevertheless.
  api = await openTestApi({
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    PLATFORM_DOMAIN: 'surety.example',
  });
  reviewer = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
});
afterAll(() => api.close());

const review = '/administration/registration-requests';

const aCompany = (changes: object = {}) => {
  const name = `acme${randomBytes(4).toString('hex')}`;
  return {
    company_name: `Acme ${name}`,
    requested_domain: `${name}.example`,
    admin_email: `ada@${name}.example`,
    admin_username: name,
    admin_password: 'securepassword',
    ...changes,
  };
};

const refused = async (body: object) => {
  const answer = await api.nowhere.post('/register', body);
  return [answer.status, answer.body.code, answer.body.details?.[0]?.field ?? null];
};

describe('POST /register', () => {
  it('takes a company, promises its workflow and tells nothing secret', async () => {
    const body = aCompany({ requested_domain: `UPPER${randomBytes(3).toString('hex')}.Example` });

    const answer = await api.nowhere.post('/register', body);

    expect(answer.status).toBe(201);
    expect(answer.body.data).toMatchObject({
      status: 'pending',
      requested_domain: body.requested_domain.toLowerCase(),
      workflow: { id: `onboarding/${answer.body.data.id}`, state: 'starting' },
    });
    expect(JSON.stringify(answer.body)).not.toMatch(/password|hash/i);
    const [kept] = await api.database.sql<{ all: string }>(
      `SELECT concat((SELECT string_agg(r::text, '') FROM core.registration_requests r),
         (SELECT string_agg(o::text, '') FROM core.outbox o),
         (SELECT string_agg(n::text, '') FROM core.notifications n),
         (SELECT string_agg(a::text, '') FROM core.audit_logs a)) AS all`,
    );
    expect(kept?.all).toContain(body.admin_email);
    expect(kept?.all).not.toContain('securepassword');
  });

  it.each(['/register', '/api/register', '/register/'])('is found at %s as well', async (path) => {
    const response = await fetchAt(path, aCompany());

    expect(response.status).toBe(201);
    expect(response.headers.get('deprecation')).toMatch(/^@\d+$/);
  });

  it('refuses what is no host name, too short a password and unknown fields', async () => {
    expect(await refused(aCompany({ requested_domain: 'https://acme.example' }))).toEqual([
      422,
      'VALIDATION_ERROR',
      'requested_domain',
    ]);
    expect(await refused(aCompany({ admin_password: 'short' }))).toEqual([
      422,
      'VALIDATION_ERROR',
      'password',
    ]);
    expect(await refused(aCompany({ status: 'active' }))).toEqual([
      422,
      'VALIDATION_ERROR',
      'status',
    ]);
  });

  it('keeps name, domain and administrator of an open registration from others', async () => {
    const first = aCompany();
    await api.nowhere.post('/register', first);

    expect(await refused(aCompany({ company_name: first.company_name.toUpperCase() }))).toEqual([
      409,
      'COMPANY_EXISTS',
      null,
    ]);
    expect(await refused(aCompany({ requested_domain: first.requested_domain }))).toEqual([
      409,
      'DOMAIN_TAKEN',
      null,
    ]);
    expect(await refused(aCompany({ admin_email: first.admin_email }))).toEqual([
      409,
      'ADMIN_EXISTS',
      null,
    ]);
  });

  it('and those of a living company', async () => {
    const company = await buildCompany();
    const admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    await api.visiting(company.id).get('/plans');

    expect(await refused(aCompany({ company_name: company.name }))).toEqual([
      409,
      'COMPANY_EXISTS',
      null,
    ]);
    expect(await refused(aCompany({ requested_domain: `${company.id}.example` }))).toEqual([
      409,
      'DOMAIN_TAKEN',
      null,
    ]);
    expect(await refused(aCompany({ admin_email: admin.email }))).toEqual([
      409,
      'ADMIN_EXISTS',
      null,
    ]);
  });

  it.each(['localhost', 'surety.example', 'other.surety.example'])(
    'never gives the address %s of the platform away',
    async (domain) => {
      expect(await refused(aCompany({ requested_domain: domain }))).toEqual([
        409,
        'DOMAIN_TAKEN',
        null,
      ]);
    },
  );

  it('lets ten of the same in once, and ten others all', async () => {
    const same = aCompany();
    const twins = await Promise.all(
      Array.from({ length: 10 }, () => api.nowhere.post('/register', same)),
    );
    const others = await Promise.all(
      Array.from({ length: 10 }, () => api.nowhere.post('/register', aCompany())),
    );

    expect(twins.map(({ status }) => status).toSorted()).toEqual([201, ...Array(9).fill(409)]);
    expect(others.map(({ status }) => status)).toEqual(Array(10).fill(201));
  });

  async function fetchAt(path: string, body: object): Promise<Response> {
    const { address } = api;
    return fetch(`${address}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
});

describe('POST /register/verify', () => {
  it('refuses a code that nobody was sent', async () => {
    const answer = await api.nowhere.post('/register/verify', { code: 'guessed' });

    expect([answer.status, answer.body.details[0].code]).toEqual([422, 'CODE_INVALID']);
  });
});

describe('the review', () => {
  it('lists what waits, unless another status is asked for', async () => {
    const { body } = await api.nowhere.post('/register', aCompany());
    const { id } = body.data;
    const ids = async (query: object) =>
      (await api.as(reviewer).get(review, query)).body.items.map((each: { id: string }) => each.id);

    expect(await ids({})).toContain(id);
    expect(await ids({ status: 'all', search: body.data.company_name })).toEqual([id]);
    expect(await ids({ status: 'rejected' })).not.toContain(id);
    const shown = await api.as(reviewer).get(`${review}/${id}`);
    expect(shown.body.data).toMatchObject({ id, status: 'pending', company_id: null });
    expect(JSON.stringify(shown.body)).not.toMatch(/hash|securepassword/);
  });

  it('answers 503 while Temporal is away, and nothing is changed', async () => {
    const { body } = await api.nowhere.post('/register', aCompany());
    const path = `${review}/${body.data.id}`;

    const decided = await api.as(reviewer).post(`${path}/approve`, {});

    expect([decided.status, decided.body.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
    expect((await api.as(reviewer).get(path)).body.data.status).toBe('pending');
  });

  it('is a 404 to an operator of a company, and 403 to its other people', async () => {
    const { body } = await api.nowhere.post('/register', aCompany());
    const company = await buildCompany();
    const operator = await buildActor({ companyId: company.id, role: 'operator' });
    const admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const path = `${review}/${body.data.id}`;

    expect((await api.as(operator).post(`${path}/retry`, {})).status).toBe(404);
    expect((await api.as(admin).post(`${path}/retry`, {})).status).toBe(403);
    expect((await api.as(admin).get(path)).status).toBe(403);
    expect((await api.as(reviewer).get(`${review}/${uuid()}`)).status).toBe(404);
  });

  it('shows an operator who tries again nothing of people', () => {
    const shown = registry().flatMap(({ endpoint, route }) =>
      endpoint === `POST ${review}/:id/retry`
        ? Object.keys(route.schemas.answer?.describe()['keys'] ?? {})
        : [],
    );

    expect(shown).toContain('company_name');
    expect(shown.filter((name) => /admin|email|phone|address|linkedin|review/.test(name))).toEqual(
      [],
    );
  });

  it('shows what an undecided registration waits for, and what may be moved', async () => {
    const { body } = await api.nowhere.post('/register', aCompany());
    const path = `/workflows/onboarding/${body.data.id}`;
    const later = { extend_by: 86_400, reason: 'A holiday', dry_run: true };

    const timeline = await api.as(reviewer).get(`${path}/timeline`);
    const explained = await api.as(reviewer).get(`${path}/explain`);
    const moved = await api.as(reviewer).patch(`${path}/timers/review_expiry`, later);
    const tooFar = await api
      .as(reviewer)
      .patch(`${path}/timers/review_expiry`, { ...later, extend_by: 100 * 86_400 });
    const unknown = await api.as(reviewer).patch(`${path}/timers/activation`, later);

    expect(timeline.body.data.past).toMatchObject([{ name: 'submit', title: 'Registered' }]);
    expect(timeline.body.data.future.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['verify_email', 'review_reminder', 'review_escalation']),
    );
    expect(explained.body.data).toMatchObject({
      waits_for: 'person',
      moves: [{ event: 'approve' }, { event: 'reject' }, { event: 'move_deadline' }],
    });
    expect(moved.body.data.scheduled).toMatchObject([{ name: 'review_expiry' }]);
    expect([tooFar.status, unknown.status]).toEqual([422, 404]);
  });
});
