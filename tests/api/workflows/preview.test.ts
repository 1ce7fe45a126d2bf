import type { Actor } from '../../../src/context.ts';
import { settleBatch } from '../../../src/models/acknowledging.ts';
import { CompliancePolicyVersion } from '../../../src/models/CompliancePolicyVersion.ts';
import { withTenant } from '../../../src/models/database.ts';
import { addPolicyClocks, policyFileOf } from '../../../src/models/policyFile.ts';
import { getRow } from '../../../src/models/rows.ts';
import { watchedPolicy } from '../../../src/models/watchedPolicy.ts';
import { addDays, dateAt, hourOfDay } from '../../../src/rules/calendar.ts';
import { approvalClocks } from '../../../src/rules/policyClocks.ts';
import { hire } from '../../support/acknowledgements.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { ledgerOf } from '../../support/ledger.ts';
import { buildPolicyRow } from '../../support/policyRows.ts';
import { buildProperty } from '../../support/properties.ts';

let api: TestApi;
let companyId: string;
let admin: Actor;
let operator: Actor;

interface Timer {
  readonly name: string;
  readonly kind: string;
  readonly due_at: string;
  readonly runs_until: string | null;
  readonly follows: string | null;
}

beforeAll(async () => {
  api = await openTestApi({ RATE_LIMIT_ENABLED: 'false' });
});
afterAll(() => api.close());
beforeEach(async () => {
  companyId = (await buildCompany()).id;
  admin = await buildActor({ companyId, role: 'tenant_admin' });
  operator = await buildActor({ companyId, role: 'operator' });
});

/** Without the promises of starts, which are kept meanwhile. */
async function stored() {
  const { 'core.outbox': _, ...rest } = await ledgerOf(api.database, companyId);
  return rest;
}

async function preview(body: object) {
  const answer = await api.as(operator).post('/workflows/preview', body);
  expect([answer.status, answer.body.details]).toEqual([200, undefined]);
  const { data } = answer.body;
  const timer = (name: string): Timer | undefined =>
    data.timers.find((each: Timer) => each.name === name);
  return { ...data, timer };
}

async function buildClaim(): Promise<string> {
  const sold = await buildSubscription({ companyId });
  const bought = await api.as(sold.holder).get(`/subscriptions/${sold.id}`);
  const { body } = await api.as(admin).post('/claims', {
    policy_id: bought.body.data.policy_id,
    title: 'Burst pipe',
    description: 'Water in the kitchen',
    incident_date: bought.body.data.start_date,
  });
  return body.data.id;
}

const hours = (from: string, to: string): number =>
  Math.round((Date.parse(to) - Date.parse(from)) / 3_600_000);

describe('POST /workflows/preview of a claim', () => {
  it('tells notices, deadlines and escalations while nobody acts, and stores nothing', async () => {
    const id = await buildClaim();
    const before = await stored();

    const shown = await preview({ type: 'claim', id });

    const names = shown.timers.map(({ name }: Timer) => name);
    expect(names).toEqual(
      expect.arrayContaining(['triage_due_soon', 'triage', 'triage_manager', 'triage_admin']),
    );
    expect(shown.timer('triage')).toMatchObject({ kind: 'deadline', follows: null });
    expect(shown.timer('triage').runs_until).toBe(shown.timer('triage').due_at);
    expect(shown.timer('triage_due_soon')).toMatchObject({ kind: 'notice' });
    expect(shown.timer('triage_manager')).toMatchObject({
      kind: 'escalation',
      follows: 'triage',
      runs_until: null,
    });
    expect(await stored()).toEqual(before);
  });

  it('follows other settings', async () => {
    const id = await buildClaim();

    const shown = await preview({ type: 'claim', id, claim_settings: { triage_hours: 48 } });

    const { due_at: due, runs_until: runs } = shown.timer('triage');
    expect(hours(runs, due)).toBe(24);
  });

  it('follows another status: its clocks begin, the old ones end', async () => {
    const id = await buildClaim();

    const shown = await preview({ type: 'claim', id, status: 'documents_requested' });

    expect(shown.status).toBe('documents_requested');
    expect(shown.cancelled).toEqual(expect.arrayContaining(['triage', 'triage_due_soon']));
    expect(shown.timer('documents')).toMatchObject({ kind: 'deadline', runs_until: null });
    expect(shown.timer('documents_reminder_7')).toMatchObject({ kind: 'notice' });
    expect(shown.timer('documents_final_admin')).toMatchObject({ follows: 'documents_final' });
  });

  it('ends where the claim closes by itself', async () => {
    const shown = await preview({ type: 'claim', id: await buildClaim(), status: 'denied' });

    expect(shown.timers.at(-1)).toMatchObject({ name: 'auto_close' });
  });

  it('moves a deadline with its announcement and its ladder', async () => {
    const id = await buildClaim();
    const wanted = new Date(Date.now() + 10 * 86_400_000).toISOString();

    const shown = await preview({
      type: 'claim',
      id,
      deadlines: [{ name: 'triage', due_at: wanted }],
    });

    expect(shown.timer('triage').due_at).toBe(wanted);
    expect(Date.parse(shown.timer('triage_manager').due_at)).toBeGreaterThan(Date.parse(wanted));
  });

  it('moves the day of the documents with its reminders and the last day', async () => {
    const id = await buildClaim();
    const asked = { type: 'claim', id, status: 'documents_requested' };
    const wanted = new Date(Date.now() + 34 * 86_400_000).toISOString();

    const shown = await preview({ ...asked, deadlines: [{ name: 'documents', due_at: wanted }] });

    expect(shown.timer('documents').due_at).toBe(wanted);
    const days = ['documents_reminder_7', 'documents_reminder_12', 'documents_final'].map((name) =>
      Math.round(hours(wanted, shown.timer(name).due_at) / 24),
    );
    expect(days).toEqual([-7, -2, 7]);
  });
});

