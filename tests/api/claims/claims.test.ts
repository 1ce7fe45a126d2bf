import { v7 as uuid } from 'uuid';
import { reportClaim } from '../../../src/commands/reportClaim.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import type { Actor } from '../../../src/context.ts';
import type { Role } from '../../../src/rules/permissions.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildSubscription } from '../../support/build.ts';
import { meanwhile } from '../../support/meanwhile.ts';

let api: TestApi;

beforeAll(async () => {
  api = await openTestApi();
}, 60_000);
afterAll(() => api.close());

const today = () => dateAt(Date.now(), 'Europe/Berlin');

/** A policy of a company, its holder, and whom else a test asks for. */
async function buildPolicy() {
  const { holder, companyId, id } = await buildSubscription();
  const { body } = await api.as(holder).get(`/subscriptions/${id}`);
  const policyId: string = body.data.policy_id;
  const staff = (role: Role) => buildActor({ companyId, role });
  return { holder, companyId, policyId, staff };
}

const report = (overrides: object = {}) => ({
  title: 'Burst pipe',
  description: 'Water in the kitchen',
  incident_date: today(),
  ...overrides,
});

/** Puts a claim where a test needs it; no workflow runs here. */
const setRow = (id: string, changes: string) =>
  api.database.sql(`UPDATE shared.claims SET ${changes} WHERE id = $1`, [id]);

describe('reporting a claim', () => {
  it('numbers it, keeps the settings of the day and starts its workflow', async () => {
    const { holder, policyId } = await buildPolicy();

    const answer = await api
      .as(holder)
      .post(`/policies/${policyId}/claims`, report({ claim_amount: '1200.5' }));

    expect(answer).toMatchObject({
      status: 201,
      body: {
        data: {
          status: 'reported',
          policy_id: policyId,
          claim_amount: '1200.50',
          internal: null,
          workflow: { state: 'starting' },
          state_version: 1,
        },
      },
    });
    expect(answer.body.data.claim_number).toMatch(/^CLM-.+-\d{4}-000001$/);
    const [row] = await api.database.sql<{ config: object; config_version: number }>(
      'SELECT config, config_version FROM shared.claims WHERE id = $1',
      [answer.body.data.id],
    );
    expect(row).toMatchObject({ config: { triageHours: 24 }, config_version: 1 });
  });

  it('notes a day without cover and a claim that looks like it', async () => {
    const { staff, policyId } = await buildPolicy();
    const agent = api.as(await staff('call_center'));
    const first = await agent.post('/claims', { policy_id: policyId, ...report() });
    const before = report({ incident_date: addDays(today(), -400) });

    const second = await agent.post('/claims', { policy_id: policyId, ...report() });
    const uncovered = await agent.post('/claims', { policy_id: policyId, ...before });

    expect(first.body.data.internal).toMatchObject({ flag_reasons: [], duplicate_of: null });
    expect(second.body.data.internal).toMatchObject({
      flag_reasons: ['duplicate'],
      duplicate_of: first.body.data.id,
    });
    expect(uncovered.body.data.internal).toMatchObject({
      flag_reasons: ['no_cover'],
      no_cover: true,
    });
  });

  it('notes a claim that looks like it also where both come at once', async () => {
    const { holder, policyId, staff } = await buildPolicy();
    const agent = api.as(await staff('call_center'));
    const { companyId } = holder;
    const wish = { title: 'Burst pipe', description: 'Water', incidentDate: today() };

    const second = await meanwhile(
      { database: api.database, actor: holder },
      () => reportClaim(holder, policyId, wish),
      () => agent.post('/claims', { policy_id: policyId, ...report() }),
    );

    const [first] = await api.database.sql<{ id: string }>(
      `SELECT id FROM shared.claims WHERE company_id = $1 AND duplicate_of IS NULL`,
      [companyId],
    );
    expect(second.body.data.internal).toMatchObject({
      flag_reasons: ['duplicate'],
      duplicate_of: first?.id,
    });
  });

  it('refuses a day to come, and whoever neither holds the policy nor takes claims in', async () => {
    const { holder, staff, policyId } = await buildPolicy();
    const path = `/policies/${policyId}/claims`;
    const tomorrow = report({ incident_date: addDays(today(), 2) });

    const early = await api.as(holder).post(path, tomorrow);
    const stranger = await api.as(await staff('policyholder')).post(path, report());
    const auditor = await api.as(await staff('auditor')).post(path, report());

    expect(early).toMatchObject({
      status: 422,
      body: { details: [{ field: 'incident_date', code: 'DATE_FUTURE' }] },
    });
    expect(stranger.status).toBe(404);
    expect(auditor.status).toBe(403);
  });

  it('keeps what a person typed as plain text, and refuses what nobody could read', async () => {
    const { holder, policyId } = await buildPolicy();
    const send = (overrides: object) =>
      api.as(holder).post(`/policies/${policyId}/claims`, report(overrides));

    const kept = await send({ title: 'Burst\tpi\u202Epe\n', description: ' Water\r\nin it\u0007' });
    const unreadable = await send({ title: '\u202E' });

    expect(kept.body.data).toMatchObject({ title: 'Burst pipe', description: 'Water\nin it' });
    expect(unreadable).toMatchObject({
      status: 422,
      body: { details: [{ field: 'title', code: 'REQUIRED' }] },
    });
  });

  it('answers the same key the same again', async () => {
    const { holder, policyId } = await buildPolicy();
    const send = () =>
      api
        .as(holder)
        .post(`/policies/${policyId}/claims`, report(), { 'Idempotency-Key': policyId });

    const first = await send();
    const second = await send();

    expect(second.body.data).toEqual(first.body.data);
    expect(second.headers['idempotent-replayed']).toBe('true');
  });
});

