import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
import { Company } from '../models/Company.ts';
import { platformCompanyId, withGlobal, withTenant } from '../models/database.ts';
import { columnsOf, containing, selectPage } from '../models/list.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { editRow, getRow, noSuch } from '../models/rows.ts';
import { allows } from '../rules/permissions.ts';
import type { Companies } from './companies.ts';
import { fieldsOf, refuseUnknownZone, type CompanyChanges } from './ownCompany.ts';

/** What a global administrator changes; what is undefined stays as it is. */
export interface CompanyDecisions extends CompanyChanges {
  /** In a closed company nobody can sign in; it can be opened again until it is removed. */
  readonly status?: Company['status'] | undefined;
  readonly subscriptionPlan?: Company['subscriptionPlan'] | undefined;
  readonly businessType?: Company['businessType'] | undefined;
}

export interface CompanyFilters {
  readonly status?: Company['status'] | undefined;
  readonly subscriptionPlan?: Company['subscriptionPlan'] | undefined;
  readonly businessType?: Company['businessType'] | undefined;
  readonly search?: string | undefined;
  readonly createdAfter?: Date | undefined;
  readonly createdBefore?: Date | undefined;
  readonly includeArchived: boolean;
  readonly sortBy: keyof typeof sortColumns;
  readonly sortOrder: 'asc' | 'desc';
  readonly page: number;
  readonly size: number;
}

const sortColumns = {
  name: 'lower(c.name)',
  code: 'c.code',
  createdAt: 'c.created_at',
} as const;

/**
 * All companies, for the platform's people; the platform itself is none of them. What they change is
 * in the audit of the company, and every process acts on it within five seconds.
 */
export const createCompanyAdministration = ({ companies }: { readonly companies: Companies }) => ({
  list: (filters: CompanyFilters) =>
    withGlobal(() => {
      const { status, subscriptionPlan, businessType, search, includeArchived } = filters;
      const { createdAfter, createdBefore } = filters;
      return selectPage<Company>(
        columnsOf(Company, 'c'),
        'platform.companies c',
        [
          ['c.id <> $', platformCompanyId],
          ...(includeArchived ? [] : [['c.archived_at IS NULL'] as const]),
          ...(status ? [['c.status = $', status] as const] : []),
          ...(subscriptionPlan ? [['c.subscription_plan = $', subscriptionPlan] as const] : []),
          ...(businessType ? [['c.business_type = $', businessType] as const] : []),
          ...(search ? [['(c.name ILIKE $ OR c.code ILIKE $)', containing(search)] as const] : []),
          ...(createdAfter ? [['c.created_at >= $', createdAfter] as const] : []),
          ...(createdBefore ? [['c.created_at < $', createdBefore] as const] : []),
        ],
        { ...filters, by: sortColumns[filters.sortBy], order: filters.sortOrder, id: 'c.id' },
      );
    }),

  /** Others than global administrators see their own company alone. */
  async get(actor: Actor, id: string): Promise<Company> {
    const seesAll = allows(actor, 'company:manage_all');
    if (!seesAll && id !== actor.companyId) throw noSuch(Company.entityType, id);
    return withGlobal(() => found(id));
  },

  /** @throws Conflict COMPANY_CLOSED unless it is opened again, COMPANY_EXISTS */
  async edit(
    id: string,
    changes: CompanyDecisions,
    expectedVersion: number | undefined,
  ): Promise<Company> {
    refuseUnknownZone(changes.timeZone);
    const opens = changes.status !== undefined && changes.status !== 'closed';
    const mayOpen = opens && !(await isBeingSetUp(id));
    const company = await withGlobal(async () => {
      const row = await found(id);
      if (row.status === 'closed' && (!mayOpen || row.archivedAt)) {
        throw new Conflict('COMPANY_CLOSED', `The company ${row.code} is closed`);
      }
      const { status = row.status, subscriptionPlan = row.subscriptionPlan } = changes;
      const { businessType = row.businessType } = changes;
      const fields = { ...fieldsOf(row, changes), status, subscriptionPlan, businessType };
      const action = status === row.status ? 'UPDATE' : 'STATUS_CHANGE';
      return editRow(Company, row, fields, expectedVersion, action, { companyId: id });
    });
    companies.forget();
    return company;
  },
});

export type CompanyAdministration = ReturnType<typeof createCompanyAdministration>;

async function found(id: string): Promise<Company> {
  if (id === platformCompanyId) throw noSuch(Company.entityType, id);
  return getRow(Company, id, { archived: true });
}

/** It is closed as well until everything it begins with is there. */
const isBeingSetUp = (id: string): Promise<boolean> =>
  withTenant(platformCompanyId, async () => {
    const status = ['approved', 'provisioning', 'failed'];
    return (await RegistrationRequest.count({ where: { newCompanyId: id, status } })) > 0;
  });
