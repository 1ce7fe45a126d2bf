import { withTenant } from '../../../src/models/database.ts';
import { InsurancePlan } from '../../../src/models/InsurancePlan.ts';
import { PropertyCategory } from '../../../src/models/PropertyCategory.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { zoneAtNoon } from '../../support/noon.ts';

/** A company with an administrator and one category, in which plans can be made. */
async function buildShop(api: TestApi) {
  const timeZone = zoneAtNoon();
  const { id: companyId } = await buildCompany({ timeZone });
  const admin = await buildActor({ companyId, role: 'tenant_admin' });
  const category = { name: 'Detached House', segment: 'residential' };
  const { body } = await api.as(admin).post('/categories', category);
  const categoryId = String(body.data.id);

  const wish = (values: object = {}) => ({
    name: 'Home Standard',
    property_category_id: categoryId,
    coverage_level: 'standard',
    coverage_amount: '250000.00',
    premium: '365.00',
    duration_months: 12,
    ...values,
  });

  const create = async (values: object = {}) => {
    const created = await api.as(admin).post('/plans', wish(values));
    const id = String(created.body.data.id);
    return { id, path: `/plans/${id}` };
  };

  const rowOf = (id: string) =>
    withTenant(companyId, () => InsurancePlan.findOne({ where: { id }, raw: true }));

  const archiveCategory = () =>
    withTenant(companyId, () =>
      PropertyCategory.update({ archivedAt: new Date() }, { where: { id: categoryId } }),
    );

  return { api, companyId, timeZone, admin, wish, create, rowOf, archiveCategory };
}

export type Shop = Awaited<ReturnType<typeof buildShop>>;

/** The hooks of a suite: one API, and for each test a shop of its own. */
export function useShop(use: (shop: Shop) => void): void {
  let api: TestApi;

  beforeAll(async () => {
    api = await openTestApi();
  });

  beforeEach(async () => use(await buildShop(api)));

  afterAll(() => api.close());
}

/** Field and code of each problem in a refusal. */
export const problemsOf = (answer: { body: { details: { field: string; code: string }[] } }) =>
  answer.body.details.map(({ field, code }) => [field, code]);
