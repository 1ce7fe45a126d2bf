import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import { askable, askAgain } from '../../src/models/acknowledging.ts';
import { contentHash } from '../../src/models/CompliancePolicyVersion.ts';
import { execute, select, withTenant } from '../../src/models/database.ts';
import { watchedPolicy } from '../../src/models/watchedPolicy.ts';
import { addDays } from '../../src/rules/calendar.ts';
import { buildKept, hire } from '../support/acknowledgements.ts';
import { buildActor } from '../support/build.ts';
import { meanwhile } from '../support/meanwhile.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { seed } from '../rules/property.ts';

describe('the keeper of a policy', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  async function build() {
    const keeper = await buildKept();
    const { tenant, change, settle, policyId, author } = keeper;
    return {
      ...keeper,
      /** Everybody who has not answered does. */
      answer: () =>
        change(
          `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
             evidence_hash = repeat('0', 64), next_action = 'open_next_cycle', next_action_at = now()
           WHERE status = 'pending'`,
        ),
      /** A second version, which nobody has to read anew. */
      writeSmallChange: () =>
        change(
          `INSERT INTO compliance_policy_versions (company_id, id, policy_id, number, major, minor,
             content, content_sha256, requires_reack, authors)
           SELECT company_id, $2, policy_id, 2, 1, 1, content, content_sha256, false,
             jsonb_build_array($3::text)
           FROM compliance_policy_versions WHERE policy_id = $1`,
          policyId,
          uuid(),
          author.userId,
        ),
      /** In the place of the other. */
      publish: async (number: number) => {
        for (const [status, at] of [
          ['superseded', 'number <> $2'],
          ['published', 'number = $2'],
        ] as const) {
          await change(
            `UPDATE compliance_policy_versions SET status = '${status}', published_at = now(),
               ended_at = CASE WHEN '${status}' = 'superseded' THEN now() END
             WHERE policy_id = $1 AND ${at}`,
            policyId,
            number,
          );
        }
        await settle();
      },
      rows: () =>
        tenant(() =>
          select<Record<string, unknown>>(
            `SELECT employee_id AS employee, status, cycle, is_current AS current,
               escalation_status AS escalation, department
             FROM acknowledgements ORDER BY created_at, id`,
          ),
        ),
      told: (template: string) =>
        tenant(async () => {
          const [counted] = await select<{ count: number }>(
            `SELECT count(*)::integer AS count FROM core.notifications
             WHERE template_code = $1 AND channel = 'email'`,
            [template],
          );
          return counted?.count;
        }),
      /** The kept counts, and the same counted anew. */
      counts: () =>
        tenant(async () => {
          const sums = ['pending', 'acknowledged', 'declined', 'exempted'];
          const kept = await select(
            `SELECT department, ${sums.map((name) => `sum(${name})::integer AS ${name}`).join()}
             FROM compliance_counts GROUP BY department
             HAVING (${sums.map((name) => `sum(${name})`).join()}) <> (0, 0, 0, 0) ORDER BY 1`,
          );
          const anew = await select(
            `SELECT department, ${sums
              .map((name) => `count(*) FILTER (WHERE status = '${name}')::integer AS ${name}`)
              .join()}
             FROM acknowledgements WHERE is_current GROUP BY department ORDER BY 1`,
          );
          return { kept, anew };
        }),
    };
  }

  it('asks everybody once, in batches, however often it is begun', async () => {
    const { companyId, settle, rows, told, counts, state } = await build();
    const people = await hire(companyId, 1201);

    await Promise.all([settle(), settle()]);
    await settle();

    expect((await rows()).map(({ employee }) => employee).toSorted()).toEqual(people.toSorted());
    expect(await told('acknowledgement_assigned')).toBe(1201);
    const { kept, anew } = await counts();
    expect(kept).toEqual([
      { department: '', pending: 1201, acknowledged: 0, declined: 0, exempted: 0 },
    ]);
    expect(anew).toEqual(kept);
    expect(await state()).toMatchObject({ status: 'watching', pending: 1201, isClosed: false });
  });

  it('asks nobody who is in another department, and no more who went there', async () => {
    const { companyId, policyId, settle, rows, change } = await build();
    await change(
      `UPDATE compliance_policies SET audience_department = 'IT' WHERE id = $1`,
      policyId,
    );
    const [stays = '', goes = ''] = await hire(companyId, 2, { department: 'it' });
    await hire(companyId, 1, { department: 'Sales' });
    await settle();
    expect(await rows()).toHaveLength(2);

    await change(`UPDATE employees SET department = 'Sales' WHERE id = $1`, goes);
    await settle();
    await change(`UPDATE employees SET department = 'IT' WHERE id = $1`, goes);
    await settle();

    expect(await rows()).toMatchObject([
      { employee: stays, status: 'pending', current: true },
      { employee: goes, status: 'cancelled', current: false },
      { employee: goes, status: 'pending', current: true, cycle: 2, department: 'IT' },
    ]);
  });

  it('reminds and escalates each person once a day, whatever is repeated', async () => {
    const { companyId, settle, wave, rows, told, morning } = await build();
    const hr = await buildActor({ companyId, role: 'hr' });
    await hire(companyId, 3);
    await settle();

    await wave(morning(23));
    await wave(morning(23));
    expect(await told('acknowledgement_reminder')).toBe(3);
    // After days without a worker nobody gets more than one.
    await wave(morning(37));
    await wave(morning(37));
    expect(await told('acknowledgement_reminder')).toBe(3);
    expect(await told('acknowledgement_overdue')).toBe(3);
    expect(await rows()).toMatchObject(
      Array.from({ length: 3 }, () => ({ escalation: 'escalated_to_hr' })),
    );
    const alerts = await withTenant(companyId, () =>
      select(
        `SELECT recipient_user_id AS "to", payload ->> 'count' AS count FROM core.notifications
         WHERE template_code = 'acknowledgement_alert' AND channel = 'email'`,
      ),
    );
    expect(alerts).toEqual([{ to: hr.userId, count: '3' }]);
  });

  it('says who else is told, where the worker was away until executives had to hear of it', async () => {
    const { companyId, settle, wave, morning } = await build();
    const [hr, executive] = [
      await buildActor({ companyId, role: 'hr' }),
      await buildActor({ companyId, role: 'executive' }),
    ];
    await hire(companyId, 1);
    await settle();

    await wave(morning(44));

    const alerts = await withTenant(companyId, () =>
      select(
        `SELECT recipient_user_id AS "to", payload ->> 'people' AS people, payload ->> 'next' AS next
         FROM core.notifications WHERE template_code = 'acknowledgement_alert' AND channel = 'email'`,
      ),
    );
    const next =
      'From now on it stands in the weekly compliance digest until each of them has answered.';
    expect(alerts).toEqual(
      expect.arrayContaining([
        { to: hr.userId, people: 'Employee 1, 14 days late; executives are told too', next },
        { to: executive.userId, people: 'Employee 1, 14 days late', next },
      ]),
    );
  });

  it('has the dates that the present settings say, told once all the same', async () => {
    const { companyId, settle, wave, redate, state, told, morning } = await build();
    await hire(companyId, 2);
    await settle();
    expect(await state()).toMatchObject({ isOutdated: false, nextAt: morning(23) });
    await wave(morning(23));
    await database.sql(
      `UPDATE platform.companies SET settings = settings || '{"compliance": {"remindBefore": [7, 5]}}'
       WHERE id = $1`,
      [companyId],
    );

    expect(await state(morning(23))).toMatchObject({ isOutdated: true });
    await redate(morning(23));
    await wave(morning(23));

    expect(await told('acknowledgement_reminder')).toBe(2);
    expect(await state(morning(23))).toMatchObject({ isOutdated: false, nextAt: morning(25) });
  });

  it('tells a manager once of one lateness, whatever gives its row other dates on that day', async () => {
    const { companyId, settle, wave, redate, told, morning } = await build();
    await buildActor({ companyId, role: 'hr' });
    await hire(companyId, 1);
    await settle();
    await wave(morning(31));
    expect(await told('acknowledgement_alert')).toBe(1);

    await redate(morning(31) + 7_200_000);
    await wave(morning(31) + 7_200_000);
    await wave(morning(32));

    expect(await told('acknowledgement_alert')).toBe(1);
    expect(await told('acknowledgement_overdue')).toBe(2);
  });

  it('tells a manager who was not told by the dates before', async () => {
    const { companyId, settle, wave, redate, told, morning } = await build();
    await buildActor({ companyId, role: 'hr' });
    await hire(companyId, 1);
    await settle();

    await redate(morning(33));
    await wave(morning(33));

    expect(await told('acknowledgement_alert')).toBe(1);
  });

  it('tells HR on the day, whoever else had an alert on it, and each of them once a day', async () => {
    const { companyId, settle, wave, change, tenant, morning } = await build();
    const hr = await buildActor({ companyId, role: 'hr' });
    const manager = await buildActor({ companyId, role: 'employee' });
    const [boss = ''] = await hire(companyId, 1, { userId: manager.userId });
    const [first = ''] = await hire(companyId, 1, { managerId: boss });
    const [second = ''] = await hire(companyId, 1, { managerId: boss });
    await settle();
    const leaveOnly = (late: string) =>
      change(`UPDATE acknowledgements SET next_action = NULL, next_action_at = NULL, owed_alerts = '{}'
        WHERE employee_id <> '${late}'`);
    const escalate = (late: string) =>
      change(
        `UPDATE acknowledgements SET owed_alerts = '{hr}', escalation_status = 'escalated_to_hr'
         WHERE employee_id = $1`,
        late,
      );
    const alerts = () =>
      tenant(() =>
        select(
          `SELECT recipient_user_id AS "to", (payload ->> 'count')::integer AS count, event_key AS key
           FROM core.notifications WHERE template_code = 'acknowledgement_alert' AND channel = 'email'
           ORDER BY id`,
        ),
      );
    await leaveOnly(first);
    await wave(morning(31));
    const ofManager = { to: manager.userId, count: 1, key: expect.stringMatching(/\/[-\d]{10}$/) };
    expect(await alerts()).toEqual([ofManager]);

    await escalate(second);
    await wave(morning(31) + 7_200_000);
    await wave(morning(31) + 7_200_000);
    const ofHr = { to: hr.userId, count: 1, key: expect.stringMatching(/\/[-\d]{10}\/2$/) };
    expect(await alerts()).toEqual([ofManager, ofHr]);

    await escalate(first);
    await wave(morning(31) + 10_800_000);
    expect(await alerts()).toEqual([ofManager, ofHr]);
    await wave(morning(32));
    expect(await alerts()).toMatchObject([ofManager, ofHr, { to: hr.userId, count: 1 }]);
  });

  it('tells whoever stands above HR where nobody is HR', async () => {
    const { companyId, settle, wave, rows, told, morning } = await build();
    await hire(companyId, 1);
    await settle();

    await wave(morning(37));

    expect(await rows()).toMatchObject([{ escalation: 'escalated_to_hr' }]);
    expect(await told('acknowledgement_alert')).toBe(1);
  });

  it('knows where somebody works who moved while they were asked again', async () => {
    const { companyId, settle, rows, change, counts } = await build();
    const [mover] = await hire(companyId, 1, { department: 'IT' });
    await settle();
    // As a row that was written just before it would be.
    await change(`UPDATE acknowledgements SET department = 'Sales' WHERE employee_id = $1`, mover);

    await settle();

    expect(await rows()).toMatchObject([{ employee: mover, department: 'IT', current: true }]);
    const { kept, anew } = await counts();
    expect(kept).toEqual(anew);
  });

  it('asks in good time where the database knows nothing of the tables yet', async () => {
    const { companyId, settle, rows } = await build();
    await hire(companyId, 3000);
    await settle();

    // A statement of 5 s is ended.
    await settle();

    expect(await rows()).toHaveLength(3000);
  });

  it('goes on asking as before where a small change of the text is taken back', async () => {
    const { companyId, settle, rows, told, change, tenant, ...policy } = await build();
    const { writeSmallChange, publish } = policy;
    await hire(companyId, 1);
    await settle();
    await change(`UPDATE acknowledgements SET due_date = due_date - 43`);
    const due = () =>
      tenant(() =>
        select<{ due: string; version: number }>(
          'SELECT due_date AS due, policy_version AS version FROM acknowledgements',
        ),
      );
    const [before] = await due();
    await writeSmallChange();

    await publish(2);
    expect(await due()).toEqual([{ ...before, version: 2 }]);
    await publish(1);

    expect(await due()).toEqual([{ ...before, version: 1 }]);
    expect(await rows()).toMatchObject([{ status: 'pending', current: true, cycle: 1 }]);
    expect(await told('acknowledgement_assigned')).toBe(1);
    expect(await told('acknowledgement_withdrawn')).toBe(0);
  });

  it('asks nobody again whose answer was to a small change that is taken back', async () => {
    const { companyId, settle, rows, told, counts, change, ...policy } = await build();
    const { writeSmallChange, publish, answer } = policy;
    await hire(companyId, 1);
    await settle();
    await writeSmallChange();
    await publish(2);
    await answer();

    await publish(1);

    const answered = [{ status: 'acknowledged', current: true, cycle: 1 }];
    expect(await rows()).toMatchObject(answered);
    expect((await counts()).kept).toMatchObject([{ pending: 0, acknowledged: 1 }]);
    await change(`UPDATE employees SET status = 'inactive', leave_date = current_date`);
    await settle();
    await change(`UPDATE employees SET status = 'active', leave_date = NULL`);
    await settle();
    expect(await rows()).toMatchObject(answered);
    expect(await told('acknowledgement_assigned')).toBe(1);
  });

  it('asks anew about a text that was taken back and changed, and not about the same', async () => {
    const { companyId, policyId, settle, rows, answer, change, publish } = await build();
    await hire(companyId, 1);
    await settle();
    await answer();
    await change(
      `UPDATE acknowledgements a SET evidence = jsonb_build_object('contentSha256', v.content_sha256)
       FROM compliance_policy_versions v WHERE v.policy_id = a.policy_id`,
    );
    const takeBack = async () => {
      await change(
        `UPDATE compliance_policy_versions SET status = 'approved', published_at = NULL`,
      );
      await settle();
    };

    await takeBack();
    await publish(1);
    expect(await rows()).toMatchObject([{ status: 'acknowledged', current: true }]);
    await takeBack();
    await change(
      'UPDATE compliance_policy_versions SET content = $2, content_sha256 = $3 WHERE policy_id = $1',
      policyId,
      'Not for work',
      contentHash('Not for work'),
    );
    await publish(1);

    expect(await rows()).toMatchObject([
      { status: 'acknowledged', current: false, cycle: 1 },
      { status: 'pending', current: true, cycle: 2 },
    ]);
  });

  it('leaves a line in history and audit of whatever changes how somebody stands', async () => {
    const { companyId, policyId, settle, wave, change, answer, tenant, morning, ...policy } =
      await build();
    const ids = await hire(companyId, 1);
    await settle();

    await policy.writeSmallChange();
    await policy.publish(2);
    await answer();
    await change(`UPDATE employees SET status = 'inactive', leave_date = current_date`);
    await settle();
    await change(`UPDATE employees SET status = 'active', leave_date = NULL`);
    await settle();
    await tenant(async () => {
      const watched = await watchedPolicy(policyId, new Date());
      const { published, today } = watched;
      if (published) await askAgain(watched, published, await askable(watched, ids), today);
    });
    await answer();
    await wave(morning(340));

    const lines = await tenant(() =>
      select<{ line: string }>(
        `SELECT concat_ws(' ', a.cycle, h.field, h.old_value, h.new_value) AS line
         FROM acknowledgement_history h JOIN acknowledgements a ON a.id = h.acknowledgement_id
         ORDER BY h.id`,
      ),
    );
    expect(lines.map(({ line }) => line)).toEqual([
      '1 policy_version 1 2',
      '1 is_current true false',
      '1 is_current false true',
      '1 is_current true false',
      '2 is_current true false',
    ]);
    const audited = await tenant(() =>
      select(
        `SELECT before, after - 'reason' AS after FROM core.audit_logs
         WHERE entity_type = 'acknowledgement' AND action = 'UPDATE' ORDER BY id`,
      ),
    );
    const [counts, not] = [{ isCurrent: true }, { isCurrent: false }];
    const answered = { status: 'acknowledged' };
    const step = { before: { ...answered, ...counts }, after: { ...answered, ...not } };
    expect(audited).toEqual([
      { before: { policyVersion: 1, cycle: 1 }, after: { policyVersion: 2, cycle: 1 } },
      step,
      { before: not, after: counts },
      step,
      step,
    ]);
  });

  it('opens the next cycle of nobody whom somebody else is asking just now', async () => {
    const { companyId, author, settle, wave, rows, answer, morning } = await build();
    const [employee] = await hire(companyId, 1);
    await settle();
    await answer();

    await meanwhile(
      { database, actor: author },
      () => execute('SELECT 1 FROM employees WHERE id = $1 FOR NO KEY UPDATE', [employee]),
      () => wave(morning(340)),
    );
    expect(await rows()).toMatchObject([{ status: 'acknowledged', current: true }]);
    await wave(morning(340));

    expect(await rows()).toMatchObject([
      { status: 'acknowledged', current: false },
      { status: 'pending', current: true, cycle: 2 },
    ]);
  });

  it('lapses an exemption with what it was about, so that nobody can grant it later', async () => {
    const { companyId, settle, wave, change, rows, morning, tenant } = await build();
    const [gone = ''] = await hire(companyId, 1);
    await settle();
    const [asked] = await tenant(() => select<{ id: string }>('SELECT id FROM acknowledgements'));
    await change(
      `INSERT INTO exemptions (company_id, id, acknowledgement_id, reason, valid_until)
       VALUES ((SELECT app.company_id()), gen_random_uuid(), $1, 'Away', current_date + 60)`,
      asked?.id,
    );
    await change(
      `UPDATE employees SET status = 'inactive', leave_date = current_date WHERE id = $1`,
      gone,
    );

    await settle();

    expect(await tenant(() => select('SELECT status FROM exemptions'))).toEqual([
      { status: 'lapsed' },
    ]);
    await wave(morning(70));
    expect(await rows()).toMatchObject([{ status: 'cancelled', current: false }]);
  });

  it('asks whoever has yet to join on the day that they do', async () => {
    const { companyId, settle, rows, told, state, tenant, today, morning } = await build();
    const later = addDays(today, 5);
    const [joiner] = await hire(companyId, 1, { joinDate: later });

    await settle();
    expect([await rows(), await told('acknowledgement_assigned')]).toEqual([[], 0]);
    expect(await state()).toMatchObject({
      status: 'idle',
      nextAt: morning(5),
      joinsAt: morning(5),
    });

    await settle(morning(5));
    expect(await rows()).toMatchObject([{ employee: joiner, status: 'pending' }]);
    expect(
      await tenant(() =>
        select('SELECT acknowledgement_type AS type, due_date AS due FROM acknowledgements'),
      ),
    ).toEqual([{ type: 'new_joiner', due: addDays(later, 30) }]);
    expect(await state(morning(5))).toMatchObject({ status: 'watching', joinsAt: null });
  });

  it('is idle once nobody is left, and over once nothing is published', async () => {
    const { companyId, policyId, settle, change, state, rows, told } = await build();
    await hire(companyId, 1);
    await settle();
    await change(
      `UPDATE compliance_policy_versions SET status = 'retired', ended_at = now(), workflow_closed_at = now()
       WHERE policy_id = $1`,
      policyId,
    );
    await settle();
    expect(await told('acknowledgement_withdrawn')).toBe(1);
    await change(`UPDATE core.notifications SET status = 'sent' WHERE status = 'queued'`);

    expect(await rows()).toMatchObject([{ status: 'superseded', current: false }]);
    expect(await state()).toMatchObject({ status: 'closed', pending: 0, nextAt: null });
  });

  it('keeps counts that a recount agrees with, whatever happens', async () => {
    const { companyId, settle, wave, change, counts, morning } = await build();
    const people = await hire(companyId, 12);
    const anybody = fc.constantFrom(...people);
    const acts = fc.array(
      fc.oneof(
        fc.tuple(
          anybody,
          fc.constantFrom(
            `UPDATE employees SET department = 'IT' WHERE id = $1`,
            `UPDATE employees SET department = NULL WHERE id = $1`,
            `UPDATE employees SET status = 'inactive', leave_date = current_date WHERE id = $1`,
            `UPDATE employees SET status = 'active', leave_date = NULL,
               return_date = current_date WHERE id = $1`,
            `UPDATE acknowledgements SET status = 'declined'
             WHERE employee_id = $1 AND status = 'pending'`,
            `UPDATE acknowledgements SET status = 'acknowledged', acknowledged_at = now(),
               evidence_hash = repeat('0', 64) WHERE employee_id = $1 AND status = 'pending'`,
            `UPDATE acknowledgements SET status = 'exempted', exempted_until = current_date
             WHERE employee_id = $1 AND status = 'pending'`,
          ),
        ),
        fc.constant('settle' as const),
        fc.constant('wave' as const),
      ),
      { minLength: 100, maxLength: 100 },
    );
    let day = 0;
    await fc.assert(
      fc.asyncProperty(acts, async (steps) => {
        for (const step of steps) {
          if (step === 'settle') await settle(morning(day));
          else if (step === 'wave') await wave(morning((day += 5)));
          else await change(step[1], step[0]);
        }
        const { kept, anew } = await counts();
        expect(kept).toEqual(anew);
      }),
      { seed, numRuns: 10 },
    );
  });
});
