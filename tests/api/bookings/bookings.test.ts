import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import type { Property } from '../../../src/models/Property.ts';
import { addDays, dateAt, timeOfDay } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildPayment } from '../../support/payments.ts';
import { buildProperty } from '../../support/properties.ts';

type Person = Actor & { userId: string };

let api: TestApi;
let companyId: string;
let guest: Person;
let host: Person;
let property: Property;

const today = dateAt(Date.now(), 'Europe/Berlin');
const stay = (from = 10, nights = 3) => ({
  property_id: property.id,
  start_date: addDays(today, from),
  end_date: addDays(today, from + nights),
});

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  [guest, host] = [await buildActor({ companyId }), await buildActor({ companyId })];
  property = await buildProperty({ companyId, ownerId: host.userId, minNights: 2, maxNights: 14 });
});

const reservations = async () =>
  api.database.sql<{ booking_id: string; archived_at: Date | null }>(
    'SELECT booking_id, archived_at FROM shared.reservations WHERE property_id = $1',
    [property.id],
  );

describe('POST /bookings', () => {
  it('holds the nights for the guest at the price of today', async () => {
    const booked = await api.as(guest).post('/bookings', { ...stay(), guests: 2 });

    expect(booked).toMatchObject({
      status: 201,
      body: {
        data: {
          ...stay(),
          guest_id: guest.userId,
          host_id: host.userId,
          nights: 3,
          price_per_night: '100.00',
          total_amount: '300.00',
          status: 'pending',
          payment_status: null,
          workflow: { state: 'starting' },
        },
      },
    });
    const holdMs = Date.parse(booked.body.data.hold_expires_at) - Date.now();
    expect(holdMs).toBeGreaterThan(14 * 60_000);
    expect(holdMs).toBeLessThanOrEqual(15 * 60_000);
    expect(await reservations()).toEqual([{ booking_id: booked.body.data.id, archived_at: null }]);
    const taken = await api.visiting(companyId).get(`/properties/${property.id}/availability`);
    expect(taken.body.data.taken).toHaveLength(1);
  });

  it('gives the same nights to one of 200 who want them at once, and loses none', async () => {
    const callers = await Promise.all(
      Array.from({ length: 10 }, async () => api.as(await buildActor({ companyId }))),
    );

    const all = Array.from({ length: 20 }, () => callers).flat();
    const answers = await Promise.all(
      all.map((caller, n) => caller.post('/bookings', stay(20 + (n % 3), 5))),
    );

    const codes = answers.map((answer) => `${answer.status} ${answer.body.code ?? ''}`.trim());
    expect(codes.filter((code) => code === '201')).toHaveLength(1);
    expect(codes.filter((code) => code === '409 DATES_UNAVAILABLE')).toHaveLength(199);
    expect(await reservations()).toHaveLength(1);
    const before = await api.as(guest).post('/bookings', stay(18, 2));
    expect(before.status).toBe(201);
  });

  it('lets guests arrive on the day on which others leave', async () => {
    const answers = [
      await api.as(guest).post('/bookings', stay(10, 3)),
      await api.as(guest).post('/bookings', stay(13, 3)),
      await api.as(guest).post('/bookings', stay(15, 2)),
    ];

    expect(answers.map(({ status }) => status)).toEqual([201, 201, 409]);
  });

  it.each<[string, () => object, string, string]>([
    ['yesterday', () => stay(-1), 'start_date', 'DATE_PAST'],
    ['one night', () => stay(5, 1), 'end_date', 'STAY_TOO_SHORT'],
    ['15 nights', () => stay(5, 15), 'end_date', 'STAY_TOO_LONG'],
    ['in three years', () => stay(1095), 'start_date', 'DATE_TOO_FAR'],
    ['too many people', () => ({ ...stay(), guests: 5 }), 'guests', 'TOO_MANY_GUESTS'],
    [
      'a made-up price',
      () => ({ ...stay(), total_amount: '1.00' }),
      'total_amount',
      'UNKNOWN_FIELD',
    ],
  ])('refuses %s', async (_, body, field, code) => {
    const answer = await api.as(guest).post('/bookings', body());

    expect(answer).toMatchObject({
      status: 422,
      body: { details: [expect.objectContaining({ field, code })] },
    });
    expect(await reservations()).toEqual([]);
  });

  it('refuses the host, what is not listed, and another company’s property', async () => {
    const foreign = await buildProperty({ companyId: (await buildCompany()).id });
    const hidden = await buildProperty({ companyId, status: 'unlisted' });
    const book = (actor: Actor, id: string) =>
      api.as(actor).post('/bookings', { ...stay(), property_id: id });

    expect(await book(host, property.id)).toMatchObject({
      status: 409,
      body: { code: 'OWN_PROPERTY' },
    });
    expect([await book(guest, foreign.id), await book(guest, hidden.id)]).toMatchObject([
      { status: 404 },
      { status: 404 },
    ]);
  });

  it('books once under one key', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await api.as(guest).post('/bookings', stay(), key);
    const second = await api.as(guest).post('/bookings', stay(), key);
    const other = await api.as(guest).post('/bookings', stay(11), key);

    expect(second.body.data).toEqual(first.body.data);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await reservations()).toHaveLength(1);
  });
});

