import { v7 as uuid } from 'uuid';
import { withTenant } from '../../../src/models/database.ts';
import { tellEndpoints } from '../../../src/models/webhookStart.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

const path = '/webhook-endpoints';
const wish = { url: 'https://hooks.example/surety', events: ['report_ready'] };

let api: TestApi;
let companyId: string;
let admin: Person;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const created = async (body: object = wish): Promise<{ id: string; secret: string }> =>
  (await api.as(admin).post(path, body)).body.data;

/** One that is queued. @returns its id */
async function delivered(): Promise<string> {
  await withTenant(companyId, () =>
    tellEndpoints(companyId, {
      event: 'report_ready',
      eventKey: uuid(),
      entityType: 'report',
      entityId: uuid(),
      occurredAt: new Date(),
    }),
  );
  const [row] = await api.database.sql<{ id: string }>(
    `SELECT id FROM core.webhook_deliveries WHERE company_id = $1 ORDER BY id DESC LIMIT 1`,
    [companyId],
  );
  return row?.id ?? '';
}

describe('POST /webhook-endpoints', () => {
  it('shows the secret in this answer alone, and keeps it sealed', async () => {
    const { id, secret } = await created();

    const shown = await api.as(admin).get(`${path}/${id}`);
    const listed = await api.as(admin).get(path);
    const [row] = await api.database.sql<{ text: string }>(
      `SELECT row_to_json(e)::text || (SELECT string_agg(a.after::text, '') FROM core.audit_logs a
         WHERE a.entity_id = e.id) AS text
       FROM core.webhook_endpoints e WHERE id = $1`,
      [id],
    );

    expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
    expect(shown.body.data).toMatchObject({ id, ...wish, is_enabled: true, version: 1 });
    expect(listed.body.items).toEqual([shown.body.data]);
    for (const text of [shown.text, listed.text, row?.text ?? secret]) {
      expect(text).not.toContain(secret.replace('whsec_', ''));
    }
  });

  it.each([
    ['http://hooks.example', 'INVALID_VALUE'],
    ['https://hooks.example:22', 'INVALID_VALUE'],
    ['https://a:b@hooks.example', 'INVALID_VALUE'],
    ['https://169.254.169.254/latest', 'ADDRESS_REFUSED'],
    ['https://[::1]/', 'ADDRESS_REFUSED'],
    ['https://2130706433/', 'ADDRESS_REFUSED'],
    ['hooks.example', 'INVALID_FORMAT'],
  ])('refuses the address %s', async (url, code) => {
    const refused = await api.as(admin).post(path, { ...wish, url });

    expect(refused).toMatchObject({ status: 422, body: { details: [{ field: 'url', code }] } });
    expect((await api.as(admin).get(path)).body.items).toEqual([]);
  });

  it('refuses what happens to accounts, and no events at all', async () => {
    const account = await api.as(admin).post(path, { ...wish, events: ['password_reset'] });
    const none = await api.as(admin).post(path, { ...wish, events: [] });

    expect([account.status, none.status]).toEqual([422, 422]);
  });

  it('makes no more than twenty, also when two are asked for at once', async () => {
    for (let made = 0; made < 19; made += 1) await created();

    const answers = await Promise.all([
      api.as(admin).post(path, wish),
      api.as(admin).post(path, wish),
    ]);

    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body.code).toBe('ENDPOINT_LIMIT');
  });

  it('is for administrators alone', async () => {
    const manager = await buildActor({ companyId, role: 'claims_manager' });

    expect((await api.as(manager).post(path, wish)).status).toBe(403);
    expect((await api.visiting(companyId).post(path, wish)).status).toBe(401);
  });
});

describe('PATCH /webhook-endpoints/:id', () => {
  it('switches it off and on, and refuses another version and a bad address', async () => {
    const { id } = await created();
    const change = (body: object, version: number) =>
      api.as(admin).patch(`${path}/${id}`, body, { 'If-Match': `"${version}"` });

    const off = await change({ is_enabled: false }, 1);
    const late = await change({ is_enabled: true }, 1);
    const bad = await change({ url: 'https://10.0.0.1/' }, 2);
    const on = await change({ is_enabled: true, events: ['claim_denied'] }, 2);

    expect(off.body.data).toMatchObject({ is_enabled: false, disabled_because: 'asked' });
    expect(late).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(bad.status).toBe(422);
    expect(on.body.data).toMatchObject({
      url: wish.url,
      events: ['claim_denied'],
      is_enabled: true,
      disabled_because: null,
      version: 3,
    });
  });
});

describe('POST /webhook-endpoints/:id/rotate-secret', () => {
  it('makes another secret and says until when the old one signs along', async () => {
    const { id, secret } = await created();

    const rotated = await api.as(admin).post(`${path}/${id}/rotate-secret`);

    expect(rotated.status).toBe(200);
    expect(rotated.body.data.secret).not.toBe(secret);
    const hours = (Date.parse(rotated.body.data.old_secret_until) - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23.9);
    expect(hours).toBeLessThanOrEqual(24);
  });

  it('lets the secret that receivers still use sign along when it is asked for again', async () => {
    const { id } = await created();
    const rotate = () => api.as(admin).post(`${path}/${id}/rotate-secret`);
    const rotated = await rotate();
    const kept = await oldSecretOf(id);

    const again = await rotate();

    expect(again.body.data.secret).not.toBe(rotated.body.data.secret);
    expect(again.body.data.old_secret_until).toBe(rotated.body.data.old_secret_until);
    expect(await oldSecretOf(id)).toEqual(kept);
  });

  it('lets the latest one sign along when the day is over', async () => {
    const { id } = await created();
    const rotate = () => api.as(admin).post(`${path}/${id}/rotate-secret`);
    await rotate();
    const kept = await oldSecretOf(id);
    await api.database.sql(
      'UPDATE core.webhook_endpoints SET old_secret_until = now() WHERE id = $1',
      [id],
    );

    const again = await rotate();

    expect(Date.parse(again.body.data.old_secret_until)).toBeGreaterThan(Date.now());
    expect(await oldSecretOf(id)).not.toEqual(kept);
  });

  const oldSecretOf = (id: string) =>
    api.database.sql('SELECT old_secret_sealed FROM core.webhook_endpoints WHERE id = $1', [id]);
});

