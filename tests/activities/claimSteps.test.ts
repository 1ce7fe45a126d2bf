import { claimActivities } from '../../src/activities/claims.ts';
import { reopenClaim } from '../../src/commands/reportClaim.ts';
import { Claim } from '../../src/models/Claim.ts';
import { aboutClaim, claimFileOf, tellClaimant } from '../../src/models/claimFile.ts';
import type { ClaimWish } from '../../src/models/claimStart.ts';
import { withTenant } from '../../src/models/database.ts';
import { suspectClaim } from '../../src/models/fraud.ts';
import { Policy } from '../../src/models/Policy.ts';
import { getRow } from '../../src/models/rows.ts';
import { Timer } from '../../src/models/Timer.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import type { ClaimTimerName } from '../../src/rules/claimClocks.ts';
import type { ClaimStatus } from '../../src/rules/claims.ts';
import { multiplyByRatio } from '../../src/rules/money.ts';
import type { Role } from '../../src/rules/permissions.ts';
import { as, buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { outcomeOf } from '../support/model.ts';

const dayMs = 86_400_000;

describe('a step of a claim', () => {
  let database: TestDatabase;
  const { processClaim, fireClaimTimer } = claimActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** A claim that an adjuster has. */
  async function build(status: ClaimStatus = 'under_review') {
    const { id: companyId } = await buildCompany();
    const { userId } = await buildActor({ companyId, role: 'adjuster' });
    const { claim } = await buildClaimRow({ companyId, status, assignedTo: userId });
    const begun = Date.now();
    let version = 1;
    const order = (day: number) => ({
      companyId,
      claimId: claim.id,
      commandId: `claim/${claim.id}/test/${day}`,
      expectedVersion: version,
      at: begun + day * dayMs,
    });
    /** @returns the mails that it hands on */
    const go = async (day: number, wish: ClaimWish): Promise<readonly string[]> => {
      const { state, notificationIds } = await processClaim({ ...order(day), wish });
      version = state.stateVersion;
      return notificationIds;
    };
    const fire = async (day: number, name: ClaimTimerName, occurrence = 1): Promise<void> => {
      await fireClaimTimer({ ...order(day), name, occurrence });
    };
    const timersOf = async (name: ClaimTimerName) => {
      const timers = await database.sql<{ status: string; due_at: Date }>(
        'SELECT status, due_at FROM core.timers WHERE entity_id = $1 AND name = $2 ORDER BY occurrence',
        [claim.id, name],
      );
      return timers.map(({ status: state, due_at: due }) => ({
        status: state,
        dueAt: due.getTime(),
      }));
    };
    const dayOf = async (name: ClaimTimerName): Promise<string> => {
      const [timer] = await database.sql<{ due_at: Date }>(
        'SELECT due_at FROM core.timers WHERE entity_id = $1 AND name = $2',
        [claim.id, name],
      );
      return dateAt(timer?.due_at.getTime() ?? 0, 'Europe/Berlin');
    };
    const mails = (template: string) =>
      database.sql<{ payload: object; to: string | null }>(
        `SELECT payload, recipient_user_id AS to FROM core.notifications
         WHERE entity_id = $1 AND template_code = $2 AND channel = 'email' ORDER BY id`,
        [claim.id, template],
      );
    const person = async (role: Role) => (await buildActor({ companyId, role })).userId;
    const read = () => withTenant(companyId, () => getRow(Claim, claim.id));
    return {
      companyId,
      claimId: claim.id,
      at: (day: number) => begun + day * dayMs,
      go,
      fire,
      dayOf,
      timersOf,
      mails,
      person,
      read,
      by: userId,
    };
  }

  it('hands on all mails that it queues, and those that wait from before', async () => {
    const { companyId, claimId, go, person } = await build('waiting_approval');
    const by = await person('claims_manager');
    await database.sql(
      `INSERT INTO core.notifications (company_id, id, channel, template_code, payload, status,
         dedupe_key, entity_type, entity_id, recipient_address)
       SELECT $1::uuid, gen_random_uuid(), 'email', 'claim_overdue', '{}', 'queued',
         'before/' || n, 'claim', $2::uuid, n || '@example.com' FROM generate_series(1, 250) n`,
      [companyId, claimId],
    );

    const handedOn = await go(0, { event: 'deny', code: 'exclusion', by, reason: 'Wear and tear' });

    const [denial] = await database.sql<{ id: string }>(
      `SELECT id FROM core.notifications WHERE entity_id = $1
         AND template_code = 'claim_denied' AND channel = 'email'`,
      [claimId],
    );
    expect(handedOn).toHaveLength(251);
    expect(handedOn).toContain(denial?.id);
  });

  it('of documents that are awaited waits as long as the claim is on hold, and the letters say so', async () => {
    const { go, fire, dayOf, mails, by } = await build();
    const reason = 'A storm';
    await go(0, { event: 'request_documents', items: ['Invoice'], by, reason: null });
    const firstDay = await dayOf('documents');
    await go(1, { event: 'hold', by, reason });
    await go(21, { event: 'release', by, reason });

    await fire(27, 'documents_reminder_7');
    const dueDate = await dayOf('documents');
    await fire(34, 'documents');

    expect(dueDate > firstDay).toBe(true);
    expect(await mails('claim_documents_reminder')).toMatchObject([{ payload: { dueDate } }]);
    expect(await mails('claim_documents_final')).toMatchObject([
      { payload: { finalDate: await dayOf('documents_final') } },
    ]);
  });

  it.each([
    ['sent', 0],
    ['failed', 1],
  ])(
    'whose first mail is %s tells the manager at the hard limit %i times',
    async (status, told) => {
      const { companyId, claimId, at, fire } = await build('assigned');
      const manager = await buildActor({ companyId, role: 'claims_manager' });
      await withTenant(companyId, async () => {
        const claim = await getRow(Claim, claimId);
        tellClaimant(await claimFileOf(claim), 'claim_received', `claim/${claimId}/report`);
        Timer.schedule(aboutClaim(claim), [
          { name: 'acknowledgement', occurrence: 1, dueAt: at(14), source: 'setting' },
        ]);
      });
      await database.sql(
        `UPDATE core.notifications SET status = $2,
         sent_at = CASE WHEN $2 = 'sent' THEN now() END
       WHERE entity_id = $1 AND channel = 'email'`,
        [claimId, status],
      );

      await fire(14, 'acknowledgement');

      const alarms = await database.sql(
        `SELECT recipient_user_id AS "to" FROM core.notifications
       WHERE entity_id = $1 AND template_code = 'claim_unacknowledged' AND channel = 'email'`,
        [claimId],
      );
      expect(alarms).toEqual(Array.from({ length: told }, () => ({ to: manager.userId })));
    },
  );

  describe('once all documents are there that came while it could not go on', () => {
    async function answered() {
      const claim = await build();
      const { companyId, claimId, go, by } = claim;
      await go(0, { event: 'request_documents', items: ['Invoice'], by, reason: null });
      const add = (scanStatus = 'clean') =>
        database.sql(
          `INSERT INTO shared.documents (company_id, id, claim_id, document_type, file_name, mime, size,
             sha256, storage_key, uploaded_at, scan_status, scanned_at)
           VALUES ($1, gen_random_uuid(), $2::uuid, 'invoice', 'a.pdf', 'application/pdf', 1,
             repeat('0', 64), $2::text, now(), $3, CASE WHEN $3 <> 'quarantined' THEN now() END)`,
          [companyId, claimId, scanStatus],
        );
      return { ...claim, add };
    }

    it('lets it go on when it is released', async () => {
      const { go, by, add, read, timersOf } = await answered();
      await go(1, { event: 'hold', by, reason: 'A storm' });
      await add();

      await go(2, { event: 'release', by, reason: 'It is over' });

      expect(await read()).toMatchObject({
        status: 'under_review',
        onHold: false,
        stateVersion: 5,
      });
      expect(await timersOf('documents')).toMatchObject([{ status: 'cancelled' }]);
    });

    it('lets it go on instead of asking for them', async () => {
      const { fire, add, read, mails } = await answered();
      await add();

      await fire(7, 'documents_reminder_7');

      expect(await read()).toMatchObject({ status: 'under_review', slaStatus: 'on_track' });
      expect(await mails('claim_documents_reminder')).toEqual([]);
    });

    it('waits while one is in quarantine', async () => {
      const { fire, add, read } = await answered();
      await add('quarantined');

      await fire(7, 'documents_reminder_7');

      expect(await read()).toMatchObject({ status: 'documents_requested' });
    });

    it('waits where one is missing', async () => {
      const { fire, go, by, read, mails } = await answered();
      await go(1, { event: 'hold', by, reason: 'A storm' });
      await go(2, { event: 'release', by, reason: 'It is over' });

      await fire(8, 'documents_reminder_7');

      expect(await read()).toMatchObject({ status: 'documents_requested' });
      expect(await mails('claim_documents_reminder')).toHaveLength(1);
    });
  });

  it('that closes it on hold ends the hold, so that it can be reopened', async () => {
    const { companyId, claimId, go, read, by } = await build();
    await go(0, { event: 'hold', by, reason: 'A storm' });

    await go(1, { event: 'withdraw', by, reason: 'Paid by another insurer' });

    expect(await read()).toMatchObject({ status: 'closed', onHold: false, holdReason: null });
    const step = { commandId: `claim/${claimId}/reopen/3`, reason: 'It was not' };
    await withTenant(companyId, async () =>
      reopenClaim(await getRow(Claim, claimId, { lock: true }), step),
    );
    expect(await read()).toMatchObject({ status: 'under_review' });
  });

  it('that gives an announced deadline a later day has it announced again', async () => {
    const { go, fire, read, mails, timersOf, at, by } = await build();
    const move = (day: number, to: number) =>
      go(day, {
        event: 'move_timer',
        name: 'investigation',
        dueAt: at(to),
        by,
        reason: 'An expert is abroad',
      });
    await go(0, { event: 'investigate', by, reason: null });
    await fire(23, 'investigation_due_soon');

    await move(24, 28);
    const sooner = [(await read()).slaStatus, (await timersOf('investigation_due_soon')).length];
    await move(25, 61);
    const later = (await read()).slaStatus;
    await fire(52, 'investigation_due_soon', 2);

    expect(sooner).toEqual(['due_soon', 1]);
    expect(later).toBe('on_track');
    expect(await timersOf('investigation')).toEqual([{ status: 'scheduled', dueAt: at(61) }]);
    expect(await timersOf('investigation_due_soon')).toMatchObject([
      { status: 'fired' },
      { status: 'fired', dueAt: at(52) },
    ]);
    expect((await read()).slaStatus).toBe('due_soon');
    expect((await mails('claim_due_soon')).map(({ to }) => to)).toEqual([by, by]);
  });

  describe('that moves the day of the documents', () => {
    const reason = 'The police are slow';
    async function asked() {
      const claim = await build();
      const { go, at, by, timersOf } = claim;
      await go(0, { event: 'request_documents', items: ['Invoice'], by, reason: null });
      const move = (day: number, to: number) =>
        go(day, { event: 'move_timer', name: 'documents', dueAt: at(to), by, reason });
      /** Of each name those that were set, as status and day. */
      const clocks = async (name: ClaimTimerName) =>
        (await timersOf(name)).map(
          ({ status, dueAt }) => `${status} ${Math.round((dueAt - at(0)) / dayMs)}`,
        );
      const all = async () => [
        await clocks('documents_reminder_7'),
        await clocks('documents_reminder_12'),
        await clocks('documents'),
        await clocks('documents_final'),
      ];
      return { ...claim, move, all };
    }

    it('later reminds again before it, and the last day follows', async () => {
      const { fire, move, all, claimId } = await asked();
      await fire(7, 'documents_reminder_7');

      await move(8, 34);

      expect(await all()).toEqual([
        ['fired 7', 'scheduled 27'],
        ['scheduled 32'],
        ['scheduled 34'],
        ['scheduled 41'],
      ]);
      const audited = await database.sql<{ timer: string; reason: string }>(
        `SELECT after ->> 'timer' AS timer, after ->> 'reason' AS reason FROM core.audit_logs
         WHERE entity_id = $1 AND action = 'TIMER_CHANGE' ORDER BY after ->> 'timer'`,
        [claimId],
      );
      expect(audited).toEqual([
        { timer: 'documents', reason },
        { timer: 'documents_final', reason },
      ]);
    });

    it('sooner takes back the reminders that would be past', async () => {
      const { move, all } = await asked();

      await move(1, 5);

      expect(await all()).toEqual([
        ['cancelled 7'],
        ['scheduled 3'],
        ['scheduled 5'],
        ['scheduled 12'],
      ]);
    });
  });

  describe('that gives a day another date', () => {
    const reason = 'An expert is abroad';
    const dateOf = (instant: number): string => dateAt(instant, 'Europe/Berlin');

    it('tells the claimant why the decision is later, also for another adjuster', async () => {
      const { go, mails, dayOf, timersOf, at, by, person } = await build('assigned');
      const reassign = async (day: number) =>
        go(day, {
          event: 'reassign',
          assignedTo: await person('adjuster'),
          by,
          reason: 'Holidays',
        });
      const moveDecision = (day: number, to: number) =>
        go(day, { event: 'move_timer', name: 'decision', dueAt: at(to), by, reason });
      await go(0, { event: 'start_review', by, reason: null });
      const firstDay = await dayOf('decision');

      await reassign(0);
      await reassign(10);
      const again = dateOf((await timersOf('decision')).at(-1)?.dueAt ?? 0);
      await moveDecision(11, 60);
      await moveDecision(12, 50);

      expect(again > firstDay).toBe(true);
      expect((await mails('claim_decision_extended')).map(({ payload }) => payload)).toMatchObject([
        { dueDate: again, reason: 'Somebody else looks at it now' },
        { dueDate: dateOf(at(60)), reason },
      ]);
      expect((await mails('claim_days_moved')).map(({ payload }) => payload)).toMatchObject([
        { decisionBy: dateOf(at(50)) },
      ]);
    });

    it('tells until when a denial can be appealed, unless it closes at once', async () => {
      const { go, fire, mails, at, person, read } = await build('waiting_approval');
      const by = await person('claims_manager');
      const move = (day: number, to: number) =>
        go(day, { event: 'move_timer', name: 'auto_close', dueAt: at(to), by, reason });
      await go(0, { event: 'deny', code: 'exclusion', by, reason: 'Wear and tear' });

      await move(1, 40);
      await move(2, 20);
      await move(3, 3);
      await fire(4, 'auto_close');

      expect((await mails('claim_days_moved')).map(({ payload }) => payload)).toMatchObject([
        { appealUntil: dateOf(at(40)) },
        { appealUntil: dateOf(at(20)) },
      ]);
      expect(await read()).toMatchObject({ status: 'closed' });
    });

    it('tells by when documents are awaited, moved by somebody or by a hold', async () => {
      const { go, fire, mails, timersOf, at, by } = await build();
      const move = (day: number, name: ClaimTimerName, to: number) =>
        go(day, { event: 'move_timer', name, dueAt: at(to), by, reason });
      const day = async (name: ClaimTimerName) => dateOf((await timersOf(name)).at(-1)?.dueAt ?? 0);
      await go(0, { event: 'request_documents', items: ['Invoice'], by, reason: null });

      await move(1, 'documents', 30);
      await go(2, { event: 'hold', by, reason: 'A storm' });
      await go(9, { event: 'release', by, reason: 'It is over' });
      const held = await day('documents');
      await fire(37, 'documents');
      await move(38, 'documents_final', 60);

      expect((await mails('claim_days_moved')).map(({ payload }) => payload)).toMatchObject([
        { dueDate: dateOf(at(30)) },
        { dueDate: held },
        { finalDate: dateOf(at(60)) },
      ]);
      for (const { payload } of (await mails('claim_days_moved')).slice(0, 2)) {
        expect(payload).not.toHaveProperty('finalDate');
      }
    });

    it('tells the claimant nothing of a day that only we know', async () => {
      const { go, mails, at, by } = await build();
      await go(0, { event: 'investigate', by, reason: null });
      for (const [day, name] of [
        [1, 'investigation'],
        [2, 'status_letter'],
      ] as const) {
        await go(day, { event: 'move_timer', name, dueAt: at(50), by, reason });
      }

      expect(await mails('claim_days_moved')).toEqual([]);
      expect(await mails('claim_decision_extended')).toEqual([]);
    });
  });

  it('that hands an appealed claim on takes nobody who had it or proposed what was denied', async () => {
    const { companyId, go, person, by } = await build();
    const proposer = await buildActor({ companyId, role: 'claims_manager' });
    const [first, second, third, fourth] = [
      await person('adjuster'),
      await person('adjuster'),
      await person('adjuster'),
      await person('adjuster'),
    ] as const;
    const decider = await person('claims_manager');
    const give = (day: number, assignedTo: string): Promise<unknown> =>
      go(day, { event: 'reassign', assignedTo, by, reason: 'Holidays' });
    const tryToGive = (day: number, to: string): Promise<string> => outcomeOf(() => give(day, to));
    const deny = async (day: number): Promise<void> => {
      await as(proposer, () =>
        go(day, {
          event: 'submit_for_approval',
          amount: '900.00',
          rationale: 'Repair',
          by: proposer.userId,
          reason: null,
        }),
      );
      await go(day + 1, { event: 'deny', code: 'exclusion', by: decider, reason: 'Wear and tear' });
    };
    await give(0, first);
    await give(1, second);
    await deny(2);
    await go(4, { event: 'appeal', by: null, reason: 'It was new' });

    const outcomes = [
      await tryToGive(5, second),
      await tryToGive(6, first),
      await tryToGive(7, proposer.userId),
      await tryToGive(8, third),
      await tryToGive(9, first),
      await tryToGive(10, third),
      await tryToGive(11, fourth),
      await tryToGive(12, third),
    ];

    expect(outcomes).toEqual([
      ...Array.from({ length: 3 }, () => 'NEW_ASSIGNEE_REQUIRED'),
      'done',
      'NEW_ASSIGNEE_REQUIRED',
      'ALREADY_ASSIGNED',
      'done',
      'done',
    ]);
  });

  it.each([
    ['900.00', 'senior and manager'],
    ['10000.01', 'manager'],
  ])('that proposes %s asks whoever may decide it: %s', async (amount, whom) => {
    const { go, mails, person, by } = await build();
    const [senior, manager] = [await person('senior_adjuster'), await person('claims_manager')];
    await person('tenant_admin');

    await go(0, { event: 'submit_for_approval', amount, rationale: 'Repair', by, reason: null });

    const asked = (await mails('claim_approval_wanted')).map(({ to }) => to);
    expect(asked.toSorted()).toEqual(whom === 'manager' ? [manager] : [senior, manager].toSorted());
  });

  it('that proposes most of the cover is suspected, and held with another sign until that is decided', async () => {
    const { companyId, go, read, person, by } = await build();
    const claim = await read();
    const { coverageAmount } = await withTenant(companyId, () => getRow(Policy, claim.policyId));
    await withTenant(companyId, () => suspectClaim(claim, { score: 30, reason: 'Odd' }));
    const manager = await person('claims_manager');
    const submit = (day: number, amount: string) =>
      go(day, { event: 'submit_for_approval', amount, rationale: 'Repair', by, reason: null });
    const approve = (day: number) =>
      go(day, { event: 'approve', amount: '900.00', by: manager, reason: null });
    const flags = () =>
      database.sql<{ rule: string; evidence: object }>(
        `SELECT rule, evidence FROM shared.fraud_flags WHERE claim_id = $1 AND rule <> 'manual'`,
        [claim.id],
      );

    await submit(0, multiplyByRatio(coverageAmount, 8, 10));
    const before = await flags();
    await go(1, { event: 'return', by: manager, reason: 'Look again' });
    await submit(2, multiplyByRatio(coverageAmount, 9, 10));

    expect(before).toEqual([]);
    expect(await flags()).toEqual([
      {
        rule: 'near_cover',
        evidence: {
          proposed_amount: multiplyByRatio(coverageAmount, 9, 10),
          coverage_amount: coverageAmount,
        },
      },
    ]);
    await expect(approve(3)).rejects.toMatchObject({ status: 409, code: 'FRAUD_HOLD' });
    expect(await read()).toMatchObject({ status: 'waiting_approval' });
    await database.sql(
      `UPDATE shared.fraud_flags SET state = 'cleared', decided_at = now() WHERE claim_id = $1`,
      [claim.id],
    );
    await approve(4);
  });

  it('that proposes an amount asks an administrator where nobody else could decide it', async () => {
    const { go, mails, person, by } = await build();
    const admin = await person('tenant_admin');

    await go(0, {
      event: 'submit_for_approval',
      amount: '900.00',
      rationale: 'Repair',
      by,
      reason: null,
    });

    expect(await mails('claim_approval_wanted')).toMatchObject([{ to: admin }]);
  });

  it.each([
    ['fraud', 'fraud'],
    ['exclusion', 'denied'],
  ])('that closes a claim denied for %s ends it as %s', async (code, outcome) => {
    const { go, person, read } = await build('waiting_approval');
    const by = await person('claims_manager');
    await go(0, { event: 'deny', code, by, reason: 'The photos are of another house' });

    await go(1, { event: 'close', by, reason: null });

    expect(await read()).toMatchObject({ status: 'closed', closedOutcome: outcome });
  });
});
