import { v7 as uuid } from 'uuid';
import { createWorkflowDrifts } from '../../../src/commands/workflowDrifts.ts';
import type { Actor } from '../../../src/context.ts';
import { NotFound } from '../../../src/errors.ts';
import { withTenant } from '../../../src/models/database.ts';
import { WorkflowDrift } from '../../../src/models/WorkflowDrift.ts';
import type { DriftFinding } from '../../../src/rules/workflowDrifts.ts';
import { subscriptionWorkflowId } from '../../../src/rules/workflowIds.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { as, buildActor, buildCompany, buildSubscription, once } from '../../support/build.ts';

let api: TestApi;
let companyId: string;
let operator: Actor;
let subscriptionId: string;
let workflowId: string;

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  companyId = (await buildCompany()).id;
  operator = await buildActor({ companyId, role: 'operator' });
  subscriptionId = (await buildSubscription({ companyId })).id;
  workflowId = subscriptionWorkflowId(companyId, subscriptionId);
});

async function found(finding: DriftFinding): Promise<string> {
  const details = { row: { stateVersion: 1, dueAt: null }, run: null };
  const drift = { kind: 'subscription', entityId: subscriptionId, workflowId } as const;
  return withTenant(companyId, async () => {
    await WorkflowDrift.note(companyId, [{ ...drift, finding, details }], new Date());
    const row = await WorkflowDrift.findOne({ where: { finding } });
    return row?.id ?? '';
  });
}

/** The command on a Temporal that only remembers what it was asked. */
function repairing({ isGone = false } = {}) {
  const asked: string[] = [];
  const ask = (what: string) => async (): Promise<void> => {
    asked.push(what);
    if (isGone) throw new NotFound();
  };
  const drifts = createWorkflowDrifts({
    temporal: {
      tell: async () => void asked.push('tell'),
      command: async () => {
        await ask('retryStep')();
        return JSON.parse('{}');
      },
      cancel: ask('cancel'),
    },
    dispatcher: { dispatch: (start) => void asked.push(`start ${start.workflowId}`) },
  });
  const repair = (id: string) =>
    as(operator, () => drifts.repair(operator, { id, reason: 'Seen at night' }, once(operator)));
  return { asked, repair };
}

describe('GET /workflows/drift', () => {
  it('shows what was found, by finding and by whether it is still there', async () => {
    const id = await found('missing');
    const list = async (query: object = {}) =>
      (await api.as(operator).get('/workflows/drift', query)).body.items;

    expect(await list()).toEqual([
      {
        id,
        type: 'subscription',
        entity_id: subscriptionId,
        workflow_id: workflowId,
        finding: 'missing',
        row: { state_version: 1, due_at: null },
        run: null,
        found_at: expect.any(String),
        seen_at: expect.any(String),
        repaired_at: null,
        repaired_by: null,
        resolved_at: null,
      },
    ]);
    expect(await list({ finding: 'state' })).toEqual([]);
    expect(await list({ open: true, type: 'subscription' })).toHaveLength(1);
    await withTenant(companyId, () => WorkflowDrift.settle(new Date(Date.now() + 1000)));
    expect(await list({ open: true })).toEqual([]);
    expect(await list({ open: false })).toHaveLength(1);
  });

  it('shows no other company', async () => {
    await found('missing');
    const stranger = await buildActor({ companyId: (await buildCompany()).id, role: 'operator' });

    expect((await api.as(stranger).get('/workflows/drift')).body.items).toEqual([]);
  });
});

describe('POST /workflows/drift/:id/repair', () => {
  it('starts what is missing from its row, and says who asked', async () => {
    const id = await found('missing');
    const path = `/workflows/drift/${id}/repair`;

    const answer = await api.as(operator).post(path, { reason: 'Seen at night' });

    expect(answer).toMatchObject({
      status: 202,
      body: { data: { workflow_id: workflowId, repair: 'start' } },
    });
    const restarts = await api.database.sql(
      'SELECT FROM core.outbox WHERE entity_id = $1 AND is_restart',
      [subscriptionId],
    );
    expect(restarts).toHaveLength(1);
    const [shown] = (await api.as(operator).get('/workflows/drift')).body.items;
    expect(shown).toMatchObject({ repaired_at: expect.any(String), repaired_by: operator.userId });
    const [line] = await api.database.sql(
      `SELECT after FROM core.audit_logs WHERE entity_id = $1 AND action = 'OPERATE'`,
      [subscriptionId],
    );
    expect(line).toMatchObject({
      after: { operation: 'repair_drift', finding: 'missing', reason: 'Seen at night' },
    });
  });

  it('has a run that differs read its row, and ends one that is left over', async () => {
    const { asked, repair } = repairing();

    expect(await repair(await found('timers'))).toEqual({ workflowId, repair: 'read_again' });
    expect(await repair(await found('left_open'))).toEqual({ workflowId, repair: 'end' });

    expect(asked).toEqual(['tell', 'retryStep', 'cancel']);
  });

  it('is content where a run that is left over has ended, not where one is to read', async () => {
    const { repair } = repairing({ isGone: true });

    expect(await repair(await found('left_open'))).toMatchObject({ repair: 'end' });
    await expect(repair(await found('state'))).rejects.toMatchObject({
      code: 'WORKFLOW_NOT_RUNNING',
    });
  });

  it('refuses what is in order again, what has ended and what is unknown', async () => {
    const id = await found('missing');
    await api.database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [subscriptionId],
    );
    const send = async (drift: string) =>
      (await api.as(operator).post(`/workflows/drift/${drift}/repair`, { reason: 'So' })).body.code;

    expect(await send(id)).toBe('WORKFLOW_CLOSED');
    await withTenant(companyId, () => WorkflowDrift.settle(new Date(Date.now() + 1000)));
    expect(await send(id)).toBe('DRIFT_RESOLVED');
    expect(await send(uuid())).toBe('NOT_FOUND');
  });

  it('is for those who operate runs', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const path = `/workflows/drift/${await found('missing')}/repair`;

    expect((await api.as(admin).post(path, { reason: 'So' })).status).toBe(403);
  });
});
