import type { Actor } from '../context.ts';
import { Conflict, Forbidden } from '../errors.ts';
import { Company } from '../models/Company.ts';
import { asGlobal, platformCompanyId, withGlobal, withTenant } from '../models/database.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectPage,
  sortedBy,
  type ListAsked,
} from '../models/list.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { editRow, getRow, noSuch } from '../models/rows.ts';
import { allows } from '../rules/permissions.ts';
import type { Companies } from './companies.ts';
import {
  fieldsOf,
  moveClocks,
  refuseReservedName,
  refuseUnknownZone,
  type CompanyChanges,
  type OwnCompany,
} from './ownCompany.ts';
import type { Policies, PolicyFilters } from './policies.ts';

/** What a global administrator changes; what is undefined stays as it is. */
export interface CompanyDecisions extends CompanyChanges {
  /** In a closed company nobody can sign in; it can be opened again until it is removed. */
  readonly status?: Company['status'] | undefined;
  readonly subscriptionPlan?: Company['subscriptionPlan'] | undefined;
  readonly businessType?: Company['businessType'] | undefined;
}

export interface CompanyFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: Company['status'] | undefined;
  readonly subscriptionPlan?: Company['subscriptionPlan'] | undefined;
  readonly businessType?: Company['businessType'] | undefined;
  readonly includeArchived: boolean;
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
export const createCompanyAdministration = ({
  companies,
  ownCompany,
  policies,
}: {
  readonly companies: Companies;
  readonly ownCompany: Pick<OwnCompany, 'edit'>;
  readonly policies: Policies;
}) => ({
  list: (filters: CompanyFilters) =>
    withGlobal(() => {
      const { status, subscriptionPlan, businessType, search, includeArchived } = filters;
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
          ...madeWithin('c', filters),
        ],
        sortedBy(sortColumns, filters, 'c.id'),
      );
    }),

  /** Others than global administrators see their own company alone. */
  async get(actor: Actor, id: string): Promise<Company> {
    const seesAll = allows(actor, 'company:manage_all');
    if (!seesAll && id !== actor.companyId) throw noSuch(Company.entityType, id);
    return withGlobal(() => found(id));
  },

  /** A global administrator enters any company; the others see all of their own, with the right to. */
  async policiesOf(actor: Actor, id: string, filters: PolicyFilters) {
    if (allows(actor, 'company:manage_all')) {
      await companies.enter(actor, id);
      return policies.listAll(id, filters);
    }
    if (id !== actor.companyId) throw noSuch(Company.entityType, id);
    if (!allows(actor, 'policy:read')) throw new Forbidden();
    return policies.list(actor, filters);
  },

  /**
   * Others than global administrators change what their own company says about itself.
   * @throws Conflict COMPANY_CLOSED unless it is opened again, COMPANY_EXISTS
   */
  async edit(
    actor: Actor,
    id: string,
    changes: CompanyDecisions,
    expectedVersion: number | undefined,
  ): Promise<Company> {
    if (!allows(actor, 'company:manage_all')) {
      if (id !== actor.companyId) throw noSuch(Company.entityType, id);
      if (changes.status ?? changes.subscriptionPlan ?? changes.businessType) {
        throw new Forbidden('The platform decides about status, subscription_plan, business_type');
      }
      return ownCompany.edit(actor, changes, expectedVersion);
    }
    refuseUnknownZone(changes.timeZone);
    await refuseReservedName(changes.name);
    const opens = changes.status !== undefined && changes.status !== 'closed';
    const mayOpen = opens && !(await isBeingSetUp(id));
    const company = await withTenant(id, async () => {
      const row = await found(id);
      const { timeZone: oldZone } = row;
      if (row.status === 'closed' && (!mayOpen || row.archivedAt)) {
        throw new Conflict('COMPANY_CLOSED', `The company ${row.code} is closed`);
      }
      const { status = row.status, subscriptionPlan = row.subscriptionPlan } = changes;
      const { businessType = row.businessType } = changes;
      const fields = { ...fieldsOf(row, changes), status, subscriptionPlan, businessType };
      const action = status === row.status ? 'UPDATE' : 'STATUS_CHANGE';
      await asGlobal(() => editRow(Company, row, fields, expectedVersion, action));
      if (changes.timeZone !== undefined) await moveClocks(oldZone, changes.timeZone);
      return row;
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