describe('POST /workflows/preview of a subscription', () => {
  it('tells what is set, unchanged, while nothing is changed', async () => {
    const { id } = await buildSubscription({ companyId });

    const shown = await preview({ type: 'subscription', id });

    const dates = shown.timers.map(({ due_at: due, runs_until: runs }: Timer) => [due, runs]);
    expect(dates.length).toBeGreaterThan(5);
    for (const [due, runs] of dates) expect(due).toBe(runs);
    expect(shown.cancelled).toEqual([]);
  });

  it('follows another end and other numbers, and stores nothing', async () => {
    const { id, holder } = await buildSubscription({ companyId });
    const { body } = await api.as(holder).get(`/subscriptions/${id}`);
    const before = await stored();

    const later = await preview({
      type: 'subscription',
      id,
      end_date: addDays(body.data.end_date, 10),
      lifecycle_config: { renewal_reminder_days: [20], late_renewal_days: 0 },
    });

    const { due_at: due, runs_until: runs } = later.timer('expiry');
    expect(Math.round(hours(runs, due) / 24)).toBe(10);
    expect(later.timer('renewal_reminder_20')).toMatchObject({ kind: 'notice', runs_until: null });
    expect(later.timer('renewal_reminder_30')).toBeUndefined();
    expect(later.cancelled).toEqual(
      expect.arrayContaining(['renewal_reminder_30', 'late_renewal_close']),
    );
    expect(await stored()).toEqual(before);
  });

  it('tells what a premium brings about that is never paid', async () => {
    const { id } = await buildSubscription({ companyId });
    await api.database.sql(
      `INSERT INTO core.timers (company_id, id, workflow_id, entity_type, entity_id, occurrence, name,
         due_at, original_due_at, source, status)
       SELECT company_id, gen_random_uuid(), workflow_id, entity_type, entity_id, 1, 'invoice_due',
         now() + interval '3 days', now() + interval '3 days', 'setting', 'scheduled'
       FROM core.timers WHERE entity_id = $1 AND name = 'expiry'`,
      [id],
    );

    const shown = await preview({ type: 'subscription', id, lifecycle_config: { grace_days: 5 } });

    const invoice = shown.timer('invoice_due');
    const end = shown.timer('grace_end');
    expect(Math.round(hours(invoice.due_at, end.due_at) / 24)).toBe(5);
    expect(end).toMatchObject({ follows: 'invoice_due' });
    expect(shown.timer('reinstatement_close')).toMatchObject({ follows: 'grace_end' });
  });
});

