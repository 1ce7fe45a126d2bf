import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { Unavailable } from '../../../src/errors.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let admin: Actor;
let companyId: string;
/** What DNS shows, by name. */
const dns = new Map<string, string[]>();

beforeAll(async () => {
  api = await openTestApi(
    { PLATFORM_DOMAIN: 'surety.example' },
    {
      resolveTxt: async (name) => {
        if (name.includes('away')) throw new Unavailable('Away', 'DNS_UNAVAILABLE');
        return dns.get(name) ?? [];
      },
    },
  );
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const path = '/companies/current/domains';
const newName = () => `d${uuid()}.example`;

const added = async (domain = newName()) => {
  const { body } = await api.as(admin).post(path, { domain });
  return { ...body.data, domain, at: `${path}/${body.data.id}` };
};

/** With the record in DNS. */
const verified = async () => {
  const domain = await added();
  dns.set(domain.verification.name, ['v=spf1 -all', domain.verification.value]);
  await api.as(admin).post(`${domain.at}/verify`);
  return domain;
};

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<{ is_primary: boolean; verified_at: Date | null }>(
    'SELECT is_primary, verified_at FROM platform.domains WHERE id = $1',
    [id],
  );
  return row;
};

const auditOf = (id: string) =>
  api.database.sql<Record<string, unknown>>(
    `SELECT company_id, actor_id, action, before, after FROM core.audit_logs
     WHERE entity_id = $1 ORDER BY timestamp, id`,
    [id],
  );

/** What somebody without a token is told at the address. */
const atHost = (domain: string) => api.nowhere.get('/categories', {}, { Host: domain });

describe('/companies/current/domains', () => {
  it('leads to the company once DNS shows the record, and the first one is primary', async () => {
    const domain = newName();
    const claimed = await api.as(admin).post(path, { domain: domain.toUpperCase() });
    const { id, verification } = claimed.body.data;
    const at = `${path}/${id}`;
    const beforehand = await atHost(domain);

    const early = await api.as(admin).post(`${at}/verify`);
    dns.set(verification.name, ['surety-verification=another', verification.value]);
    const done = await api.as(admin).post(`${at}/verify`);
    const again = await api.as(admin).post(`${at}/verify`);
    const there = await atHost(domain);
    const { body: list } = await api.as(admin).get(path);

    expect(claimed).toMatchObject({
      status: 201,
      body: {
        data: {
          domain,
          is_primary: false,
          verified_at: null,
          verification: {
            type: 'TXT',
            name: `_surety.${domain}`,
            value: expect.stringMatching(/^surety-verification=[\w-]{43}$/),
          },
        },
      },
    });
    expect(early).toMatchObject({ status: 409, body: { code: 'DOMAIN_NOT_VERIFIED' } });
    expect([beforehand.status, beforehand.body.code]).toEqual([400, 'HOST_NOT_ALLOWED']);
    expect(done.body.data).toMatchObject({ is_primary: true, verification: null });
    expect(again.body.data).toEqual(done.body.data);
    expect(there.status).toBe(200);
    expect(list.items).toEqual([done.body.data]);
    expect(await auditOf(id)).toMatchObject([
      { company_id: companyId, actor_id: admin.userId, action: 'CREATE', after: { domain } },
      { company_id: companyId, action: 'UPDATE', after: { verifiedAt: expect.any(String) } },
    ]);
  });

  it('refuses a token of another company at a verified domain', async () => {
    const { domain } = await verified();
    const other = await buildCompany();
    const stranger = await buildActor({ companyId: other.id, role: 'tenant_admin' });

    const foreign = await api.as(stranger).get('/companies/current', {}, { Host: domain });
    const own = await api.as(admin).get('/companies/current', {}, { Host: domain });

    expect(foreign).toMatchObject({ status: 403, body: { code: 'TENANT_MISMATCH' } });
    expect(own.body.data).toMatchObject({ id: companyId });
  });

  it('keeps a domain from every second company', async () => {
    const mine = await verified();
    const other = await buildCompany();
    const stranger = await buildActor({ companyId: other.id, role: 'tenant_admin' });
    const requested = newName();
    await api.nowhere.post('/register', {
      company_name: requested,
      requested_domain: requested,
      admin_email: `ada@${requested}`,
      admin_username: `u${uuid().slice(-12)}`,
      admin_password: 'Seven-Green-Otters-7',
    });

    for (const domain of [mine.domain, requested, 'localhost', 'acme.surety.example']) {
      const answer = await api.as(stranger).post(path, { domain });

      expect([domain, answer.status, answer.body.code]).toEqual([domain, 409, 'DOMAIN_TAKEN']);
    }
    expect((await api.as(stranger).get(path)).body.items).toEqual([]);
  });

  it.each([
    'https://acme.example',
    'acme.example:443',
    'acme..example',
    '192.168.0.1',
    '-a.example',
  ])('refuses %s', async (domain) => {
    const answer = await api.as(admin).post(path, { domain });

    expect(answer).toMatchObject({ status: 422, body: { details: [{ field: 'domain' }] } });
  });

  it('adds one domain for a repeated key', async () => {
    const domain = newName();
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(admin).post(path, { domain }, key);
    const second = await api.as(admin).post(path, { domain }, key);

    expect(second.body.data).toEqual(first.body.data);
    expect((await api.as(admin).get(path)).body.pagination.total).toBe(1);
  });

  it('answers 503 while the name servers are away, and changes nothing', async () => {
    const { id, at } = await added(`away${newName()}`);

    const answer = await api.as(admin).post(`${at}/verify`);

    expect(answer).toMatchObject({ status: 503, body: { code: 'DNS_UNAVAILABLE' } });
    expect(await rowOf(id)).toEqual({ is_primary: false, verified_at: null });
  });

  it('moves the primary one to another verified domain, and gives it up only as the last', async () => {
    const [first, second, third] = [await verified(), await verified(), await added()];

    const unverified = await api.as(admin).patch(third.at, { is_primary: true });
    const tooEarly = await api.as(admin).delete(first.at);
    const moved = await api.as(admin).patch(second.at, { is_primary: true });
    const gone = await api.as(admin).delete(first.at);
    const noLonger = await atHost(first.domain);
    await api.as(admin).delete(third.at);
    const last = await api.as(admin).delete(second.at);

    expect(unverified).toMatchObject({ status: 409, body: { code: 'DOMAIN_NOT_VERIFIED' } });
    expect(tooEarly).toMatchObject({ status: 409, body: { code: 'DOMAIN_PRIMARY' } });
    expect(moved.body.data).toMatchObject({ is_primary: true });
    expect([gone.status, last.status]).toEqual([204, 204]);
    expect(noLonger.body.code).toBe('HOST_NOT_ALLOWED');
    expect((await api.as(admin).get(path)).body.items).toEqual([]);
    expect(await auditOf(first.id)).toMatchObject([
      { action: 'CREATE' },
      { action: 'UPDATE' },
      { action: 'DELETE', company_id: companyId, before: { domain: first.domain } },
    ]);
  });

  it('of another company is to strangers what an unknown one is', async () => {
    const { id, at } = await verified();
    const other = await buildCompany();
    const stranger = api.as(await buildActor({ companyId: other.id, role: 'tenant_admin' }));

    const answers = [
      await stranger.patch(at, { is_primary: true }),
      await stranger.post(`${at}/verify`),
      await stranger.delete(at),
    ];

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(await rowOf(id)).toMatchObject({ is_primary: true });
  });
});

describe('a domain that a company has only claimed', () => {
  const buildOther = async () => {
    const { id } = await buildCompany();
    return buildActor({ companyId: id, role: 'tenant_admin' });
  };
  const claim = async (actor: Actor, domain: string) => {
    const { body } = await api.as(actor).post(path, { domain });
    return { ...body.data, at: `${path}/${body.data.id}` };
  };

  it('goes to the company that shows it is theirs, and the claim is gone', async () => {
    const mine = await added();
    const owner = await buildOther();

    const theirs = await claim(owner, mine.domain);
    dns.set(theirs.verification.name, [theirs.verification.value]);
    const done = await api.as(owner).post(`${theirs.at}/verify`);
    const late = await api.as(admin).post(`${mine.at}/verify`);

    expect(done.body.data).toMatchObject({ domain: mine.domain, is_primary: true });
    expect(late.status).toBe(404);
    expect((await auditOf(mine.id)).at(-1)).toMatchObject({
      company_id: companyId,
      action: 'DELETE',
      before: { domain: mine.domain },
    });
  });

  it('cannot be verified where another one was faster by a moment', async () => {
    const mine = await added();
    dns.set(mine.verification.name, [mine.verification.value]);
    await api.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at) VALUES ($1, $2, $3, now())`,
      [uuid(), (await buildOther()).companyId, mine.domain],
    );

    const late = await api.as(admin).post(`${mine.at}/verify`);

    expect(late).toMatchObject({ status: 409, body: { code: 'DOMAIN_TAKEN' } });
    expect(await rowOf(mine.id)).toEqual({ is_primary: false, verified_at: null });
  });

  it('keeps no company from registering with it', async () => {
    const { domain } = await added();

    const registered = await api.nowhere.post('/register', {
      company_name: domain,
      requested_domain: domain,
      admin_email: `ada@${domain}`,
      admin_username: `u${uuid().slice(-12)}`,
      admin_password: 'Seven-Green-Otters-7',
    });

    expect(registered.status).toBe(201);
  });

  it('is claimed once by each company', async () => {
    const { domain } = await added();

    const again = await api.as(admin).post(path, { domain });

    expect(again).toMatchObject({ status: 409, body: { code: 'DOMAIN_TAKEN' } });
  });
});

describe('GET /companies/:id/domains', () => {
  it('shows a global administrator alone what the company itself sees', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const [claimed, leading] = [await added(), await verified()];
    const other = await buildCompany();
    const of = (id: string, query = {}) => api.as(global).get(`/companies/${id}/domains`, query);

    const shown = await of(companyId);

    const own = await api.as(admin).get(path);
    expect(shown.status).toBe(200);
    expect(shown.body.items).toEqual(own.body.items);
    expect(shown.body.items).toHaveLength(2);
    expect((await of(companyId, { search: claimed.domain })).body.items).toMatchObject([
      { id: claimed.id, verified_at: null },
    ]);
    expect((await of(companyId, { search: leading.domain })).body.items).toMatchObject([
      { id: leading.id, is_primary: true, verification: null },
    ]);
    expect((await of(other.id)).body.items).toEqual([]);
    expect((await of(uuid())).status).toBe(404);
    expect((await of(platformCompanyId)).status).toBe(404);
    expect((await api.as(admin).get(`/companies/${companyId}/domains`)).status).toBe(403);
  });
});

describe('DELETE /companies/:id/domains/:domainId', () => {
  it('takes a claim from a company, by a global administrator alone, in its audit', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const domain = await added();
    const other = await buildCompany();
    const at = (id: string) => `/companies/${id}/domains/${domain.id}`;

    const refused = await api.as(admin).delete(at(companyId));
    const elsewhere = await api.as(global).delete(at(other.id));
    const done = await api.as(global).delete(at(companyId));

    expect([refused.status, elsewhere.status, done.status]).toEqual([403, 404, 204]);
    expect(await rowOf(domain.id)).toBeUndefined();
    expect((await auditOf(domain.id)).at(-1)).toMatchObject({
      company_id: companyId,
      actor_id: global.userId,
      action: 'DELETE',
    });
  });
});

describe('POST /companies/:id/domains/:domainId/verify', () => {
  it('takes the word of a global administrator, in the audit of the company', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const domain = await added();
    const other = await buildCompany();

    const elsewhere = await api
      .as(global)
      .post(`/companies/${other.id}/domains/${domain.id}/verify`);
    const done = await api.as(global).post(`/companies/${companyId}/domains/${domain.id}/verify`);
    const refused = await api.as(admin).post(`/companies/${companyId}/domains/${domain.id}/verify`);

    expect([elsewhere.status, refused.status]).toEqual([404, 403]);
    expect(done.body.data).toMatchObject({ is_primary: true, verification: null });
    expect((await atHost(domain.domain)).status).toBe(200);
    expect((await auditOf(domain.id)).at(-1)).toMatchObject({
      company_id: companyId,
      actor_id: global.userId,
      action: 'UPDATE',
    });
  });
});
