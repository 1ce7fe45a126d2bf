import { createCampaigns } from '../../src/commands/campaigns.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { select, withTenant } from '../../src/models/database.ts';
import { addDays, dateAt, hourOfDay, type CalendarDate } from '../../src/rules/calendar.ts';
import { hire, wakeKeeper } from '../support/acknowledgements.ts';
import { as, once } from '../support/build.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { beginPolicy, type PolicyJourney } from '../support/policies.ts';
import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';

const zone = 'Europe/Berlin';

describe('a campaign', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));
  const campaigns = createCampaigns();

  const today = (): CalendarDate => dateAt(journeys.now(), zone);

  /** Lets the morning of a day pass. */
  const passMorning = async ({ company, id }: PolicyJourney, date: CalendarDate): Promise<void> => {
    await journeys.passUntil(hourOfDay(date, 8, zone) + 1000);
    await journeys.settled(acknowledgementWorkflowId(company.id, id));
  };

  /** A policy that two people have answered, and a campaign that asks them again. */
  async function begin() {
    // Each mail goes by itself, so that they can be counted.
    const policy = await beginPolicy(journeys, {
      settings: { notifications: { gatherHours: 0 } },
    });
    const { company, author } = policy;
    await hire(company.id, 2);
    await policy.toPublished();
    await wakeKeeper(journeys, policy);
    await journeys.database.sql(
      `UPDATE ${company.schemaName}.acknowledgements SET status = 'acknowledged',
         acknowledged_at = now(), evidence_hash = repeat('0', 64), next_action = 'open_next_cycle',
         next_action_at = now() + interval '335 days' WHERE policy_id = $1`,
      [policy.id],
    );
    const made = await as(author, () =>
      campaigns.create(
        {
          policyId: policy.id,
          name: 'Before the audit',
          audienceCustomerId: null,
          audienceRole: null,
          audienceDepartment: null,
          dueDays: 10,
          allowDecline: true,
          allowExemption: true,
          settings: { remindBefore: [4] },
        },
        once(author),
      ),
    );
    if (made instanceof Replay) throw new Error('A first request is no replay');
    const { id } = made;
    const command = { expectedVersion: undefined, once: once(author) };
    const step = async (name: 'launch' | 'pause' | 'resume' | 'cancel'): Promise<void> => {
      await as<unknown>(author, () =>
        name === 'launch' || name === 'cancel'
          ? campaigns[name](id, command)
          : campaigns[name](company, id, command),
      );
      await wakeKeeper(journeys, policy);
    };
    return { policy, step, progress: () => campaigns.progress(author, company, id) };
  }

  const told = async ({ company }: PolicyJourney, template: string): Promise<number> => {
    const rows = await withTenant(company.id, () =>
      select(
        `SELECT 1 FROM core.notifications
         WHERE template_code = $1 AND channel = 'email' AND status = 'sent'`,
        [template],
      ),
    );
    return rows.length;
  };

  const dueDates = async ({ company, id }: PolicyJourney): Promise<string[]> => {
    const rows = await withTenant(company.id, () =>
      select<{ due: string }>(
        `SELECT due_date::text AS due FROM acknowledgements
         WHERE policy_id = $1 AND campaign_id IS NOT NULL`,
        [id],
      ),
    );
    return rows.map(({ due }) => due);
  };

  it('asks, rests while it is paused, and goes on with later dates', async () => {
    const { policy, step, progress } = await begin();
    const start = today();
    await step('launch');
    expect(await dueDates(policy)).toEqual([addDays(start, 10), addDays(start, 10)]);
    expect(await told(policy, 'acknowledgement_assigned')).toBe(4);

    await passMorning(policy, addDays(start, 1));
    await step('pause');
    await passMorning(policy, addDays(start, 21));
    expect(await told(policy, 'acknowledgement_reminder')).toBe(0);
    expect(await told(policy, 'acknowledgement_overdue')).toBe(0);

    await step('resume');
    expect(await dueDates(policy)).toEqual([addDays(start, 30), addDays(start, 30)]);
    expect(await told(policy, 'acknowledgement_overdue')).toBe(0);
    await passMorning(policy, addDays(start, 26));
    expect(await told(policy, 'acknowledgement_reminder')).toBe(2);
    await passMorning(policy, addDays(start, 31));
    expect(await told(policy, 'acknowledgement_overdue')).toBe(2);
    expect((await progress()).ageing).toMatchObject({ notDue: 0, upTo7: 2 });
  });

  it('is cancelled with a mail to each who was asked, and they stand as before', async () => {
    const { policy, step, progress } = await begin();
    await step('launch');

    await step('cancel');

    expect(await told(policy, 'acknowledgement_withdrawn')).toBe(2);
    expect(await progress()).toMatchObject({
      status: 'cancelled',
      counts: { pending: 0, cancelled: 2 },
    });
    await passMorning(policy, addDays(today(), 30));
    expect(await told(policy, 'acknowledgement_reminder')).toBe(0);
    expect(
      await withTenant(policy.company.id, () =>
        select('SELECT status, cycle FROM acknowledgements WHERE is_current'),
      ),
    ).toEqual([
      { status: 'acknowledged', cycle: 1 },
      { status: 'acknowledged', cycle: 1 },
    ]);
  });
});
