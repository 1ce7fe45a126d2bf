import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import type { Property } from '../../../src/models/Property.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';

type Person = Actor & { userId: string };

let api: TestApi;
let companyId: string;
let guest: Person;
let host: Person;
let property: Property;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  [guest, host] = [await buildActor({ companyId }), await buildActor({ companyId })];
  property = await buildProperty({ companyId, ownerId: host.userId });
});

const stayed = (person = guest, reviewedUntil?: Date) =>
  buildStayed({
    companyId,
    propertyId: property.id,
    guestId: person.userId,
    hostId: host.userId,
    ...(reviewedUntil && { reviewedUntil }),
  });
const review = (person: Actor, body: object, headers?: Record<string, string>) =>
  api.as(person).post(`/properties/${property.id}/reviews`, body, headers);
const shown = async () => {
  const { body } = await api.visiting(companyId).get(`/properties/${property.id}`);
  return [body.data.average_rating, body.data.review_count];
};

describe('reviews', () => {
  it('are written by guests after their stay, and counted on the property', async () => {
    const other = await buildActor({ companyId });
    const booking = await stayed();
    await stayed(other);

    const written = await review(guest, { rating: 5, comment: 'A joy' });
    await review(other, { rating: 2 });

    expect(written).toMatchObject({
      status: 201,
      body: {
        data: {
          booking_id: booking.id,
          reviewer_id: guest.userId,
          rating: 5,
          comment: 'A joy',
          status: 'published',
        },
      },
    });
    expect(await shown()).toEqual(['3.50', 2]);
    const listed = await api.visiting(companyId).get(`/properties/${property.id}/reviews`);
    expect(listed.body.items.map(({ rating }: { rating: number }) => rating)).toEqual([2, 5]);
    const told = await api.as(host).get('/notifications', { channel: 'in_app' });
    expect(told.body.items).toHaveLength(2);
  });

  it('are for those who have stayed, once a stay, and in time', async () => {
    const stranger = await buildActor({ companyId });
    const late = await buildActor({ companyId });
    await stayed();
    const missed = await stayed(late, new Date(Date.now() - 1000));
    await review(guest, { rating: 5 });

    const answers = [
      await review(stranger, { rating: 1 }),
      await review(host, { rating: 5 }),
      await review(guest, { rating: 1 }),
      await review(late, { rating: 1 }),
      await review(guest, { rating: 1, booking_id: missed.id }),
      await review(guest, { rating: 6 }),
    ];

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [403, 'FORBIDDEN'],
      [403, 'FORBIDDEN'],
      [409, 'ALREADY_REVIEWED'],
      [409, 'REVIEW_WINDOW_CLOSED'],
      [422, 'VALIDATION_ERROR'],
      [422, 'VALIDATION_ERROR'],
    ]);
    expect(await shown()).toEqual(['5.00', 1]);
  });

  it('are written and read of what the host has taken back from everybody else', async () => {
    const [other, stranger] = [await buildActor({ companyId }), await buildActor({ companyId })];
    const [stay] = [await stayed(), await stayed(other)];
    const path = `/properties/${property.id}`;
    await api.as(host).patch(path, { status: 'unlisted' });
    const unlisted = await review(guest, { rating: 1 });
    await api.as(host).delete(path);
    const archived = await review(other, { rating: 2 });

    const seen = await Promise.all(
      [guest, other, stranger].map(async (actor) => [
        (await api.as(actor).get(path)).status,
        (await api.as(actor).get(`${path}/reviews`)).status,
      ]),
    );
    const asked = await api.as(guest).post('/graphql', {
      query: `{ booking(id: "${stay.id}") { property { name } } }`,
    });
    const listed = await api.as(guest).get('/properties');

    expect([unlisted.status, archived.status]).toEqual([201, 201]);
    expect(await review(stranger, { rating: 1 })).toMatchObject({ status: 404 });
    expect(seen).toEqual([
      [200, 200],
      [200, 200],
      [404, 404],
    ]);
    expect(asked.body.data.booking).toEqual({ property: { name: property.name } });
    expect(listed.body.items).toEqual([]);
  });

  it('are written once under one key, and once by two requests at the same time', async () => {
    await stayed();
    const key = { 'Idempotency-Key': uuid() };

    const answers = await Promise.all([1, 2, 3, 4].map((rating) => review(guest, { rating })));
    const winner = answers.find(({ status }) => status === 201);
    const other = await buildActor({ companyId });
    await stayed(other);
    const [first, second] = [
      await review(other, { rating: 3 }, key),
      await review(other, { rating: 3 }, key),
    ];

    expect(answers.filter(({ status }) => status === 409)).toHaveLength(3);
    expect(winner?.status).toBe(201);
    expect(second.body.data).toEqual(first.body.data);
    expect((await shown())[1]).toBe(2);
  });

  it('are listed by their writer, hidden ones too, and by who decides about them', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const other = await buildActor({ companyId });
    await stayed();
    await stayed(other);
    const { body } = await review(guest, { rating: 1 });
    await review(other, { rating: 2 });
    await api.as(admin).delete(`/reviews/${body.data.id}`);
    const path = `/users/${guest.userId}/reviews`;
    const query = `query ($id: ID!) { me { reviews { rating } } user(id: $id) { reviews { rating } } }`;
    const variables = { id: guest.userId };

    const [own, byAdmin, byHost] = [
      await api.as(guest).get(path),
      await api.as(admin).get(path),
      await api.as(host).get(path),
    ];
    const asked = await api.as(guest).post('/graphql', { query, variables });
    const askedByHost = await api.as(host).post('/graphql', { query, variables });

    expect(own.body.items).toMatchObject([{ id: body.data.id, status: 'hidden' }]);
    expect(byAdmin.body.items).toEqual(own.body.items);
    expect(byHost).toMatchObject({ status: 404 });
    const reviews = [{ rating: 1 }];
    expect(asked.body.data).toEqual({ me: { reviews }, user: { reviews } });
    expect(askedByHost.body.data).toEqual({ me: { reviews: [] }, user: null });
  });

  it('are changed by their writer within two days', async () => {
    await stayed();
    const { body } = await review(guest, { rating: 5 });
    const path = `/reviews/${body.data.id}`;

    const changed = await api.as(guest).patch(path, { rating: 3, comment: 'Cold water' });
    const byHost = await api.as(host).patch(path, { rating: 5 });
    const stale = await api.as(guest).patch(path, { rating: 1, version: 1 });
    await api.database.sql(
      `UPDATE shared.reviews SET created_at = now() - interval '49 hours' WHERE id = $1`,
      [body.data.id],
    );
    const tooLate = await api.as(guest).patch(path, { rating: 1 });

    expect(changed.body.data).toMatchObject({ rating: 3, comment: 'Cold water', version: 2 });
    expect([byHost, stale, tooLate].map((each) => [each.status, each.body.code])).toEqual([
      [403, 'FORBIDDEN'],
      [409, 'VERSION_CONFLICT'],
      [409, 'REVIEW_SETTLED'],
    ]);
    expect(await shown()).toEqual(['3.00', 1]);
  });

  it('are replied to by the host, whose first reply the guest is told of', async () => {
    await stayed();
    const { body } = await review(guest, { rating: 5 });
    const path = `/reviews/${body.data.id}/reply`;

    const byGuest = await api.as(guest).post(path, { reply: 'Me again' });
    await api.as(host).post(path, { reply: 'Come agian' });
    const mended = await api.as(host).post(path, { reply: 'Come again' });

    expect(byGuest.status).toBe(403);
    expect(mended.body.data).toMatchObject({ host_reply: 'Come again' });
    const told = await api.as(guest).get('/notifications', { channel: 'in_app' });
    expect(told.body.items).toMatchObject([{ template: 'review_reply' }]);
  });

  it('that somebody reports are hidden or left by an administrator', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const neighbour = await buildActor({ companyId });
    await stayed();
    const { body } = await review(guest, { rating: 1, comment: 'Meet Ida next door' });
    const path = `/reviews/${body.data.id}`;

    await api.as(neighbour).post(`${path}/report`, { reason: 'It names me' });
    await api.as(host).post(`${path}/report`, { reason: 'It is bad' });
    const reported = await api.as(admin).get('/reviews', { reported: true });
    const hidden = await api.as(admin).delete(path);
    const seen = await Promise.all(
      [api.visiting(companyId), api.as(guest), api.as(admin)].map(
        async (caller) => (await caller.get(path)).status,
      ),
    );
    const without = await shown();
    await api.as(admin).post(`${path}/restore`);

    expect(reported.body.items).toMatchObject([
      { id: body.data.id, report_reason: 'It names me', reported_by: neighbour.userId },
    ]);
    expect([hidden.status, ...seen]).toEqual([204, 404, 200, 200]);
    expect(without).toEqual([null, 0]);
    expect(await shown()).toEqual(['1.00', 1]);
    const settled = await api.as(admin).get('/reviews', { reported: true });
    expect(settled.body.items).toEqual([]);
    const told = await api.as(admin).get('/notifications', { channel: 'in_app' });
    expect(told.body.items).toMatchObject([{ template: 'review_reported' }]);
  });

  it('of another company are unknown', async () => {
    await stayed();
    const { body } = await review(guest, { rating: 5 });
    const foreigner = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });
    const path = `/reviews/${body.data.id}`;

    const answers = [
      await api.as(foreigner).get(`/users/${guest.userId}/reviews`),
      await api.as(foreigner).get(path),
      await api.as(foreigner).delete(path),
      await api.as(foreigner).post(`${path}/report`, { reason: 'x' }),
    ];

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
  });
});
