import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { house } from '../../support/properties.ts';

let api: TestApi;
let companyId: string;
let owner: Actor & { userId: string };

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  owner = await buildActor({ companyId });
});

const offered = async (values: object = {}): Promise<string> => {
  const { body } = await api.as(owner).post('/properties', { ...house, ...values });
  return `/properties/${body.data.id}`;
};

describe('/properties', () => {
  it('adds, shows, changes, archives and restores a property, each with its audit line', async () => {
    const mine = api.as(owner);

    const added = await mine.post('/properties', { ...house, latitude: 47.5, longitude: 9.25 });
    const path = `/properties/${added.body.data.id}`;
    const shown = await api.visiting(companyId).get(path);
    const changed = await mine.patch(path, {
      price_per_night: '99.90',
      latitude: null,
      longitude: null,
    });
    const replaced = await mine.put(path, { ...house, instant_book: true });
    const archived = await mine.delete(path);
    const gone = await api.visiting(companyId).get(path);
    const kept = await mine.get(path);
    const restored = await mine.post(`${path}/restore`);

    expect(added).toMatchObject({
      status: 201,
      body: {
        data: {
          ...house,
          owner_id: owner.userId,
          currency: 'EUR',
          time_zone: 'Europe/Berlin',
          check_in_time: '15:00',
          check_out_time: '11:00',
          coordinates: { latitude: 47.5, longitude: 9.25 },
          min_nights: 1,
          max_nights: 365,
          instant_book: false,
          cancellation_policy: 'moderate',
          status: 'listed',
        },
      },
    });
    expect(shown.body.data).toEqual(added.body.data);
    expect(changed.body.data).toMatchObject({ price_per_night: '99.90', coordinates: null });
    expect(replaced.body.data).toMatchObject({ ...house, instant_book: true, version: 3 });
    expect([archived.status, gone.status, kept.status]).toEqual([204, 404, 200]);
    expect(restored.body.data).toMatchObject({ archived_at: null, version: 5 });
    const lines = await api.database.sql<{ action: string }>(
      'SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [added.body.data.id],
    );
    expect(lines.map(({ action }) => action)).toEqual([
      'CREATE',
      'UPDATE',
      'UPDATE',
      'ARCHIVE',
      'RESTORE',
    ]);
  });

  it('costs what can be paid in its currency', async () => {
    const mine = api.as(owner);
    const broken = { currency: 'JPY', price_per_night: '100.50' };
    const refused = {
      status: 422,
      body: { details: [{ field: 'price_per_night', code: 'FRACTION_OF_UNIT' }] },
    };

    const path = await offered({ currency: 'JPY', price_per_night: '101.00' });

    expect(await mine.post('/properties', { ...house, ...broken })).toMatchObject(refused);
    expect(await mine.patch(path, { price_per_night: '100.50' })).toMatchObject(refused);
    expect((await mine.get(path)).body.data).toMatchObject({ price_per_night: '101.00' });
  });

  it('lets nobody but its owner change it, not even an administrator', async () => {
    const path = await offered();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const foreigner = await buildActor({ companyId: (await buildCompany()).id });
    const before = await api.as(owner).get(path);

    const [byAdmin, byForeigner, byNobody] = await Promise.all(
      [api.as(admin), api.as(foreigner), api.visiting(companyId)].map((caller) =>
        caller.patch(path, { price_per_night: '1.00' }),
      ),
    );
    const blocked = await api
      .as(admin)
      .post(`${path}/blocks`, { start_date: '2030-01-01', end_date: '2030-01-02' });

    expect(byAdmin).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(byForeigner).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(byNobody).toMatchObject({ status: 401 });
    expect(blocked.status).toBe(403);
    expect((await api.as(owner).get(path)).body.data).toEqual(before.body.data);
  });

  it('shows what is not listed to its owner and to auditors alone', async () => {
    const path = await offered({ status: 'unlisted' });
    const stranger = await buildActor({ companyId });
    const auditor = await buildActor({ companyId, role: 'auditor' });

    const seen = await Promise.all(
      [owner, stranger, auditor].map(async (actor) => (await api.as(actor).get(path)).status),
    );
    const listed = await api.visiting(companyId).get('/properties', { owner_id: owner.userId });
    const own = await api.as(owner).get('/properties', { owner_id: owner.userId });

    expect(seen).toEqual([200, 404, 200]);
    expect([listed, own].map(({ body }) => body.pagination.total)).toEqual([0, 1]);
  });

  it.each([
    [{ latitude: 47.5 }, 'longitude', 'REQUIRED'],
    [{ latitude: 91, longitude: 0 }, 'latitude', 'OUT_OF_RANGE'],
    [{ time_zone: 'Mars/Base' }, 'time_zone', 'INVALID_FORMAT'],
    [{ min_nights: 9, max_nights: 3 }, 'min_nights', 'OUT_OF_RANGE'],
    [{ price_per_night: '0.00' }, 'price_per_night', 'OUT_OF_RANGE'],
    [{ price_per_night: '10000000000.00' }, 'price_per_night', 'OUT_OF_RANGE'],
    [{ check_in_time: '25:00' }, 'check_in_time', 'INVALID_FORMAT'],
    [{ category_id: uuid() }, 'category_id', 'CATEGORY_UNKNOWN'],
    [{ owner_id: uuid() }, 'owner_id', 'UNKNOWN_FIELD'],
  ])('refuses %j', async (values, field, code) => {
    const answer = await api.as(owner).post('/properties', { ...house, ...values });

    expect(answer).toMatchObject({
      status: 422,
      body: { details: [expect.objectContaining({ field, code })] },
    });
    const listed = await api.visiting(companyId).get('/properties');
    expect(listed.body.pagination.total).toBe(0);
  });

  it('is added once under one key, and changed only from the version that was seen', async () => {
    const mine = api.as(owner);
    const key = { 'Idempotency-Key': uuid() };

    const [first, second] = [
      await mine.post('/properties', house, key),
      await mine.post('/properties', house, key),
    ];
    const path = `/properties/${first.body.data.id}`;
    await mine.patch(path, { max_guests: 5 });
    const stale = await mine.patch(path, { max_guests: 6 }, { 'If-Match': '"1"' });

    expect(second.body.data).toEqual(first.body.data);
    expect(stale).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
  });
});

