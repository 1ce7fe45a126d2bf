import { randomUUID } from 'node:crypto';
import { letterPdf } from '../../src/activities/letterPdf.ts';
import { previewAcknowledgement } from '../../src/commands/acknowledgementPreview.ts';
import { createAcknowledgements } from '../../src/commands/acknowledgements.ts';
import { createOwnCompany } from '../../src/commands/ownCompany.ts';
import type { Actor } from '../../src/context.ts';
import { select, withTenant } from '../../src/models/database.ts';
import { Employee } from '../../src/models/Employee.ts';
import { addDays, dateAt, hourOfDay, type CalendarDate } from '../../src/rules/calendar.ts';
import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';
import { hire as hirePeople, wakeKeeper } from '../support/acknowledgements.ts';
import { as, buildActor } from '../support/build.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { beginPolicy, type PolicyJourney } from '../support/policies.ts';

const zone = 'Europe/Berlin';
const answer = {
  policyVersion: 1,
  typedName: 'Grace',
  answers: [],
  openedAt: null,
  scrolledAt: null,
};
/** `LONG_RUN=1` makes a year of it. */
const waves = process.env['LONG_RUN'] ? 365 : 60;

describe('the acknowledgements of a compliance policy', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  const today = (): CalendarDate => dateAt(journeys.now(), zone);
  const morningOf = (date: CalendarDate): number => hourOfDay(date, 8, zone);

  const wake = (policy: PolicyJourney): Promise<void> => wakeKeeper(journeys, policy);

  const hire = async (
    { company }: PolicyJourney,
    facts: { managerId?: string; joinDate?: CalendarDate; user?: Actor & { userId: string } } = {},
  ): Promise<string> => {
    const { managerId, joinDate, user } = facts;
    const [id = ''] = await hirePeople(company.id, 1, {
      ...(managerId && { managerId }),
      ...(joinDate && { joinDate }),
      ...(user && { userId: user.userId }),
    });
    return id;
  };

  const rowsOf = ({ company, id }: PolicyJourney) =>
    withTenant(company.id, () =>
      select<Record<string, unknown>>(
        `SELECT id, employee_id AS employee, status, cycle, policy_version AS version,
           due_date::text AS due, escalation_status AS escalation, is_current AS current
         FROM acknowledgements WHERE policy_id = $1 ORDER BY created_at, id`,
        [id],
      ),
    );

  const told = ({ company }: PolicyJourney, template: string) =>
    withTenant(company.id, () =>
      select<{ whom: string; payload: Record<string, unknown> }>(
        `SELECT coalesce(recipient_user_id::text, recipient_address) AS whom, payload
         FROM core.notifications WHERE template_code = $1 AND channel = 'email' ORDER BY id`,
        [template],
      ),
    );

  it('is due after thirty days, then climbs to HR and to executives, each told once', async () => {
    const policy = await beginPolicy(journeys);
    const { company } = policy;
    const hr = await buildActor({ companyId: company.id, role: 'hr' });
    const executive = await buildActor({ companyId: company.id, role: 'executive' });
    const manager = await hire(policy);
    const gone = await hire(policy, { managerId: manager });
    await withTenant(company.id, () =>
      Employee.update({ status: 'inactive', leaveDate: today() }, { where: { id: gone } }),
    );
    const late = await hire(policy, { managerId: gone });
    await policy.toPublished();
    const published = today();
    await wake(policy);
    const operator = await buildActor({ companyId: company.id, role: 'operator' });
    const preview = await previewAcknowledgement(operator, { id: policy.id });

    const due = addDays(published, 30);
    expect(await rowsOf(policy)).toEqual(
      [manager, late].map((employee) => ({
        id: expect.any(String),
        employee,
        status: 'pending',
        cycle: 1,
        version: 1,
        due,
        escalation: 'none',
        current: true,
      })),
    );
    expect(journeys.server.mails.filter(({ to }) => to === `${late}@staff.example`)).toMatchObject([
      {
        subject: `Please read: Acceptable use, until ${due}`,
        text: expect.stringMatching(
          /Sign in with this e-mail address .* request is [0-9a-f-]{36}\./,
        ),
      },
    ]);

    await journeys.passUntil(morningOf(addDays(due, 1)) + 1000);
    await journeys.settled(acknowledgementWorkflowId(company.id, policy.id));
    // Of whose manager has left the one above hears; of whom nobody is above, HR.
    expect(
      (await told(policy, 'acknowledgement_alert')).map(({ whom }) => whom).toSorted(),
    ).toEqual([`${manager}@staff.example`, hr.userId].toSorted());

    await journeys.passUntil(morningOf(addDays(due, 7)) + 1000);
    await journeys.settled(acknowledgementWorkflowId(company.id, policy.id));
    expect((await rowsOf(policy)).map(({ escalation }) => escalation)).toEqual([
      'escalated_to_hr',
      'escalated_to_hr',
    ]);

    await journeys.passUntil(morningOf(addDays(due, 14)) + 1000);
    await journeys.settled(acknowledgementWorkflowId(company.id, policy.id));
    expect((await rowsOf(policy)).map(({ escalation }) => escalation)).toEqual([
      'escalated_to_cxo',
      'escalated_to_cxo',
    ]);
    const alerts = await told(policy, 'acknowledgement_alert');
    expect(alerts.filter(({ whom }) => whom === executive.userId)).toMatchObject([
      {
        payload: {
          count: 2,
          level: 'executive',
          people: expect.stringMatching(/^.*, 14 days late\n.*, 14 days late$/),
        },
      },
    ]);
    // Reminders with 7, 3 and 1 days left, one of them to each.
    expect(await told(policy, 'acknowledgement_reminder')).toHaveLength(6);
    expect(await told(policy, 'acknowledgement_overdue')).toHaveLength(2 * 14);
    expect(preview.timers.map(({ name, dueAt }) => [name, dateAt(dueAt.getTime(), zone)])).toEqual(
      await happened(policy),
    );
  });

  /** On which day each thing happened first, to anybody. */
  const happened = async ({ company, id }: PolicyJourney) => {
    const rows = await withTenant(company.id, () =>
      select<{ name: string; day: CalendarDate }>(
        `SELECT CASE template_code WHEN 'acknowledgement_overdue' THEN 'overdue'
             ELSE 'remind_' || ((payload ->> 'dueDate')::date - day) END AS name, min(day)::text AS day
         FROM core.notifications,
           LATERAL (SELECT substring(dedupe_key FROM '\\d{4}-\\d{2}-\\d{2}')::date) AS d (day)
         WHERE template_code IN ('acknowledgement_reminder', 'acknowledgement_overdue')
         GROUP BY 1
         UNION ALL
         SELECT CASE h.new_value WHEN 'escalated_to_hr' THEN 'escalate_hr' ELSE 'escalate_exec' END,
           min((h.updated_at AT TIME ZONE $2)::date)::text
         FROM acknowledgement_history h JOIN acknowledgements a ON a.id = h.acknowledgement_id
         WHERE a.policy_id = $1 AND h.field = 'escalation_status' GROUP BY 1
         ORDER BY 2`,
        [id, zone],
      ),
    );
    return rows.map(({ name, day }) => [name, day]);
  };

  it(`keeps every run short, though somebody is told on ${waves} days that they are late`, async () => {
    const policy = await beginPolicy(journeys);
    const { company } = policy;
    await hire(policy);
    await policy.toPublished();
    await wake(policy);
    const end = addDays(today(), 30 + waves);

    await journeys.passUntil(morningOf(end) + 1000);

    const workflowId = acknowledgementWorkflowId(company.id, policy.id);
    await journeys.settled(workflowId);
    expect(await told(policy, 'acknowledgement_overdue')).toHaveLength(waves);
    const lengths = await lengthsOfRuns(workflowId);
    process.stderr.write(`${waves} daily waves: runs of ${lengths.join(', ')} events\n`);
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThan(5000);
  }, 600_000);

  const eventsOf = async (workflowId: string, runId?: string) => {
    const handle = journeys.server.temporal.client.workflow.getHandle(workflowId, runId);
    return (await handle.fetchHistory()).events ?? [];
  };

  /** Events of each run of the workflow, the first one first. */
  async function lengthsOfRuns(workflowId: string): Promise<number[]> {
    const lengths: number[] = [];
    for (let runId: string | undefined; runId !== '';) {
      const events = await eventsOf(workflowId, runId);
      lengths.unshift(events.length);
      runId = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    }
    return lengths;
  }

  it('asks again earlier once the company wants it more often', async () => {
    const policy = await beginPolicy(journeys);
    const { company } = policy;
    const person = await buildActor({ companyId: company.id, role: 'employee' });
    await hire(policy, { user: person });
    await policy.toPublished();
    await wake(policy);
    const [asked] = await rowsOf(policy);
    const { acknowledge } = createAcknowledgements({ drawPdf: letterPdf });
    const answered = await as(person, () => acknowledge(person, String(asked?.['id']), answer));
    const answeredOn = dateAt(Number(answered.acknowledgedAt), zone);

    const companies = { forget: () => {} };
    const admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    await as(admin, () =>
      createOwnCompany({ companies }).editSettings(
        admin,
        { compliance: { periodicDays: 180 } },
        undefined,
      ),
    );
    await wake(policy);
    await journeys.passUntil(morningOf(addDays(answeredOn, 150)) + 1000);
    await journeys.settled(acknowledgementWorkflowId(company.id, policy.id));

    expect(await rowsOf(policy)).toMatchObject([
      { status: 'acknowledged', current: false },
      { status: 'pending', cycle: 2, current: true, due: addDays(answeredOn, 180) },
    ]);
  });

  it('opens the next cycle a year after the answer, and asks all again about a new version', async () => {
    const policy = await beginPolicy(journeys);
    const { company } = policy;
    const person = await buildActor({ companyId: company.id, role: 'employee' });
    const employee = await hire(policy, { user: person });
    const acknowledgements = createAcknowledgements({ drawPdf: letterPdf });
    await policy.toPublished();
    await wake(policy);
    const [asked] = await withTenant(company.id, () =>
      select<{ id: string }>('SELECT id FROM acknowledgements WHERE employee_id = $1', [employee]),
    );

    const answered = await as(person, () =>
      acknowledgements.acknowledge(person, String(asked?.id), answer),
    );

    const answeredOn = dateAt(Number(answered.acknowledgedAt), zone);
    expect(answered).toMatchObject({ status: 'acknowledged', onTime: true });
    expect(answered.nextActionAt).toEqual(new Date(morningOf(addDays(answeredOn, 335))));
    await wake(policy);
    await journeys.passUntil(morningOf(addDays(answeredOn, 335)) + 1000);
    await journeys.settled(acknowledgementWorkflowId(company.id, policy.id));
    expect(await rowsOf(policy)).toMatchObject([
      { status: 'acknowledged', cycle: 1, current: false },
      { status: 'pending', cycle: 2, current: true, due: addDays(answeredOn, 365) },
    ]);

    await policy.draftNext(`For work ${randomUUID()}`);
    await policy.as(policy.author, (command) => policy.versions.submit(policy.author, command, []));
    const [decider] = policy.deciders;
    await policy.as(decider, (command) => policy.versions.approve(decider, command));
    await policy.as(policy.author, (command) =>
      policy.versions.publish(policy.author, command, undefined),
    );
    await wake(policy);
    expect(await rowsOf(policy)).toMatchObject([
      { status: 'acknowledged', version: 1, current: false },
      { status: 'superseded', version: 1, current: false },
      { status: 'pending', version: 2, cycle: 1, current: true, due: addDays(today(), 30) },
    ]);
  });

  it('asks whoever has yet to join when that day comes, though nothing else happens', async () => {
    const policy = await beginPolicy(journeys);
    const joins = addDays(today(), 5);
    const joiner = await hire(policy, { joinDate: joins });
    await policy.toPublished();
    await wake(policy);
    expect(await rowsOf(policy)).toEqual([]);

    await journeys.passUntil(morningOf(joins) + 1000);
    await journeys.settled(acknowledgementWorkflowId(policy.company.id, policy.id));

    expect(await rowsOf(policy)).toMatchObject([
      { employee: joiner, status: 'pending', due: addDays(joins, 30) },
    ]);
  });

  it('withdraws what a publication asked that was a mistake, and tells each of them once', async () => {
    // Each mail goes by itself, so that they can be counted.
    const policy = await beginPolicy(journeys, {
      settings: { notifications: { gatherHours: 0 } },
    });
    const { author, versions } = policy;
    const person = await buildActor({ companyId: policy.company.id, role: 'employee' });
    const answers = await hire(policy, { user: person });
    const waits = await hire(policy);
    const { acknowledge } = createAcknowledgements({ drawPdf: letterPdf });
    await policy.toPublished();
    await wake(policy);
    const asked = (await rowsOf(policy)).find(({ employee }) => employee === answers);
    await as(person, () => acknowledge(person, String(asked?.['id']), answer));
    // The answer was given by this process's clock, which does not go ahead with the server's.
    await journeys.database.sql(
      `UPDATE ${policy.company.schemaName}.acknowledgements
       SET acknowledged_at = $2, next_action_at = $2::timestamptz + interval '335 days' WHERE id = $1`,
      [asked?.['id'], new Date(journeys.now())],
    );
    await policy.draftNext(`For work ${randomUUID()}`);
    await policy.toPublished();
    await wake(policy);
    expect(await told(policy, 'acknowledgement_assigned')).toHaveLength(4);

    await policy.as(author, (command) => versions.unpublish(author, command));
    await wake(policy);

    const of = async (who: string) =>
      (await rowsOf(policy)).filter(({ employee }) => employee === who);
    expect(await of(answers)).toMatchObject([
      { status: 'acknowledged', version: 1, current: true },
      { status: 'cancelled', version: 2, current: false },
    ]);
    expect(await of(waits)).toMatchObject([
      { status: 'superseded', version: 1, current: false },
      { status: 'cancelled', version: 2, current: false },
      { status: 'pending', version: 1, cycle: 2, current: true },
    ]);
    await wake(policy);
    const notices = (await told(policy, 'acknowledgement_withdrawn')).map(({ whom }) => whom);
    expect(notices.toSorted()).toEqual([person.userId, `${waits}@staff.example`].toSorted());
    const sent = journeys.server.mails.filter(({ to }) => to === `${waits}@staff.example`);
    expect(sent.map(({ subject }) => subject)).toContain(
      'You need not read it any more: Acceptable use',
    );
  });
});
