import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { Alert, type Cause } from '../../../src/models/Alert.ts';
import { platformCompanyId, withTenant } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

let api: TestApi;
let companyId: string;
let operator: Actor;

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  companyId = (await buildCompany()).id;
  operator = await buildActor({ companyId, role: 'operator' });
});

/** Raised as the job raises it. @returns its id */
async function raise(cause: Partial<Cause> = {}, at = new Date()): Promise<string> {
  const subject = `claim/${companyId}/${uuid()}`;
  const full = {
    kind: 'drift' as const,
    subject,
    since: at,
    detail: null,
    attempts: null,
    ...cause,
  };
  const [raised] = await withTenant(companyId, () => Alert.note(companyId, [full], at));
  return raised?.id ?? '';
}

const resolve = (kind: Cause['kind']) =>
  withTenant(companyId, () => Alert.settle([kind], new Date(Date.now() + 1000)));

const listed = async (query: object = {}, actor: Actor = operator): Promise<string[]> => {
  const { status, body } = await api.as(actor).get('/workflows/alerts', query);
  expect(status).toBe(200);
  return body.items.map(({ id }: { id: string }) => id);
};

describe('GET /workflows/alerts', () => {
  it('shows what was raised, the newest first, to administrators as well', async () => {
    const entityId = uuid();
    const subject = `claim/${companyId}/${entityId}`;
    const old = await raise({}, new Date(Date.now() - 60_000));
    const cause = { kind: 'activity_failing', detail: 'moveClaim', attempts: 11 } as const;
    const id = await raise({ ...cause, subject });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });

    const { body } = await api.as(admin).get('/workflows/alerts');

    expect(body.items.map((item: { id: string }) => item.id)).toEqual([id, old]);
    expect(body.items[0]).toEqual({
      id,
      kind: 'activity_failing',
      status: 'open',
      subject,
      type: 'claim',
      entity_id: entityId,
      since: expect.any(String),
      detail: 'moveClaim',
      attempts: 11,
      raised_at: expect.any(String),
      seen_at: expect.any(String),
      acknowledged_at: null,
      acknowledged_by: null,
      reason: null,
      resolved_at: null,
    });
  });

  it('finds by status, kind, type of object and time, page by page', async () => {
    const claim = await raise({}, new Date(Date.now() - 3_600_000));
    const job = await raise({ kind: 'activity_failing', subject: 'schedule/surety/reconcile' });
    await api.as(operator).post(`/workflows/alerts/${job}/acknowledge`, { reason: 'Known' });

    expect(await listed({ status: 'open' })).toEqual([claim]);
    expect(await listed({ status: 'acknowledged' })).toEqual([job]);
    expect(await listed({ kind: 'drift' })).toEqual([claim]);
    expect(await listed({ type: 'claim' })).toEqual([claim]);
    expect(await listed({ type: 'payment' })).toEqual([]);
    expect(await listed({ since: new Date(Date.now() - 60_000).toISOString() })).toEqual([job]);
    expect(await listed({ size: 1, page: 2 })).toEqual([claim]);
    await resolve('drift');
    expect(await listed({ status: 'resolved' })).toEqual([claim]);
    expect(await listed({ status: 'open' })).toEqual([]);
  });

  it('refuses filters that there are not', async () => {
    const answers = [{ status: 'mended' }, { kind: 'rain' }, { since: 'soon' }, { size: 101 }].map(
      async (query) => (await api.as(operator).get('/workflows/alerts', query)).status,
    );

    expect(await Promise.all(answers)).toEqual([422, 422, 422, 422]);
  });

  it('shows no other company and nobody without the right', async () => {
    await raise();
    const stranger = await buildActor({ companyId: (await buildCompany()).id, role: 'operator' });
    const adjuster = await buildActor({ companyId, role: 'adjuster' });

    expect(await listed({}, stranger)).toEqual([]);
    expect((await api.as(adjuster).get('/workflows/alerts')).status).toBe(403);
  });
});

