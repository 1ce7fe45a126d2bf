import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimFile, type ClaimFile } from '../../support/claimRows.ts';

let api: TestApi;
let companyId: string;
let staff: ClaimFile['staff'];
let claim: ClaimFile['claim'];
let holder: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ companyId, staff, claim, holder } = await buildClaimFile());
});

const berlin = {
  latitude: 52.52000659,
  longitude: 13.404954,
  address: 'Alexanderplatz 1, Berlin',
  description: 'In the garage',
};
const path = () => `/claims/${claim.id}/location`;
const put = (actor: Actor, body: object = berlin, headers = {}) =>
  api.as(actor).put(path(), body, headers);
const seenBy = async (actor: Actor) => {
  const { status, body } = await api.as(actor).get(path());
  return status === 200 ? body.data : status;
};

describe('/claims/:id/location', () => {
  it('is said, shown with its coordinates, replaced and taken back', async () => {
    const before = await seenBy(staff.agent);
    const said = await put(staff.agent);
    const replaced = await put(staff.agent, { address: 'Somewhere else' });
    const removed = await api.as(staff.agent).delete(path());
    const gone = await seenBy(staff.agent);
    const anew = await put(staff.agent);

    expect([before, gone, removed.status]).toEqual([404, 404, 204]);
    expect(said.body.data).toMatchObject({
      ...berlin,
      claim_id: claim.id,
      coordinates: { latitude: berlin.latitude, longitude: berlin.longitude },
      version: 1,
    });
    expect(replaced.body.data).toMatchObject({
      latitude: null,
      longitude: null,
      coordinates: null,
      address: 'Somewhere else',
      description: null,
      version: 2,
    });
    expect(anew.body.data).toMatchObject({ ...berlin, version: 1 });
    expect(anew.body.data.id).not.toBe(said.body.data.id);
  });

  it.each([
    [
      { latitude: 0, longitude: 0 },
      { latitude: 0, longitude: 0 },
    ],
    [
      { latitude: 90, longitude: -180 },
      { latitude: 90, longitude: -180 },
    ],
    [
      { latitude: -89.123456789, longitude: 1e-9 },
      { latitude: -89.12345679, longitude: 0 },
    ],
    [{ latitude: 5 }, null],
    [{ longitude: 5 }, null],
  ])('of %j has the coordinates %j', async (body, coordinates) => {
    const answer = await put(staff.agent, body);

    expect(answer.body.data.coordinates).toEqual(coordinates);
  });

  it('refuses what is on no globe, or says nothing', async () => {
    const bodies = [{ latitude: 90.1 }, { longitude: 181 }, { latitude: '5' }, {}, { city: 'x' }];

    const statuses = await Promise.all(
      bodies.map(async (body) => (await put(staff.agent, body)).status),
    );

    expect(statuses).toEqual([422, 422, 422, 422, 422]);
    expect(await seenBy(staff.agent)).toBe(404);
  });

  it('is changed by who works on the claim, and read by who sees it', async () => {
    const senior = await put(staff.senior);
    const early = await put(staff.adjuster);
    const { userId } = staff.adjuster;
    await api.database.sql(
      `UPDATE shared.claims SET status = 'assigned', assigned_to = $2 WHERE id = $1`,
      [claim.id, userId],
    );
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const neighbour = await buildActor({ companyId });

    expect([senior.status, early.status]).toEqual([200, 403]);
    expect((await put(staff.adjuster, { address: 'Next door' })).status).toBe(200);
    expect((await put(staff.agent)).status).toBe(403);
    expect((await put(staff.auditor)).status).toBe(403);
    expect((await put(holder)).status).toBe(403);
    expect((await put(foreign)).status).toBe(404);
    expect((await api.as(staff.agent).delete(path())).status).toBe(403);
    expect(await seenBy(holder)).toMatchObject({ address: 'Next door' });
    expect(await seenBy(staff.auditor)).toMatchObject({ address: 'Next door' });
    expect([await seenBy(neighbour), await seenBy(foreign)]).toEqual([404, 404]);
  });

  it('stays as it is once the claim is closed, and for whoever saw another version', async () => {
    await put(staff.manager);
    const late = await put(staff.manager, { address: 'Late' }, { 'If-Match': '"3"' });
    await api.database.sql(
      `UPDATE shared.claims SET status = 'closed', closed_outcome = 'denied' WHERE id = $1`,
      [claim.id],
    );
    const closed = await put(staff.manager, { address: 'Closed' });

    expect([late.status, late.body.code]).toEqual([409, 'VERSION_CONFLICT']);
    expect([closed.status, closed.body.code]).toEqual([409, 'CLAIM_CLOSED']);
    expect(await seenBy(staff.manager)).toMatchObject({ ...berlin, version: 1 });
  });

  it('is set once by two who set it at the same moment', async () => {
    const answers = await Promise.all([put(staff.manager), put(staff.admin)]);

    expect(answers.map(({ status }) => status).toSorted()[0]).toBe(200);
    const rows = await api.database.sql(
      'SELECT id FROM shared.claim_locations WHERE claim_id = $1',
      [claim.id],
    );
    expect(rows).toHaveLength(1);
  });

  it('is audited without the address', async () => {
    const { body } = await put(staff.manager);
    await put(staff.manager, { ...berlin, address: 'Next door' });

    const lines = await api.database.sql(
      'SELECT action, before, after FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [body.data.id],
    );

    expect(lines).toEqual([
      { action: 'CREATE', before: null, after: { claimId: claim.id } },
      { action: 'UPDATE', before: {}, after: { changed: ['address'] } },
    ]);
  });
});
