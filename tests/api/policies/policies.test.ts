import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { withTenant } from '../../../src/models/database.ts';
import { Policy } from '../../../src/models/Policy.ts';
import { PolicySubscription } from '../../../src/models/PolicySubscription.ts';
import { addDays, dateAt } from '../../../src/rules/calendar.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription, type Sold } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';

let api: TestApi;
let companyId: string;
let admin: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

type Changes = Partial<
  Pick<
    Policy,
    | 'policyNumber'
    | 'policyType'
    | 'policyholderName'
    | 'policyholderEmail'
    | 'policyholderPhone'
    | 'startDate'
    | 'endDate'
    | 'status'
    | 'archivedAt'
    | 'metadata'
  >
>;

interface SoldPolicy extends Sold {
  readonly policyId: string;
}

/** Sells a policy and then makes its row as told. */
async function sold(changes: Changes = {}): Promise<SoldPolicy> {
  const sale = await buildSubscription({ companyId });
  const policyId = await withTenant(companyId, async () => {
    const subscription = await PolicySubscription.findOne({ where: { id: sale.id } });
    const id = subscription?.policyId ?? '';
    if (Object.keys(changes).length > 0) await Policy.update(changes, { where: { id } });
    return id;
  });
  return { ...sale, policyId };
}

/** Numbers that a list shows, or the status it is refused with. */
const numbers = async (actor: Actor, path: string, query: object = {}) => {
  const { status, body } = await api.as(actor).get(path, query);
  return status === 200
    ? body.items.map((item: { policy_number: string }) => item.policy_number)
    : status;
};

describe('GET /policies', () => {
  it('heeds search in number, name, e-mail and phone, and each text means itself', async () => {
    await sold({ policyNumber: 'A-1', policyholderName: 'Grace Hopper' });
    await sold({ policyNumber: 'B_2', policyholderEmail: 'grace@example.org' });
    await sold({ policyNumber: 'C-3', policyholderPhone: '+49 30 1234' });
    const find = (search: string) =>
      numbers(admin, '/policies', { search, sort_by: 'policy_number' });

    expect(await find('grace')).toEqual(['A-1', 'B_2']);
    expect(await find('b_')).toEqual(['B_2']);
    expect(await find('30 12')).toEqual(['C-3']);
    expect(await find('%')).toEqual([]);
    expect(await find('nobody')).toEqual([]);
  });

  it('filters by product_type, the older name of policy_type', async () => {
    await sold({ policyNumber: 'HOME' });
    await sold({ policyNumber: 'LIFE', policyType: 'life' });

    expect(await numbers(admin, '/policies', { product_type: 'life' })).toEqual(['LIFE']);
    expect(
      await numbers(admin, '/policies', { product_type: 'life', policy_type: 'home' }),
    ).toEqual([]);
    expect(await numbers(admin, '/policies', { product_type: 'boat' })).toBe(422);
  });

  it('shows archived policies to administrators and auditors, and only when asked', async () => {
    const { holder } = await sold({ policyNumber: 'OLD', archivedAt: new Date() });
    const agent = await buildActor({ companyId, role: 'call_center' });
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const all = { include_archived: true };

    expect(await numbers(admin, '/policies')).toEqual([]);
    expect(await numbers(admin, '/policies', all)).toEqual(['OLD']);
    expect(await numbers(auditor, '/policies', all)).toEqual(['OLD']);
    expect(await numbers(agent, '/policies', all)).toEqual([]);
    expect(await numbers(holder, '/policies', all)).toEqual([]);
    const { body } = await api.as(admin).get('/policies', all);
    expect(body.items).toMatchObject([{ is_active: false, is_valid: false }]);
  });

  it('sorts and pages as told, with the total', async () => {
    await sold({ policyNumber: 'P-1' });
    await sold({ policyNumber: 'P-2' });
    await sold({ policyNumber: 'P-3' });

    const query = { ordering: '-policy_number', page: 2, size: 2 };
    const { body } = await api.as(admin).get('/policies', query);

    expect(body.items.map((item: { policy_number: string }) => item.policy_number)).toEqual([
      'P-1',
    ]);
    expect(body.pagination).toMatchObject({ total: 3, pages: 2, has_next: false });
  });
});

