import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { acknowledgementActivities } from '../../../src/activities/acknowledgements.ts';
import { contentHash } from '../../../src/models/CompliancePolicyVersion.ts';
import { askAnew } from '../../../src/models/keeperStart.ts';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { noteAsked, watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import type { Actor } from '../../../src/context.ts';
import { execute, select, withIdentity, withTenant } from '../../../src/models/database.ts';
import { isGenuine, sign, type Evidence } from '../../../src/models/evidence.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';

type Person = Actor & { readonly userId: string };

let api: TestApi;
let companyId: string;
let manager: Person;
let person: Person;
let staff: Caller;
let own: Caller;
let policyId: string;
let employeeId: string;
let id: string;

const today = (): string => dateAt(Date.now(), 'Europe/Berlin');

const settle = (): Promise<unknown> =>
  withTenant(companyId, async () =>
    settleBatch(await watchedPolicy(policyId, new Date()), '00000000-0000-0000-0000-000000000000'),
  );

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  manager = await buildActor({ companyId, role: 'compliance_manager' });
  person = await buildActor({ companyId, role: 'employee' });
  [staff, own] = [api.as(manager), api.as(person)];
  const authors = [manager.userId];
  ({ policyId } = await buildPolicyRow({ companyId, authors, status: 'published' }));
  [employeeId = ''] = await hire(companyId, 1, { userId: person.userId });
  await settle();
  [{ id } = { id: '' }] = await withTenant(companyId, () =>
    select<{ id: string }>('SELECT id FROM acknowledgements'),
  );
});

const { settleAudience } = acknowledgementActivities();

const signed = { policy_version: 1, typed_name: 'Grace Hopper' };

