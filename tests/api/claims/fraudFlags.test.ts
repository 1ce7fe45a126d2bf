import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { Refusal } from '../../../src/errors.ts';
import { withTenant } from '../../../src/models/database.ts';
import { flagClaim, refuseSuspect } from '../../../src/models/fraud.ts';
import { addDays } from '../../../src/rules/calendar.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import {
  buildClaimFile,
  buildClaimRow,
  type ClaimFile,
  type ClaimRow,
} from '../../support/claimRows.ts';

let api: TestApi;
let companyId: string;
let staff: ClaimFile['staff'];
let first: Awaited<ReturnType<typeof buildClaimRow>>;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ companyId, staff, ...first } = await buildClaimFile());
});

/** Of a policy that was sold today: 100 days later is no early loss. */
const later = (days: number) => addDays(first.policy.startDate, days);
const flag = ({ claim, policy }: ClaimRow) => withTenant(companyId, () => flagClaim(claim, policy));
/** The code that an event is refused with, or false. */
const refusal = ({ claim }: ClaimRow, event: 'submit_for_approval' | 'approve') =>
  withTenant(companyId, async () => {
    try {
      await refuseSuspect(claim, event);
      return false;
    } catch (error) {
      if (error instanceof Refusal) return error.code;
      throw error;
    }
  });
const isHeld = async (row: ClaimRow) => (await refusal(row, 'submit_for_approval')) !== false;
const raise = (actor: Actor, body: object = { reason: 'The photos are old' }, { claim } = first) =>
  api.as(actor).post(`/claims/${claim.id}/fraud-flags`, body);
const flagsOf = async ({ claim }: ClaimRow, actor: Actor = staff.manager, query: object = {}) => {
  const { status, body } = await api.as(actor).get(`/claims/${claim.id}/fraud-flags`, query);
  return status === 200 ? body.items : status;
};
const rulesOf = async (row: ClaimRow) =>
  (await flagsOf(row)).map(({ rule }: { rule: string }) => rule).toSorted();
const heldNotices = async () =>
  (
    await api.database.sql<{ entity_id: string }>(
      `SELECT entity_id FROM core.notifications
       WHERE template_code = 'fraud_suspected' AND recipient_role = 'claims_manager'
         AND company_id = $1`,
      [companyId],
    )
  ).map(({ entity_id }) => entity_id);

describe('flagClaim', () => {
  it('finds an early loss near the cover, and holds it; the managers are told once', async () => {
    const row = await buildClaimRow({ companyId, claimAmount: '225000.00' });

    await flag(row);
    await flag(row);

    expect(await rulesOf(row)).toEqual(['early_loss', 'near_cover']);
    expect(await isHeld(row)).toBe(true);
    expect(await heldNotices()).toEqual([row.claim.id]);
  });

  it('does not hold a claim for one light sign, and finds none in an ordinary one', async () => {
    const ordinary = await buildClaimRow({
      companyId,
      policyId: first.policy.id,
      incidentDate: later(100),
    });

    await flag(first);
    await flag(ordinary);

    expect(await rulesOf(first)).toEqual(['early_loss']);
    expect(await rulesOf(ordinary)).toEqual([]);
    expect([await isHeld(first), await isHeld(ordinary)]).toEqual([false, false]);
    expect(await heldNotices()).toEqual([]);
  });

  it.each([
    [2, ['duplicate_claim']],
    [-2, ['duplicate_claim']],
    [3, []],
  ])('compares with a claim on the policy %d days away: %j', async (days, found) => {
    const one = await buildClaimRow({
      companyId,
      policyId: first.policy.id,
      incidentDate: later(100),
    });
    const two = await buildClaimRow({
      companyId,
      policyId: first.policy.id,
      incidentDate: later(100 + days),
    });

    await flag(two);

    // The third claim of the year, the first one of the suite counted.
    expect(await rulesOf(two)).toEqual([...found, 'frequent_claims'].toSorted());
    const [same] = await flagsOf(two, staff.manager, { rule: 'duplicate_claim' });
    if (found.length > 0) expect(same.evidence).toEqual({ claim_ids: [one.claim.id] });
    expect(await isHeld(two)).toBe(found.length > 0);
  });

  it("counts the holder's claims of a year on all their policies, archived ones not", async () => {
    const other = await buildClaimRow({ companyId });
    await api.database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [
      other.policy.id,
      first.holder.userId,
    ]);
    const old = {
      companyId,
      policyId: first.policy.id,
      incidentDate: later(40),
      createdAt: new Date('2020-01-01'),
    };
    await buildClaimRow(old);
    await buildClaimRow({ ...old, createdAt: new Date(), archivedAt: new Date() });
    const second = await buildClaimRow({
      companyId,
      policyId: first.policy.id,
      incidentDate: later(100),
    });
    await flag(second);
    const counted = await flagsOf(second);
    await api.database.sql('UPDATE shared.claims SET policy_id = $2 WHERE id = $1', [
      first.claim.id,
      other.policy.id,
    ]);
    const third = await buildClaimRow({
      companyId,
      policyId: first.policy.id,
      incidentDate: later(200),
    });
    await flag(third);

    expect(counted).toMatchObject([{ evidence: { claims_in_12_months: 3 } }]);
    expect(await flagsOf(third)).toMatchObject([{ evidence: { claims_in_12_months: 4 } }]);
  });

  it('leaves cleared what was cleared, and sees what an edit adds', async () => {
    const row = await buildClaimRow({ companyId, claimAmount: '10.00' });
    await flag(row);
    const [{ id }] = await flagsOf(row);
    await api
      .as(staff.manager)
      .patch(`/fraud-flags/${id}`, { state: 'cleared', reason: 'A storm hit the whole town' });

    row.claim.claimAmount = '250000.00';
    await flag(row);

    expect(await flagsOf(row, staff.manager, { sort_by: 'created_at' })).toMatchObject([
      { rule: 'early_loss', state: 'cleared' },
      { rule: 'near_cover', state: 'open' },
    ]);
    expect(await isHeld(row)).toBe(false);
  });
});

