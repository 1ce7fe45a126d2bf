import { beginClaim } from '../support/claims.ts';
import type { TestGateway } from '../support/payments.ts';
import { dayMs, useJourneysWithGateway, type Journeys } from '../support/journey.ts';

const hourMs = 3_600_000;

describe('a claim', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened));

  it('goes from the report to its end, and closes by itself two weeks after it was paid', async () => {
    const claim = await beginClaim(journeys);
    await claim.toApproval('900.00');
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) => claim.claims.approve(manager, command, '900.00'));

    await claim.end();

    expect(await claim.row()).toMatchObject({
      status: 'closed',
      closed_outcome: 'completed',
      approved_amount: 900,
      paid_amount: 900,
    });
    expect(await claim.events()).toEqual([
      'report',
      'assign',
      'start_review',
      'submit_for_approval',
      'approve',
      'start_payment',
      'complete_payment',
      'close',
    ]);
    expect(claim.mails().map(({ subject }) => subject.replace(/CLM-\S+/, 'it'))).toEqual(
      expect.arrayContaining([
        'We have your claim it',
        'Somebody looks after your claim it',
        'Your claim it is approved',
        'Your claim it is closed',
      ]),
    );
    expect(
      (await claim.timers()).filter(({ status }) => status === 'scheduled' || status === 'paused'),
    ).toEqual([]);
  });

  it('whose payment fails for good is approved again, and is paid once somebody starts it anew', async () => {
    const claim = await beginClaim(journeys);
    await claim.toApproval('900.00');
    const manager = await claim.person('claims_manager');
    await gateway.script(['decline']);
    await claim.as(manager, (command) => claim.claims.approve(manager, command, '900.00'));
    await claim.reaches('approved');

    expect(await claim.row()).toMatchObject({ payment_failed: true, paid_amount: 0 });
    expect((await claim.messages()).map((each) => each['template_code'])).toContain(
      'claim_payment_failed',
    );
    await claim.as(manager, (command) =>
      claim.claims.updateStatus(manager, command, 'payment_processing', {}),
    );
    await claim.end();

    expect(await claim.row()).toMatchObject({ status: 'closed', paid_amount: 900 });
    expect((await claim.events()).slice(-6)).toEqual([
      'approve',
      'start_payment',
      'fail_payment',
      'start_payment',
      'complete_payment',
      'close',
    ]);
  });

  it('that nobody is given climbs the ladder, from senior adjusters to administrators', async () => {
    const claim = await beginClaim(journeys);
    await claim.person('senior_adjuster');
    const triage = await claim.dueAt('triage');
    const roles = async (template: string): Promise<unknown[]> =>
      (await claim.messages())
        .filter((each) => each['template_code'] === template && each['channel'] === 'in_app')
        .map((each) => each['recipient_role']);

    await journeys.passUntil(triage - 5 * hourMs);
    await claim.rest();
    expect(await roles('claim_due_soon')).toEqual(['senior_adjuster']);
    expect(await claim.row()).toMatchObject({ sla_status: 'due_soon' });

    await journeys.passUntil(triage + 60_000);
    await claim.rest();
    expect(await roles('claim_overdue')).toEqual(['senior_adjuster']);
    expect(await claim.row()).toMatchObject({ status: 'reported', sla_status: 'breached' });

    await journeys.passUntil((await claim.dueAt('triage_manager')) + 60_000);
    await journeys.passUntil((await claim.dueAt('triage_admin')) + 60_000);
    await claim.rest();
    expect(await roles('claim_overdue')).toEqual([
      'senior_adjuster',
      'claims_manager',
      'tenant_admin',
    ]);

    await claim.toReview();
    expect(await claim.row()).toMatchObject({ status: 'under_review', sla_status: 'on_track' });
    expect(await claim.statusesOf('first_review')).toEqual(['cancelled']);
  });

  it('under investigation sends a letter every month, and its deadline calls for people', async () => {
    const claim = await beginClaim(journeys);
    await claim.toReview();
    const adjuster = await claim.person('adjuster');
    await claim.as(adjuster, (command) =>
      claim.claims.updateStatus(adjuster, command, 'investigation', {}),
    );

    await journeys.passUntil(journeys.now() + 31 * dayMs);
    await claim.rest();
    await journeys.passUntil(journeys.now() + 30 * dayMs);
    await claim.rest();

    const letters = (await claim.messages()).filter(
      (each) => each['template_code'] === 'claim_status_letter' && each['channel'] === 'email',
    );
    expect(letters).toHaveLength(2);
    expect(await claim.statusesOf('status_letter')).toEqual(['fired', 'fired', 'scheduled']);
    expect(await claim.statusesOf('investigation')).toEqual(['fired']);
    expect(await claim.statusesOf('investigation_admin')).toEqual(['fired']);
    expect(await claim.row()).toMatchObject({ status: 'investigation', sla_status: 'breached' });
  });

  it('asks for documents twice, calls a last time, and gives the decision its time back', async () => {
    const claim = await beginClaim(journeys);
    await claim.toReview();
    const adjuster = await claim.person('adjuster');
    const before = (await claim.dueAt('decision')) - journeys.now();
    await claim.as(adjuster, (command) =>
      claim.claims.requestDocuments(adjuster, command, ['Police report', 'Invoice']),
    );
    expect(await claim.statusesOf('decision')).toEqual(['paused']);

    await journeys.passUntil(journeys.now() + 28 * dayMs);
    await claim.rest();
    const codes = (await claim.messages())
      .filter((each) => each['channel'] === 'email')
      .map((each) => each['template_code']);
    expect(codes.filter((code) => code === 'claim_documents_reminder')).toHaveLength(2);
    expect(codes.filter((code) => code === 'claim_documents_final')).toHaveLength(1);
    expect(await claim.statusesOf('documents_final')).toEqual(['fired']);
    expect(await claim.statusesOf('documents_final_admin')).toEqual(['fired']);

    await claim.as(adjuster, (command) =>
      claim.claims.updateStatus(adjuster, command, 'under_review', {}),
    );
    expect(await claim.row()).toMatchObject({ status: 'under_review', previous_status: null });
    expect(await claim.statusesOf('decision')).toEqual(['scheduled']);
    // Weekends may lie elsewhere now.
    expect(Math.abs((await claim.dueAt('decision')) - journeys.now() - before)).toBeLessThan(
      5 * dayMs,
    );
  });

  it('on hold waits for years, and goes on where it stood', async () => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    const left = (await claim.dueAt('triage')) - journeys.now();
    await claim.as(manager, (command) => claim.claims.hold(manager, command, 'legal'));
    expect((await claim.timers()).map(({ status }) => status)).toEqual([
      'paused',
      'paused',
      'paused',
    ]);

    await journeys.passUntil(journeys.now() + 700 * dayMs);
    await claim.rest();
    expect(await claim.row()).toMatchObject({
      on_hold: true,
      hold_kind: 'legal',
      sla_status: 'on_track',
    });
    expect((await claim.timelines.explain(manager, claim.id)).summary).toContain(
      'held for a legal reason',
    );
    await claim.as(manager, (command) => claim.claims.release(manager, command));

    expect(await claim.row()).toMatchObject({
      on_hold: false,
      hold_kind: null,
      hold_reason: null,
    });
    const after = (await claim.dueAt('triage')) - journeys.now();
    expect(Math.abs(after - left)).toBeLessThan(10 * 60_000);
  });

  it('is denied, appealed to somebody else, denied again, closed and reopened', async () => {
    const claim = await beginClaim(journeys);
    await claim.toApproval('900.00');
    const manager = await claim.person('claims_manager');
    const senior = await claim.person('senior_adjuster');
    const adjuster = await claim.person('adjuster');
    const { holder } = claim.contract;
    const deny = () =>
      claim.as(manager, (command) => claim.claims.deny(manager, command, 'exclusion'));
    await deny();
    await claim.as(holder, (command) => claim.claims.appeal(holder, command));
    await expect(
      claim.as(adjuster, (command) =>
        claim.claims.updateStatus(adjuster, command, 'waiting_approval', {
          amount: '1.00',
          rationale: 'Still',
        }),
      ),
    ).rejects.toMatchObject({ status: 409, code: 'NEW_ASSIGNEE_REQUIRED' });
    await claim.as(manager, (command) => claim.claims.assign(manager, command, senior.userId));
    await claim.as(senior, (command) =>
      claim.claims.updateStatus(senior, command, 'waiting_approval', {
        amount: '1.00',
        rationale: 'Still',
      }),
    );
    await deny();
    await claim.end();
    expect(await claim.row()).toMatchObject({ status: 'closed', closed_outcome: 'denied' });

    await claim.as(manager, (command) => claim.claims.reopen(manager, command));
    await journeys.dispatcher.drained();
    await claim.rest();

    expect(await claim.row()).toMatchObject({
      status: 'under_review',
      closed_outcome: null,
      workflow_closed_at: null,
    });
    expect(await claim.statusesOf('decision')).toContain('scheduled');
    await claim.as(holder, (command) => claim.claims.withdraw(holder, command));
    await claim.end();
    expect(await claim.row()).toMatchObject({ status: 'closed', closed_outcome: 'withdrawn' });
  });

  it('whose decision is late is offered to colleagues, and handed to one who may take it', async () => {
    const claim = await beginClaim(journeys);
    const senior = await claim.person('senior_adjuster');
    const manager = await claim.person('claims_manager');
    const adjuster = await claim.person('adjuster');
    await claim.toApproval('900.00');
    await journeys.passUntil((await claim.dueAt('approval')) + 60_000);
    await claim.rest();
    const late = await claim.dueAt('approval_manager');
    const offers = (await claim.messages()).filter(
      (each) => each['template_code'] === 'claim_approval_overdue',
    );
    const delegates = await claim.claims.approvalDelegates(senior, claim.id);
    const hand = (userId: string) =>
      claim.as(senior, (command) => claim.claims.delegateApproval(senior, command, userId));

    await expect(hand(adjuster.userId)).rejects.toMatchObject({ status: 422 });
    await hand(manager.userId);

    expect(offers.map((each) => each['payload'])).toEqual(
      offers.map(() => expect.objectContaining({ delegates: 2 })),
    );
    expect(offers.map((each) => each['recipient_role'])).toContain('senior_adjuster');
    expect(delegates.map(({ userId }) => userId).toSorted()).toEqual(
      [senior.userId, manager.userId].toSorted(),
    );
    expect((await claim.events()).at(-1)).toBe('delegate_approval');
    expect((await claim.messages()).at(-1)).toMatchObject({
      template_code: 'claim_approval_wanted',
      recipient_user_id: manager.userId,
    });
    expect(await claim.row()).toMatchObject({ status: 'waiting_approval', sla_status: 'on_track' });
    expect(await claim.dueAt('approval')).toBeGreaterThan(late);
    expect(await claim.statusesOf('approval_manager')).toEqual(['cancelled']);
  });

  it('waits for a person where the rule finds nobody to give it to', async () => {
    const claim = await beginClaim(journeys, {
      begin: { settings: { claims: { assignmentRule: 'round_robin' } } },
    });

    expect(await claim.row()).toMatchObject({ status: 'reported', assigned_to: null });
    expect(await claim.statusesOf('triage')).toEqual(['scheduled']);
  });

  it('keeps a deadline that was moved, and tells why', async () => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    const dueAt = new Date(journeys.now() + 10 * dayMs);
    const change = { dueAt, reason: 'A storm', dryRun: false };
    await claim.as(manager, ({ once }) =>
      claim.timelines.changeTimer(manager, claim.id, 'triage', change, once),
    );

    await journeys.passUntil(dueAt.getTime() - dayMs);
    await claim.rest();
    expect(await claim.statusesOf('triage')).toEqual(['scheduled']);
    await journeys.passUntil(dueAt.getTime() + 60_000);
    await claim.rest();
    expect(await claim.statusesOf('triage')).toEqual(['fired']);
    expect((await claim.timers()).find(({ name }) => name === 'triage')).toMatchObject({
      reason: 'A storm',
      changed_by: manager.userId,
      source: 'command',
    });
  });
});
