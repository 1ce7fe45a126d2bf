import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Company } from '../models/Company.ts';
import {
  append,
  flush,
  platformCompanyId,
  select,
  withGlobal,
  withTenant,
} from '../models/database.ts';
import { Domain } from '../models/Domain.ts';
import { conflictOf } from '../models/duplicates.ts';
import { columnsOf, containing, selectPage, sortedBy, type ListAsked } from '../models/list.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { isOfThePlatform } from '../rules/hostNames.ts';
import { newSecret } from '../secrets.ts';
import type { Companies } from './companies.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { isReserved } from './registrationViews.ts';
import type { ResolveTxt } from './txtRecords.ts';

export type DomainFilters = Omit<
  ListAsked<keyof typeof sortColumns>,
  'createdAfter' | 'createdBefore'
>;

export type DomainView = Pick<
  Domain,
  'id' | 'domain' | 'isPrimary' | 'verifiedAt' | 'verificationToken' | 'createdAt'
>;

const sortColumns = { domain: 'd.domain', createdAt: 'd.created_at' } as const;

const mostDomains = 100;

/** The addresses of a company. One leads to it only once it is verified. The routes say who may. */
export function createDomains({
  config,
  companies,
  resolveTxt,
}: {
  readonly config: Pick<Config, 'allowedHosts' | 'platformDomain'>;
  readonly companies: Companies;
  readonly resolveTxt: ResolveTxt;
}) {
  /** One act on a domain through the platform's door; then this process routes anew. */
  async function change(
    companyId: string,
    id: string,
    act: (domain: Domain, others: number) => Promise<void>,
  ): Promise<DomainView> {
    const changed = await withGlobal(async () => {
      const { domain, others } = await Domain.hold(companyId, id);
      await act(domain, others);
      return domain;
    });
    companies.forget();
    return changed;
  }

  return {
    list: ({ companyId }: Actor, filters: DomainFilters) =>
      withTenant(companyId, () => domainsOf(companyId, filters)),

    /** For a global administrator, of any company. */
    listOf: (companyId: string, filters: DomainFilters) =>
      withGlobal(async () => {
        if (companyId === platformCompanyId) throw noSuch(Company.entityType, companyId);
        await getRow(Company, companyId, { archived: true });
        return domainsOf(companyId, filters);
      }),

    /** @throws Conflict DOMAIN_TAKEN, DOMAIN_LIMIT */
    async add(domain: string, once: Once): Promise<DomainView | Replay> {
      const isTaken =
        isOfThePlatform(domain, config) ||
        (await isReserved({ domain })) ||
        (await leadsElsewhere(domain, once.companyId));
      if (isTaken) throw conflictOf('domains_domain_key');
      return rowsOnce(once, async () => {
        if ((await Domain.count()) >= mostDomains) {
          throw new Conflict('DOMAIN_LIMIT', `A company has up to ${mostDomains} domains`);
        }
        const id = append(Domain, { domain, verificationToken: newSecret() });
        AuditLog.record('CREATE', { type: Domain.entityType, id }, { after: { domain } });
        await flush();
        return ownDomain(id);
      });
    },

    /** @throws Conflict DOMAIN_NOT_VERIFIED while DNS does not show the record */
    async verify({ companyId }: Actor, id: string): Promise<DomainView> {
      const domain = await withTenant(companyId, () => ownDomain(id));
      if (domain.verifiedAt) return domain;
      const record = verificationRecord(domain);
      const shown = record ? await resolveTxt(record.name) : [];
      if (!record || !shown.includes(record.value)) {
        throw new Conflict(
          'DOMAIN_NOT_VERIFIED',
          `DNS does not show the TXT record of ${domain.domain} yet`,
          { verification: record },
        );
      }
      return change(companyId, id, (held) => held.verify());
    },

    /** Of a global administrator, who vouches for it. */
    vouch: (companyId: string, id: string): Promise<DomainView> => {
      if (companyId === platformCompanyId) throw noSuch(Domain.entityType, id);
      return change(companyId, id, (held) => held.verify());
    },

    /** @throws Conflict DOMAIN_NOT_VERIFIED */
    makePrimary: ({ companyId }: Actor, id: string): Promise<DomainView> =>
      change(companyId, id, (held) => held.makePrimary()),

    /** Of a global administrator, from any company. @throws Conflict DOMAIN_PRIMARY */
    removeFrom: async (companyId: string, id: string): Promise<void> => {
      if (companyId === platformCompanyId) throw noSuch(Domain.entityType, id);
      await change(companyId, id, (held, others) => held.remove({ others }));
    },

    /** @throws Conflict DOMAIN_PRIMARY while it leads other ones */
    remove: ({ companyId }: Actor, id: string): Promise<DomainView> =>
      change(companyId, id, (held, others) => held.remove({ others })),
  };
}

export type Domains = ReturnType<typeof createDomains>;

/** What DNS has to show before the domain leads to the company. */
export const verificationRecord = ({ domain, verificationToken }: DomainView) =>
  verificationToken === null
    ? null
    : { name: `_surety.${domain}`, value: `surety-verification=${verificationToken}` };

const domainsOf = (companyId: string, filters: DomainFilters) =>
  selectPage<DomainView>(
    columnsOf(Domain, 'd'),
    'platform.domains d',
    [
      ['d.company_id = $', companyId],
      ...(filters.search ? [['d.domain ILIKE $', containing(filters.search)] as const] : []),
    ],
    sortedBy(sortColumns, filters, 'd.id'),
  );

const leadsElsewhere = async (domain: string, companyId: string): Promise<boolean> => {
  const found = await withGlobal(() =>
    select(
      `SELECT 1 FROM platform.domains
       WHERE domain = $1 AND company_id <> $2 AND verified_at IS NOT NULL`,
      [domain, companyId],
    ),
  );
  return found.length > 0;
};

async function ownDomain(id: string): Promise<Domain> {
  const domain = await Domain.findOne({ where: { id } });
  if (!domain) throw noSuch(Domain.entityType, id);
  return domain;
}
