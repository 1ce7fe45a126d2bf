import { addDays, addMonths, dateAt, daysBetween } from '../../../src/rules/calendar.ts';
import { problemsOf, useShop, type Shop } from './shop.ts';

let shop: Shop;
useShop((built) => void (shop = built));

describe('POST /plans/:id/quote', () => {
  const today = () => dateAt(Date.now(), shop.timeZone);

  it('tells price, dates and timers to anybody, and stores nothing', async () => {
    const { api, companyId, create } = shop;
    const { path } = await create({ lifecycle_config: { renewal_reminder_days: [10] } });
    const start = addDays(today(), 3);

    const answer = await api.visiting(companyId).post(`${path}/quote`, { start_date: start });
    const plain = await api.visiting(companyId).post(`${path}/quote`);

    const end = addMonths(start, 12);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        data: {
          premium: '365.00',
          daily_premium: '1.00',
          currency: 'EUR',
          start_date: start,
          end_date: end,
          term_days: daysBetween(start, end),
          cooling_off_ends_on: addDays(start, 14),
        },
      },
    });
    const names = answer.body.data.timers.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['start', 'renewal_reminder_10', 'expiry', 'late_renewal_close']),
    );
    expect(plain.body.data).toMatchObject({ start_date: today() });
    const [stored] = await api.database.sql<{ count: string }>(
      'SELECT count(*) FROM shared.policy_subscriptions WHERE company_id = $1',
      [companyId],
    );
    expect(stored?.count).toBe('0');
  });

  it('refuses a start out of range, and a plan that is not for sale', async () => {
    const { api, companyId, admin, create } = shop;
    const { path } = await create();
    const { path: inactive } = await create({ name: 'Old', is_active: false });
    const visitor = api.visiting(companyId);

    for (const start_date of [addDays(today(), -1), addDays(today(), 91)]) {
      const refused = await visitor.post(`${path}/quote`, { start_date });
      expect(refused.status).toBe(422);
      expect(problemsOf(refused)).toEqual([['start_date', 'START_DATE_OUT_OF_RANGE']]);
    }
    expect(await api.as(admin).post(`${inactive}/quote`)).toMatchObject({
      status: 409,
      body: { code: 'PLAN_NOT_SOLD' },
    });
  });
});