describe('POST /workflows/preview of a booking', () => {
  async function buildBooking() {
    const guest = await buildActor({ companyId });
    const { id } = await buildProperty({ companyId });
    const today = dateAt(Date.now(), 'Europe/Berlin');
    const stay = { start_date: addDays(today, 20), end_date: addDays(today, 24) };
    const booked = await api.as(guest).post('/bookings', { property_id: id, guests: 2, ...stay });
    return { id: String(booked.body.data.id), ...stay };
  }

  it('tells when it lapses unpaid, by its settings and by others, and stores nothing', async () => {
    const { id } = await buildBooking();
    const before = await stored();

    const asIs = await preview({ type: 'booking', id });
    const longer = await preview({ type: 'booking', id, booking_settings: { hold_minutes: 45 } });

    expect(asIs).toMatchObject({
      status: 'pending',
      timers: [{ name: 'hold', kind: 'deadline', follows: null }],
      cancelled: [],
    });
    expect(asIs.timer('hold').due_at).toBe(asIs.timer('hold').runs_until);
    const { due_at: due, runs_until: runs } = longer.timer('hold');
    expect(Date.parse(due) - Date.parse(runs)).toBe(30 * 60_000);
    expect(await stored()).toEqual(before);
  });

  it('follows another stay and other reminders, up to the review', async () => {
    const { id, start_date: start, end_date: end } = await buildBooking();
    await api.database.sql(
      `WITH confirmed AS (UPDATE shared.bookings
         SET status = 'confirmed', confirmed_at = now(), paid_at = now() WHERE id = $1 RETURNING id)
       UPDATE core.timers SET name = 'stay_reminder_7' WHERE entity_id IN (SELECT id FROM confirmed)`,
      [id],
    );

    const shown = await preview({
      type: 'booking',
      id,
      start_date: addDays(start, 3),
      end_date: addDays(end, 3),
      booking_settings: { stay_reminder_days: [4], review_reminder_days: 2 },
    });

    const days = shown.timers.map(({ name, due_at: due, follows }: Timer) => [
      name,
      due.slice(0, 10),
      follows,
    ]);
    expect(days).toEqual([
      ['stay_reminder_4', addDays(start, -1), null],
      ['check_out', addDays(end, 3), null],
      ['review_reminder', addDays(end, 5), 'check_out'],
      ['review_window', addDays(end, 17), 'check_out'],
    ]);
    expect(shown.cancelled).toEqual(['stay_reminder_7']);
  });

  it('keeps what somebody has moved', async () => {
    const { id } = await buildBooking();
    await api.database.sql(`UPDATE core.timers SET source = 'command' WHERE entity_id = $1`, [id]);

    const shown = await preview({ type: 'booking', id, booking_settings: { hold_minutes: 45 } });

    expect(shown.timer('hold').due_at).toBe(shown.timer('hold').runs_until);
  });

  it('refuses a stay that ends before it begins, and numbers out of bounds', async () => {
    const { id, start_date: start } = await buildBooking();
    const send = async (body: object) =>
      (await api.as(operator).post('/workflows/preview', { type: 'booking', id, ...body })).status;

    expect(await send({ end_date: start })).toBe(422);
    expect(await send({ booking_settings: { hold_minutes: 61 } })).toBe(422);
    expect(await send({ lifecycle_config: {} })).toBe(422);
  });
});

