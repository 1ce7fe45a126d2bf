import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { buildPayment } from '../../support/payments.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';

let api: TestApi;
let companyId: string;
let operator: Actor & { readonly userId: string };

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  companyId = (await buildCompany()).id;
  operator = await buildActor({ companyId, role: 'operator' });
});

const reason = 'Asked for by phone';
const post = async (path: string, body: object = { reason }, actor: Actor = operator) => {
  const answer = await api.as(actor).post(`/workflows/${path}`, body);
  return { status: answer.status, code: answer.body.code };
};

describe('POST /workflows/:type/:id/reset', () => {
  it('promises the run anew from the row, and tells who asked', async () => {
    const { id } = await buildSubscription({ companyId });
    const path = `/workflows/subscription/${id}/reset`;

    const answer = await api.as(operator).post(path, { reason, confirm: id });

    expect(answer).toMatchObject({ status: 202, body: { data: { operation: 'reset' } } });
    const promised = await api.database.sql(
      'SELECT workflow_type FROM core.outbox WHERE entity_id = $1 AND is_restart',
      [id],
    );
    expect(promised).toEqual([{ workflow_type: 'subscriptionLifecycle' }]);
    const lines = await api.database.sql(
      `SELECT actor_id, after FROM core.audit_logs WHERE entity_id = $1 AND action = 'OPERATE'`,
      [id],
    );
    expect(lines).toEqual([{ actor_id: operator.userId, after: { operation: 'reset', reason } }]);
  });

  it('asks for the id once more, and refuses what has ended or moves money', async () => {
    const { id } = await buildSubscription({ companyId });
    const { payment } = await buildPayment({ companyId, userId: operator.userId });
    const restarts = () =>
      api.database.sql('SELECT FROM core.outbox WHERE company_id = $1 AND is_restart', [companyId]);

    expect(await post(`subscription/${id}/reset`)).toMatchObject({ status: 422 });
    expect(await post(`subscription/${id}/reset`, { reason, confirm: companyId })).toMatchObject({
      status: 422,
    });
    expect(await post(`payment/${payment.id}/reset`, { reason, confirm: payment.id })).toEqual({
      status: 409,
      code: 'MONEY_UNDER_WAY',
    });
    await api.database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [id],
    );
    expect(await post(`subscription/${id}/reset`, { reason, confirm: id })).toEqual({
      status: 409,
      code: 'WORKFLOW_CLOSED',
    });
    expect(await restarts()).toEqual([]);
  });
});

describe('POST /workflows/:type/:id/terminate', () => {
  it('gives a version of a compliance policy up, so that another one can be made', async () => {
    const manager = await buildActor({ companyId, role: 'compliance_manager' });
    const authors = [manager.userId];
    const { policyId, versionId } = await buildPolicyRow({ companyId, authors });

    const answer = await post(`policy-approval/${versionId}/terminate`, {
      reason,
      confirm: versionId,
    });
    const next = await api
      .as(manager)
      .post(`/compliance-policies/${policyId}/versions`, { content: 'Anew' });

    expect(answer).toMatchObject({ status: 202 });
    expect(next).toMatchObject({
      status: 201,
      body: { data: { latest_version: { number: 2, status: 'draft' } } },
    });
    const lines = await api.database.sql(
      'SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY action',
      [versionId],
    );
    expect(lines).toEqual([{ action: 'ARCHIVE' }, { action: 'OPERATE' }]);
  });

  it('leaves the version in force where it is', async () => {
    const wish = { companyId, authors: [], status: 'published' } as const;
    const { policyId, versionId } = await buildPolicyRow(wish);

    await post(`policy-approval/${versionId}/terminate`, { reason, confirm: versionId });
    const manager = await buildActor({ companyId, role: 'compliance_manager' });
    const shown = await api.as(manager).get(`/compliance-policies/${policyId}`);

    expect(shown.body.data.latest_version).toMatchObject({
      status: 'published',
      workflow: { state: 'closed' },
    });
  });
});

