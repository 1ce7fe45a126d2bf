import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { buildPayment } from '../../support/payments.ts';

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

const reason = 'The gateway is back';
const wish = (changes: object = {}) => ({ action: 'retry_step', filter: {}, reason, ...changes });
const begin = (changes: object = {}, actor = operator, key = uuid()) =>
  api.as(actor).post('/workflows/bulk', wish(changes), { 'Idempotency-Key': key });
const rows = (table: string) =>
  api.database.sql(`SELECT * FROM core.${table} WHERE company_id = $1`, [companyId]);

describe('GET /workflows/bulk', () => {
  it('lists them with what they came to, by status and action, the newest first', async () => {
    const { claim } = await buildClaimRow({ companyId });
    await buildClaimRow({ companyId });
    const first: string = (await begin()).body.data.bulk_id;
    const second: string = (await begin({ action: 'pause' })).body.data.bulk_id;
    await api.database.sql(
      `UPDATE core.bulk_items SET result = 'done', ended_at = now() WHERE bulk_id = $1 AND entity_id = $2`,
      [first, claim.id],
    );
    await api.database.sql(
      'UPDATE core.bulk_operations SET workflow_closed_at = now() WHERE id = $1',
      [first],
    );
    const found = async (query: object, actor = operator): Promise<unknown> =>
      (await api.as(actor).get('/workflows/bulk', query)).body.items.map(
        ({ id }: { id: string }) => id,
      );

    const { body } = await api.as(operator).get('/workflows/bulk');

    expect(body).toMatchObject({
      items: [
        { id: second, action: 'pause', status: 'running', counts: { total: 2, pending: 2 } },
        { id: first, status: 'finished', counts: { total: 4, pending: 3, done: 1 } },
      ],
      pagination: { total: 2 },
    });
    expect(await found({ status: 'running' })).toEqual([second]);
    expect(await found({ status: 'finished' })).toEqual([first]);
    expect(await found({ status: 'aborted' })).toEqual([]);
    expect(await found({ action: 'pause' })).toEqual([second]);
    await api.as(operator).post(`/workflows/bulk/${second}/abort`, { reason });
    expect(await found({ status: 'aborted' })).toEqual([second]);
    const neighbour = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'operator',
    });
    expect(await found({}, neighbour)).toEqual([]);
  });
});

