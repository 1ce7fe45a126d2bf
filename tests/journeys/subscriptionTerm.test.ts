import {
  dayMs,
  events,
  instantOf,
  useJourneys,
  type Journey,
  type Journeys,
  type Row,
} from '../support/journey.ts';

describe('the term of a subscription', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it.each(['Europe/Berlin', 'America/New_York', 'Pacific/Apia'])(
    'reminds, expires and closes at midnight in %s, each timer once and in order',
    async (timeZone) => {
      const journey = await journeys.begin({ timeZone });

      await journey.end();

      const clock = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' });
      const { end_date: endDate } = await journey.row();
      const timers = await journey.timers();
      expect(timers.map((timer) => [timer['name'], daysToEnd(journey, timer, endDate)])).toEqual([
        ['renewal_offer', 45],
        ['renewal_reminder_30', 30],
        ['renewal_reminder_14', 14],
        ['renewal_call', 7],
        ['renewal_reminder_7', 7],
        ['renewal_reminder_1', 1],
        ['expiry', 0],
        ['late_renewal_close', -30],
      ]);
      expect(timers.map(({ status }) => status)).toEqual(timers.map(() => 'fired'));
      for (const { due_at: dueAt, fired_at: firedAt } of timers) {
        const dueInstant = instantOf(dueAt);
        const lateMs = instantOf(firedAt) - dueInstant;
        expect(clock.format(dueInstant)).toBe('00:00');
        expect(lateMs).toBeGreaterThanOrEqual(0);
        expect(lateMs).toBeLessThan(60_000);
      }
    },
  );

  it.each(['shared', 'dedicated_schema'] as const)(
    'sends each message once, calls the holder a week before the end, and is over (%s)',
    async (isolation) => {
      const journey = await journeys.begin({ isolation });

      await journey.end();

      const { policyNumber } = journey;
      const { end_date: endDate, ...row } = await journey.row();
      expect(row).toMatchObject({ status: 'expired', state_version: 2, term_no: 1 });
      expect(row['workflow_closed_at']).not.toBeNull();
      expect(await journey.policy()).toMatchObject({ status: 'expired' });
      expect(await events(journey)).toEqual(['subscribe', 'expire']);
      const reminder = `Policy ${policyNumber} ends on ${String(endDate)}`;
      expect(journey.subjects()).toEqual([
        `Your policy ${policyNumber}`,
        expect.stringMatching(
          new RegExp(`^Stay covered: policy ${policyNumber} until [0-9-]{10} for [0-9.]+ EUR$`),
        ),
        ...Array.from({ length: 4 }, () => reminder),
        `Policy ${policyNumber} has expired`,
      ]);
      expect(new Set(journey.mails().map(({ messageId }) => messageId)).size).toBe(7);
      const inApp = (await journey.notifications()).filter(({ channel }) => channel === 'in_app');
      expect(inApp.map((each) => each['template_code'])).toEqual([
        'subscription_confirmed',
        'renewal_offer',
        ...Array.from({ length: 2 }, () => 'renewal_reminder'),
        'renewal_call',
        ...Array.from({ length: 2 }, () => 'renewal_reminder'),
        'subscription_expired',
      ]);
      expect(inApp.filter((each) => each['recipient_role'] !== null)).toMatchObject([
        { template_code: 'renewal_call', recipient_role: 'call_center' },
      ]);
    },
  );

  it('follows the numbers of the company, and those of the plan before them', async () => {
    const journey = await journeys.begin({
      settings: { subscription: { lateRenewalDays: 5, renewalCallDays: 20 } },
      plan: {
        durationMonths: 6,
        lifecycleConfig: { renewalReminderDays: [10], lateRenewalDays: 0 },
      },
    });

    await journey.end();

    const { end_date: endDate } = await journey.row();
    const timers = await journey.timers();
    expect(
      timers.map((timer) => [timer['name'], daysToEnd(journey, timer, endDate), timer['source']]),
    ).toEqual([
      ['renewal_offer', 45, 'default'],
      ['renewal_call', 20, 'setting'],
      ['renewal_reminder_10', 10, 'plan'],
      ['expiry', 0, 'term'],
    ]);
    expect(await journey.row()).toMatchObject({ status: 'expired' });
  });

  it('keeps the policy a draft until a future start, which makes it active', async () => {
    const journey = await journeys.begin({ startsIn: 30 });
    const startsAt = journey.startOf(journey.dateAt(journeys.now() + 30 * dayMs));
    const before = { row: await journey.row(), policy: await journey.policy() };

    await journeys.passUntil(startsAt - 60_000);
    const draft = await journey.policy();
    await journeys.passUntil(startsAt + 60_000);

    expect(before).toMatchObject({ row: { status: 'active' }, policy: { status: 'draft' } });
    expect(draft).toMatchObject({ status: 'draft' });
    expect(await journey.policy()).toMatchObject({ status: 'active' });
    expect(await journey.row()).toMatchObject({ status: 'active', state_version: 2 });
    expect(await events(journey)).toEqual(['subscribe', 'start']);
  });
});

/** Calendar days between a timer and the end, as the company's calendar counts them. */
const daysToEnd = (journey: Journey, timer: Row, endDate: unknown): number =>
  (instantOf(endDate) - Date.parse(journey.dateAt(instantOf(timer['due_at'])))) / dayMs;