describe('POST /workflows/booking/:id/terminate', () => {
  it.each([
    ['pending', 'false', 'false', { status: 409, code: 'ILLEGAL_TRANSITION' }],
    ['confirmed', 'false', 'false', { status: 409, code: 'ILLEGAL_TRANSITION' }],
    ['cancelled', 'true', 'false', { status: 409, code: 'MONEY_UNDER_WAY' }],
    ['cancelled', 'false', 'true', { status: 409, code: 'MONEY_UNDER_WAY' }],
    ['cancelled', 'false', 'false', { status: 202 }],
    ['completed', 'false', 'false', { status: 202 }],
  ])('of one that is %s, charging %s, refunding %s answers %j', async (...facts) => {
    const [status, isCharging, isRefunding, expected] = facts;
    const { payment } = await buildPayment({ companyId });
    const property = await buildProperty({ companyId });
    const people = { guestId: operator.userId, hostId: property.ownerId };
    const { id } = await buildStayed({ companyId, propertyId: property.id, ...people });
    await api.database.sql(
      `UPDATE shared.bookings SET status = $2, is_charging = $3, is_refunding = $4,
         payment_id = $5, refund_id = $5, workflow_closed_at = NULL,
         cancelled_by = CASE WHEN $2 = 'cancelled' THEN 'guest' END,
         cancelled_at = CASE WHEN $2 = 'cancelled' THEN now() END
       WHERE id = $1`,
      [id, status, isCharging, isRefunding, payment.id],
    );

    const answer = await post(`booking/${id}/terminate`, { reason, confirm: id });

    expect(answer).toMatchObject(expected);
    const [row] = await api.database.sql<{ isOpen: boolean }>(
      'SELECT workflow_closed_at IS NULL AS "isOpen" FROM shared.bookings WHERE id = $1',
      [id],
    );
    expect(row).toEqual({ isOpen: expected.status === 409 });
  });
});

describe('POST /workflows/onboarding/:id/terminate', () => {
  it.each([
    ['pending', { status: 409, code: 'ILLEGAL_TRANSITION' }],
    ['approved', { status: 409, code: 'ILLEGAL_TRANSITION' }],
    ['provisioning', { status: 409, code: 'ILLEGAL_TRANSITION' }],
    ['failed', { status: 409, code: 'ILLEGAL_TRANSITION' }],
    ['active', { status: 202 }],
  ])('of one that is %s answers %j', async (status, expected) => {
    const id = uuid();
    const admin = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    await api.database.sql(
      `INSERT INTO core.registration_requests (company_id, id, company_name, business_type,
         contact_email, admin_email, admin_username, default_currency, subscription_plan, status,
         expires_at, new_company_id)
       VALUES ($1, $2, $3, 'home', $3 || '@a.example', $3 || '@a.example', 'ada', 'EUR', 'free', $4,
         now(), $2)`,
      [platformCompanyId, id, `a${id}`, status],
    );

    const answer = await post(`onboarding/${id}/terminate`, { reason, confirm: id }, admin);

    expect(answer).toMatchObject(expected);
    const [row] = await api.database.sql<{ isOpen: boolean }>(
      'SELECT workflow_closed_at IS NULL AS "isOpen" FROM core.registration_requests WHERE id = $1',
      [id],
    );
    expect(row).toEqual({ isOpen: expected.status === 409 });
  });
});

describe('POST /workflows/claim/:id/terminate', () => {
  it.each([
    ['approved', 'false', { status: 409, code: 'MONEY_UNDER_WAY' }],
    ['payment_processing', 'false', { status: 409, code: 'MONEY_UNDER_WAY' }],
    ['approved', 'true', { status: 202 }],
    ['waiting_approval', 'false', { status: 202 }],
    ['paid', 'false', { status: 202 }],
  ])('of one that is %s, its payment failed: %s, answers %j', async (...facts) => {
    const [status, paymentFailed, expected] = facts;
    const { claim } = await buildClaimRow({ companyId });
    await api.database.sql(
      `UPDATE shared.claims SET status = $2, payment_failed = $3, approved_amount = 500
       WHERE id = $1`,
      [claim.id, status, paymentFailed],
    );

    const answer = await post(`claim/${claim.id}/terminate`, { reason, confirm: claim.id });

    expect(answer).toMatchObject(expected);
    const [row] = await api.database.sql<{ isOpen: boolean }>(
      'SELECT workflow_closed_at IS NULL AS "isOpen" FROM shared.claims WHERE id = $1',
      [claim.id],
    );
    expect(row).toEqual({ isOpen: expected.status === 409 });
  });
});

