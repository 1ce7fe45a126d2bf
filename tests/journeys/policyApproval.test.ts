import { Replay } from '../../src/commands/idempotency.ts';
import { previewPolicyApproval } from '../../src/commands/policyApprovalPreview.ts';
import { createPolicyConfigurations } from '../../src/commands/policyConfigurations.ts';
import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import { as, buildActor, once } from '../support/build.ts';
import { dayMs, useJourneys, type Journeys } from '../support/journey.ts';
import { beginPolicy, type PolicyJourney } from '../support/policies.ts';

const hourMs = 3_600_000;

describe('a version of a compliance policy', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  const edit = (policy: PolicyJourney, changes: object) =>
    as(policy.author, () =>
      policy.policies.edit(policy.author, policy.id, changes, undefined, once(policy.author)),
    );
  const rowsOf = (policy: PolicyJourney) =>
    Promise.all([policy.row(), policy.version(1), policy.version(2)]);

  it('is drafted, submitted, approved and published, and its owner and approvers hear of it', async () => {
    const policy = await beginPolicy(journeys);
    const { author, deciders } = policy;
    await edit(policy, { ownerId: author.userId });

    await policy.toPublished();

    expect(await policy.events(1)).toEqual(['create', 'submit', 'approve', 'publish']);
    expect(await policy.version(1)).toMatchObject({
      status: 'published',
      round: 1,
      authors: [author.userId],
      published_by: author.userId,
    });
    expect(await policy.row()).toMatchObject({
      approval_status: 'approved',
      approved_by: deciders[0].userId,
      policy_version: 1,
      reack_version: 1,
      review_date: addDays(dateAt(journeys.now(), 'Europe/Berlin'), 365),
    });
    expect((await policy.told()).toSorted()).toEqual(
      [
        ...deciders.map(({ userId }) => `compliance_policy_submitted ${userId}`),
        `compliance_policy_approved ${author.userId}`,
        `compliance_policy_published ${author.userId}`,
      ].toSorted(),
    );
    await policy.rest(1);
    const subjects = journeys.server.mails.filter(({ to }) => to === author.email);
    expect(subjects.map(({ subject }) => subject).toSorted()).toEqual([
      'Acceptable use 1.0 is approved',
      'Acceptable use 1.0 is published',
    ]);
  });

  it('does while nobody decides what its preview says', async () => {
    const policy = await beginPolicy(journeys);
    const { author, company, versions } = policy;
    await policy.as(author, (command) => versions.submit(author, command, []));
    const operator = await buildActor({ companyId: company.id, role: 'operator' });

    const preview = await previewPolicyApproval(operator, { id: await policy.versionId(1) });
    const shown = preview.timers.slice(0, 4);
    const end = shown.at(-1)?.dueAt.getTime() ?? 0;
    // What follows counts from when the timer before it was seen to.
    await journeys.passUntil(end + 10_000);
    await policy.rest(1);

    const passed = (await policy.timers(1)).filter(({ status }) => status === 'fired');
    expect(passed.map(({ name }) => name)).toEqual(shown.map(({ name }) => name));
    for (const [place, { due_at: due }] of passed.entries()) {
      const late = Date.parse(String(due)) - (shown[place]?.dueAt.getTime() ?? 0);
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(10_000);
    }
  });

  describe('that an operator pauses', () => {
    const pausing = async (policy: PolicyJourney) => {
      const operator = await buildActor({ companyId: policy.company.id, role: 'operator' });
      const id = await policy.versionId(1);
      const operations = createWorkflowOperations({
        temporal: journeys.server.temporal,
        workflows: journeys.workflows,
        dispatcher: journeys.dispatcher,
      });
      return {
        operate: (action: 'pause' | 'resume') =>
          as(operator, () =>
            operations.operate(operator, {
              action,
              kind: 'policy-approval',
              id,
              reason: 'A lawsuit',
              once: once(operator),
            }),
          ),
        explained: () => policy.timelines.explain(operator, id),
        previewed: () => previewPolicyApproval(operator, { id }),
      };
    };
    const refused = { status: 409, code: 'ILLEGAL_TRANSITION' };

    it('stands still, and goes on with what was left of its clocks', async () => {
      const policy = await beginPolicy(journeys);
      const { operate, explained, previewed } = await pausing(policy);
      await policy.as(policy.author, (command) =>
        policy.versions.submit(policy.author, command, []),
      );
      const dueAt = await policy.dueAt(1, 'approval_reminder');
      const left = dueAt - journeys.now();

      await expect(operate('resume')).rejects.toMatchObject(refused);
      await operate('pause');
      await expect(operate('pause')).rejects.toMatchObject(refused);
      await journeys.passUntil(dueAt + 28 * dayMs);
      await policy.rest(1);

      expect(await policy.told('compliance_policy_reminder')).toEqual([]);
      expect(await previewed()).toMatchObject({
        timers: [],
        paused: ['approval_reminder', 'approval_escalation'],
        cancelled: [],
      });
      const shown = await explained();
      expect(shown).toMatchObject({ waitsFor: 'person', next: null });
      expect(shown.summary).toContain('an operator who lets its clocks go on');
      expect(shown.moves.map(({ event }) => event)).not.toContain('pause');

      await operate('resume');
      const later = await policy.dueAt(1, 'approval_reminder');
      expect(later).toBeGreaterThan(journeys.now());
      expect(later - journeys.now()).toBeLessThanOrEqual(left + 2 * dayMs);
      await journeys.passUntil(later + 1000);
      await policy.rest(1);
      expect(await policy.told('compliance_policy_reminder')).toHaveLength(2);
      expect(await policy.events(1)).toEqual(['create', 'submit', 'pause', 'resume']);
    });

    it('is decided all the same, and what stood still is over', async () => {
      const policy = await beginPolicy(journeys);
      const { operate } = await pausing(policy);
      const { author, deciders, versions } = policy;
      const [decider] = deciders;
      await policy.as(author, (command) => versions.submit(author, command, []));
      await operate('pause');

      await policy.as(decider, (command) => versions.approve(decider, command));

      expect((await policy.timers(1)).map(({ status }) => status)).toEqual([
        'cancelled',
        'cancelled',
      ]);
      await expect(operate('resume')).rejects.toMatchObject(refused);
    });

    it('is published later by the time that it stood still', async () => {
      const policy = await beginPolicy(journeys);
      const { operate } = await pausing(policy);
      const { author, versions } = policy;
      await policy.toApproved();
      const publishAt = journeys.now() + 2 * dayMs;
      await policy.as(author, (command) => versions.publish(author, command, new Date(publishAt)));
      await operate('pause');
      await journeys.passUntil(publishAt + 3 * dayMs);
      expect(await policy.version(1)).toMatchObject({ status: 'approved' });

      await operate('resume');

      const later = await policy.dueAt(1, 'publish');
      expect(Math.round((later - publishAt) / dayMs)).toBe(5);
      expect(Date.parse(String((await policy.version(1))['publish_at']))).toBe(later);
      await journeys.passUntil(later + 1000);
      await policy.rest(1);
      expect(await policy.version(1)).toMatchObject({ status: 'published' });
    });
  });

  it('needs as many approvals as the company wants, each person once, and none of its authors', async () => {
    const policy = await beginPolicy(journeys, { settings: { compliance: { approvalQuorum: 2 } } });
    const { author, deciders, versions } = policy;
    const [first, second] = deciders;
    await policy.as(author, (command) => versions.submit(author, command, []));
    const approve = (actor: typeof author) =>
      policy.as(actor, (command) => versions.approve(actor, command));

    await expect(approve(author)).rejects.toMatchObject({ status: 403 });
    await approve(first);
    await approve(first);
    expect(await policy.version(1)).toMatchObject({ status: 'pending_approval' });
    await expect(
      policy.as(first, (command) => versions.reject(first, command)),
    ).rejects.toMatchObject({ code: 'ALREADY_DECIDED' });
    await approve(second);

    expect(await policy.version(1)).toMatchObject({ status: 'approved', quorum: 2 });
    expect(await policy.events(1)).toEqual(['create', 'submit', 'note_approval', 'approve']);
    expect(await policy.steps()).toEqual([
      [1, 'approved', first.userId],
      [1, 'approved', second.userId],
    ]);
  });

  it('is a draft again once it is rejected, or edited, which makes its approvals void', async () => {
    const policy = await beginPolicy(journeys);
    const { author, deciders, versions } = policy;
    const [decider] = deciders;
    await policy.as(author, (command) => versions.submit(author, command, []));
    await policy.as(decider, (command) => versions.reject(decider, command));
    const rejected = await policy.row();
    await policy.toApproved();

    await edit(policy, { content: 'For work and study' });

    expect(rejected).toMatchObject({ approval_status: 'rejected' });
    expect(await policy.told('compliance_policy_rejected')).toEqual([
      `compliance_policy_rejected ${author.userId}`,
    ]);
    expect(await policy.row()).toMatchObject({
      approval_status: 'pending',
      approved_by: null,
      version: 2,
    });
    expect(await policy.version(1)).toMatchObject({
      status: 'draft',
      round: 2,
      content: 'For work and study',
    });
    expect(await policy.events(1)).toEqual([
      'create',
      'submit',
      'reject',
      'submit',
      'approve',
      'edit',
    ]);
    expect((await policy.steps()).map((step) => step)).toEqual([
      [1, 'rejected', decider.userId],
      [2, 'voided', decider.userId],
    ]);
    expect((await policy.timers(1)).filter(({ status }) => status === 'scheduled')).toEqual([]);
  });

  it('whose decision is late climbs from the approvers to administrators, who hear of it weekly', async () => {
    const policy = await beginPolicy(journeys);
    const { author, deciders, versions } = policy;
    await policy.as(author, (command) => versions.submit(author, command, []));
    const pass = async (name: string): Promise<void> => {
      await journeys.passUntil((await policy.dueAt(1, name)) + 60_000);
      await policy.rest(1);
    };

    await pass('approval_reminder');
    expect((await policy.told('compliance_policy_reminder')).toSorted()).toEqual(
      deciders.map(({ userId }) => `compliance_policy_reminder ${userId}`).toSorted(),
    );
    expect(await policy.version(1)).toMatchObject({ is_escalated: false });
    await pass('approval_escalation');
    expect(await policy.version(1)).toMatchObject({ is_escalated: true });
    await pass('approval_admin');
    const before = await policy.dueAt(1, 'approval_admin');
    await pass('approval_admin');

    expect(await policy.told('compliance_policy_overdue')).toEqual([
      'compliance_policy_overdue compliance_manager',
      'compliance_policy_overdue tenant_admin',
      'compliance_policy_overdue tenant_admin',
    ]);
    // The clocks may change in between.
    const week = (await policy.dueAt(1, 'approval_admin')) - before;
    expect(Math.abs(week - 7 * dayMs)).toBeLessThan(2 * hourMs);
    expect(await policy.version(1)).toMatchObject({ status: 'pending_approval' });
  });

  it('takes the place of the one before it, whose run ends', async () => {
    const policy = await beginPolicy(journeys);
    await policy.toPublished();
    await policy.draftNext('Clearer', false);
    await policy.toPublished();

    expect(await policy.rest(1)).toBe(false);
    expect(await policy.rest(2)).toBe(true);
    const [row, first, second] = await rowsOf(policy);
    expect(row).toMatchObject({ policy_version: 2, reack_version: 1 });
    expect(first).toMatchObject({ status: 'superseded', ended_at: second['published_at'] });
    expect(second).toMatchObject({ status: 'published', major: 1, minor: 1 });
    expect((await policy.timers(1)).filter(({ status }) => status === 'scheduled')).toEqual([]);
  });

  it('takes its place also where the run of that one is gone', async () => {
    const policy = await beginPolicy(journeys);
    await policy.toPublished();
    await policy.draftNext();
    const { workflow } = journeys.server.temporal.client;
    await policy.rest(1);
    await workflow.getHandle(await policy.workflowId(1)).terminate('By mistake');
    await policy.toPublished();

    expect(await policy.rest(2)).toBe(true);
    expect(await policy.version(1)).toMatchObject({ status: 'superseded' });
    expect(await policy.version(2)).toMatchObject({ status: 'published' });
  });

  it('is taken back within a day, and the one before it lives again', async () => {
    const policy = await beginPolicy(journeys);
    const { author, versions } = policy;
    await policy.toPublished();
    await policy.draftNext();
    await policy.toPublished();
    await policy.rest(1);

    await policy.as(author, (command) => versions.unpublish(author, command));
    await policy.startOwed(1);
    await policy.rest(2);

    expect(await policy.rest(1)).toBe(true);
    const [row, first, second] = await rowsOf(policy);
    expect(row).toMatchObject({ policy_version: 1, reack_version: 1 });
    expect(first).toMatchObject({ status: 'published', ended_at: null, workflow_closed_at: null });
    expect(second).toMatchObject({ status: 'approved', published_at: null });
    expect(await policy.dueAt(1, 'review_due')).toBeGreaterThan(journeys.now());

    await policy.as(author, (command) => versions.publish(author, command, undefined));
    expect(await policy.rest(1)).toBe(false);
    await journeys.passUntil(journeys.now() + 25 * hourMs);
    await expect(
      policy.as(author, (command) => versions.unpublish(author, command)),
    ).rejects.toMatchObject({ status: 409, code: 'UNPUBLISH_WINDOW_CLOSED' });
  });

  it.each([
    ['drafted', async () => {}],
    [
      'waiting for approval',
      async (policy: PolicyJourney) => {
        const { author, versions } = policy;
        await policy.as(author, (command) => versions.submit(author, command, []));
      },
    ],
  ])('is taken back though the next one is %s already, which is given up', async (_, go) => {
    const policy = await beginPolicy(journeys);
    const { author, versions } = policy;
    await policy.toPublished();
    await policy.draftNext();
    await policy.toPublished();
    await policy.draftNext();
    await go(policy);

    await policy.as(author, (command) => versions.unpublish(author, command));
    await policy.startOwed(1);

    expect(await policy.rest(2)).toBe(true);
    expect(await policy.rest(3)).toBe(false);
    expect(await policy.rest(1)).toBe(true);
    const [row, first, second] = await rowsOf(policy);
    expect(row).toMatchObject({ policy_version: 1, approval_status: 'approved' });
    expect(first).toMatchObject({ status: 'published' });
    expect(second).toMatchObject({ status: 'approved', archived_at: null });
    expect(await policy.version(3)).toMatchObject({
      archived_at: expect.any(String),
      workflow_closed_at: expect.any(String),
    });
    expect((await policy.timers(3)).filter(({ status }) => status === 'scheduled')).toEqual([]);

    await policy.as(author, (command) => versions.publish(author, command, undefined));
    expect(await policy.version(2)).toMatchObject({ status: 'published' });
    await policy.draftNext();
    expect(await policy.version(4)).toMatchObject({ status: 'draft' });
  });

  it('is what its policy is approved by while it is in force', async () => {
    const policy = await beginPolicy(journeys);
    const { author, deciders, versions } = policy;
    const [first, second] = deciders;
    const approvedBySecond = async (): Promise<void> => {
      await policy.as(author, (command) => versions.submit(author, command, []));
      await policy.as(second, (command) => versions.approve(second, command));
    };
    await policy.toPublished();
    await policy.draftNext();
    await approvedBySecond();

    await edit(policy, { content: 'Clearer' });
    const edited = await policy.row();
    await approvedBySecond();
    await policy.as(author, (command) => versions.publish(author, command, undefined));
    const published = await policy.row();
    await policy.as(author, (command) => versions.unpublish(author, command));
    await policy.startOwed(1);
    await policy.rest(2);
    const [row, before] = await rowsOf(policy);

    expect(edited).toMatchObject({ approval_status: 'pending', approved_by: first.userId });
    expect(published).toMatchObject({ approved_by: second.userId });
    expect(row).toMatchObject({
      approved_by: first.userId,
      approved_at: before['approved_at'],
      policy_version: 1,
    });
  });

  it('is published by itself at the time that was planned, or moved to', async () => {
    const policy = await beginPolicy(journeys);
    const { author, versions, timelines } = policy;
    await policy.toApproved();
    const planned = new Date(journeys.now() + 2 * dayMs);
    await policy.as(author, (command) => versions.publish(author, command, planned));
    const dueAt = new Date(planned.getTime() + dayMs);
    const change = { dueAt, reason: 'A holiday', dryRun: false };
    const versionId = await policy.versionId(1);
    await policy.as(author, ({ once: request }) =>
      timelines.changeTimer(author, versionId, 'publish', change, request),
    );

    await journeys.passUntil(planned.getTime() + hourMs);
    await policy.rest(1);
    expect(await policy.version(1)).toMatchObject({ status: 'approved' });
    await journeys.passUntil(dueAt.getTime() + hourMs);
    await policy.rest(1);

    expect(await policy.version(1)).toMatchObject({
      status: 'published',
      published_by: author.userId,
      publish_at: null,
    });
    expect(await policy.row()).toMatchObject({ policy_version: 1 });
  });

  it('is reviewed after a year unless somebody plans it for another day', async () => {
    const policy = await beginPolicy(journeys);
    await policy.toPublished();
    const reviewDate = addDays(dateAt(journeys.now(), 'Europe/Berlin'), 40);
    await edit(policy, { reviewDate });

    await journeys.passUntil((await policy.dueAt(1, 'review_reminder_1')) + hourMs);
    await policy.rest(1);
    expect(await policy.told('compliance_policy_review_due')).toEqual([
      'compliance_policy_review_due compliance_manager',
    ]);
    expect(await policy.row()).toMatchObject({ review_date: reviewDate, review_overdue: false });
    await journeys.passUntil((await policy.dueAt(1, 'review_due')) + hourMs);
    await policy.rest(1);

    expect(await policy.told('compliance_policy_review_due')).toHaveLength(3);
    expect(await policy.row()).toMatchObject({ review_overdue: true });
    await edit(policy, { reviewDate: addDays(reviewDate, 365) });
    expect(await policy.row()).toMatchObject({ review_overdue: false });
    expect(await policy.events(1)).toContain('plan_review');
  });

  it('is retired, discarded as a draft, and archived with its policy', async () => {
    const policy = await beginPolicy(journeys);
    const { author, versions, policies } = policy;
    const archive = () =>
      as(author, () => policies.archive(author, policy.id, undefined, once(author)));
    await policy.toPublished();
    await policy.draftNext();
    await expect(archive()).rejects.toMatchObject({ code: 'POLICY_PUBLISHED' });
    const drafted = await policy.row();
    await policy.as(author, (command) => versions.discard(author, command, 2));
    expect(await policy.row()).toMatchObject({ version: Number(drafted['version']) + 1 });
    await policy.as(author, (command) => versions.retire(author, command));

    expect(await policy.rest(1)).toBe(false);
    expect(await policy.rest(2)).toBe(false);
    expect(await policy.row()).toMatchObject({ policy_version: 0, reack_version: 0 });
    await policy.draftNext('Once more');
    await archive();

    expect(await policy.version(3)).toMatchObject({ status: 'draft', number: 3 });
    expect((await policy.version(3))['archived_at']).not.toBeNull();
    expect((await policy.row())['archived_at']).not.toBeNull();
    expect(await policy.rest(3)).toBe(false);
  });

  it('is superseded by one with a configuration that somebody else approved', async () => {
    const policy = await beginPolicy(journeys);
    const { author, deciders, id } = policy;
    const [decider] = deciders;
    await policy.toPublished();
    const configurations = createPolicyConfigurations(journeys.dispatcher);
    const wish = { policyId: id, key: 'vulnerability_sla', value: '7 days' };
    const asked = await as(author, () => configurations.create(wish, once(author)));
    if (asked instanceof Replay) throw new Error('A first request is no replay');

    await as(decider, () =>
      configurations.approve(decider, asked.id, {
        expectedVersion: undefined,
        once: once(decider),
      }),
    );
    await journeys.dispatcher.drained();
    journeys.track(await policy.workflowId(2));

    expect(await policy.rest(2)).toBe(true);
    expect(await policy.rest(1)).toBe(false);
    expect(await policy.row()).toMatchObject({ policy_version: 2, reack_version: 1 });
    expect(await policy.version(2)).toMatchObject({ status: 'published', major: 1, minor: 1 });
    expect(await policy.dueAt(2, 'review_due')).toBeGreaterThan(journeys.now());
  });

  it('whose run an operator ends is discarded as a draft, and retired once it is in force', async () => {
    const policy = await beginPolicy(journeys);
    await policy.toPublished();
    await policy.draftNext();
    const { workflow } = journeys.server.temporal.client;
    const end = async (number: number): Promise<void> => {
      await policy.rest(number);
      await workflow.getHandle(await policy.workflowId(number)).cancel();
      expect(await policy.rest(number)).toBe(false);
    };

    await end(2);
    expect(await policy.version(2)).toMatchObject({ status: 'draft' });
    expect((await policy.version(2))['archived_at']).not.toBeNull();
    expect(await policy.row()).toMatchObject({ policy_version: 1, approval_status: 'approved' });
    await end(1);

    expect(await policy.version(1)).toMatchObject({ status: 'retired' });
    expect(await policy.row()).toMatchObject({ policy_version: 0 });
  });

  it('tells what it waits for, and what will happen', async () => {
    const policy = await beginPolicy(journeys);
    const { author, versions, timelines } = policy;
    await policy.as(author, (command) => versions.submit(author, command, []));
    const versionId = await policy.versionId(1);

    const explained = await timelines.explain(author, versionId);
    const { past, future } = await timelines.timeline(author, versionId);

    expect(explained).toMatchObject({
      summary: expect.stringContaining('waits for an approval by somebody who did not write it'),
      waitsFor: 'person',
      next: { name: 'approval_reminder' },
    });
    expect(past.map(({ title }) => title)).toEqual(['Drafted', 'Submitted for approval']);
    expect(future.map(({ name }) => name)).toEqual(['approval_reminder', 'approval_escalation']);
  });
});