describe('POST /workflows/preview of a version', () => {
  /** Submitted now. */
  async function buildSubmitted(): Promise<string> {
    const { versionId } = await buildPolicyRow({
      companyId,
      authors: [],
      status: 'pending_approval',
    });
    await withTenant(companyId, async () => {
      const version = await getRow(CompliancePolicyVersion, versionId);
      const submittedAt = new Date();
      await version.update({ submittedAt });
      const facts = { ...(await policyFileOf(version)), at: submittedAt.getTime() };
      await addPolicyClocks(version, approvalClocks(facts));
    });
    return versionId;
  }

  it('tells who is reminded and told while nobody decides, and stores nothing', async () => {
    const id = await buildSubmitted();
    const before = await stored();

    const shown = await preview({ type: 'policy-approval', id });

    expect(shown).toMatchObject({ status: 'pending_approval', paused: [], cancelled: [] });
    const lines = shown.timers.map(({ name, kind, follows }: Timer) => [name, kind, follows]);
    expect(lines.slice(0, 4)).toEqual([
      ['approval_reminder', 'notice', null],
      ['approval_escalation', 'escalation', null],
      ['approval_admin', 'escalation', 'approval_escalation'],
      ['approval_admin', 'escalation', 'approval_admin'],
    ]);
    const { due_at: due, runs_until: runs } = shown.timer('approval_escalation');
    expect(due).toBe(runs);
    expect(await stored()).toEqual(before);
  });

  it('follows other settings, and deadlines that somebody moves', async () => {
    const id = await buildSubmitted();
    const wanted = new Date(Date.now() + 40 * 86_400_000).toISOString();

    const sooner = await preview({
      type: 'policy-approval',
      id,
      compliance_settings: { approval_escalate_bd: 1 },
    });
    const later = await preview({
      type: 'policy-approval',
      id,
      deadlines: [{ name: 'approval_escalation', due_at: wanted }],
    });

    const { due_at: due, runs_until: runs } = sooner.timer('approval_escalation');
    expect(Date.parse(due)).toBeLessThan(Date.parse(runs));
    expect(sooner.timer('approval_reminder').due_at).toBe(
      sooner.timer('approval_reminder').runs_until,
    );
    expect(later.timer('approval_escalation').due_at).toBe(wanted);
    expect(Date.parse(later.timer('approval_admin').due_at)).toBeGreaterThan(Date.parse(wanted));
  });

  it('follows another status, a time of publication, and a day of review', async () => {
    const id = await buildSubmitted();
    const publishAt = new Date(Date.now() + 3 * 86_400_000);
    const review = addDays(dateAt(publishAt.getTime(), 'Europe/Berlin'), 20);

    const shown = await preview({
      type: 'policy-approval',
      id,
      status: 'approved',
      publish_at: publishAt.toISOString(),
      review_date: review,
    });

    expect(shown.cancelled).toEqual(['approval_reminder', 'approval_escalation']);
    expect(shown.timers.map(({ name, kind, follows }: Timer) => [name, kind, follows])).toEqual([
      ['publish', 'deadline', null],
      ['review_reminder_2', 'notice', 'publish'],
      ['review_due', 'deadline', 'publish'],
    ]);
    expect(dateAt(Date.parse(shown.timer('review_due').due_at), 'Europe/Berlin')).toBe(review);
  });

  it('refuses a publication of what is not approved, and what a version does not have', async () => {
    const id = await buildSubmitted();
    const send = async (body: object) =>
      (await api.as(operator).post('/workflows/preview', { type: 'policy-approval', id, ...body }))
        .status;

    expect(await send({ publish_at: new Date().toISOString() })).toBe(422);
    expect(await send({ status: 'investigation' })).toBe(422);
    expect(await send({ compliance_settings: { escalate_hr_days: 3 } })).toBe(422);
    expect(await send({ compliance_settings: { approval_escalate_bd: 31 } })).toBe(422);
    expect(await send({ deadlines: [{ name: 'publish', due_at: '2190-01-01' }] })).toBe(404);
    await api.database.sql(
      'UPDATE shared.compliance_policy_versions SET workflow_closed_at = now() WHERE id = $1',
      [id],
    );
    expect(await send({})).toBe(409);
  });
});