describe('POST /workflows/claim/:id/cancel', () => {
  it.each([
    ['approved', ['reassign', 'start_payment', 'pay_by_hand', 'move_timer', 'apply_settings']],
    ['payment_processing', ['reassign', 'move_timer', 'apply_settings']],
    ['paid', ['reassign', 'close', 'hold', 'move_timer', 'apply_settings']],
    ['denied', ['reassign', 'close', 'appeal', 'hold', 'move_timer', 'apply_settings']],
  ])('of one that is %s is refused, and says what is possible: %j', async (status, allowed) => {
    const { claim } = await buildClaimRow({ companyId });
    await api.database.sql(
      'UPDATE shared.claims SET status = $2, approved_amount = 500 WHERE id = $1',
      [claim.id, status],
    );

    const answer = await api.as(operator).post(`/workflows/claim/${claim.id}/cancel`, { reason });

    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'ILLEGAL_TRANSITION', current_status: status, allowed_transitions: allowed },
    });
    const lines = await api.database.sql(
      `SELECT FROM core.audit_logs WHERE entity_id = $1 AND action = 'OPERATE'`,
      [claim.id],
    );
    expect(lines).toEqual([]);
  });
});

describe('POST /workflows/subscription/:id/terminate', () => {
  it('waits for the end of a premium that is under way', async () => {
    const { id: invoicing } = await buildCompany({ settings: { billing: { mode: 'invoice' } } });
    const { id } = await buildSubscription({ companyId: invoicing });
    const asker = await buildActor({ companyId: invoicing, role: 'operator' });
    await api.database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [
      id,
    ]);
    const terminate = () => post(`subscription/${id}/terminate`, { reason, confirm: id }, asker);

    const meanwhile = await terminate();
    await api.database.sql(
      'UPDATE shared.premium_invoices SET payment_id = NULL WHERE subscription_id = $1',
      [id],
    );
    const afterwards = await terminate();

    expect(meanwhile).toEqual({ status: 409, code: 'MONEY_UNDER_WAY' });
    expect(afterwards).toMatchObject({ status: 202 });
  });
});

describe('POST /workflows/:type/:id/pause', () => {
  it('is there for claims and approvals alone', async () => {
    const { id } = await buildSubscription({ companyId });

    expect(await post(`subscription/${id}/pause`)).toMatchObject({ status: 404 });
    expect(await post(`subscription/${id}/resume`)).toMatchObject({ status: 404 });
  });

  it('refuses an approval of which no clock runs, or stands still', async () => {
    const { versionId } = await buildPolicyRow({
      companyId,
      authors: [],
      status: 'pending_approval',
    });
    const refused = { status: 409, code: 'ILLEGAL_TRANSITION' };

    expect(await post(`policy-approval/${versionId}/pause`)).toEqual(refused);
    expect(await post(`policy-approval/${versionId}/resume`)).toEqual(refused);
  });

  it('is for those who operate runs, of their own company', async () => {
    const { claim } = await buildClaimRow({ companyId });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const other = (await buildCompany()).id;
    const stranger = await buildActor({ companyId: other, role: 'operator' });

    expect(await post(`claim/${claim.id}/pause`, { reason }, admin)).toMatchObject({
      status: 403,
    });
    expect(await post(`claim/${claim.id}/pause`, { reason }, stranger)).toMatchObject({
      status: 404,
    });
    expect(await post(`claim/${claim.id}/pause`, {})).toMatchObject({ status: 422 });
  });

  it('refuses a claim whose course has ended', async () => {
    const { claim } = await buildClaimRow({
      companyId,
      status: 'closed',
      workflowClosedAt: new Date(),
    });

    expect(await post(`claim/${claim.id}/pause`)).toEqual({ status: 409, code: 'WORKFLOW_CLOSED' });
  });
});
