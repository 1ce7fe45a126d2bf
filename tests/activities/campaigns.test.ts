import { MockActivityEnvironment } from '@temporalio/testing';
import { acknowledgementActivities } from '../../src/activities/acknowledgements.ts';
import { createCampaigns, type CampaignFacts } from '../../src/commands/campaigns.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { carryOnCampaigns } from '../../src/models/campaigning.ts';
import { execute, select, withTenant } from '../../src/models/database.ts';
import { askAbout } from '../../src/models/keeperStart.ts';
import { daysLate, isOverdue, watchedPolicy } from '../../src/models/watchedPolicy.ts';
import { addDays } from '../../src/rules/calendar.ts';
import { buildKept, hire } from '../support/acknowledgements.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';

const wish: CampaignFacts = {
  name: 'Before the audit',
  audienceCustomerId: null,
  audienceRole: null,
  audienceDepartment: null,
  dueDays: 14,
  allowDecline: true,
  allowExemption: true,
  settings: {},
};

describe('the campaigns of a policy', () => {
  let database: TestDatabase;
  const campaigns = createCampaigns();

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  /** A policy that so many people have answered, and a campaign that is a draft. */
  async function build(count: number, facts: Partial<CampaignFacts> = {}) {
    const keeper = await buildKept();
    const { company, companyId, author, policyId, tenant, change } = keeper;
    /** As the keeper does when it is woken up. */
    const settle = async (at?: number): Promise<void> => {
      await keeper.settle(at);
      await keeper.wave(at);
    };
    const command = { expectedVersion: undefined, once: once(author) };
    const answer = (where: string) =>
      change(
        `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
           evidence_hash = repeat('0', 64), next_action = 'open_next_cycle',
           next_action_at = now() + interval '335 days' WHERE status = 'pending' AND ${where}`,
      );
    const people = await hire(companyId, count);
    await settle();
    await answer('true');
    const made = await as(author, () =>
      campaigns.create({ policyId, ...wish, ...facts }, once(author)),
    );
    if (made instanceof Replay) throw new Error('A first request is no replay');
    const { id } = made;
    const of = (act: () => Promise<unknown>) => as(author, act);
    return {
      ...keeper,
      id,
      people,
      answer,
      settle,
      /** The next thing, in a transaction of its own. */
      step: () => tenant(async () => carryOnCampaigns(await watchedPolicy(policyId, new Date()))),
      launch: () => of(() => campaigns.launch(id, command)),
      pause: () => of(() => campaigns.pause(company, id, command)),
      resume: () => of(() => campaigns.resume(company, id, command)),
      cancel: () => of(() => campaigns.cancel(id, command)),
      edit: (changes: Parameters<typeof campaigns.edit>[2]) =>
        as(author, () => campaigns.edit(author, id, changes, undefined)),
      progress: () => campaigns.progress(author, company, id),
      rows: (where = 'campaign_id IS NOT NULL') =>
        tenant(() =>
          select<Record<string, unknown>>(
            `SELECT employee_id AS employee, status, is_current AS current, due_date::text AS due,
               escalation_status AS escalation, acknowledgement_type AS type, cycle
             FROM acknowledgements WHERE ${where} ORDER BY created_at, id`,
          ),
        ),
      told: (template: string) =>
        tenant(() =>
          select<{ to: string }>(
            `SELECT recipient_address AS "to" FROM core.notifications
             WHERE template_code = $1 AND channel = 'email' ORDER BY 1`,
            [template],
          ),
        ),
    };
  }

  const addresses = (people: readonly string[]) =>
    people.map((id) => ({ to: `${id}@staff.example` })).toSorted((a, b) => (a.to < b.to ? -1 : 1));

  it('asks everybody once more, in batches, however often it is begun', async () => {
    const { launch, settle, rows, people, told, today, progress } = await build(501);

    await launch();
    await expect(launch()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    expect(await progress()).toMatchObject({ isAsking: true, counts: { pending: 0 } });
    await Promise.all([settle(), settle()]);
    await settle();

    const asked = await rows();
    expect(asked.map(({ employee }) => employee).toSorted()).toEqual(people.toSorted());
    const whole = { type: 'manual', due: addDays(today, 14), cycle: 2, status: 'pending' };
    expect(asked).toMatchObject(people.map(() => whole));
    expect(await rows('is_current AND campaign_id IS NULL')).toEqual([]);
    // Each was asked when they came, and once by the campaign.
    expect(await told('acknowledgement_assigned')).toHaveLength(1002);
    expect(await progress()).toMatchObject({ isAsking: false, counts: { pending: 501 } });
  });

  it('goes on after the people whom it had asked when it was interrupted', async () => {
    const { launch, step, settle, rows } = await build(700);
    await launch();

    await step();
    expect(await rows()).toHaveLength(500);
    await settle();

    expect(await rows()).toHaveLength(700);
  });

  it('asks whoever moves between departments in the middle of it exactly once', async () => {
    const { launch, step, settle, rows, change, told, progress, people } = await build(502);
    const [first = '', last = ''] = [people[0], people.at(-1)];
    const move = (department: string, ...who: string[]) =>
      change('UPDATE employees SET department = $1 WHERE id = ANY ($2::uuid[])', department, who);
    await launch();
    await step();

    await move('Sales', first, last);
    await settle();
    await move('IT', first, last);
    await settle();

    const asked = (await rows()).map(({ employee }) => employee);
    expect(asked).toHaveLength(502);
    expect(new Set(asked).size).toBe(502);
    expect(await told('acknowledgement_assigned')).toHaveLength(2 * 502);
    expect(await progress()).toMatchObject({ isAsking: false, counts: { pending: 502 } });
  });

  it('asks whoever comes into its department once, and nobody anew who goes and comes back', async () => {
    const { companyId, launch, settle, rows, change, people, answer, told } = await build(4, {
      audienceDepartment: 'IT',
    });
    const [stays = '', goes = '', comes = '', answered = ''] = people;
    const move = async (department: string, id: string): Promise<void> => {
      await change('UPDATE employees SET department = $1 WHERE id = $2', department, id);
      await withTenant(companyId, () => askAbout([id]));
    };
    const isWoken = async (): Promise<unknown> => {
      const [row] = await withTenant(companyId, () =>
        select<{ isAsking: boolean }>('SELECT is_asking AS "isAsking" FROM compliance_policies'),
      );
      return row?.isAsking;
    };
    await change(`UPDATE employees SET department = 'IT' WHERE id = ANY ($1::uuid[])`, [
      stays,
      goes,
    ]);
    await launch();
    await settle();

    await move('Sales', goes);
    expect(await isWoken()).toBe(false);
    await move('IT', comes);
    expect(await isWoken()).toBe(true);
    await settle();
    await settle();
    await move('IT', goes);
    await move('Sales', comes);
    await move('IT', comes);
    await settle();

    const asked = [stays, goes, comes].toSorted();
    expect((await rows()).map(({ employee }) => employee).toSorted()).toEqual(asked);
    expect(await told('acknowledgement_assigned')).toHaveLength(4 + 3);

    // Who has answered since it was launched is not asked by it either.
    await change(
      `UPDATE acknowledgements SET acknowledged_at = now() WHERE employee_id = $1`,
      answered,
    );
    await answer('true');
    await move('IT', answered);
    await settle();
    expect((await rows()).map(({ employee }) => employee).toSorted()).toEqual(asked);
  });

  it('is not done for a try that began before the people were asked', async () => {
    const { launch, step, progress } = await build(2);
    await launch();

    await Promise.all([step(), step(), step()]);

    expect(await progress()).toMatchObject({ status: 'running', counts: { pending: 2 } });
  });

  it('leaves alone who waits, is exempted, has left or is in another department', async () => {
    const { launch, settle, rows, people, change } = await build(6, { audienceDepartment: 'it' });
    const [asked = '', waits, exempted, left, sales, declined = ''] = people;
    await change(`UPDATE employees SET department = 'IT' WHERE id <> $1`, sales);
    await change(
      `UPDATE employees SET status = 'inactive', leave_date = current_date WHERE id = $1`,
      left,
    );
    const undone = `acknowledged_at = NULL, evidence_hash = NULL, next_action = NULL, next_action_at = NULL`;
    await change(
      `UPDATE acknowledgements SET status = 'pending', ${undone} WHERE employee_id = $1`,
      waits,
    );
    await change(
      `UPDATE acknowledgements SET status = 'exempted', exempted_until = '2100-01-01', ${undone}
       WHERE employee_id = $1`,
      exempted,
    );
    await change(
      `UPDATE acknowledgements SET status = 'declined', ${undone} WHERE employee_id = $1`,
      declined,
    );

    await launch();
    await settle();

    expect((await rows()).map(({ employee }) => employee).toSorted()).toEqual(
      [asked, declined].toSorted(),
    );
    expect(await rows(`status IN ('pending', 'exempted') AND campaign_id IS NULL`)).toHaveLength(2);
  });

  it('reminds as it says itself, unless the policy is configured otherwise', async () => {
    const { launch, settle, state, change, redate, policyId, morning } = await build(1, {
      settings: { remindBefore: [10] },
    });
    await launch();
    await settle();
    expect(await state()).toMatchObject({ nextAt: morning(4), isOutdated: false });

    await change(
      `INSERT INTO policy_configurations (company_id, id, policy_id, key, value, status, decided_at)
       VALUES ((SELECT app.company_id()), gen_random_uuid(), $1, 'remind_before', '7, 3, 1 days', 'active',
         now())`,
      policyId,
    );

    // The policy's own rows keep their dates: that is what the company has set as well.
    expect(await state()).toMatchObject({ isOutdated: true });
    await redate();
    expect(await state()).toMatchObject({ nextAt: morning(7), isOutdated: false });
  });

  it('gives whom it has asked other days while it runs, and shows them before', async () => {
    const { launch, settle, edit, rows, state, redate, morning, today, people, ...more } =
      await build(2);
    const { change, wave, told, progress } = more;
    await launch();
    await settle();
    const steps = (due: number) => [
      { action: 'remind', at: new Date(morning(due - 7)) },
      { action: 'remind', at: new Date(morning(due - 3)) },
      { action: 'remind', at: new Date(morning(due - 1)) },
    ];

    const planned = await edit({ dueDays: 21, dryRun: true });
    await settle();
    expect(planned).toMatchObject({
      dryRun: true,
      people: 2,
      campaign: { dueDays: 21 },
      moved: [
        {
          people: 2,
          dueDate: addDays(today, 14),
          newDueDate: addDays(today, 21),
          before: expect.arrayContaining(steps(14)),
          after: expect.arrayContaining(steps(21)),
        },
      ],
    });
    expect(await rows()).toMatchObject(people.map(() => ({ due: addDays(today, 14) })));

    expect(await edit({ dueDays: 21 })).toMatchObject({ dryRun: false, people: 2 });
    // Nothing is sent by the old dates.
    expect(await state(morning(7))).toMatchObject({ nextAt: null });
    await settle();
    await settle();
    expect(await rows()).toMatchObject(people.map(() => ({ due: addDays(today, 21) })));
    await redate();
    expect(await state()).toMatchObject({ isOutdated: false, nextAt: morning(14) });

    await edit({ settings: { remindBefore: [10] } });
    expect(await state()).toMatchObject({ isOutdated: true });
    await redate();
    expect(await state()).toMatchObject({ isOutdated: false, nextAt: morning(11) });

    // A week is left to whoever had more; who is late already is not late any more by more days.
    await edit({ dueDays: 3 });
    await settle();
    expect(await rows()).toMatchObject(people.map(() => ({ due: addDays(today, 7) })));
    await redate();
    await wave(morning(15));
    expect(await rows()).toMatchObject(people.map(() => ({ escalation: 'escalated_to_hr' })));
    await change('UPDATE acknowledgements SET due_date = due_date - 9 WHERE is_current');
    await edit({ dueDays: 13 });
    expect(await progress()).toMatchObject({ ageing: { notDue: 2 } });
    await settle();
    expect(await rows()).toMatchObject(
      people.map(() => ({ due: addDays(today, 8), escalation: 'none' })),
    );
    expect(await told('acknowledgement_assigned')).toHaveLength(4);
  });

  it('lets its clocks stand still while it is paused, and moves its dates by those days', async () => {
    const { companyId, launch, pause, resume, settle, wave, rows, told, state, ...more } =
      await build(2);
    const { change, morning, today, progress } = more;
    await buildActor({ companyId, role: 'hr' });
    await launch();
    await settle();
    await pause();

    await wave(morning(30));
    expect(await told('acknowledgement_reminder')).toEqual([]);
    expect(await told('acknowledgement_overdue')).toEqual([]);
    expect(await rows()).toMatchObject([{ escalation: 'none' }, { escalation: 'none' }]);
    expect(await state(morning(30))).toMatchObject({ nextAt: null, pending: 2 });

    // As if it had been paused ten days ago.
    await change(`UPDATE campaigns SET paused_on = paused_on - 10`);
    await resume();
    // Nothing is sent by the old dates, neither before they are moved nor after.
    expect(await state(morning(13))).toMatchObject({ nextAt: null });
    await wave(morning(13));
    expect(await told('acknowledgement_reminder')).toEqual([]);
    await settle();
    await settle();

    expect(await rows()).toMatchObject([
      { due: addDays(today, 24), status: 'pending' },
      { due: addDays(today, 24), status: 'pending' },
    ]);
    expect(await state()).toMatchObject({ nextAt: morning(17) });
    await wave(morning(17));
    expect(await told('acknowledgement_reminder')).toHaveLength(2);
    expect(await progress()).toMatchObject({ ageing: { notDue: 2 } });
    await expect(resume()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
  });

  it('tells a manager once of one lateness, whatever its pauses move', async () => {
    const { companyId, launch, pause, resume, settle, wave, told, change, morning } =
      await build(1);
    await buildActor({ companyId, role: 'hr' });
    await launch();
    await settle();
    await change(
      `UPDATE acknowledgements SET due_date = due_date - 15, next_action = 'overdue',
         next_action_at = next_action_at - interval '8 days' WHERE is_current`,
    );
    await wave(morning(0));
    expect(await told('acknowledgement_alert')).toHaveLength(1);

    await pause();
    await change(`UPDATE campaigns SET paused_on = paused_on - 1`);
    await resume();
    await settle();
    await wave(morning(1));

    expect(await told('acknowledgement_overdue')).toHaveLength(2);
    expect(await told('acknowledgement_alert')).toHaveLength(1);
  });

  it('owes no alerts while it is paused, and those of others are not lost', async () => {
    const { companyId, launch, pause, settle, wave, told, change, people, morning } =
      await build(2);
    const [other = '', late = ''] = people;
    await buildActor({ companyId, role: 'hr' });
    await launch();
    await settle();
    await change(`UPDATE acknowledgements SET owed_alerts = '{hr}' WHERE is_current`);
    await change(`UPDATE acknowledgements SET campaign_id = NULL WHERE employee_id = $1`, other);
    await pause();

    await wave(morning(1));

    expect(await told('acknowledgement_alert')).toHaveLength(1);
    const [owed] = await withTenant(companyId, () =>
      select(`SELECT employee_id AS employee FROM acknowledgements WHERE owed_alerts <> '{}'`),
    );
    expect(owed).toEqual({ employee: late });
  });

  it('withdraws what it asked when it is cancelled, tells each once, and answers stay', async () => {
    const { launch, cancel, settle, rows, told, people, answer, change, progress, state } =
      await build(4);
    const [answers = '', left, declined = '', waits = ''] = people;
    await change(
      `UPDATE acknowledgements SET status = 'declined', acknowledged_at = NULL, evidence_hash = NULL,
         next_action = NULL, next_action_at = NULL WHERE employee_id = $1`,
      declined,
    );
    await launch();
    await settle();
    await answer(`employee_id = '${answers}'`);
    await change(
      `UPDATE employees SET status = 'inactive', leave_date = current_date WHERE id = $1`,
      left,
    );

    await cancel();
    await Promise.all([settle(), settle()]);
    await settle();

    expect(await rows('is_current')).toMatchObject([
      { employee: declined, status: 'declined', cycle: 1 },
      { employee: waits, status: 'acknowledged', cycle: 1 },
      { employee: answers, status: 'acknowledged', cycle: 2 },
    ]);
    expect(await told('acknowledgement_withdrawn')).toEqual(addresses([declined, waits]));
    expect(await progress()).toMatchObject({
      status: 'cancelled',
      counts: { pending: 0, acknowledged: 1, cancelled: 3 },
    });
    expect(await state()).toMatchObject({ pending: 0 });
    await expect(cancel()).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });

    // Whoever comes back stands as if it had never asked.
    await change(
      `UPDATE employees SET status = 'inactive', leave_date = current_date WHERE id = $1`,
      waits,
    );
    await settle();
    await change(`UPDATE employees SET status = 'active', leave_date = NULL WHERE id = $1`, waits);
    await settle();
    expect(await rows(`is_current AND employee_id = '${waits}'`)).toMatchObject([
      { status: 'acknowledged', cycle: 1 },
    ]);
  });

  it('leaves whoever had not answered before to the policy when it is cancelled', async () => {
    const { companyId, launch, cancel, step, rows, told } = await build(1);
    const [joined = ''] = await hire(companyId, 1);
    await launch();
    await step();

    await cancel();
    await step();

    expect(await rows(`employee_id = '${joined}'`)).toMatchObject([
      { status: 'cancelled', cycle: 1, current: false },
      { status: 'pending', cycle: 2, current: true },
    ]);
    expect(await told('acknowledgement_withdrawn')).toHaveLength(2);
  });

  it('is done by itself once nobody is left who has not answered', async () => {
    const { launch, settle, wave, answer, people, progress } = await build(2);
    await launch();
    await settle();
    await answer(`employee_id = '${people[0]}'`);
    await settle();
    expect(await progress()).toMatchObject({ status: 'running', percentage: '50.00' });

    await answer('true');
    // Answers wake the keeper up for their mails only, and it does not look at the audience then.
    await wave();

    expect(await progress()).toMatchObject({ status: 'done', percentage: '100.00' });
  });

  it('counts those who are late by their days, as of the day on which it was paused', async () => {
    const { companyId, launch, pause, settle, change, people, today, progress } = await build(5);
    const late = () =>
      withTenant(companyId, () =>
        select(
          `SELECT count(*)::integer AS people, max(${daysLate('$1::date')}) AS days
           FROM acknowledgements a WHERE ${isOverdue('$1::date')}`,
          [today],
        ),
      );
    await launch();
    await settle();
    for (const [index, days] of [0, 1, 7, 8, 15].entries()) {
      await change(
        `UPDATE acknowledgements SET due_date = $2 WHERE employee_id = $1 AND is_current`,
        people[index],
        addDays(today, -days),
      );
    }

    expect((await progress()).ageing).toEqual({ notDue: 1, upTo7: 2, upTo14: 1, over14: 1 });
    expect(await late()).toEqual([{ people: 4, days: 15 }]);
    await pause();
    await change(`UPDATE campaigns SET paused_on = paused_on - 7`);

    expect((await progress()).ageing).toEqual({ notDue: 3, upTo7: 1, upTo14: 1, over14: 0 });
    expect(await late()).toEqual([{ people: 2, days: 8 }]);
  });
});