describe('POST /workflows/preview of acknowledgements', () => {
  const zone = 'Europe/Berlin';
  const today = () => dateAt(Date.now(), zone);
  const morning = (days: number): string =>
    new Date(hourOfDay(addDays(today(), days), 8, zone)).toISOString();
  const told = ({ timers }: { readonly timers: readonly (Timer & { title: string })[] }) =>
    timers.map(({ name, title, kind, due_at: due, runs_until: runs }) => [
      name,
      title,
      kind,
      due,
      runs,
    ]);

  /** Three people who are asked until a month from today. */
  async function buildAsked(): Promise<string> {
    const { policyId } = await buildPolicyRow({ companyId, authors: [], status: 'published' });
    await hire(companyId, 3);
    await withTenant(companyId, async () =>
      settleBatch(
        await watchedPolicy(policyId, new Date()),
        '00000000-0000-0000-0000-000000000000',
      ),
    );
    return policyId;
  }

  it('tells by day and in numbers what comes for whoever does not answer, and stores nothing', async () => {
    const id = await buildAsked();
    const before = await stored();

    const shown = await preview({ type: 'acknowledgement', id });

    expect(shown).toMatchObject({ status: 'watching', paused: [], cancelled: [] });
    expect(told(shown)).toEqual(
      [
        ['remind_7', 'Reminder: 3 people', 'notice', 23],
        ['remind_3', 'Reminder: 3 people', 'notice', 27],
        ['remind_1', 'Reminder: 3 people', 'notice', 29],
        ['overdue', 'Notice that it is overdue: 3 people', 'deadline', 31],
        ['escalate_hr', 'Escalation to HR: 3 people', 'escalation', 37],
        ['escalate_exec', 'Escalation to executives: 3 people', 'escalation', 44],
      ].map(([name, title, kind, days]) => [
        name,
        title,
        kind,
        morning(Number(days)),
        morning(Number(days)),
      ]),
    );
    expect(await stored()).toEqual(before);
  });

  it('follows other settings', async () => {
    const id = await buildAsked();

    const shown = await preview({
      type: 'acknowledgement',
      id,
      compliance_settings: { remind_before: [7, 2], escalate_hr_days: 10 },
    });

    expect(shown.cancelled).toEqual(['remind_3', 'remind_1']);
    expect(shown.timer('remind_2')).toMatchObject({ due_at: morning(28), runs_until: null });
    expect(shown.timer('escalate_hr')).toMatchObject({
      due_at: morning(40),
      runs_until: morning(37),
    });
  });

  it('goes on from who has answered to their next request, and knows who stands still', async () => {
    const id = await buildAsked();
    const rows = await api.database.sql<{ id: string }>(
      'SELECT id FROM shared.acknowledgements WHERE policy_id = $1 ORDER BY id',
      [id],
    );
    const [answered, paused] = rows.map((row) => row.id);
    await api.database.sql(
      `UPDATE shared.acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
         on_time = true, evidence_hash = repeat('a', 64), next_action = 'open_next_cycle',
         next_action_at = $2 WHERE id = $1`,
      [answered, morning(335)],
    );
    await api.database.sql(
      `WITH campaign AS (INSERT INTO shared.campaigns
           (company_id, id, policy_id, name, due_days, status, paused_on)
         VALUES ($2, gen_random_uuid(), $3, 'All', 30, 'paused', current_date) RETURNING id)
       UPDATE shared.acknowledgements SET campaign_id = campaign.id FROM campaign
       WHERE acknowledgements.id = $1`,
      [paused, companyId, id],
    );

    const shown = await preview({ type: 'acknowledgement', id });

    const titles = shown.timers.map(({ title, follows }: Timer & { title: string }) => [
      title,
      follows,
    ]);
    expect(titles.slice(0, 2)).toEqual([
      ['Reminder: 1 person', null],
      ['Reminder: 1 person', null],
    ]);
    expect(titles).toContainEqual(['Asked again: 1 person', null]);
    expect(shown.timers.at(-1)).toMatchObject({
      name: 'escalate_exec',
      follows: 'open_next_cycle',
      due_at: morning(365 + 14),
    });
    expect(shown.paused).toEqual([
      'remind_7',
      'remind_3',
      'remind_1',
      'overdue',
      'escalate_hr',
      'escalate_exec',
    ]);
  });

  it('refuses settings that keepers do not go by, and policies without a keeper', async () => {
    const id = await buildAsked();
    const draft = await buildPolicyRow({ companyId, authors: [], title: 'Draft' });
    const send = async (body: object) =>
      (await api.as(operator).post('/workflows/preview', { type: 'acknowledgement', ...body }))
        .status;

    expect(await send({ id, compliance_settings: { review_days: 90 } })).toBe(422);
    expect(await send({ id, review_date: '2030-01-01' })).toBe(422);
    expect(await send({ id: draft.policyId })).toBe(404);
  });
});

describe('POST /workflows/preview', () => {
  it('refuses what the type does not have, what is out of bounds, and what has ended', async () => {
    const claimId = await buildClaim();
    const { id } = await buildSubscription({ companyId });
    const send = async (body: object) =>
      (await api.as(operator).post('/workflows/preview', body)).status;

    expect(await send({ type: 'claim', id: claimId, end_date: '2030-01-01' })).toBe(422);
    expect(await send({ type: 'subscription', id, status: 'denied' })).toBe(422);
    expect(await send({ type: 'subscription', id, end_date: '1990-01-01' })).toBe(422);
    expect(await send({ type: 'claim', id: claimId, claim_settings: { triage_hours: 0 } })).toBe(
      422,
    );
    expect(
      await send({
        type: 'claim',
        id: claimId,
        deadlines: [{ name: 'nothing', due_at: '2190-01-01' }],
      }),
    ).toBe(404);
    await api.database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [id],
    );
    expect(await send({ type: 'subscription', id })).toBe(409);
  });

  it('sees neither other companies nor, as staff, the own claim', async () => {
    const claimId = await buildClaim();
    const stranger = await buildActor({ companyId: (await buildCompany()).id, role: 'operator' });
    const body = { type: 'claim', id: claimId };

    expect((await api.as(stranger).post('/workflows/preview', body)).status).toBe(404);
    await api.database.sql(
      `UPDATE shared.policies SET user_id = $2
       WHERE id = (SELECT policy_id FROM shared.claims WHERE id = $1)`,
      [claimId, admin.userId],
    );
    expect((await api.as(admin).post('/workflows/preview', body)).status).toBe(404);
  });
});