describe('POST /claims/:id/fraud-flags', () => {
  it("takes a person's suspicion, which holds the claim unless it is a light one", async () => {
    const light = await raise(staff.adjuster, { reason: 'Hm', score: 20 });
    const before = await isHeld(first);
    const heavy = await raise(staff.adjuster);

    expect([light.status, heavy.status]).toEqual([201, 201]);
    expect(heavy.body.data).toMatchObject({
      claim_id: first.claim.id,
      rule: 'manual',
      score: 60,
      evidence: { suspicion: 'The photos are old' },
      state: 'open',
      reason: null,
      created_by: staff.adjuster.userId,
      version: 1,
    });
    expect([before, await refusal(first, 'approve')]).toEqual([false, 'FRAUD_HOLD']);
    expect(await heldNotices()).toEqual([first.claim.id]);
  });

  it('is for claim staff; holders, agents and strangers learn nothing of it', async () => {
    await raise(staff.manager);
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const others = [staff.agent, staff.auditor, first.holder, foreign];

    const raised = await Promise.all(others.map(async (actor) => (await raise(actor)).status));
    const seen = [];
    for (const actor of others) seen.push(await flagsOf(first, actor));

    expect(raised).toEqual([403, 403, 403, 404]);
    expect(seen).toEqual([403, [expect.anything()], 403, 404]);
    expect(await rulesOf(first)).toEqual(['manual']);
  });

  it('refuses a suspicion without words, or with a weight of none', async () => {
    const statuses = await Promise.all(
      [{ reason: ' \u0007' }, { reason: 'x', score: 0 }, { reason: 'x', score: 101 }, {}].map(
        async (body) => (await raise(staff.adjuster, body)).status,
      ),
    );

    expect(statuses).toEqual([422, 422, 422, 422]);
    expect(await rulesOf(first)).toEqual([]);
  });
});