describe('/acknowledgements', () => {
  it('shows people what they are asked to read, and to nobody else', async () => {
    const stranger = api.as(await buildActor({ companyId, role: 'employee' }));

    const mine = await own.get('/acknowledgements/mine');
    const shown = await own.get(`/acknowledgements/${id}`);

    expect(mine.body.items).toMatchObject([
      { id, policy_title: 'Acceptable use', status: 'pending', version_label: '1.0' },
    ]);
    expect(shown.body.data).toMatchObject({
      employee_id: employeeId,
      acknowledgement_type: 'manual',
      due_date: addDays(today(), 30),
      next_action: 'remind',
      is_overdue: false,
      document: {
        content: 'For work',
        statement: 'I have read and understood "Acceptable use", version 1.0, and will act by it.',
        quiz: [],
      },
    });
    expect(await stranger.get(`/acknowledgements/${id}`)).toMatchObject({ status: 404 });
    expect((await stranger.get('/acknowledgements/mine')).body.items).toEqual([]);
    expect(await stranger.get('/acknowledgements')).toMatchObject({ status: 403 });
    expect((await staff.get('/acknowledgements?overdue=true')).body.items).toEqual([]);
    expect((await staff.get('/acknowledgements?status=pending')).body.items).toMatchObject([
      { id },
    ]);
  });

  it('takes the answer of the person alone, once, with evidence that shows any change', async () => {
    const [first, second] = await Promise.all([
      own.post(`/acknowledgements/${id}/acknowledge`, signed),
      own.post(`/acknowledgements/${id}/acknowledge`, signed),
    ]);
    const byOther = await staff.post(`/acknowledgements/${id}/acknowledge`, signed);
    const history = await own.get(`/acknowledgements/${id}/history`);
    const [row] = await withTenant(companyId, () =>
      select<{ evidence: Evidence; hash: string }>(
        'SELECT evidence, evidence_hash AS hash FROM acknowledgements WHERE id = $1',
        [id],
      ),
    );

    expect(first).toMatchObject({ status: 200 });
    expect(second.body.data).toMatchObject({ status: 'acknowledged', on_time: true });
    expect(byOther).toMatchObject({ status: 404 });
    expect(history.body.data).toMatchObject([
      { field: 'status', old_value: 'pending', new_value: 'acknowledged', actor_id: person.userId },
    ]);
    if (!row) throw new Error('There is no evidence');
    const { evidence, hash } = row;
    expect(evidence).toMatchObject({ policyVersion: 1, person: { typedName: 'Grace Hopper' } });
    expect(isGenuine(evidence, hash)).toBe(true);
    expect(isGenuine({ ...evidence, person: null }, hash)).toBe(true);
    expect(isGenuine({ ...evidence, policyVersion: 2 }, hash)).toBe(false);
    const person2 = evidence.person && { ...evidence.person, typedName: 'Ada' };
    expect(isGenuine({ ...evidence, person: person2 }, hash)).toBe(false);
  });

  it('takes what was opened by a clock that is ahead as opened with the answer, within minutes', async () => {
    const ahead = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
    const path = `/acknowledgements/${id}/acknowledge`;

    const far = await own.post(path, { ...signed, scrolled_at: ahead(10) });
    const near = await own.post(path, { ...signed, opened_at: ahead(-1), scrolled_at: ahead(3) });

    expect(far).toMatchObject({ status: 422, body: { details: [{ field: 'scrolled_at' }] } });
    expect(near).toMatchObject({ status: 200 });
    const [row] = await withTenant(companyId, () =>
      select<{ evidence: Evidence }>('SELECT evidence FROM acknowledgements WHERE id = $1', [id]),
    );
    expect(row?.evidence.scrolledAt).toBe(row?.evidence.at);
    expect(Date.parse(row?.evidence.openedAt ?? '')).toBeLessThan(
      Date.parse(row?.evidence.at ?? ''),
    );
  });

  it('makes a certificate of an answer, the same bytes each time', async () => {
    const early = await own.get(`/acknowledgements/${id}/certificate`);
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);

    const [first, second] = [
      await own.download(`/acknowledgements/${id}/certificate`),
      await staff.download(`/acknowledgements/${id}/certificate`),
    ];

    expect(early).toMatchObject({ status: 409, body: { code: 'NOT_ACKNOWLEDGED' } });
    expect(first.headers).toMatchObject({ 'content-type': 'application/pdf' });
    expect(first.bytes.subarray(0, 5).toString()).toBe('%PDF-');
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });

  it('makes none where evidence and hash were replaced together, nor of the answer after it', async () => {
    const path = (of: string) => `/acknowledgements/${of}/certificate`;
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const again = { policy_id: policyId, employee_ids: [employeeId] };
    await staff.post('/acknowledgements', again);
    const [next] = (await own.get('/acknowledgements/mine?status=pending')).body.items;
    await own.post(`/acknowledgements/${next.id}/acknowledge`, signed);
    const read = async (of: string) => {
      const [row] = await withTenant(companyId, () =>
        select<{ evidence: Evidence; hash: string }>(
          'SELECT evidence, evidence_hash AS hash FROM acknowledgements WHERE id = $1',
          [of],
        ),
      );
      if (!row?.evidence.person) throw new Error('Nothing is signed');
      return { ...row, person: row.evidence.person };
    };
    const forge = async (of: string) => {
      const { evidence, person: signer } = await read(of);
      const forged = sign(evidence, { ...signer, typedName: 'Ada' });
      await api.database.sql(
        'UPDATE shared.acknowledgements SET evidence = $2, evidence_hash = $3 WHERE id = $1',
        [of, JSON.stringify(forged.evidence), forged.hash],
      );
    };
    expect((await read(next.id)).evidence.previousHash).toBe((await read(id)).hash);
    expect(await own.download(path(id))).toMatchObject({ status: 200 });
    expect(await own.download(path(next.id))).toMatchObject({ status: 200 });

    await forge(id);

    const refusal = { status: 409, body: { code: 'EVIDENCE_CHANGED' } };
    expect(await own.get(path(id))).toMatchObject(refusal);
    expect(await own.get(path(next.id))).toMatchObject(refusal);
  });

  it('demands the right answers of a quiz', async () => {
    await api.database.sql(
      `UPDATE shared.compliance_policy_versions
       SET quiz = '[{"question":"For what?","options":["Games","Work"],"correct":1}]'
       WHERE policy_id = $1`,
      [policyId],
    );

    const shown = await own.get(`/acknowledgements/${id}`);
    const wrong = await own.post(`/acknowledgements/${id}/acknowledge`, {
      ...signed,
      answers: [0],
    });
    const none = await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const right = await own.post(`/acknowledgements/${id}/acknowledge`, {
      ...signed,
      answers: [1],
    });

    expect(shown.body.data.document.quiz).toEqual([
      { question: 'For what?', options: ['Games', 'Work'] },
    ]);
    expect(wrong).toMatchObject({ status: 409, body: { code: 'QUIZ_FAILED' } });
    expect(none).toMatchObject({ status: 409, body: { code: 'QUIZ_FAILED' } });
    expect(right.body.data).toMatchObject({ status: 'acknowledged' });
  });

  it('lets people decline, which counts against them, and tells who manages compliance', async () => {
    const declined = await own.post(`/acknowledgements/${id}/decline`, { reason: 'I disagree' });
    const late = await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const progress = await staff.get('/compliance/progress?by=policy');

    expect(declined.body.data).toMatchObject({ status: 'declined', reason: 'I disagree' });
    expect(late).toMatchObject({ status: 409, body: { code: 'NOT_PENDING' } });
    expect(progress.body.items).toMatchObject([
      { id: policyId, declined_count: 1, compliance_percentage: '0.00', status: 'pending' },
    ]);
    expect(
      await api.database.sql(
        `SELECT recipient_user_id AS "to" FROM core.notifications
         WHERE template_code = 'acknowledgement_declined' AND channel = 'email' AND company_id = $1`,
        [companyId],
      ),
    ).toEqual([{ to: manager.userId }]);
  });

  it('takes no answer about another version than the one that is asked about', async () => {
    const answered = await own.post(`/acknowledgements/${id}/acknowledge`, {
      ...signed,
      policy_version: 2,
    });

    expect(answered).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect((await own.get(`/acknowledgements/${id}`)).body.data.status).toBe('pending');
  });

  it('asks somebody once by hand, however many ask at once', async () => {
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const wish = { policy_id: policyId, employee_ids: [employeeId] };

    const answers = await Promise.all(
      Array.from({ length: 5 }, () => staff.post('/acknowledgements', wish)),
    );

    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
    const { body } = await staff.get('/acknowledgements?status=pending');
    expect(body.items).toMatchObject([{ cycle: 2 }]);
    expect(answers.flatMap(({ body: { data } }) => data.asked)).toEqual([body.items[0].id]);
  });

  it('exempts somebody only when another one grants it', async () => {
    const until = addDays(today(), 60);
    const asked = await own.post(`/acknowledgements/${id}/request-exemption`, {
      reason: 'On leave',
      valid_until: until,
    });
    const twice = await own.post(`/acknowledgements/${id}/request-exemption`, {
      reason: 'On leave',
      valid_until: until,
    });
    const self = await own.post(`/acknowledgements/${id}/decide-exemption`, {
      granted: true,
      reason: 'Mine',
    });
    const granted = await staff.post(`/acknowledgements/${id}/decide-exemption`, {
      granted: true,
      reason: 'Fine',
    });
    const again = await staff.post(`/acknowledgements/${id}/decide-exemption`, {
      granted: false,
      reason: 'No',
    });

    expect(asked.body.data).toMatchObject({ status: 'pending', exemption_open: true });
    expect(twice).toMatchObject({ status: 409, body: { code: 'EXEMPTION_OPEN' } });
    expect(self).toMatchObject({ status: 403 });
    expect(granted.body.data).toMatchObject({
      status: 'exempted',
      exempted_until: until,
      next_action: 'open_next_cycle',
    });
    expect(again).toMatchObject({ status: 409, body: { code: 'NOT_PENDING' } });
    const progress = await staff.get('/compliance/progress?by=department');
    expect(progress.body.items).toMatchObject([
      { id: null, name: '', exempted_count: 1, pending_count: 0 },
    ]);
    const beyond = await staff.get('/compliance/progress?by=department&page=9');
    expect(beyond.body).toMatchObject({ items: [], pagination: { total: 1 } });
  });

  it('lets nobody decide about their own exemption, not by a key or a role they have lent either', async () => {
    const asker = await buildActor({ companyId, role: 'compliance_manager' });
    await withTenant(companyId, () =>
      execute('UPDATE employees SET user_id = $1 WHERE id = $2', [asker.userId, employeeId]),
    );
    const path = `/acknowledgements/${id}`;
    const wish = { reason: 'On leave', valid_until: addDays(today(), 60) };
    await api.as(asker).post(`${path}/request-exemption`, wish);
    const decide = (by: Caller) =>
      by.post(`${path}/decide-exemption`, { granted: true, reason: 'Fine' });
    const admin = api.as(await buildActor({ companyId, role: 'tenant_admin' }));
    const scopes = ['ack:read_all', 'exemption:decide'];
    const stranger = await buildActor({ companyId, role: 'compliance_manager' });
    const delegate = await buildActor({ companyId, role: 'hr' });
    await withIdentity(companyId, () =>
      execute(
        `UPDATE platform.memberships SET delegate_user_id = $2, delegate_until = now() + interval '1 day'
         WHERE user_id = $1`,
        [asker.userId, delegate.userId],
      ),
    );

    expect(await decide(api.as(asker))).toMatchObject({ status: 403 });
    expect(await admin.post('/api-keys', { name: 'Bot', scopes })).toMatchObject({ status: 422 });
    expect(await decide(api.as(delegate))).toMatchObject({ status: 403 });
    expect((await api.as(asker).get(path)).body.data).toMatchObject({
      status: 'pending',
      exemption_open: true,
    });
    expect((await decide(api.as(stranger))).body.data).toMatchObject({ status: 'exempted' });
  });

  it('moves a deadline after a look, and refuses one that has passed', async () => {
    const due = addDays(today(), 45);
    const looked = await staff.patch(`/acknowledgements/${id}`, {
      due_date: due,
      reason: 'Busy season',
      dry_run: true,
    });
    const unmoved = await own.get(`/acknowledgements/${id}`);
    const moved = await staff.patch(`/acknowledgements/${id}`, {
      due_date: due,
      reason: 'Busy season',
    });
    const past = await staff.patch(`/acknowledgements/${id}`, {
      due_date: addDays(today(), -1),
      reason: 'No',
    });
    const byEmployee = await own.patch(`/acknowledgements/${id}`, { due_date: due, reason: 'Me' });

    expect(looked.body.data).toMatchObject({ dry_run: true, due_date: due, next_action: 'remind' });
    const { schedule, next_action_at: first } = looked.body.data;
    expect(
      schedule.map(({ action, at }: { action: string; at: string }) => [
        action,
        dateAt(Date.parse(at), 'Europe/Berlin'),
      ]),
    ).toEqual([
      ['remind', addDays(due, -7)],
      ['remind', addDays(due, -3)],
      ['remind', addDays(due, -1)],
      ['overdue', addDays(due, 1)],
      ['escalate_hr', addDays(due, 7)],
      ['escalate_exec', addDays(due, 14)],
    ]);
    expect(schedule[0]).toEqual({
      action: 'remind',
      at: first,
      consequence: 'They are reminded of the day until which they have to answer',
    });
    expect(unmoved.body.data).toMatchObject({ due_date: addDays(today(), 30) });
    expect(moved.body.data).toEqual({ ...looked.body.data, dry_run: false });
    expect((await own.get(`/acknowledgements/${id}`)).body.data).toMatchObject({
      due_date: due,
      original_due_date: addDays(today(), 30),
    });
    expect(past).toMatchObject({ status: 422 });
    expect(byEmployee).toMatchObject({ status: 403 });
  });

  it('lets operators move a deadline, but not HR, and nobody their own, by a key of theirs either', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const [hr, operator] = [
      await buildActor({ companyId, role: 'hr' }),
      await buildActor({ companyId, role: 'operator' }),
    ];
    await withTenant(companyId, () =>
      execute('UPDATE employees SET user_id = $1 WHERE id = $2', [admin.userId, employeeId]),
    );
    const scopes = ['ack:change_timer'];
    const { key } = (await api.as(admin).post('/api-keys', { name: 'Bot', scopes })).body.data;
    const due = { due_date: addDays(today(), 45), reason: 'Busy season' };
    const path = `/acknowledgements/${id}`;

    expect(await api.as(hr).patch(path, due)).toMatchObject({ status: 403 });
    expect(await api.as(admin).patch(path, due)).toMatchObject({ status: 403 });
    expect(await api.nowhere.patch(path, due, { 'X-API-Key': key })).toMatchObject({ status: 403 });
    expect((await api.as(admin).get(path)).body.data.due_date).toBe(addDays(today(), 30));
    expect(await api.as(operator).patch(path, due)).toMatchObject({ status: 200 });
  });

  it('asks people by name, nobody twice at once, and nobody whom it does not concern', async () => {
    const wish = { policy_id: policyId, employee_ids: [employeeId] };
    const waiting = await staff.post('/acknowledgements', wish);
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const key = { 'Idempotency-Key': uuid() };

    const asked = await staff.post('/acknowledgements', wish, key);
    const repeated = await staff.post('/acknowledgements', wish, key);
    const stranger = await staff.post('/acknowledgements', { ...wish, employee_ids: [uuid()] });

    expect(waiting.body.data).toEqual({ asked: [], already_asked: [employeeId] });
    expect(asked).toMatchObject({ status: 201, body: { data: { already_asked: [] } } });
    expect(asked.body.data.asked).toHaveLength(1);
    expect(repeated.body.data).toEqual(asked.body.data);
    expect(stranger).toMatchObject({
      status: 422,
      body: { details: [{ field: 'employee_ids.0', code: 'NOT_FOUND' }] },
    });
    expect((await own.get('/acknowledgements/mine?status=pending')).body.items).toMatchObject([
      { cycle: 2, acknowledgement_type: 'manual' },
    ]);
  });
});