describe('claims', () => {
  it('are shown to their claimant without what is internal, to others not at all', async () => {
    const { holder, staff, policyId } = await buildPolicy();
    const made = await api.as(holder).post(`/policies/${policyId}/claims`, report());
    const { id } = made.body.data;
    const adjuster = await staff('adjuster');
    const seen = async (person: Parameters<TestApi['as']>[0]) => {
      const { status, body } = await api.as(person).get(`/claims/${id}`);
      return status === 200 ? (body.data.internal === null ? 'own' : 'all') : status;
    };

    expect(await seen(holder)).toBe('own');
    expect(await seen(await staff('policyholder'))).toBe(404);
    expect(await seen(adjuster)).toBe('all');
    await setRow(id, `assigned_to = '${(await staff('adjuster')).userId}'`);
    expect(await seen(adjuster)).toBe(404);
    expect(await seen(await staff('auditor'))).toBe('all');
  });

  it('are found by number, status and policy', async () => {
    const { staff, policyId } = await buildPolicy();
    const agent = api.as(await staff('call_center'));
    const made = await agent.post('/claims', { policy_id: policyId, ...report() });
    const { id, claim_number: number } = made.body.data;
    const found = async (query: object) =>
      (await agent.get('/claims', query)).body.items.map((item: { id: string }) => item.id);

    expect(await found({ search: number.toLowerCase() })).toEqual([id]);
    expect(await found({ search: 'Lovelace' })).toEqual([id]);
    expect(await found({ search: 'nobody at all' })).toEqual([]);
    expect(await found({ search: 'urst pIp' })).toEqual([id]);
    expect(await found({ search: '%' })).toEqual([]);
    expect(await found({ policy_id: policyId, status: 'reported' })).toEqual([id]);
    expect(await found({ status: 'paid' })).toEqual([]);
    expect((await agent.get('/claims', { colour: 'red' })).status).toBe(422);
  });

  it('are sorted by how close they are to the search, where it is asked for', async () => {
    const { staff, policyId } = await buildPolicy();
    const agent = api.as(await staff('call_center'));
    for (const title of ['Hail', 'A greenhouse in hail and rain', 'Hailstorm damage']) {
      await agent.post('/claims', { policy_id: policyId, ...report({ title }) });
    }
    const titles = async (query: object) =>
      (await agent.get('/claims', query)).body.items.map(({ title }: { title: string }) => title);

    expect((await titles({ search: 'HAIL' }))[0]).toBe('Hailstorm damage');
    expect(await titles({ search: 'HAIL', sort_by: 'relevance' })).toEqual([
      'A greenhouse in hail and rain',
      'Hail',
      'Hailstorm damage',
    ]);
    expect(await agent.get('/claims', { sort_by: 'relevance' })).toMatchObject({
      status: 422,
      body: { details: [{ field: 'sort_by', code: 'REQUIRED' }] },
    });
  });

  it('are corrected by the call centre while they are reported, later by their assignee', async () => {
    const { staff, policyId } = await buildPolicy();
    const agent = api.as(await staff('call_center'));
    const made = await agent.post('/claims', { policy_id: policyId, ...report() });
    const { id } = made.body.data;
    const edit = (caller: typeof agent, title: string, version?: number) =>
      caller.patch(`/claims/${id}`, { title, ...(version && { version }) });

    expect((await edit(agent, 'Broken pipe')).body.data).toMatchObject({
      title: 'Broken pipe',
      version: 2,
    });
    expect((await edit(agent, 'Other', 1)).body.code).toBe('VERSION_CONFLICT');
    const adjuster = await staff('adjuster');
    await setRow(id, `status = 'assigned', assigned_to = '${adjuster.userId}'`);
    expect((await edit(agent, 'Later')).status).toBe(403);
    expect((await edit(api.as(adjuster), 'By the adjuster')).status).toBe(200);
  });

  it.each(['waiting_approval', 'approved', 'denied'])(
    'that are %s keep whom they name, but for managers; the rest is still corrected',
    async (status) => {
      const { staff, policyId } = await buildPolicy();
      const agent = api.as(await staff('call_center'));
      const made = await agent.post('/claims', { policy_id: policyId, ...report() });
      const { id, claimant_email: address } = made.body.data;
      const adjuster = await staff('adjuster');
      const senior = await staff('senior_adjuster');
      const edit = async (by: Actor, changes: object) =>
        (await api.as(by).patch(`/claims/${id}`, changes)).status;
      await setRow(id, `status = 'under_review', assigned_to = '${adjuster.userId}'`);

      const before = await edit(adjuster, { claimant_name: 'Ada Lovelace' });
      await setRow(id, `status = '${status}', approved_amount = 900`);
      const later = [
        await edit(adjuster, { claimant_name: 'Bob Stone' }),
        await edit(senior, { claimant_email: 'bob@example.com' }),
        await edit(adjuster, { title: 'Broken pipe', claimant_email: address }),
        await edit(await staff('claims_manager'), { claimant_name: 'Bob Stone' }),
        await edit(await staff('tenant_admin'), { claimant_email: 'bob@example.com' }),
      ];

      expect([before, ...later]).toEqual([200, 403, 403, 200, 200, 200]);
      const { body } = await agent.get(`/claims/${id}`);
      expect(body.data).toMatchObject({
        title: 'Broken pipe',
        claimant_name: 'Bob Stone',
        claimant_email: 'bob@example.com',
      });
    },
  );

  it('tell what may happen next, and who may bring it about', async () => {
    const { holder, policyId } = await buildPolicy();
    const made = await api.as(holder).post(`/policies/${policyId}/claims`, report());

    const { body } = await api.as(holder).get(`/claims/${made.body.data.id}/allowed-transitions`);

    const mine = body.data.allowed_transitions.filter((each: { mine: boolean }) => each.mine);
    expect(mine).toEqual([
      { event: 'withdraw', to: 'closed', by: expect.arrayContaining(['claimant']), mine: true },
    ]);
  });
});