describe('PATCH /fraud-flags/:id', () => {
  const raised = async () => {
    const { body } = await raise(staff.adjuster);
    return `/fraud-flags/${body.data.id}`;
  };
  const decide = async (actor: Actor, path: string, state: string, headers = {}) => {
    const { status, body } = await api
      .as(actor)
      .patch(path, { state, reason: `It is ${state}` }, headers);
    return status === 200 ? body.data : `${status} ${body.code}`;
  };

  it('clears or confirms with a reason, which the audit tells', async () => {
    const path = await raised();

    const cleared = await decide(staff.manager, path, 'cleared');
    const held = await isHeld(first);
    const confirmed = await decide(staff.admin, path, 'confirmed');

    expect(cleared).toMatchObject({
      state: 'cleared',
      reason: 'It is cleared',
      decided_by: staff.manager.userId,
      version: 2,
    });
    expect(confirmed).toMatchObject({ state: 'confirmed', decided_by: staff.admin.userId });
    expect([held, await isHeld(first)]).toEqual([false, false]);
    expect(await refusal(first, 'approve')).toBe('FRAUD_CONFIRMED');
    const lines = await api.database.sql(
      'SELECT action, before, after FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [path.split('/').at(-1)],
    );
    expect(lines).toMatchObject([
      { action: 'CREATE', after: { rule: 'manual', score: 60 } },
      { action: 'STATUS_CHANGE', before: { state: 'open' }, after: { state: 'cleared' } },
      { action: 'STATUS_CHANGE', before: { state: 'cleared' }, after: { state: 'confirmed' } },
    ]);
  });

  it('is for the claims manager and the administrator, and leaves the flag to others', async () => {
    const path = await raised();
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'claims_manager' });
    const unknown = await api
      .as(foreign)
      .patch(`/fraud-flags/${first.claim.id}`, { state: 'cleared', reason: 'x' });
    const known = await api.as(foreign).patch(path, { state: 'cleared', reason: 'x' });

    expect(await decide(staff.adjuster, path, 'cleared')).toBe('403 FORBIDDEN');
    expect(await decide(staff.senior, path, 'cleared')).toBe('403 FORBIDDEN');
    expect(await decide(staff.auditor, path, 'cleared')).toBe('403 FORBIDDEN');
    expect(comparable(known)).toBe(comparable(unknown));
    expect(await decide(staff.manager, path, 'open')).toBe('422 VALIDATION_ERROR');
    expect(await decide(staff.manager, path, 'cleared', { 'If-Match': '"7"' })).toBe(
      '409 VERSION_CONFLICT',
    );
    expect(await flagsOf(first)).toMatchObject([{ state: 'open', version: 1 }]);
  });
});

describe('a claim that is reported', () => {
  const report = async (body: object = {}) => {
    const answer = await api.as(staff.agent).post('/claims', {
      policy_id: first.policy.id,
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incident_date: first.policy.startDate,
      ...body,
    });
    expect(answer.status).toBe(201);
    return { claim: { id: String(answer.body.data.id) } };
  };
  const rulesFor = async ({ claim }: { claim: { id: string } }) => {
    const { body } = await api.as(staff.manager).get(`/claims/${claim.id}/fraud-flags`);
    return body.items.map(({ rule }: { rule: string }) => rule).toSorted();
  };

  it('is looked at by the rules, and again when it is corrected; its place is kept', async () => {
    const row = await report({ location: { latitude: 52.5, longitude: 13.4 } });
    const atFirst = await rulesFor(row);
    await api.as(staff.manager).patch(`/claims/${row.claim.id}`, { claim_amount: '250000.00' });

    expect(atFirst).toEqual(['duplicate_claim', 'early_loss']);
    expect(await rulesFor(row)).toEqual(['duplicate_claim', 'early_loss', 'near_cover']);
    const place = await api.as(staff.agent).get(`/claims/${row.claim.id}/location`);
    expect(place.body.data.coordinates).toEqual({ latitude: 52.5, longitude: 13.4 });
  });

  it('is neither submitted nor approved while its flags wait, and not approved once confirmed', async () => {
    const row = await report();
    const become = (status: string) =>
      api.database.sql('UPDATE shared.claims SET status = $2, assigned_to = $3 WHERE id = $1', [
        row.claim.id,
        status,
        staff.adjuster.userId,
      ]);
    const submit = async () =>
      (
        await api.as(staff.adjuster).put(`/claims/${row.claim.id}/update-status`, {
          new_status: 'waiting_approval',
          data: { amount: '900.00', rationale: 'As estimated' },
        })
      ).body.code;
    const approve = async () =>
      (
        await api
          .as(staff.manager)
          .post(
            `/claims/${row.claim.id}/approve`,
            { approved_amount: '900.00' },
            { 'Idempotency-Key': uuid() },
          )
      ).body.code;

    await become('under_review');
    const submitted = await submit();
    await become('waiting_approval');
    const approved = await approve();
    const { body } = await api.as(staff.manager).get(`/claims/${row.claim.id}/fraud-flags`);
    for (const { id } of body.items) {
      await api
        .as(staff.manager)
        .patch(`/fraud-flags/${id}`, { state: 'confirmed', reason: 'It is' });
    }

    expect([submitted, approved]).toEqual(['FRAUD_HOLD', 'FRAUD_HOLD']);
    expect(await approve()).toBe('FRAUD_CONFIRMED');
  });
});
