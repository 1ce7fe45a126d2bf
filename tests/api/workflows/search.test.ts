import { v7 as uuid } from 'uuid';
import {
  createWorkflowSearch,
  type WorkflowFilters,
} from '../../../src/commands/workflowSearch.ts';
import type { Actor } from '../../../src/context.ts';
import { Unavailable } from '../../../src/errors.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import {
  claimWorkflowId,
  policyApprovalWorkflowId,
  subscriptionWorkflowId,
} from '../../../src/rules/workflowIds.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { as, buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { createCursors } from '../../../src/commands/cursors.ts';

const cursors = createCursors({ secretKey: 'test' });

let api: TestApi;
let companyId: string;
let operator: Actor;
let sold: Awaited<ReturnType<typeof buildSubscription>>;
let reported: Awaited<ReturnType<typeof buildClaimRow>>;

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  companyId = (await buildCompany()).id;
  operator = await buildActor({ companyId, role: 'operator' });
  sold = await buildSubscription({ companyId });
  reported = await buildClaimRow({ companyId });
});

const dispatched = (id: string) =>
  api.database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [id]);
const parked = (id: string) =>
  api.database.sql('UPDATE core.outbox SET parked_at = now() WHERE entity_id = $1', [id]);

/** The ids of what is found, the newest first. */
async function found(query: object, actor: Actor = operator): Promise<string[]> {
  const { status, body } = await api.as(actor).get('/workflows', query);
  expect(status).toBe(200);
  return body.items.map(({ id }: { id: string }) => id);
}