describe('POST /workflows/alerts/:id/acknowledge', () => {
  const reason = 'The gateway knows';
  const send = (id: string, body: object = { reason }, headers = {}, actor: Actor = operator) =>
    api.as(actor).post(`/workflows/alerts/${id}/acknowledge`, body, headers);

  it('notes who looks after it and why, once under one key', async () => {
    const id = await raise();
    const key = { 'Idempotency-Key': uuid() };

    const answers = [await send(id, { reason }, key), await send(id, { reason }, key)];

    const shown = { status: 'acknowledged', acknowledged_by: operator.userId, reason };
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 200, body: { data: { id, ...shown } } });
    }
    const lines = await api.database.sql(
      `SELECT after FROM core.audit_logs WHERE entity_id = $1 AND action = 'STATUS_CHANGE'`,
      [id],
    );
    expect(lines).toEqual([{ after: { status: 'acknowledged', reason } }]);
  });

  it('is resolved by itself all the same', async () => {
    const id = await raise();
    await send(id);

    await resolve('drift');

    expect(await listed({ status: 'resolved' })).toEqual([id]);
  });

  it('is for the first of two at once', async () => {
    const id = await raise();

    const answers = await Promise.all([send(id), send(id)]);

    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 409]);
  });

  it('refuses what is over, what is taken and what is unknown, and changes nothing', async () => {
    const over = await raise();
    await resolve('drift');
    const taken = await raise();
    await send(taken);

    const codes = [over, taken, uuid()].map(
      async (id) => (await send(id, { reason: 'Me too' })).body.code,
    );

    expect(await Promise.all(codes)).toEqual(['ALERT_RESOLVED', 'ALERT_ACKNOWLEDGED', 'NOT_FOUND']);
    const rows = await api.database.sql('SELECT reason FROM core.alerts WHERE company_id = $1', [
      companyId,
    ]);
    expect(rows).toEqual(expect.arrayContaining([{ reason: null }, { reason }]));
  });

  it('refuses bad input', async () => {
    const id = await raise();
    const bodies = [{}, { reason: '' }, { reason: '\u200E' }, { reason: 'x'.repeat(501) }];

    const answers = [...bodies, { reason, more: 1 }].map(
      async (body) => (await send(id, body)).status,
    );

    expect(await Promise.all(answers)).toEqual([422, 422, 422, 422, 422]);
    expect((await send('no-id')).status).toBe(422);
    expect(await listed({ status: 'open' })).toEqual([id]);
  });

  it('is for those who operate runs of the company', async () => {
    const id = await raise();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const stranger = await buildActor({ companyId: (await buildCompany()).id, role: 'operator' });

    expect((await send(id, { reason }, {}, admin)).status).toBe(403);
    expect((await send(id, { reason }, {}, stranger)).status).toBe(404);
    expect(await listed({ status: 'open' })).toEqual([id]);
  });
});