describe('POST /claims/:id/hold', () => {
  it.each([
    [{ reason: 'A storm' }, 'REQUIRED'],
    [{ reason: 'On holiday', kind: 'holiday' }, 'INVALID_CHOICE'],
  ])('refuses %j: a hold is for a legal reason or a catastrophe', async (body, code) => {
    const { holder, staff, policyId } = await buildPolicy();
    const made = await api.as(holder).post(`/policies/${policyId}/claims`, report());
    const manager = api.as(await staff('claims_manager'));

    const refused = await manager.post(`/claims/${made.body.data.id}/hold`, body);

    expect(refused.status).toBe(422);
    expect(refused.body.details).toMatchObject([{ field: 'kind', code }]);
    const { body: shown } = await manager.get(`/claims/${made.body.data.id}`);
    expect(shown.data).toMatchObject({ on_hold: false, state_version: 1 });
  });
});

describe('GET /claims/:id/explain', () => {
  it('says in words whom it waits for, by name to those who work on claims', async () => {
    const { staff, policyId } = await buildPolicy();
    const agent = api.as(await staff('call_center'));
    const made = await agent.post('/claims', { policy_id: policyId, ...report() });
    const { id } = made.body.data;
    const adjuster = await staff('adjuster');
    await api.database.sql(
      `UPDATE platform.users SET first_name = 'Grace', last_name = 'Hopper' WHERE id = $1`,
      [adjuster.userId],
    );
    await setRow(id, `status = 'under_review', assigned_to = '${adjuster.userId}'`);
    const told = async (role: Role) => {
      const { body } = await api.as(await staff(role)).get(`/claims/${id}/explain`);
      return body.data.summary;
    };

    expect(await told('claims_manager')).toBe(
      'The claim is under review and waits for Grace Hopper',
    );
    expect(await told('operator')).toBe('The claim is under review and waits for its adjuster');
  });
});