describe('GET /policies/:id', () => {
  it('tells cover, phone and metadata', async () => {
    const { holder, policyId } = await sold({
      policyholderPhone: '+49 30 1234',
      metadata: { imported_from: 'paper' },
    });

    const { body } = await api.as(holder).get(`/policies/${policyId}`);

    expect(body.data).toMatchObject({
      policyholder_phone: '+49 30 1234',
      coverage_amount: '250000.00',
      coverage_used: '0.00',
      coverage_remaining: '250000.00',
      metadata: { imported_from: 'paper' },
      is_active: true,
      is_valid: true,
    });
  });

  it('counts what claims used up in the term that runs, and not in the others', async () => {
    const { holder, policyId, id } = await sold();
    const today = dateAt(Date.now(), 'Europe/Berlin');
    const before = addDays(today, -300);
    const coverWith = async (firstEnd: string) => {
      await api.database.sql(
        `UPDATE shared.subscription_terms SET start_date = $2, end_date = $3
         WHERE subscription_id = $1 AND term_no = 1`,
        [id, before, firstEnd],
      );
      await api.database.sql(
        `UPDATE shared.subscription_terms SET start_date = $2, end_date = $3
         WHERE subscription_id = $1 AND term_no = 2`,
        [id, firstEnd, addDays(firstEnd, 365)],
      );
      const { body } = await api.as(holder).get(`/policies/${policyId}`);
      return [body.data.coverage_used, body.data.coverage_remaining];
    };
    await api.database.sql(
      `INSERT INTO shared.subscription_terms
         (company_id, id, subscription_id, term_no, start_date, end_date, premium, coverage_amount, origin)
       VALUES ($1, $2, $3, 2, $4, $4::date + 1, 100, 300000, 'renewal')`,
      [companyId, uuid(), id, addDays(today, 400)],
    );
    for (const [day, paid] of [
      [addDays(before, 1), '1000.00'],
      [today, '200.00'],
    ] as const) {
      const { claim } = await buildClaimRow({ companyId, policyId, incidentDate: day });
      await withTenant(companyId, () => claim.update({ paidAmount: paid }));
    }

    expect(await coverWith(today)).toEqual(['200.00', '299800.00']);
    expect(await coverWith(addDays(today, 60))).toEqual(['1200.00', '248800.00']);
  });

  it("is valid while it is active and the company's calendar shows a day of its term", async () => {
    // Far from the calendar of most machines, and not in the last hour of a day.
    const isLate = new Date().getUTCHours() === 9;
    const timeZone = isLate ? 'Pacific/Pago_Pago' : 'Pacific/Kiritimati';
    ({ id: companyId } = await buildCompany({ timeZone }));
    const today = dateAt(Date.now(), timeZone);
    const { holder, policyId } = await sold();
    const isValidAs = async (changes: Changes) => {
      await withTenant(companyId, () => Policy.update(changes, { where: { id: policyId } }));
      const { body } = await api.as(holder).get(`/policies/${policyId}`);
      return body.data.is_valid;
    };
    const tomorrow = addDays(today, 1);

    expect(await isValidAs({ startDate: today, endDate: tomorrow })).toBe(true);
    expect(await isValidAs({ startDate: addDays(today, -1), endDate: today })).toBe(false);
    expect(await isValidAs({ startDate: tomorrow, endDate: addDays(today, 2) })).toBe(false);
    expect(await isValidAs({ startDate: today, status: 'cancelled' })).toBe(false);
  });

  it('is a 404 to another person, another company and for what is archived', async () => {
    const { holder, policyId } = await sold();
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const neighbour = await buildActor({ companyId });
    const read = async (actor: Actor) => (await api.as(actor).get(`/policies/${policyId}`)).status;

    expect([await read(holder), await read(admin)]).toEqual([200, 200]);
    expect([await read(neighbour), await read(foreign)]).toEqual([404, 404]);
    await withTenant(companyId, () =>
      Policy.update({ archivedAt: new Date() }, { where: { id: policyId } }),
    );
    expect(await read(holder)).toBe(404);
  });
});

