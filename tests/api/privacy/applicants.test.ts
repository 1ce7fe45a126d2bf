import { randomBytes } from 'node:crypto';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor } from '../../support/build.ts';
import { sealAll } from '../../audit/chain.ts';

let api: TestApi;
let global: Actor;

beforeAll(async () => {
  api = await openTestApi({ TRUST_PROXY: 'true' });
  global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
});
afterAll(() => api.close());

const ip = '203.0.113.99';
const review = '/administration/registration-requests';

async function apply() {
  const name = `applicant${randomBytes(4).toString('hex')}`;
  const email = `${name}@applied.example`;
  const company = {
    company_name: `Company ${randomBytes(4).toString('hex')}`,
    company_phone: '+4479460099',
    company_address: `House of ${name}`,
    company_linkedin: `https://www.linkedin.com/in/${name}`,
  };
  const person = {
    admin_email: email,
    admin_username: name,
    admin_phone: '+4479460088',
    admin_password: 'securepassword',
  };
  const sender = { 'X-Forwarded-For': ip, 'User-Agent': `Browser of ${name}` };
  const applied = await api.nowhere.post('/register', { ...company, ...person }, sender);
  expect(applied.status).toBe(201);
  const { id } = applied.body.data;
  const decline = (status = 'rejected') =>
    api.database.sql(
      `UPDATE core.registration_requests SET status = $2, workflow_closed_at = now() WHERE id = $1`,
      [id, status],
    );
  return { id, name, company, decline };
}

/** The tables in which something is left of the applicant. */
async function placesOf(words: readonly string[], id: string): Promise<string[]> {
  const tables = ['registration_requests', 'notifications', 'audit_logs', 'idempotency_keys'];
  const found = await Promise.all(
    tables.map(async (table) => {
      const rows = await api.database.sql(
        `SELECT 1 FROM core.${table} t WHERE t::text LIKE '%' || $2 || '%'
           AND EXISTS (SELECT 1 FROM unnest($1::text[]) w WHERE t::text ILIKE '%' || w || '%')`,
        [words, id],
      );
      return rows.length > 0 ? [table] : [];
    }),
  );
  return found.flat();
}

const reason = 'Letter of 2 March';
const erase = (id: string, headers = {}, why = reason) =>
  api.as(global).post(`${review}/${id}/erase`, { reason: why }, headers);

describe('POST /administration/registration-requests/:id/erase', () => {
  it.each(['rejected', 'expired'])(
    'leaves of whoever was %s the company’s name',
    async (status) => {
      const { id, name, company, decline } = await apply();
      await decline(status);
      await sealAll();
      const words = [name, ip, '+4479460088', '+4479460099'];
      const before = await placesOf(words, id);

      const erased = await erase(id, { 'Idempotency-Key': id });

      expect(before).toEqual(['registration_requests', 'notifications', 'audit_logs']);
      expect(erased).toMatchObject({
        status: 200,
        body: {
          data: {
            id,
            status,
            company_name: company.company_name,
            company_address: null,
            admin_email: `erased-${id}@erased.invalid`,
            admin_phone: null,
          },
        },
      });
      expect(await placesOf(words, id)).toEqual([]);
      const told = await api.as(global).get('/administration/audit-logs', { entity_id: id });
      expect(told.body.items.map(({ action }: { action: string }) => action)).toContain('ERASE');
    },
  );

  it('does it once, and again answers as before', async () => {
    const { id, decline } = await apply();
    await decline();

    const [first, second] = await Promise.all([erase(id), erase(id)]);

    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.data).toEqual(first.body.data);
    expect(
      await api.database.sql(
        `SELECT actor_id, after FROM core.audit_logs WHERE entity_id = $1 AND action = 'ERASE'`,
        [id],
      ),
    ).toEqual([{ actor_id: global.userId, after: { reason } }]);
  });

  it.each(['pending', 'active'])('refuses whoever is %s', async (status) => {
    const { id, name, decline } = await apply();
    if (status !== 'pending') await decline(status);

    const refused = await erase(id);

    expect(refused).toMatchObject({ status: 409, body: { code: 'REGISTRATION_NOT_DECLINED' } });
    expect(await placesOf([name], id)).toContain('registration_requests');
  });

  it('takes no reason that names the applicant, and no unknown registration', async () => {
    const { id, name, decline } = await apply();
    await decline();

    const named = await erase(id, {}, `Mail of ${name}@applied.example`);
    const unknown = await erase('019a0000-0000-7000-8000-000000000000');

    expect(named).toMatchObject({
      status: 422,
      body: { details: [{ field: 'reason', code: 'NAMES_THE_PERSON' }] },
    });
    expect(unknown.status).toBe(404);
  });
});