describe('a decision', () => {
  async function submitted(amount = '900.00') {
    const policy = await buildPolicy();
    const reporter = await policy.staff('call_center');
    const made = await api
      .as(reporter)
      .post('/claims', { policy_id: policy.policyId, ...report() });
    const { id } = made.body.data;
    const adjuster = await policy.staff('senior_adjuster');
    await setRow(
      id,
      `status = 'waiting_approval', assigned_to = '${adjuster.userId}',
       proposed_by = '${adjuster.userId}', proposed_amount = ${amount}`,
    );
    return { ...policy, id, adjuster, reporter };
  }
  const key = () => ({ 'Idempotency-Key': uuid() });
  const approve = (approved_amount: string) => [{ approved_amount }, key()] as const;

  it('is not for who proposed it, which is told and noted', async () => {
    const { id, adjuster } = await submitted();

    const answer = await api.as(adjuster).post(`/claims/${id}/approve`, ...approve('900.00'));

    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    const [row] = await api.database.sql<{ status: string }>(
      'SELECT status, state_version FROM shared.claims WHERE id = $1',
      [id],
    );
    expect(row).toMatchObject({ status: 'waiting_approval', state_version: 1 });
    const denials = await api.database.sql(
      `SELECT 1 FROM core.audit_logs WHERE action = 'ACCESS_DENIED' AND actor_id = $1`,
      [adjuster.userId],
    );
    expect(denials).toHaveLength(1);
  });

  it('is of an amount that can be paid', async () => {
    const { id, staff } = await submitted();
    const manager = await staff('claims_manager');
    await setRow(id, `currency = 'JPY'`);

    const answer = await api.as(manager).post(`/claims/${id}/approve`, ...approve('899.50'));

    expect(answer).toMatchObject({
      status: 422,
      body: { details: [{ field: 'approved_amount', code: 'FRACTION_OF_UNIT' }] },
    });
  });

  it('is not made with a role that somebody lends who had a part in it', async () => {
    const { id, staff, adjuster: proposer } = await submitted('20000.00');
    const [lent, ranking, other] = [
      await staff('adjuster'),
      await staff('senior_adjuster'),
      await staff('adjuster'),
    ] as const;
    const manager = await staff('claims_manager');
    const lend = (lender: Actor, role: Role, deputy: Actor) =>
      api.database.sql(
        `INSERT INTO platform.memberships AS m
           (company_id, id, user_id, role, delegate_user_id, delegate_until)
         VALUES ($1, gen_random_uuid(), $2, $3, $4, now() + interval '1 day')
         ON CONFLICT (company_id, user_id, role) DO UPDATE
           SET delegate_user_id = $4, delegate_until = EXCLUDED.delegate_until`,
        [lender.companyId, lender.userId, role, deputy.userId],
      );
    await lend(proposer, 'claims_manager', lent);
    await lend(proposer, 'tenant_admin', ranking);
    await lend(manager, 'claims_manager', other);
    const post = async (by: Actor, event: string, body: object) => {
      const answer = await api.as(by).post(`/claims/${id}/${event}`, body, key());
      return [answer.status, answer.body.required_role ?? answer.body.code];
    };

    const answers = [
      await post(lent, 'approve', { approved_amount: '900.00' }),
      await post(lent, 'deny', { code: 'exclusion', reason: 'Wear and tear' }),
      await post(lent, 'return', { reason: 'Look again' }),
      await post(lent, 'delegate-approval', { user_id: manager.userId }),
      await post(ranking, 'approve', { approved_amount: '20000.00' }),
      await post(ranking, 'deny', { code: 'exclusion', reason: 'Wear and tear' }),
      await post(other, 'approve', { approved_amount: '99999999.00' }),
    ];
    const delegates = await api.as(manager).get(`/claims/${id}/approval-delegates`);

    expect(answers).toEqual([
      ...[1, 2, 3, 4].map(() => [403, 'FORBIDDEN']),
      [403, 'claims_manager'],
      [403, 'claims_manager'],
      [409, 'COVER_EXCEEDED'],
    ]);
    expect(delegates.text).toContain(other.userId);
    expect(delegates.text).not.toContain(lent.userId);
  });

  it('is not handed on by who had a part in it, which would give it its time again', async () => {
    const { id, staff } = await submitted();
    const [senior, manager] = [await staff('senior_adjuster'), await staff('claims_manager')];
    await setRow(id, `proposed_by = '${senior.userId}'`);

    const answer = await api
      .as(senior)
      .post(`/claims/${id}/delegate-approval`, { user_id: manager.userId }, key());

    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  it('is not for whoever holds the policy, whatever their role, nor is anything behind it', async () => {
    const { id, staff, policyId } = await submitted();
    const manager = await staff('claims_manager');
    await api.database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [
      policyId,
      manager.userId,
    ]);
    const client = api.as(manager);

    const decided = await client.post(`/claims/${id}/approve`, ...approve('900.00'));
    const edited = await client.patch(`/claims/${id}`, { claim_amount: '5000.00' });
    const timeline = await client.get(`/claims/${id}/timeline`);
    const allowed = await client.get(`/claims/${id}/allowed-transitions`);

    expect([decided.status, edited.status, timeline.status]).toEqual([403, 403, 404]);
    const mine = allowed.body.data.allowed_transitions.filter(
      (each: { mine: boolean }) => each.mine,
    );
    expect(mine.map(({ event }: { event: string }) => event)).toEqual(['withdraw']);
    const [row] = await api.database.sql(
      'SELECT status, version FROM shared.claims WHERE id = $1',
      [id],
    );
    expect(row).toMatchObject({ status: 'waiting_approval', version: 1 });
  });

  it.each(['claims_manager', 'operator'] as const)(
    'has deadlines that a %s who holds the policy neither sees nor moves',
    async (role) => {
      const { id, staff, policyId } = await submitted();
      const holding = await staff(role);
      const change = { extend_by: 3600, reason: 'To gain time', dry_run: true };
      const path = `/workflows/claim/${id}/timers/triage`;
      const before = await api.as(holding).patch(path, change);
      await api.database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [
        policyId,
        holding.userId,
      ]);

      const answers = [
        await api.as(holding).patch(path, change),
        await api.as(holding).get(`/claims/${id}/timeline`),
      ];

      expect(before.status).toBe(200);
      expect(answers.map(({ status }) => status)).toEqual([404, 404]);
    },
  );

  it('that is overdue is not skipped: its day has come already', async () => {
    const { id, companyId, staff } = await submitted();
    await api.database.sql(
      `INSERT INTO core.timers (company_id, id, workflow_id, entity_type, entity_id, occurrence,
         name, due_at, original_due_at, source, status, fired_at)
       VALUES ($1, $2, 'claim', 'claim', $3, 2, 'decision', now(), now(), 'setting', 'fired', now())`,
      [companyId, uuid(), id],
    );
    const manager = api.as(await staff('claims_manager'));
    const reason = 'Nobody waits for it';

    const moved = await manager.patch(`/workflows/claim/${id}/timers/decision`, {
      extend_by: 86_400,
      reason,
      dry_run: true,
    });
    const skipped = await manager.post(`/workflows/claim/${id}/skip-timer`, {
      name: 'decision',
      reason,
    });

    expect([moved.status, skipped.status]).toEqual([200, 404]);
  });

  it('that waits for documents shows what another day for them would do, and changes nothing', async () => {
    const { id, companyId, staff } = await submitted();
    await setRow(id, `status = 'documents_requested', previous_status = 'under_review'`);
    await api.database.sql(
      `INSERT INTO core.timers (company_id, id, workflow_id, entity_type, entity_id, occurrence,
         name, due_at, original_due_at, source, status)
       SELECT $1, gen_random_uuid(), 'claim', 'claim', $2, 2, t.name, now() + t.ahead,
         now() + t.ahead, 'setting', 'scheduled'
       FROM unnest($3::text[], $4::interval[]) AS t (name, ahead)`,
      [
        companyId,
        id,
        ['documents_reminder_7', 'documents', 'documents_final'],
        ['6 days', '13 days', '20 days'],
      ],
    );
    const manager = api.as(await staff('claims_manager'));
    const due = () =>
      api.database.sql('SELECT name, due_at FROM core.timers WHERE entity_id = $1 ORDER BY id', [
        id,
      ]);
    const before = await due();

    const shown = await manager.patch(`/workflows/claim/${id}/timers/documents`, {
      due_at: new Date(Date.now() + 3 * 86_400_000).toISOString(),
      reason: 'They are all there',
      dry_run: true,
    });

    expect(shown).toMatchObject({
      status: 200,
      body: {
        data: {
          scheduled: [
            { name: 'documents_reminder_12' },
            { name: 'documents' },
            { name: 'documents_final' },
          ],
          cancelled: ['documents_reminder_7'],
        },
      },
    });
    expect(await due()).toEqual(before);
  });

  it('needs an Idempotency-Key where it moves money, however it is asked for', async () => {
    const { id, staff } = await submitted();
    const manager = api.as(await staff('claims_manager'));

    const to = (new_status: string, data: object) =>
      manager.put(`/claims/${id}/update-status`, { new_status, data });

    const answers = [
      await manager.post(`/claims/${id}/approve`, { approved_amount: '1.00' }),
      await to('approved', { amount: '1.00' }),
    ];
    await setRow(id, `status = 'approved', approved_amount = 1, payment_failed = true`);
    answers.push(await to('payment_processing', {}), await to('paid', { reference: 'A cheque' }));

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    }
  });

  it('beyond the limit names the role that it takes', async () => {
    const { id, staff } = await submitted('20000.00');

    const answer = await api
      .as(await staff('senior_adjuster'))
      .post(`/claims/${id}/approve`, ...approve('20000.00'));

    expect(answer).toMatchObject({
      status: 403,
      body: { code: 'FORBIDDEN', required_role: 'claims_manager' },
    });
  });

  it('beyond the cover that remains is refused, and so is one without cover', async () => {
    const { id, staff } = await submitted();
    const manager = api.as(await staff('claims_manager'));

    const tooMuch = await manager.post(`/claims/${id}/approve`, ...approve('250000.01'));
    await setRow(id, 'no_cover = true');
    const uncovered = await manager.post(`/claims/${id}/approve`, ...approve('1.00'));

    expect(tooMuch).toMatchObject({
      status: 409,
      body: { code: 'COVER_EXCEEDED', coverage_remaining: '250000.00' },
    });
    expect(uncovered).toMatchObject({ status: 409, body: { code: 'NO_COVER' } });
  });

  it('beyond what is set aside for the loss is refused', async () => {
    const { id, staff } = await submitted();
    const manager = api.as(await staff('claims_manager'));
    const reserve = { category: 'loss', amount: '800.00', reason: 'Estimate' };
    await manager.post(`/claims/${id}/reserves`, reserve);

    const answer = await manager.post(`/claims/${id}/approve`, ...approve('800.01'));

    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'RESERVE_TOO_LOW', reserve: '800.00' },
    });
  });

  it('is never asked for where nobody but the holder of the policy could make it', async () => {
    const { id, adjuster, policyId, staff } = await submitted();
    const { userId: holding } = await staff('claims_manager');
    await api.database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [
      policyId,
      holding,
    ]);
    await setRow(id, `status = 'under_review'`);

    const answer = await api.as(adjuster).put(`/claims/${id}/update-status`, {
      new_status: 'waiting_approval',
      data: { amount: '900.00', rationale: 'Estimate' },
    });

    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'NO_APPROVER', roles: expect.arrayContaining(['claims_manager']) },
    });
  });

  it('that the status does not allow names what it does', async () => {
    const { id, staff } = await submitted();
    await setRow(id, `status = 'reported'`);
    const manager = api.as(await staff('claims_manager'));

    const answer = await manager.post(`/claims/${id}/approve`, ...approve('1.00'));
    const status = await manager.put(`/claims/${id}/update-status?new_status=paid`, {}, key());

    expect(answer).toMatchObject({ status: 409, body: { code: 'ILLEGAL_TRANSITION' } });
    expect(answer.body.allowed_transitions).toContain('assign');
    expect(status.body.allowed_transitions).toEqual(['assigned', 'closed']);
  });
});