describe('the log of an endpoint', () => {
  it('shows what was told, by status, and tells it once more where it is over', async () => {
    const { id } = await created();
    const deliveryId = await delivered();
    const log = async (query: object = {}) =>
      (await api.as(admin).get(`${path}/${id}/deliveries`, query)).body.items;
    const again = () => api.as(admin).post(`${path}/${id}/deliveries/${deliveryId}/redeliver`);

    expect(await log()).toMatchObject([
      { id: deliveryId, status: 'queued', event: 'report_ready' },
    ]);
    expect(await log({ status: 'failed' })).toEqual([]);

    await api.database.sql(
      `UPDATE core.webhook_deliveries SET status = 'failed', attempts = 10 WHERE id = $1`,
      [deliveryId],
    );
    const promised = await again();

    expect(promised).toMatchObject({
      status: 202,
      body: { data: { id: deliveryId, status: 'queued', round: 2, attempts: 0 } },
    });
    const owed = await api.database.sql(
      `SELECT workflow_id FROM core.outbox WHERE entity_id = $1 ORDER BY id DESC LIMIT 1`,
      [deliveryId],
    );
    expect(owed).toEqual([{ workflow_id: `webhook/${companyId}/${deliveryId}/2` }]);
  });

  it('is told anew while it waits, without waiting any longer', async () => {
    const { id } = await created();
    const deliveryId = await delivered();
    await api.database.sql(
      `UPDATE core.webhook_deliveries SET attempts = 8, next_attempt_at = now() + interval '20 hours'
       WHERE id = $1`,
      [deliveryId],
    );

    const promised = await api.as(admin).post(`${path}/${id}/deliveries/${deliveryId}/redeliver`);

    expect(promised).toMatchObject({
      status: 202,
      body: { data: { status: 'queued', round: 2, attempts: 0, next_attempt_at: null } },
    });
    const owed = await api.database.sql(
      `SELECT workflow_id FROM core.outbox WHERE entity_id = $1 ORDER BY id DESC LIMIT 1`,
      [deliveryId],
    );
    expect(owed).toEqual([{ workflow_id: `webhook/${companyId}/${deliveryId}/2` }]);
  });

  it('is told once more once for one Idempotency-Key', async () => {
    const { id } = await created();
    const deliveryId = await delivered();
    const again = () =>
      api
        .as(admin)
        .post(
          `${path}/${id}/deliveries/${deliveryId}/redeliver`,
          {},
          { 'Idempotency-Key': 'once' },
        );
    const fail = () =>
      api.database.sql(`UPDATE core.webhook_deliveries SET status = 'failed' WHERE id = $1`, [
        deliveryId,
      ]);

    await fail();
    const first = await again();
    await fail();
    const second = await again();

    expect(first).toMatchObject({ status: 202, body: { data: { round: 2 } } });
    expect(second).toMatchObject({ status: 202, body: { data: { round: 2 } } });
    const [row] = await api.database.sql(
      'SELECT round FROM core.webhook_deliveries WHERE id = $1',
      [deliveryId],
    );
    expect(row).toEqual({ round: 2 });
  });

  it('tells nothing once more to what is switched off', async () => {
    const { id } = await created();
    const deliveryId = await delivered();
    await api.as(admin).patch(`${path}/${id}`, { is_enabled: false });

    const refused = await api.as(admin).post(`${path}/${id}/deliveries/${deliveryId}/redeliver`);

    expect(refused).toMatchObject({ status: 409, body: { code: 'ENDPOINT_DISABLED' } });
  });

  it('is hidden from other companies, like the endpoint', async () => {
    const { id } = await created();
    const deliveryId = await delivered();
    const other = await buildCompany();
    const stranger = await buildActor({ companyId: other.id, role: 'tenant_admin' });

    for (const at of [
      (of: string) => api.as(stranger).get(`${path}/${of}`),
      (of: string) => api.as(stranger).get(`${path}/${of}/deliveries`),
      (of: string) => api.as(stranger).patch(`${path}/${of}`, { is_enabled: false }),
      (of: string) => api.as(stranger).post(`${path}/${of}/rotate-secret`),
      (of: string) => api.as(stranger).delete(`${path}/${of}`),
      (of: string) => api.as(stranger).post(`${path}/${of}/deliveries/${deliveryId}/redeliver`),
    ]) {
      const theirs = await at(id);
      expect(theirs.status).toBe(404);
      expect(comparable(theirs)).toBe(comparable(await at(uuid())));
    }
  });
});

describe('DELETE /webhook-endpoints/:id', () => {
  it('takes it away for good', async () => {
    const { id } = await created();

    const removed = await api.as(admin).delete(`${path}/${id}`);

    expect(removed.status).toBe(204);
    expect((await api.as(admin).get(`${path}/${id}`)).status).toBe(404);
    expect((await api.as(admin).get(path)).body.items).toEqual([]);
  });
});