describe('/compliance/progress', () => {
  it('has as pending whom a publication asks, before its keeper has asked anybody', async () => {
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const progress = async (by: string) =>
      (await staff.get('/compliance/progress', { by })).body.items;
    expect(await progress('policy')).toMatchObject([
      { compliance_percentage: '100.00', status: 'completed', is_asking: false },
    ]);
    const [leaver = ''] = await hire(companyId, 2);
    const change = (sql: string, ...bind: unknown[]) =>
      withTenant(companyId, () => execute(sql, bind));
    await change(
      `UPDATE employees SET status = 'inactive', leave_date = '2026-01-01' WHERE id = $1`,
      leaver,
    );
    const other = await buildPolicyRow({
      companyId,
      authors: [manager.userId],
      title: 'Clean desk',
      status: 'published',
    });
    await withTenant(companyId, async () => {
      await askAnew([policyId, other.policyId]);
    });

    const counts = { pending_count: 1, acknowledged_count: 1, compliance_percentage: '50.00' };
    const none = { pending_count: 2, acknowledged_count: 0, compliance_percentage: '0.00' };
    expect(await progress('policy')).toMatchObject([
      { id: policyId, ...counts, status: 'in_progress', is_asking: true },
      { id: other.policyId, ...none, status: 'pending', is_asking: true },
    ]);
    expect(await progress('department')).toMatchObject([
      { pending_count: 3, acknowledged_count: 1, compliance_percentage: '25.00', is_asking: true },
    ]);
    for (const each of [policyId, other.policyId]) {
      const order = { companyId, policyId: each, at: Date.now() };
      await new MockActivityEnvironment().run(() => settleAudience(order));
    }
    expect(await progress('policy')).toMatchObject([
      { id: policyId, ...counts, is_asking: false },
      { id: other.policyId, ...none, is_asking: false },
    ]);
  });

  it('has as pending who comes, and no more who goes, before a keeper knows of them', async () => {
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const [{ id: customer }] = (await staff.get('/customers')).body.items;
    const named = { compliance_type: 'infosec', compliance_title: 'ISO 27001' };
    const compliance = (await staff.post('/compliances', named)).body.data.id;
    const pair = { customer_id: customer, compliance_id: compliance };
    const path = `/customer-compliance/${(await staff.post('/customer-compliance', pair)).body.data.id}`;
    await withTenant(companyId, () =>
      execute('UPDATE compliance_policies SET customer_compliance_id = $1', [path.split('/')[2]]),
    );
    const shown = async () => {
      const { body } = await staff.get('/compliance/progress', { by: 'customer' });
      const { compliance_percentage: percentage, is_asking: isAsking } = body.items[0] ?? {};
      const ofCustomer = (await staff.get(path)).body.data;
      return [percentage, isAsking, ofCustomer.compliance_percentage, ofCustomer.status];
    };
    const everyone = (): Promise<void> =>
      new MockActivityEnvironment().run(() =>
        settleAudience({ companyId, policyId, at: Date.now() }),
      );
    const completed = ['100.00', false, '100.00', 'completed'];
    expect(await shown()).toEqual(completed);

    const joined = await staff.post('/employees', { name: 'Ada', email: 'ada@staff.example' });
    expect(await shown()).toEqual(['50.00', true, '50.00', 'in_progress']);
    expect(await staff.post(`${path}/complete-audit`)).toMatchObject({
      status: 409,
      body: { code: 'STILL_ASKING' },
    });
    expect((await staff.get(path)).body.data.compliance_updated).toBeNull();
    await everyone();
    expect(await shown()).toEqual(['50.00', false, '50.00', 'in_progress']);
    expect((await staff.get(path)).body.data.compliance_updated).not.toBeNull();

    await staff.post(`/employees/${joined.body.data.id}/leave`);
    expect(await shown()).toEqual(['100.00', true, '100.00', 'completed']);
    await everyone();

    const file = { name: 'staff.csv', type: 'text/csv' };
    const content = Buffer.from('email,name\nbo@staff.example,Bo\ncy@staff.example,Cy\n');
    await staff.upload('/employees/import', { files: [{ ...file, content }] });
    expect(await shown()).toEqual(['33.33', true, '33.33', 'in_progress']);
    await everyone();
    await staff.upload('/employees/import', { files: [{ ...file, content }] });
    expect(await shown()).toEqual(['33.33', false, '33.33', 'in_progress']);

    await staff.patch(`/compliance-policies/${policyId}`, { audience_department: 'IT' });
    expect((await shown()).slice(1)).toEqual([undefined, '0.00', 'pending']);
    await everyone();
    expect(await staff.post(`${path}/complete-audit`)).toMatchObject({ status: 200 });
  });

  it('counts anew until a walk has seen whoever came while an earlier one was under way', async () => {
    const before = await withTenant(companyId, () => watchedPolicy(policyId, new Date()));
    await staff.post('/employees', { name: 'Ada', email: 'ada@staff.example' });

    await withTenant(companyId, () => noteAsked(before));

    expect((await staff.get('/compliance/progress')).body.items).toMatchObject([
      { pending_count: 2, is_asking: true },
    ]);
  });

  it('has nobody as done with a text that was just replaced', async () => {
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    const next = { content_sha256: contentHash('New'), authors: JSON.stringify([manager.userId]) };
    await withTenant(companyId, async () => {
      await execute(
        `UPDATE compliance_policy_versions SET status = 'superseded', ended_at = now()`,
      );
      await execute(
        `INSERT INTO compliance_policy_versions (company_id, id, policy_id, number, major, minor, content,
           content_sha256, requires_reack, authors, status, published_at)
         VALUES ((SELECT app.company_id()), $1, $2, 2, 2, 0, 'New', $3, true, $4, 'published', now())`,
        [uuid(), policyId, next.content_sha256, next.authors],
      );
      await execute('UPDATE compliance_policies SET policy_version = 2, reack_version = 2');
      await askAnew([policyId]);
    });

    const { body } = await staff.get('/compliance/progress');

    expect(body.items).toMatchObject([
      { acknowledged_count: 0, pending_count: 1, status: 'in_progress', is_asking: true },
    ]);
    await settle();
    expect((await staff.get('/compliance/progress', { by: 'customer' })).body.items).toMatchObject([
      { acknowledged_count: 0, pending_count: 1, status: 'in_progress' },
    ]);
  });

  it('stays in progress for people who are asked once more by hand', async () => {
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);

    await staff.post('/acknowledgements', { policy_id: policyId, employee_ids: [employeeId] });

    for (const by of ['policy', 'department', 'customer']) {
      expect((await staff.get('/compliance/progress', { by })).body.items).toMatchObject([
        { acknowledged_count: 0, pending_count: 1, status: 'in_progress' },
      ]);
    }
  });

  it('counts by everything, and says so as CSV', async () => {
    await own.post(`/acknowledgements/${id}/acknowledge`, signed);
    await hire(companyId, 2, { department: '=IT' });
    await settle();

    const byPolicy = await staff.get('/compliance/progress');
    const csv = await staff.get('/compliance/progress/export?by=department');

    expect(byPolicy.body.items).toMatchObject([
      {
        id: policyId,
        acknowledged_count: 1,
        pending_count: 2,
        compliance_percentage: '33.33',
        status: 'in_progress',
      },
    ]);
    expect(csv.text.split('\r\n')).toEqual([
      'department,acknowledged,pending,declined,exempted,percentage,status',
      ',1,0,0,0,100.00,completed',
      "'=IT,0,2,0,0,0.00,pending",
      '',
    ]);
    expect(await own.get('/compliance/progress')).toMatchObject({ status: 403 });
  });
});