describe('/workflows/alert-rules', () => {
  const path = '/workflows/alert-rules';
  const create = (body: object, actor: Actor = operator) => api.as(actor).post(path, body);
  const rulesOf = async (actor: Actor = operator) => (await api.as(actor).get(path)).body;

  it('shows what is usual where nobody has set anything', async () => {
    const { items, pagination } = await rulesOf();

    expect(items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'activity_failing',
      'workflow_task_failing',
      'timers_overdue',
      'outbox_late',
      'outbox_parked',
      'drift',
    ]);
    expect(items[0]).toEqual({
      kind: 'activity_failing',
      is_enabled: true,
      attempts: 10,
      minutes: 30,
      channels: ['email', 'in_app'],
      roles: ['operator', 'global_admin'],
      created_at: null,
      updated_at: null,
      version: 0,
    });
    expect(pagination).toMatchObject({ total: 6, pages: 1 });
    const second = await api.as(operator).get(path, { page: 2, size: 4 });
    expect(second.body.items).toHaveLength(2);
  });

  it('of the platform have one for its task queues', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });

    const kinds = (await rulesOf(global)).items.map(({ kind }: { kind: string }) => kind);

    expect(kinds).toContain('no_worker');
    const refused = await create({ kind: 'no_worker', minutes: 9 });
    expect(refused).toMatchObject({
      status: 422,
      body: { details: [{ field: 'kind', code: 'PLATFORM_ONLY' }] },
    });
  });

  it('are made, read, changed and taken away, each in the audit', async () => {
    const made = await create({ kind: 'activity_failing', attempts: 5, channels: ['in_app'] });
    const { id } = made.body.data;
    const one = `${path}/${id}`;

    expect(made).toMatchObject({
      status: 201,
      body: { data: { attempts: 5, minutes: 30, channels: ['in_app'], version: 1 } },
    });
    expect((await rulesOf()).items[0]).toMatchObject({ id, attempts: 5 });
    const read = await api.as(operator).get(one);
    const changed = await api
      .as(operator)
      .patch(one, { is_enabled: false }, { 'If-Match': String(read.headers['etag']) });
    expect(changed).toMatchObject({
      status: 200,
      body: { data: { is_enabled: false, attempts: 5, version: 2 } },
    });
    expect((await api.as(operator).delete(one)).status).toBe(204);
    expect((await api.as(operator).get(one)).status).toBe(404);
    expect((await rulesOf()).items[0]).toMatchObject({ version: 0, attempts: 10 });
    const lines = await api.database.sql<{ action: string }>(
      `SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY id`,
      [id],
    );
    expect(lines.map(({ action }) => action)).toEqual(['CREATE', 'UPDATE', 'ARCHIVE']);
    expect((await create({ kind: 'activity_failing' })).status).toBe(201);
  });

  it('are one of a kind', async () => {
    await create({ kind: 'drift', is_enabled: false });

    const second = await create({ kind: 'drift' });

    expect(second).toMatchObject({ status: 409, body: { code: 'ALERT_RULE_EXISTS' } });
    expect((await create({ kind: 'timers_overdue', minutes: 5 })).status).toBe(201);
  });

  it('are not changed by whoever has seen an older version', async () => {
    const { id } = (await create({ kind: 'timers_overdue', minutes: 5 })).body.data;
    const stale = { 'If-Match': '"7"' };

    const changed = await api.as(operator).patch(`${path}/${id}`, { minutes: 6 }, stale);
    const removed = await api.as(operator).delete(`${path}/${id}`, stale);

    expect([changed.body.code, removed.body.code]).toEqual([
      'VERSION_CONFLICT',
      'VERSION_CONFLICT',
    ]);
    expect((await api.as(operator).get(`${path}/${id}`)).body.data).toMatchObject({ minutes: 5 });
  });

  it.each([
    [{}, 'kind'],
    [{ kind: 'rain' }, 'kind'],
    [{ kind: 'drift', minutes: 5 }, 'minutes'],
    [{ kind: 'timers_overdue', attempts: 5 }, 'attempts'],
    [{ kind: 'outbox_parked', minutes: 5 }, 'minutes'],
    [{ kind: 'activity_failing', attempts: 1 }, 'attempts'],
    [{ kind: 'activity_failing', minutes: 0 }, 'minutes'],
    [{ kind: 'drift', channels: ['sms'] }, 'channels'],
    [{ kind: 'drift', roles: [] }, 'roles'],
    [{ kind: 'drift', roles: ['policyholder'] }, 'roles'],
    [{ kind: 'drift', sound: 'loud' }, 'sound'],
  ])('refuse %j', async (body, field) => {
    const answer = await create(body);

    expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    expect(answer.body.details[0].field).toContain(field);
    const rows = await api.database.sql('SELECT FROM core.alert_rules WHERE company_id = $1', [
      companyId,
    ]);
    expect(rows).toEqual([]);
  });

  it('are changed by those who operate runs of the company alone', async () => {
    const { id } = (await create({ kind: 'drift' })).body.data;
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const stranger = await buildActor({ companyId: (await buildCompany()).id, role: 'operator' });

    expect((await rulesOf(admin)).items).toHaveLength(6);
    expect((await create({ kind: 'timers_overdue' }, admin)).status).toBe(403);
    expect((await api.as(admin).patch(`${path}/${id}`, { is_enabled: false })).status).toBe(403);
    for (const answer of [
      await api.as(stranger).get(`${path}/${id}`),
      await api.as(stranger).patch(`${path}/${id}`, { is_enabled: false }),
      await api.as(stranger).delete(`${path}/${id}`),
    ]) {
      expect(answer.status).toBe(404);
    }
    expect((await rulesOf()).items.at(-1)).toMatchObject({ id, is_enabled: true, version: 1 });
  });
});