describe('POST /workflows/bulk', () => {
  it('tells as a dry run how many there are and which come first, and begins nothing', async () => {
    const sold = await buildSubscription({ companyId });
    const { claim } = await buildClaimRow({ companyId });

    const answer = await begin({ dry_run: true });

    expect(answer).toMatchObject({
      status: 200,
      body: { data: { dry_run: true, count: 3, bulk_id: null } },
    });
    const shown = answer.body.data.items.map(({ id }: { id: string }) => id);
    expect(shown).toEqual(expect.arrayContaining([sold.id, claim.id]));
    expect(await rows('bulk_operations')).toEqual([]);
  });

  it('fixes the runs of the filter as they are now, and promises the workflow', async () => {
    const { claim } = await buildClaimRow({ companyId });

    const answer = await begin({ filter: { type: 'claim' }, per_second: 7 });
    await buildClaimRow({ companyId });

    expect(answer).toMatchObject({ status: 202, body: { data: { dry_run: false, count: 1 } } });
    const bulkId: string = answer.body.data.bulk_id;
    const view = await api.as(operator).get(`/workflows/bulk/${bulkId}`);
    expect(view.body.data).toMatchObject({
      action: 'retry_step',
      status: 'running',
      filter: { type: 'claim' },
      reason,
      per_second: 7,
      counts: { total: 1, pending: 1, done: 0, refused: 0, failed: 0 },
      asked_by: operator.userId,
      ended_at: null,
    });
    const { body } = await api.as(operator).get(`/workflows/bulk/${bulkId}/items`);
    expect(body).toMatchObject({
      items: [{ type: 'claim', entity_id: claim.id, result: 'pending', code: null }],
      pagination: { total: 1 },
    });
    const promised = await api.database.sql(
      'SELECT workflow_type, workflow_id FROM core.outbox WHERE entity_id = $1',
      [bulkId],
    );
    expect(promised).toEqual([
      { workflow_type: 'bulkOperation', workflow_id: `bulk/${companyId}/${bulkId}` },
    ]);
    const audit = await api.database.sql(
      `SELECT action, actor_id, after ->> 'count' AS count FROM core.audit_logs
       WHERE entity_id = $1`,
      [bulkId],
    );
    expect(audit).toEqual([{ action: 'CREATE', actor_id: operator.userId, count: '1' }]);
  });

  it('begins once for one key', async () => {
    await buildSubscription({ companyId });
    const key = uuid();

    const [first, second] = [await begin({}, operator, key), await begin({}, operator, key)];

    expect(second.body.data).toEqual(first.body.data);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(await rows('bulk_operations')).toHaveLength(1);
  });

  it('leaves out what has ended, and pauses only what can be paused', async () => {
    const sold = await buildSubscription({ companyId });
    const { claim } = await buildClaimRow({ companyId });
    await api.database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [sold.id],
    );

    expect((await begin({ dry_run: true })).body.data.count).toBe(2);
    await begin({ action: 'pause' });

    expect(await rows('bulk_items')).toMatchObject([{ kind: 'claim', entity_id: claim.id }]);
  });

  it('asks for the number of runs where nobody can take it back', async () => {
    await buildSubscription({ companyId });

    for (const action of ['terminate', 'reset']) {
      for (const confirm of [undefined, 2]) {
        const answer = await begin({ action, confirm });
        expect(answer).toMatchObject({
          status: 422,
          body: { details: [{ field: 'confirm', code: 'NOT_CONFIRMED' }] },
        });
      }
    }
    expect(await rows('bulk_operations')).toEqual([]);
    expect((await begin({ action: 'reset', confirm: 1 })).status).toBe(202);
  });

  it('refuses what it cannot do, before anything is begun', async () => {
    await buildSubscription({ companyId });
    const codeOf = async (changes: object) => {
      const { status, body } = await begin(changes);
      return [status, body.details[0]?.code];
    };

    expect(await codeOf({ filter: { type: 'report' } })).toEqual([422, 'NOTHING_FOUND']);
    expect(await codeOf({ action: 'pause', filter: { type: 'payment' } })).toEqual([
      422,
      'INVALID_CHOICE',
    ]);
    expect(await codeOf({ filter: { open: false } })).toEqual([422, 'INVALID_CHOICE']);
    expect(await codeOf({ filter: { company_id: companyId } })).toEqual([422, 'UNKNOWN_FIELD']);
    expect(await codeOf({ per_second: 51 })).toEqual([422, 'OUT_OF_RANGE']);
    expect(await codeOf({ action: 'delete' })).toEqual([422, 'INVALID_CHOICE']);
    expect(await codeOf({ reason: undefined })).toEqual([422, 'REQUIRED']);
    expect(await rows('bulk_operations')).toEqual([]);
  });

  it('takes a thousand runs and not one more', async () => {
    const copies = (many: number) =>
      api.database.sql(
        `INSERT INTO shared.payments SELECT (jsonb_populate_record(p, jsonb_build_object(
             'id', gen_random_uuid(), 'idempotency_key', gen_random_uuid(),
             'transaction_id', gen_random_uuid()))).*
         FROM shared.payments p, generate_series(1, $2::integer) WHERE p.company_id = $1`,
        [companyId, many],
      );
    await buildPayment({ companyId });
    await copies(999);
    const filter = { type: 'payment' };

    const [dry, begun] = [await begin({ filter, dry_run: true }), await begin({ filter })];
    expect(dry.body.data).toMatchObject({ count: 1000 });
    expect(begun).toMatchObject({ status: 202, body: { data: { count: 1000 } } });
    await buildPayment({ companyId });

    const beyond = await begin({ filter });

    expect(beyond).toMatchObject({
      status: 422,
      body: { details: [{ field: 'filter', code: 'TOO_MANY' }] },
    });
    expect((await begin({ filter, dry_run: true })).body.data.count).toBe(1001);
    expect(await rows('bulk_items')).toHaveLength(1000);
  });

  it('is for those who operate runs, and reaches no other company', async () => {
    await buildSubscription({ companyId });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const stranger = await buildActor({ companyId: (await buildCompany()).id, role: 'operator' });
    const { bulk_id: bulkId } = (await begin()).body.data;
    const path = `/workflows/bulk/${bulkId}`;

    expect((await begin({}, admin)).status).toBe(403);
    expect((await api.as(admin).get(path)).status).toBe(200);
    expect((await begin({ dry_run: true }, stranger)).body.data.count).toBe(0);
    expect((await api.as(stranger).get(path)).status).toBe(404);
    expect((await api.as(stranger).get(`${path}/items`)).status).toBe(404);
    expect((await api.as(stranger).post(`${path}/abort`, { reason })).status).toBe(404);
    expect((await api.as(operator).get(`/workflows/bulk/${uuid()}/items`)).status).toBe(404);
  });

  it('lets a global administrator act in the company that they enter', async () => {
    await buildSubscription({ companyId });
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });

    const answer = await api
      .as(global)
      .post('/workflows/bulk', wish(), { 'X-Company-Id': companyId });

    expect(answer.status).toBe(202);
    expect(await rows('bulk_items')).toHaveLength(1);
  });
});

describe('POST /workflows/bulk/:id/abort', () => {
  it('stops what has not begun, once', async () => {
    await buildSubscription({ companyId });
    const { bulk_id: bulkId } = (await begin()).body.data;
    const abort = () =>
      api.as(operator).post(`/workflows/bulk/${bulkId}/abort`, { reason: 'The wrong filter' });

    const answer = await abort();

    expect(answer).toMatchObject({
      status: 200,
      body: {
        data: {
          status: 'aborted',
          abort_reason: 'The wrong filter',
          aborted_by: operator.userId,
          counts: { pending: 1 },
        },
      },
    });
    expect(await abort()).toMatchObject({ status: 409, body: { code: 'BULK_ENDED' } });
    const audit = await api.database.sql(
      `SELECT before, after FROM core.audit_logs WHERE entity_id = $1 AND action = 'UPDATE'`,
      [bulkId],
    );
    expect(audit).toEqual([
      { before: { status: 'running' }, after: { status: 'aborted', reason: 'The wrong filter' } },
    ]);
  });
});