describe('GET /workflows', () => {
  it('shows every run of the company by numbers, the newest first', async () => {
    await dispatched(sold.id);

    const { body } = await api.as(operator).get('/workflows');

    const ofClaim = body.items.find(({ id }: { id: string }) => id === reported.claim.id);
    expect(ofClaim).toMatchObject({
      type: 'claim',
      company_id: companyId,
      reference: reported.claim.claimNumber,
      status: 'reported',
      workflow: { id: claimWorkflowId(companyId, reported.claim.id) },
      overdue: false,
      closed_at: null,
    });
    const ofSale = body.items.find(({ id }: { id: string }) => id === sold.id);
    expect(ofSale).toMatchObject({
      type: 'subscription',
      reference: expect.stringContaining('POL-'),
      workflow: { id: subscriptionWorkflowId(companyId, sold.id), state: 'running' },
      next_timer: { name: 'renewal_offer', due_at: expect.any(String) },
    });
    const made = body.items.map((item: { created_at: string }) => item.created_at);
    expect(made).toEqual(made.toSorted().toReversed());
    expect(JSON.stringify(body)).not.toContain('Lovelace');
  });

  it.each(['asc', 'desc'])('is walked by cursor, %s, each run once', async (order) => {
    const query = { sort_by: 'created_at', sort_order: order };
    const all = await found(query);
    const seen: string[] = [];
    let cursor: string | null | undefined;

    for (let page = 0; page <= all.length && cursor !== null; page += 1) {
      const asked = { ...query, size: 1, ...(cursor && { cursor }) };
      const { body } = await api.as(operator).get('/workflows', asked);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      expect(body.pagination.total).toBe(all.length);
      cursor = body.pagination.next_cursor;
    }

    expect(cursor).toBeNull();
    expect(seen).toEqual(all);
    const first = await api.as(operator).get('/workflows', { ...query, size: 1 });
    const elsewhere = { size: 1, cursor: first.body.pagination.next_cursor, type: 'claim' };
    expect((await api.as(operator).get('/workflows', elsewhere)).status).toBe(422);
  });

  it('goes through the runs of all kinds page by page, in one order', async () => {
    const other = await buildSubscription({ companyId });
    const all = await found({});

    const pages = await Promise.all(all.map((_, index) => found({ size: 1, page: index + 1 })));

    expect(all.length).toBeGreaterThan(2);
    expect(all[0]).toBe(other.id);
    expect(pages.flat()).toEqual(all);
  });

  it('finds by type, status, openness and time', async () => {
    await api.database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [sold.id],
    );

    expect(await found({ type: 'claim' })).toEqual([reported.claim.id]);
    expect(await found({ type: 'payment' })).toEqual([]);
    expect(await found({ status: 'reported' })).toEqual([reported.claim.id]);
    expect(await found({ open: false })).toEqual([sold.id]);
    expect(await found({ open: true })).not.toContain(sold.id);
    expect(await found({ created_after: '2190-01-01' })).toEqual([]);
  });

  it('finds versions of compliance policies by their title, and those whose approval is late', async () => {
    const authors = [operator.userId ?? ''];
    const { versionId } = await buildPolicyRow({ companyId, authors, title: 'Acceptable use' });
    const type = 'policy-approval';
    const { body } = await api.as(operator).get('/workflows', { type });

    expect(body.items).toEqual([
      expect.objectContaining({
        type,
        id: versionId,
        reference: 'Acceptable use',
        status: 'draft',
        workflow: expect.objectContaining({ id: policyApprovalWorkflowId(companyId, versionId) }),
      }),
    ]);
    expect(await found({ search: 'ceptable' })).toEqual([versionId]);
    expect(await found({ status: 'draft', type })).toEqual([versionId]);
    expect(await found({ overdue: true })).toEqual([]);
    await api.database.sql(
      'UPDATE shared.compliance_policy_versions SET is_escalated = true WHERE id = $1',
      [versionId],
    );
    expect(await found({ overdue: true })).toEqual([versionId]);
  });

  it('finds what is late: a timer that did not fire, or a deadline that people missed', async () => {
    expect(await found({ overdue: true })).toEqual([]);
    await api.database.sql(
      `UPDATE core.timers SET due_at = now() - interval '1 hour'
       WHERE entity_id = $1 AND name = 'renewal_offer'`,
      [sold.id],
    );
    expect(await found({ overdue: true })).toEqual([sold.id]);
    expect(await found({ overdue: false })).not.toContain(sold.id);

    await api.database.sql(`UPDATE shared.claims SET sla_status = 'breached' WHERE id = $1`, [
      reported.claim.id,
    ]);
    expect((await found({ overdue: true })).toSorted()).toEqual(
      [sold.id, reported.claim.id].toSorted(),
    );
  });

  it('finds by number and by the id of object or run', async () => {
    const { claim, policy } = reported;

    expect(await found({ search: claim.id })).toEqual([claim.id]);
    expect(await found({ search: claimWorkflowId(companyId, claim.id) })).toEqual([claim.id]);
    expect(await found({ search: policy.policyNumber.toLowerCase(), type: 'claim' })).toEqual([]);
    expect(await found({ search: policy.policyNumber.toLowerCase() })).toHaveLength(1);
    expect(await found({ search: 'nothing like it' })).toEqual([]);
  });

  it('finds by people for who may read policies and claims alone', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const search = reported.policy.policyholderEmail;

    expect(await found({ search }, admin)).toContain(reported.claim.id);
    expect(await found({ search })).toEqual([]);
  });

  it('hides from staff the course of their own claim', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await api.database.sql(`UPDATE shared.policies SET user_id = $2 WHERE id = $1`, [
      reported.policy.id,
      admin.userId,
    ]);

    expect(await found({ type: 'claim' }, admin)).toEqual([]);
    expect((await api.as(admin).get(`/workflows/claim/${reported.claim.id}`)).status).toBe(404);
    expect(await found({ type: 'claim' })).toEqual([reported.claim.id]);
  });

  it('says whether a start is owed or was given up', async () => {
    const stateOf = async () =>
      (await api.as(operator).get(`/workflows/subscription/${sold.id}`)).body.data.workflow.state;

    expect(await stateOf()).toBe('starting');
    await parked(sold.id);
    expect(await stateOf()).toBe('parked');
    expect(
      (await api.as(operator).get(`/workflows/subscription/${sold.id}`)).body.data,
    ).toMatchObject({ blocked: true, failing_step: null });
    await dispatched(sold.id);
    expect(await stateOf()).toBe('running');
  });

  it('shows a global administrator the platform, or the company that is named', async () => {
    const global = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });

    const types = (await api.as(global).get('/workflows')).body.items.map(
      ({ type }: { type: string }) => type,
    );
    expect(types.every((type: string) => type === 'onboarding')).toBe(true);
    expect(await found({ company_id: companyId, type: 'claim' }, global)).toEqual([
      reported.claim.id,
    ]);
    const [entered] = await api.database.sql<{ count: string }>(
      `SELECT count(*) FROM core.audit_logs
       WHERE company_id = $1 AND actor_id = $2 AND action = 'COMPANY_ENTERED'`,
      [companyId, global.userId],
    );
    expect(entered).toEqual({ count: '1' });
  });

  it('does not know another company', async () => {
    const other = await buildCompany();

    const answers = [other.id, uuid()].map((id) =>
      api.as(operator).get('/workflows', { company_id: id }),
    );

    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([404, 404]);
    const stranger = await buildActor({ companyId: other.id, role: 'operator' });
    expect(await found({}, stranger)).toEqual([]);
    expect((await api.as(stranger).get(`/workflows/claim/${reported.claim.id}`)).status).toBe(404);
  });
});

