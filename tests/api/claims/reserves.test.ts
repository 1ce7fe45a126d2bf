import type { Actor } from '../../../src/context.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimFile, buildClaimRow, type ClaimFile } from '../../support/claimRows.ts';

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

const path = () => `/claims/${claim.id}/reserves`;
const set = async (actor: Actor, amount: string, category = 'loss') => {
  const wish = { category, amount, reason: `At ${amount}` };
  const { status, body } = await api.as(actor).post(path(), wish);
  return status === 201 ? body.data : `${status} ${body.code}`;
};
const shown = async (actor: Actor, query: object = {}) => {
  const { status, body } = await api.as(actor).get(path(), query);
  return status === 200
    ? body.items.map((item: Record<string, string>) => `${item['category']} ${item['amount']}`)
    : status;
};

describe('/claims/:id/reserves', () => {
  it('keeps every row, and the latest of each category holds', async () => {
    await set(staff.senior, '1000.00');
    await set(staff.senior, '200.00', 'expense');
    const raised = await set(staff.manager, '4000.00');

    expect(raised).toMatchObject({
      claim_id: claim.id,
      category: 'loss',
      amount: '4000.00',
      currency: 'EUR',
      reason: 'At 4000.00',
      is_current: true,
      created_by: staff.manager.userId,
    });
    expect(await shown(staff.adjuster)).toEqual(['loss 4000.00', 'expense 200.00', 'loss 1000.00']);
    expect(await shown(staff.auditor, { is_current: true })).toEqual([
      'loss 4000.00',
      'expense 200.00',
    ]);
    expect(await shown(staff.admin, { category: 'loss', is_current: false })).toEqual([
      'loss 1000.00',
    ]);
  });

  it('audits what it was before, and lets nobody change a row', async () => {
    await set(staff.manager, '1000.00');
    const { id } = await set(staff.manager, '0.00');

    const [line] = await api.database.sql(
      'SELECT action, before, after FROM core.audit_logs WHERE entity_id = $1',
      [id],
    );
    expect(line).toEqual({
      action: 'CREATE',
      before: { amount: '1000.00' },
      after: { claimId: claim.id, category: 'loss', amount: '0.00', reason: 'At 0.00' },
    });
    const rights = await api.database.sql<{ granted: boolean }>(
      `SELECT has_table_privilege(r, 'shared.claim_reserves', p) AS granted
       FROM unnest('{app_api,app_worker}'::text[]) r, unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) p`,
    );
    expect(rights.map(({ granted }) => granted)).toEqual(Array(6).fill(false));
  });

  it('lets a senior adjuster set up to the limit, both categories together', async () => {
    expect(await set(staff.senior, '10000.00')).toMatchObject({ amount: '10000.00' });
    expect(await set(staff.senior, '10000.01')).toBe('403 OVER_LIMIT');
    expect(await set(staff.senior, '0.01', 'expense')).toBe('403 OVER_LIMIT');
    expect(await set(staff.manager, '0.01', 'expense')).toMatchObject({ amount: '0.01' });
    expect(await set(staff.senior, '10000.00')).toBe('403 OVER_LIMIT');
    expect(await set(staff.senior, '9999.99')).toMatchObject({ amount: '9999.99' });
    expect(await shown(staff.admin, { is_current: true })).toEqual([
      'loss 9999.99',
      'expense 0.01',
    ]);
    const { body } = await api
      .as(staff.senior)
      .post(path(), { category: 'loss', amount: '20000.00', reason: 'Much more' });
    expect(body.message).toContain('claims_manager');
  });

  it('takes the largest amounts in both categories', async () => {
    const most = '999999999999999999.99';
    const large = [await set(staff.manager, most), await set(staff.manager, most, 'expense')];

    expect(large).toMatchObject([{ amount: most }, { amount: most }]);
    expect(await set(staff.senior, '0.00')).toBe('403 OVER_LIMIT');
  });

  it('does not let two at once pass the limit together', async () => {
    const outcomes = await Promise.all([
      set(staff.senior, '6000.00'),
      set(staff.senior, '6000.00', 'expense'),
    ]);

    expect(outcomes.filter((outcome) => outcome === '403 OVER_LIMIT')).toHaveLength(1);
    expect(await shown(staff.admin)).toHaveLength(1);
  });

  it('is for those who decide about money; holders and strangers see nothing of it', async () => {
    await set(staff.manager, '10.00');
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });

    expect(await set(staff.adjuster, '1.00')).toBe('403 FORBIDDEN');
    expect(await set(staff.agent, '1.00')).toBe('403 FORBIDDEN');
    expect(await set(staff.auditor, '1.00')).toBe('403 FORBIDDEN');
    expect(await set(holder, '1.00')).toBe('403 FORBIDDEN');
    expect(await set(foreign, '1.00')).toBe('404 NOT_FOUND');
    expect([await shown(holder), await shown(staff.agent), await shown(foreign)]).toEqual([
      403, 403, 404,
    ]);
    expect(await shown(staff.admin)).toEqual(['loss 10.00']);
  });

  it('takes money as text and a reason, and none for a closed claim', async () => {
    const refused = async (body: object) => (await api.as(staff.manager).post(path(), body)).status;
    const good = { category: 'loss', amount: '1.00', reason: 'Why' };

    expect(await refused({ ...good, amount: 1 })).toBe(422);
    expect(await refused({ ...good, amount: '-1.00' })).toBe(422);
    expect(await refused({ ...good, category: 'other' })).toBe(422);
    expect(await refused({ ...good, reason: ' \u0007 ' })).toBe(422);
    ({ claim } = await buildClaimRow({ companyId, status: 'closed' }));
    expect(await set(staff.manager, '1.00')).toBe('409 CLAIM_CLOSED');
    expect(await shown(staff.admin)).toEqual([]);
  });
});