describe('a publication that was a mistake', () => {
  let database: TestDatabase;
  const { settleAudience } = acknowledgementActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  it('is undone with a notice to each who was asked, once, and to nobody who has left', async () => {
    const { id: companyId } = await buildCompany();
    const author = await buildActor({ companyId, role: 'compliance_manager' });
    const authors = [author.userId];
    const { policyId } = await buildPolicyRow({ companyId, authors, status: 'published' });
    const [waits = '', answered, left] = await hire(companyId, 3);
    const change = (sql: string, ...bind: unknown[]) =>
      withTenant(companyId, () => execute(sql, bind));
    const settle = () =>
      new MockActivityEnvironment().run(() =>
        settleAudience({ companyId, policyId, at: Date.now() }),
      );
    await settle();
    await change(
      `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
         evidence_hash = repeat('0', 64) WHERE employee_id = $1`,
      answered,
    );
    await change(
      `UPDATE employees SET status = 'inactive', leave_date = current_date WHERE id = $1`,
      left,
    );
    await change(
      `UPDATE compliance_policy_versions SET status = 'approved', published_at = NULL WHERE policy_id = $1`,
      policyId,
    );

    await Promise.all([settle(), settle()]);
    await settle();

    const told = await withTenant(companyId, () =>
      select(
        `SELECT recipient_address AS "to", payload ->> 'title' AS title FROM core.notifications
         WHERE template_code = 'acknowledgement_withdrawn' AND channel = 'email'`,
      ),
    );
    expect(told).toEqual([{ to: `${waits}@staff.example`, title: 'Acceptable use' }]);
    const rows = await withTenant(companyId, () =>
      select('SELECT status, is_current AS current FROM acknowledgements ORDER BY status'),
    );
    expect(rows).toEqual([
      { status: 'acknowledged', current: false },
      { status: 'cancelled', current: false },
      { status: 'cancelled', current: false },
    ]);
  });
});
