import { append, flush, withTenant } from '../../../src/models/database.ts';
import { DocumentRequest } from '../../../src/models/DocumentRequest.ts';
import { Transition } from '../../../src/models/Transition.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimRow, buildClaimStaff } from '../../support/claimRows.ts';
import { buildAdmin, buy } from '../privacy/build.ts';

let api: TestApi;
let companyId: string;
let staff: Awaited<ReturnType<typeof buildClaimStaff>>;
let holder: Awaited<ReturnType<typeof buildActor>>;
let claimId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  await buildAdmin(api, companyId);
  staff = await buildClaimStaff(companyId);
  holder = await buildActor({ companyId });
  const { policyId } = await buy(api, holder);
  const { claim } = await buildClaimRow({ companyId, policyId });
  claimId = claim.id;
  const write = (actor: typeof holder, body: object) =>
    api.as(actor).post(`/claims/${claimId}/add-note`, body);
  await write(holder, { note: 'I live at Alexanderplatz' });
  await write(staff.adjuster, { note: 'We come to Alexanderplatz', is_internal: false });
  await write(staff.adjuster, { note: 'Looks odd' });
  await api.as(staff.manager).put(`/claims/${claimId}/location`, {
    latitude: 52.5,
    longitude: 13.4,
    address: 'Alexanderplatz',
  });
});

describe('a holder with a claim', () => {
  it('is told its course, without who did it and why, and what they were asked for', async () => {
    await withTenant(companyId, async () => {
      Transition.record({
        entityType: 'claim',
        entityId: claimId,
        stateVersion: 2,
        event: 'hold',
        fromStatus: 'reported',
        toStatus: 'reported',
        commandId: `claim/${claimId}/hold`,
        at: new Date(),
        reason: 'Looks odd',
        facts: { hold_kind: 'legal' },
      });
      const dueAt = new Date();
      append(DocumentRequest, { claimId, items: ['Invoice'], dueAt, finalDueAt: dueAt });
      await flush();
    });

    const { body } = await api.as(staff.admin).get(`/users/${holder.userId}/export`);

    expect(body.claim_history).toMatchObject([{ claim_id: claimId, event: 'hold' }]);
    expect(body.document_requests).toMatchObject([{ claim_id: claimId, items: ['Invoice'] }]);
    expect(JSON.stringify(body)).not.toContain('Looks odd');
    const historyFor = async (actor: typeof holder) =>
      (await api.as(actor).get(`/claims/${claimId}/history`)).body.items;
    expect(await historyFor(holder)).toMatchObject([{ reason: null, hold_kind: null }]);
    expect(await historyFor(staff.agent)).toMatchObject([
      { reason: 'Looks odd', hold_kind: 'legal' },
    ]);
  });

  it('is told the notes that were meant for them, and the place', async () => {
    const { body } = await api.as(staff.admin).get(`/users/${holder.userId}/export`);

    expect(body.claim_notes.map(({ note }: { note: string }) => note)).toEqual([
      'I live at Alexanderplatz',
      'We come to Alexanderplatz',
    ]);
    expect(body.claim_locations).toMatchObject([
      { claim_id: claimId, latitude: '52.50000000', address: 'Alexanderplatz' },
    ]);
  });

  it('who is erased leaves neither their words nor the place, and the rest stays', async () => {
    await api.database.sql('UPDATE shared.claims SET workflow_closed_at = now() WHERE id = $1', [
      claimId,
    ]);

    const erased = await api
      .as(staff.admin)
      .post(`/users/${holder.userId}/erase`, { reason: 'Asked for it' });

    const { body } = await api
      .as(staff.manager)
      .get(`/claims/${claimId}/notes`, { ordering: 'created_at' });
    const place = await api.as(staff.manager).get(`/claims/${claimId}/location`);
    expect(erased.status).toBe(200);
    expect(body.items.map(({ note }: { note: string }) => note)).toEqual([
      '[erased]',
      'We come to Alexanderplatz',
      'Looks odd',
    ]);
    expect(place.body.data).toMatchObject({ coordinates: null, address: '[erased]' });
  });
});
