import { subscriptionActivities } from '../../src/activities/subscriptions.ts';
import { render } from '../../src/activities/templates.ts';
import type { TemplateCode } from '../../src/models/Notification.ts';
import { addDays, dateAt } from '../../src/rules/calendar.ts';
import type { TimerName } from '../../src/rules/termTimers.ts';
import { buildSubscription, type Sold } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

interface Message {
  readonly template: TemplateCode;
  readonly channel: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

describe('a message about a subscription', () => {
  let database: TestDatabase;
  const activities = subscriptionActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  async function order({ companyId, id }: Sold, commandId: string) {
    const ref = { companyId, subscriptionId: id };
    const { stateVersion, expiresAt, termNo } = await activities.readSubscription(ref);
    const at = expiresAt - 20 * dayMs;
    return { termNo, given: { ...ref, commandId, expectedVersion: stateVersion, at } };
  }

  async function fire(sold: Sold, name: TimerName): Promise<void> {
    const { termNo, given } = await order(sold, `${sold.id}/${name}`);
    const commandId = `${given.commandId}/${termNo}`;
    await activities.fireSubscriptionTimer({ ...given, commandId, name, occurrence: termNo });
  }

  async function renew(sold: Sold): Promise<void> {
    const { given } = await order(sold, `renew-${sold.id}`);
    await activities.renewSubscription({ ...given, reason: null });
  }

  async function cancelLater(sold: Sold): Promise<void> {
    const { given } = await order(sold, `cancel-${sold.id}`);
    const effectiveDate = addDays(dateAt(given.at, 'Europe/Berlin'), 15);
    await activities.cancelSubscription({ ...given, effectiveDate, reason: null });
  }

  const setPlan = ({ id }: Sold, changes: string): Promise<unknown> =>
    database.sql(
      `UPDATE shared.insurance_plans SET ${changes} WHERE id =
         (SELECT insurance_plan_id FROM shared.policy_subscriptions WHERE id = $1)`,
      [id],
    );

  /** All but the confirmation of the sale. */
  const told = ({ id }: Sold): Promise<Message[]> =>
    database.sql<Message>(
      `SELECT template_code AS template, channel, payload FROM core.notifications
       WHERE entity_id = $1 AND template_code <> 'subscription_confirmed' ORDER BY id`,
      [id],
    );
  const templates = async (sold: Sold): Promise<string[]> =>
    (await told(sold)).map(({ template, channel }) => `${channel} ${template}`);

  const text = ({ template, payload }: Message): string =>
    render(template, { name: 'Ada', company: 'Surety', link: '', ...payload }).text;

  const notices = [
    'renewal_offer',
    'renewal_reminder_30',
    'renewal_reminder_1',
    'renewal_call',
  ] as const;

  it.each(notices)('%s is not sent while a cancellation is pending', async (name) => {
    const sold = await buildSubscription();
    await cancelLater(sold);

    await fire(sold, name);

    expect(await templates(sold)).toEqual([
      'email subscription_cancel_pending',
      'in_app subscription_cancel_pending',
    ]);
    const [timer] = await database.sql(
      `SELECT status FROM core.timers WHERE entity_id = $1 AND name = $2`,
      [sold.id, name],
    );
    expect(timer).toEqual({ status: 'fired' });
  });

  it('is sent again after a renewal took the cancellation back', async () => {
    const sold = await buildSubscription();
    await cancelLater(sold);
    await renew(sold);

    await fire(sold, 'renewal_offer');
    await fire(sold, 'renewal_call');

    expect((await templates(sold)).slice(-3)).toEqual([
      'email renewal_offer',
      'in_app renewal_offer',
      'in_app renewal_call',
    ]);
  });

  it('offers the next term at the price of the day', async () => {
    const sold = await buildSubscription();
    await setPlan(sold, "premium = 333.5, coverage_amount = '400000'");

    await fire(sold, 'renewal_offer');

    const [mail] = await told(sold);
    if (!mail) throw new Error('Nothing was offered');
    const [row] = await database.sql<{ end: string }>(
      `SELECT (end_date + interval '1 year')::date::text AS end FROM shared.policy_subscriptions WHERE id = $1`,
      [sold.id],
    );
    expect(mail).toMatchObject({
      template: 'renewal_offer',
      payload: { newEndDate: row?.end, newPremium: '333.50', newCoverageAmount: '400000.00' },
    });
    expect(text(mail)).toContain(`until ${row?.end}, for 333.50 EUR at the price of today`);
  });

  it('does not offer what is no longer sold', async () => {
    const sold = await buildSubscription();
    await setPlan(sold, 'is_active = false');

    await fire(sold, 'renewal_offer');

    expect(await templates(sold)).toEqual(['email renewal_reminder', 'in_app renewal_reminder']);
  });

  it('reminds whoever renews by himself of that, and of the way out', async () => {
    const sold = await buildSubscription({ autoRenew: true });

    await fire(sold, 'renewal_reminder_14');

    const [mail] = await told(sold);
    if (!mail) throw new Error('Nobody was reminded');
    expect(await templates(sold)).toEqual([
      'email renewal_reminder_auto',
      'in_app renewal_reminder_auto',
    ]);
    expect(text(mail)).toContain(`renews by itself on ${String(mail.payload['endDate'])}`);
    expect(text(mail)).toContain('switch automatic renewal off');
    expect(text(mail)).not.toContain('Renew it');
  });

  it('does not promise a renewal of what is no longer sold', async () => {
    const sold = await buildSubscription({ autoRenew: true });
    await setPlan(sold, 'is_active = false');

    await fire(sold, 'renewal_reminder_14');

    expect(await templates(sold)).toEqual(['email renewal_reminder', 'in_app renewal_reminder']);
  });

  it('of the end does not say that whoever cancelled had asked to renew', async () => {
    const sold = await buildSubscription({ autoRenew: true });
    await cancelLater(sold);
    await setPlan(sold, 'is_active = false');

    await fire(sold, 'expiry');

    expect((await templates(sold)).slice(-1)).toEqual(['in_app subscription_expired']);
  });

  it('of a renewal names both premiums, each in its currency, and the policy has the new', async () => {
    const sold = await buildSubscription();
    await setPlan(sold, `currency = 'USD', premium = '400.00'`);

    await renew(sold);

    const [mail] = await told(sold);
    if (!mail) throw new Error('Nobody was told');
    expect(mail.payload).toMatchObject({ oldCurrency: 'EUR', currency: 'USD' });
    expect(text(mail)).toContain('The premium was 365.00 EUR and is 400.00 USD');
    const policies = await database.sql(
      `SELECT premium, currency FROM shared.policies WHERE company_id = $1`,
      [sold.companyId],
    );
    expect(policies).toEqual([{ premium: '400.00', currency: 'USD' }]);
  });

  it('of a renewal that was queued without the old currency can still be sent', async () => {
    const sold = await buildSubscription();
    await renew(sold);
    const [mail] = await told(sold);
    if (!mail) throw new Error('Nobody was told');
    const { oldCurrency: _, ...payload } = mail.payload;

    const sent = text({ ...mail, payload });

    expect(sent).toContain('The premium was 365.00 EUR and is 365.00 EUR');
  });
});

const dayMs = 86_400_000;