describe('assigning a claim', () => {
  it('takes somebody who processes claims in the company', async () => {
    const { staff, policyId } = await buildPolicy();
    const manager = api.as(await staff('claims_manager'));
    const made = await manager.post('/claims', { policy_id: policyId, ...report() });
    const path = `/claims/${made.body.data.id}/assign`;
    const { userId: clerk } = await staff('hr');
    const { userId: holding } = await staff('adjuster');
    await api.database.sql('UPDATE shared.policies SET user_id = $2 WHERE id = $1', [
      policyId,
      holding,
    ]);

    const answers = [
      await manager.post(path, { user_id: clerk }),
      await manager.post(path, { user_id: holding }),
      await manager.post(path, { user_id: uuid() }),
      await manager.post(path, {}),
    ];

    expect(answers.map(({ status, body }) => [status, body.details[0].code])).toEqual([
      [422, 'NOT_ASSIGNABLE'],
      [422, 'NOT_ASSIGNABLE'],
      [422, 'NOT_ASSIGNABLE'],
      [422, 'REQUIRED'],
    ]);
  });
});

describe('lists of claims', () => {
  it('have the total on every page, the one past the end included, for whoever asks', async () => {
    const { holder, staff, policyId } = await buildPolicy();
    const adjuster = await staff('adjuster');
    const manager = await staff('claims_manager');
    for (let n = 0; n < 3; n += 1) {
      await api.as(holder).post(`/policies/${policyId}/claims`, report({ title: `Claim ${n}` }));
    }
    const page = async (actor: Parameters<typeof api.as>[0], query: object) => {
      const { body } = await api.as(actor).get('/claims', { size: 2, ...query });
      return [body.items.map((item: { title: string }) => item.title), body.pagination.total];
    };

    for (const actor of [holder, adjuster, manager]) {
      expect(await page(actor, {})).toEqual([['Claim 2', 'Claim 1'], 3]);
      expect(await page(actor, { page: 2 })).toEqual([['Claim 0'], 3]);
      expect(await page(actor, { page: 9 })).toEqual([[], 3]);
      expect(await page(actor, { status: 'paid' })).toEqual([[], 0]);
      expect(await page(actor, { sort_by: 'claim_number', sort_order: 'asc' })).toEqual([
        ['Claim 0', 'Claim 1'],
        3,
      ]);
    }
    expect(await page(await staff('policyholder'), {})).toEqual([[], 0]);
  });
});
