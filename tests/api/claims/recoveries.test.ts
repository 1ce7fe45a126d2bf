import type { Actor } from '../../../src/context.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimFile, type ClaimFile } from '../../support/claimRows.ts';

let api: TestApi;
let staff: ClaimFile['staff'];
let claim: ClaimFile['claim'];
let holder: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ staff, claim, holder } = await buildClaimFile({ status: 'closed' }));
});

const wish = { kind: 'subrogation', party: 'Insurer of the other driver', estimated: '1200.00' };
const add = (actor: Actor, body: object = wish) =>
  api.as(actor).post(`/claims/${claim.id}/recoveries`, body);
const added = async () => {
  const { body } = await add(staff.senior);
  return { id: String(body.data.id), path: `/recoveries/${body.data.id}` };
};
const shown = async (actor: Actor, query: object = {}) => {
  const { status, body } = await api.as(actor).get(`/claims/${claim.id}/recoveries`, query);
  return status === 200
    ? body.items.map((item: Record<string, string>) => `${item['status']} ${item['recovered']}`)
    : status;
};
const change = async (actor: Actor, path: string, body: object, headers = {}) => {
  const answer = await api.as(actor).patch(path, body, headers);
  return answer.status === 200 ? answer.body.data : `${answer.status} ${answer.body.code}`;
};

describe('recoveries of a claim', () => {
  it('begin open, collect, and end recovered, each step audited', async () => {
    const first = await add(staff.senior);
    const path = `/recoveries/${first.body.data.id}`;

    const part = await change(staff.senior, path, { recovered: '400.00' });
    const all = await change(staff.manager, path, { recovered: '1100.00', status: 'recovered' });

    expect(first.status).toBe(201);
    expect(first.body.data).toMatchObject({
      ...wish,
      claim_id: claim.id,
      recovered: '0.00',
      currency: 'EUR',
      status: 'open',
      version: 1,
    });
    expect(part).toMatchObject({ recovered: '400.00', status: 'open', version: 2 });
    expect(all).toMatchObject({ recovered: '1100.00', status: 'recovered', version: 3 });
    expect(await shown(staff.auditor)).toEqual(['recovered 1100.00']);
    const lines = await api.database.sql(
      'SELECT action, before, after FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [first.body.data.id],
    );
    expect(lines).toMatchObject([
      { action: 'CREATE' },
      { action: 'UPDATE', before: { recovered: '0.00' }, after: { recovered: '400.00' } },
      { action: 'UPDATE', before: { status: 'open' }, after: { status: 'recovered' } },
    ]);
  });

  it('never collect less, and do not change once they have ended', async () => {
    const { path } = await added();
    await change(staff.senior, path, { recovered: '400.00' });

    expect(await change(staff.senior, path, { recovered: '399.99' })).toBe('409 RECOVERED_LESS');
    expect(await change(staff.senior, path, { recovered: '500.00' }, { 'If-Match': '"1"' })).toBe(
      '409 VERSION_CONFLICT',
    );
    await change(staff.senior, path, { status: 'written_off' });
    expect(await change(staff.manager, path, { status: 'open' })).toBe('409 RECOVERY_CLOSED');
    expect(await shown(staff.admin)).toEqual(['written_off 400.00']);
    expect(await shown(staff.admin, { status: 'open' })).toEqual([]);
    expect(await shown(staff.admin, { kind: 'subrogation' })).toHaveLength(1);
  });

  it('are nothing recovered while nothing came in', async () => {
    const { path } = await added();

    expect(await change(staff.senior, path, { status: 'recovered' })).toBe('409 NOTHING_RECOVERED');
    expect(await shown(staff.admin)).toEqual(['open 0.00']);
  });

  it('are for those who decide about money, and to other companies there are none', async () => {
    const { path, id } = await added();
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const known = await api.as(foreign).patch(path, { recovered: '1.00' });
    const unknown = await api.as(foreign).patch(path.replace(id, claim.id), { recovered: '1.00' });

    expect((await add(staff.adjuster)).status).toBe(403);
    expect((await add(holder)).status).toBe(403);
    expect((await add(foreign)).status).toBe(404);
    expect(await change(staff.adjuster, path, { recovered: '1.00' })).toBe('403 FORBIDDEN');
    expect(comparable(known)).toBe(comparable(unknown));
    expect(known.status).toBe(404);
    expect(await shown(holder)).toBe(403);
    expect(await shown(staff.admin)).toEqual(['open 0.00']);
  });

  it('take money as text, from somebody', async () => {
    expect((await add(staff.senior, { ...wish, estimated: '0.00' })).status).toBe(422);
    expect((await add(staff.senior, { ...wish, estimated: 5 })).status).toBe(422);
    expect((await add(staff.senior, { ...wish, party: '\u0007' })).status).toBe(422);
    expect((await add(staff.senior, { ...wish, kind: 'luck' })).status).toBe(422);
    expect(await shown(staff.admin)).toEqual([]);
  });
});