describe('/properties/:id/availability and /blocks', () => {
  const nights = (from: string, to: string, reason?: string) => ({
    start_date: from,
    end_date: to,
    ...(reason && { reason }),
  });
  const window = { from: '2027-03-01', to: '2027-03-31' };

  it('keeps nights for the owner, who alone reads why, until they are let go', async () => {
    const path = await offered();
    const mine = api.as(owner);
    const blocked = await mine.post(
      `${path}/blocks`,
      nights('2027-03-05', '2027-03-08', 'Painter'),
    );
    const next = await mine.post(`${path}/blocks`, nights('2027-03-08', '2027-03-09'));
    const overlapping = await mine.post(`${path}/blocks`, nights('2027-03-07', '2027-03-08'));

    const shown = await api.visiting(companyId).get(`${path}/availability`, window);
    const [own, others] = [
      await mine.get(`${path}/blocks`),
      await api.visiting(companyId).get(`${path}/blocks`),
    ];
    const freed = await mine.delete(`${path}/blocks/${blocked.body.data.id}`);
    const after = await mine.get(`${path}/availability`, window);
    const again = await mine.delete(`${path}/blocks/${blocked.body.data.id}`);

    expect([blocked.status, next.status]).toEqual([201, 201]);
    expect(overlapping).toMatchObject({ status: 409, body: { code: 'DATES_UNAVAILABLE' } });
    expect(shown.body.data).toMatchObject({
      taken: [nights('2027-03-05', '2027-03-08'), nights('2027-03-08', '2027-03-09')],
      free: [nights('2027-03-01', '2027-03-05'), nights('2027-03-09', '2027-03-31')],
    });
    const reasons = [own, others].map(({ body }) =>
      body.items.map(({ reason }: { reason: string | null }) => reason),
    );
    expect(reasons).toEqual([
      ['Painter', null],
      [null, null],
    ]);
    expect([freed.status, again.status]).toEqual([204, 404]);
    expect(after.body.data.taken).toEqual([nights('2027-03-08', '2027-03-09')]);
  });

  it('has one winner where many want the same nights at once', async () => {
    const path = await offered();
    const mine = api.as(owner);

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        mine.post(`${path}/blocks`, nights('2027-03-05', `2027-03-${10 + (n % 5)}`)),
      ),
    );

    const codes = answers.map(({ status, body }) => `${status} ${body.code ?? ''}`.trim());
    expect(codes.filter((code) => code === '201')).toHaveLength(1);
    expect(codes.filter((code) => code === '409 DATES_UNAVAILABLE')).toHaveLength(19);
  });

  it('is bound by the database, whatever the program does', async () => {
    const id = (await offered()).split('/').at(-1);
    const insert = (from: string, to: string) =>
      api.database.sql(
        `INSERT INTO shared.reservations (company_id, id, property_id, start_date, end_date)
         VALUES ($1, $2, $3, $4, $5)`,
        [companyId, uuid(), id, from, to],
      );
    await insert('2027-03-05', '2027-03-08');

    await insert('2027-03-08', '2027-03-10');
    await expect(insert('2027-03-07', '2027-03-09')).rejects.toThrow('reservations_nights_key');
  });

  it.each([
    [nights('2020-01-01', '2027-01-02'), 'start_date', 'DATE_PAST'],
    [nights('2027-03-05', '2027-03-05'), 'end_date', 'END_BEFORE_START'],
    [nights('2027-02-30', '2027-03-05'), 'start_date', 'INVALID_FORMAT'],
  ])('refuses to block %j', async (body, field, code) => {
    const path = await offered();

    const answer = await api.as(owner).post(`${path}/blocks`, body);

    expect(answer).toMatchObject({ status: 422, body: { details: [{ field, code }] } });
  });

  it('shows at most a year, and nothing of a property that nobody may see', async () => {
    const hidden = await offered({ status: 'unlisted' });
    const path = await offered();
    const visitor = api.visiting(companyId);

    const long = await visitor.get(`${path}/availability`, {
      from: '2027-01-01',
      to: '2029-01-01',
    });
    const unseen = await visitor.get(`${hidden}/availability`);

    expect(long).toMatchObject({ status: 422, body: { details: [{ field: 'to' }] } });
    expect(unseen.status).toBe(404);
  });
});