describe('runs that wait for help', () => {
  const filters: WorkflowFilters = { page: 1, size: 20, sortBy: 'createdAt', sortOrder: 'desc' };

  const searchWith = (blocked: () => Promise<readonly string[]>) =>
    createWorkflowSearch({
      cursors,
      temporal: { blocked, failingStep: async () => undefined, uiUrl: (id) => `ui/${id}` },
      companies: { enter: async () => undefined },
    });

  it('are those that Temporal names, and those whose start was given up', async () => {
    const other = await buildSubscription({ companyId });
    await dispatched(other.id);
    await parked(sold.id);
    const search = searchWith(async () => [claimWorkflowId(companyId, reported.claim.id)]);

    const listed = (blocked: boolean) =>
      as(operator, () => search.list(operator, { ...filters, blocked }));

    const waiting = (await listed(true)).items.map(({ id }) => id);
    expect(waiting.toSorted()).toEqual([sold.id, reported.claim.id].toSorted());
    expect((await listed(false)).items.map(({ id }) => id)).toContain(other.id);
    expect((await listed(false)).items.map(({ id }) => id)).not.toContain(sold.id);
  });

  it('are not guessed while Temporal is away; everything else is still found', async () => {
    const search = searchWith(() => Promise.reject(new Unavailable('Away')));

    const blocked = as(operator, () => search.list(operator, { ...filters, blocked: true }));

    await expect(blocked).rejects.toMatchObject({ status: 503 });
    const all = await as(operator, () => search.list(operator, filters));
    expect(all.total).toBeGreaterThan(1);
  });
});

describe('GET /workflows/{type}/:id', () => {
  it('shows timers, and the Temporal UI to whoever operates runs', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const path = `/workflows/subscription/${sold.id}`;

    const { body } = await api.as(operator).get(path);

    expect(body.data).toMatchObject({
      type: 'subscription',
      workflow_url: expect.stringContaining(encodeURIComponent(sold.id)),
      blocked: false,
      failing_step: null,
    });
    const names = body.data.timers.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(['renewal_offer', 'expiry']));
    expect((await api.as(admin).get(path)).body.data.workflow_url).toBeNull();
    expect((await api.as(sold.holder).get(path)).status).toBe(403);
  });

  it('tells nobody else an address of the Temporal UI in timelines', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const urlFor = async (reader: Actor, path: string): Promise<unknown> =>
      (await api.as(reader).get(path)).body.data.workflow_url;

    for (const view of ['timeline', 'explain']) {
      const path = `/workflows/subscription/${sold.id}/${view}`;
      expect(await urlFor(operator, path)).toContain(encodeURIComponent(sold.id));
      expect(await urlFor(admin, path)).toBeNull();
    }
    expect(await urlFor(sold.holder, `/subscriptions/${sold.id}/timeline`)).toBeNull();
  });

  it('knows an object under its own type alone', async () => {
    const answer = await api.as(operator).get(`/workflows/claim/${sold.id}`);

    expect(answer.status).toBe(404);
  });
});