describe('a booking', () => {
  const booked = async (): Promise<string> => {
    const { body } = await api.as(guest).post('/bookings', stay());
    return `/bookings/${body.data.id}`;
  };

  it('is seen by its guest, its host, administrators and auditors, and by nobody else', async () => {
    const path = await booked();
    const stranger = await buildActor({ companyId });
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const foreigner = await buildActor({ companyId: (await buildCompany()).id });

    const seen = await Promise.all(
      [guest, host, admin, stranger, foreigner].map(
        async (actor) => (await api.as(actor).get(path)).status,
      ),
    );
    const lists = await Promise.all(
      [guest, host, admin, stranger].map(
        async (actor) => (await api.as(actor).get('/bookings')).body.pagination.total,
      ),
    );

    expect(seen).toEqual([200, 200, 200, 404, 404]);
    expect(lists).toEqual([1, 1, 1, 0]);
  });

  it('is paid by its guest and confirmed or declined by its host alone', async () => {
    const path = await booked();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const key = { 'Idempotency-Key': uuid() };

    const answers = [
      await api.as(host).post(`${path}/pay`, {}, key),
      await api.as(guest).post(`${path}/confirm`),
      await api.as(guest).post(`${path}/decline`),
      await api.as(admin).post(`${path}/cancel`),
      await api.as(admin).post(`${path}/cancel/preview`),
    ];

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    const { body } = await api.as(guest).get(path);
    expect(body.data).toMatchObject({ status: 'pending', state_version: 1 });
  });

  it('is paid under a key, and only where the installation has a gateway', async () => {
    const path = await booked();

    const withoutKey = await api.as(guest).post(`${path}/pay`);
    const withKey = await api.as(guest).post(`${path}/pay`, {}, { 'Idempotency-Key': uuid() });

    expect(withoutKey).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    expect(withKey).toMatchObject({ status: 503, body: { code: 'PAYMENTS_NOT_CONFIGURED' } });
  });

  it.each([
    ['is paid', 'paid_at = now()'],
    ['is being paid', 'is_charging = true'],
  ])('is given up or declined under a key once it %s', async (_, paid) => {
    const path = await booked();
    const { payment } = await buildPayment({ companyId });
    await api.database.sql(`UPDATE shared.bookings SET payment_id = $2, ${paid} WHERE id = $1`, [
      path.split('/').at(-1),
      payment.id,
    ]);

    const answers = [
      await api.as(guest).post(`${path}/cancel`),
      await api.as(host).post(`${path}/cancel`),
      await api.as(host).post(`${path}/decline`),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_REQUIRED' } });
    }
    const { body } = await api.as(guest).get(path);
    expect(body.data).toMatchObject({ status: 'pending', state_version: 1 });
  });

  it('shows what giving it up would mean, and stores nothing', async () => {
    const path = await booked();

    const preview = await api.as(guest).post(`${path}/cancel/preview`);

    expect(preview.body.data).toMatchObject({
      as: 'guest',
      paid_amount: '0.00',
      refund_amount: '0.00',
      rule: 'not_confirmed',
      host_strike: false,
    });
    const { body } = await api.as(guest).get(path);
    expect(body.data).toMatchObject({ status: 'pending', state_version: 1 });
  });

  it('is not given up once its nights have passed, nor is it shown what that would mean', async () => {
    const path = await booked();
    await api.database.sql(
      `UPDATE shared.bookings SET start_date = start_date - 20, end_date = end_date - 20,
         status = 'confirmed', paid_at = now(), confirmed_at = now() WHERE id = $1`,
      [path.split('/').at(-1)],
    );
    const seen = async () => {
      const { workflow: _starts, ...booking } = (await api.as(guest).get(path)).body.data;
      return booking;
    };
    const before = await seen();
    const over = { status: 409, body: { code: 'STAY_OVER' } };

    expect(
      await api.as(host).post(`${path}/cancel`, {}, { 'Idempotency-Key': uuid() }),
    ).toMatchObject(over);
    expect(await api.as(guest).post(`${path}/cancel/preview`)).toMatchObject(over);

    expect(await seen()).toEqual(before);
  });

  it('says what a timer goes by that nobody moves', async () => {
    const operator = await buildActor({ companyId, role: 'operator' });
    const { body } = await api.as(guest).post('/bookings', stay(3));
    const { id } = body.data;
    const move = async (name: string) => {
      await api.database.sql('UPDATE core.timers SET name = $2 WHERE entity_id = $1', [id, name]);
      const path = `/workflows/booking/${id}/timers/${name}`;
      return api.as(operator).patch(path, { extend_by: 60, reason: 'Sooner', dry_run: true });
    };

    const code = 'TIMER_NOT_MOVABLE';
    expect(await move('host_reminder')).toMatchObject({
      status: 409,
      body: { code, message: 'The timer host_reminder follows host_confirmation' },
    });
    expect(await move('refund_watch')).toMatchObject({
      body: {
        code,
        message: 'The timer refund_watch counts from the day on which the refund was opened',
      },
    });
  });

  it('has the answer of its host moved no further than to the check-in', async () => {
    const operator = await buildActor({ companyId, role: 'operator' });
    const { body } = await api.as(guest).post('/bookings', stay(3));
    const { id, start_date: startDate } = body.data;
    await api.database.sql(
      `UPDATE core.timers SET name = 'host_confirmation' WHERE entity_id = $1`,
      [id],
    );
    const checkIn = timeOfDay(startDate, '15:00', 'Europe/Berlin');
    const move = (dueAt: number) =>
      api.as(operator).patch(`/workflows/booking/${id}/timers/host_confirmation`, {
        due_at: new Date(dueAt).toISOString(),
        reason: 'The host is away',
        dry_run: true,
      });

    expect(await move(checkIn)).toMatchObject({ status: 200 });
    expect(await move(checkIn + 1000)).toMatchObject({
      status: 422,
      body: { details: [{ field: 'due_at', code: 'DEADLINE_OUT_OF_RANGE' }] },
    });
  });

  it('keeps its property from being archived', async () => {
    await booked();

    const archived = await api.as(host).delete(`/properties/${property.id}`);

    expect(archived).toMatchObject({ status: 409, body: { code: 'PROPERTY_BOOKED' } });
  });

  it('is not among the nights that the owner keeps, and is not let go like those', async () => {
    await booked();
    const [reservation] = await api.database.sql<{ id: string }>(
      'SELECT id FROM shared.reservations WHERE property_id = $1',
      [property.id],
    );
    const blocks = `/properties/${property.id}/blocks`;

    const listed = await api.as(host).get(blocks);
    const freed = await api.as(host).delete(`${blocks}/${reservation?.id}`);

    expect(listed.body.items).toEqual([]);
    expect(freed.status).toBe(404);
    expect(await reservations()).toMatchObject([{ archived_at: null }]);
  });

  it('is found by its stay, its property and its people', async () => {
    const path = await booked();
    const id = path.split('/').at(-1);
    const find = async (query: object) =>
      (await api.as(guest).get('/bookings', query)).body.items.map(
        (each: { id: string }) => each.id,
      );

    expect(await find({ property_id: property.id, host_id: host.userId })).toEqual([id]);
    expect(await find({ from: addDays(today, 12), to: addDays(today, 13) })).toEqual([id]);
    expect(await find({ from: addDays(today, 13) })).toEqual([]);
    expect(await find({ to: addDays(today, 10) })).toEqual([]);
    expect(await find({ status: 'confirmed' })).toEqual([]);
    expect(await find({ host_strike: true })).toEqual([]);
    await api.database.sql('UPDATE shared.bookings SET host_strike = true WHERE id = $1', [id]);
    expect(await find({ host_strike: true })).toEqual([id]);
    expect(await find({ host_strike: false })).toEqual([]);
  });
});