describe('GET /policies/search', () => {
  it('finds by number, name, e-mail and phone, the closest first', async () => {
    await sold({ policyNumber: 'A-1', policyholderName: 'Agraceful Hopperton' });
    await sold({ policyNumber: 'B-2', policyholderName: 'Grace Hopper' });
    await sold({ policyNumber: 'C-3', policyholderEmail: 'c@elsewhere.example' });
    await sold({ policyNumber: 'D-4', policyholderPhone: '+49 30 1234' });
    const find = (keyWord: string, page: object = {}) =>
      numbers(admin, '/policies/search', { key_word: keyWord, ...page });

    expect(await find('grace')).toEqual(['B-2', 'A-1']);
    expect(await find('grace', { page: 2, size: 1 })).toEqual(['A-1']);
    expect(await find('grace', { page: 3, size: 1 })).toEqual([]);
    expect(await find('c-3')).toEqual(['C-3']);
    expect(await find('elsewhere')).toEqual(['C-3']);
    expect(await find('30 1234')).toEqual(['D-4']);
    expect(await find('%')).toEqual([]);
  });

  it('finds only own policies for a holder, and none of another company', async () => {
    const { holder } = await sold({ policyNumber: 'MINE' });
    await sold({ policyNumber: 'MINE TOO' });
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const query = { key_word: 'mine' };

    expect(await numbers(holder, '/policies/search', query)).toEqual(['MINE']);
    expect(await numbers(foreign, '/policies/search', query)).toEqual([]);
    expect((await api.visiting(companyId).get('/policies/search', query)).status).toBe(401);
  });

  it('takes a word and a page, and refuses whatever else is asked', async () => {
    expect(await numbers(admin, '/policies/search')).toBe(422);
    expect(await numbers(admin, '/policies/search', { key_word: '' })).toBe(422);
    for (const other of [{ search: 'x' }, { include_archived: true }, { sort_by: 'created_at' }]) {
      expect(await numbers(admin, '/policies/search', { key_word: 'x', ...other })).toBe(422);
    }
  });
});

describe('GET /policies/:id/timeline', () => {
  it('is that of its subscription', async () => {
    const { holder, id, policyId } = await sold();
    const own = await api.as(holder).get(`/subscriptions/${id}/timeline`);

    const timeline = await api.as(holder).get(`/policies/${policyId}/timeline`);

    expect(timeline.status).toBe(200);
    expect(timeline.body.data.past).toMatchObject([{ name: 'subscribe' }]);
    expect(timeline.body.data.past).toEqual(own.body.data.past);
    expect(timeline.body.data.workflow_id).toBe(own.body.data.workflow_id);
  });

  it('is for whoever may read the policy', async () => {
    const { policyId } = await sold();
    const neighbour = await buildActor({ companyId });
    const operator = await buildActor({ companyId, role: 'operator' });
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const elsewhere = await buildCompany();
    const foreign = await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' });
    const path = `/policies/${policyId}/timeline`;
    const statusFor = async (actor: Actor) => (await api.as(actor).get(path)).status;

    expect([await statusFor(admin), await statusFor(auditor)]).toEqual([200, 200]);
    expect([await statusFor(neighbour), await statusFor(operator)]).toEqual([404, 404]);
    expect(await statusFor(foreign)).toBe(404);
    expect((await api.visiting(companyId).get(path)).status).toBe(401);
  });
});

describe('a list', () => {
  it.each(['/policies', '/subscriptions', '/plans', '/categories'])(
    '%s heeds each common filter that it takes, and refuses others',
    async (path) => {
      await sold();
      const count = async (query: object) => {
        const { status, body } = await api.as(admin).get(path, query);
        return status === 200 ? body.pagination.total : status;
      };

      expect(await count({})).toBe(1);
      expect(await count({ search: 'nothing is called that' })).toBe(0);
      expect(await count({ created_after: '2200-01-01' })).toBe(0);
      expect(await count({ created_before: '1900-01-01' })).toBe(0);
      expect(await count({ archived: true })).toBe(422);
      expect(await count({ include_archived: true })).toBe(path === '/subscriptions' ? 422 : 1);
    },
  );
});
