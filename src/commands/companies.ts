import { validate as isUuid } from 'uuid';
import type { Config } from '../config.ts';
import { currentContext, runInContext, type Actor } from '../context.ts';
import { Forbidden, NotFound } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Company, type CompanySettings } from '../models/Company.ts';
import { platformCompanyId, select, withGlobal, withTenant } from '../models/database.ts';
import { noSuch } from '../models/rows.ts';
import { createCache } from './cache.ts';

/** A company as requests see it, at most 5 s old. */
export interface KnownCompany {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly timeZone: string;
  readonly currency: string;
  readonly status: 'active' | 'suspended';
  readonly settings: CompanySettings;
}

export interface Companies {
  /**
   * The company a request is about: the one a global administrator enters, else the token's, else
   * that of the address (lower case, without port), else DEFAULT_COMPANY. Entering is written to
   * the entered company's audit before anything else happens there.
   * @throws NotFound TENANT_UNKNOWN
   * @throws Forbidden TENANT_MISMATCH when token and address name different companies
   */
  resolve(request: {
    readonly host: string;
    readonly tokenCompanyId?: string | undefined;
    readonly requestedId?: string | undefined;
    /** Who asks, where a company is requested by name. */
    readonly sender?: Actor | undefined;
  }): Promise<KnownCompany>;
  /**
   * Lets somebody of the platform into a company, which its audit shows before anything else.
   * @throws NotFound for the platform itself and what is no company
   */
  enter(sender: Actor, id: string): Promise<void>;
  /** The company that owns exactly this verified domain; none where the platform itself answers. */
  byHost(host: string): Promise<KnownCompany | undefined>;
  /**
   * @param beforeAsking runs before the database is asked about a name that led to no company within the
   *   hour and was not looked up just now; what it throws keeps the database from it
   */
  isAllowedHost(host: string, beforeAsking: () => Promise<void>): Promise<boolean>;
  /** After a change of a company or its domains: this process looks again with the next request. */
  forget(): void;
}

const freshMs = 4000;
const enteredAnewMs = 60 * 60 * 1000;
const servedMs = 60 * 60 * 1000;

export function createCompanies({
  allowedHosts,
  defaultCompany,
}: Pick<Config, 'allowedHosts' | 'defaultCompany'>): Companies {
  const cache = createCache<KnownCompany | undefined>({ freshMs, most: 5000 });
  /** Apart from the others: whoever tries names pushes no company out. */
  const hosts = createCache<KnownCompany | undefined>({ freshMs, most: 5000 });
  /** Names that led to a company: whoever uses one of them tries none. */
  const served = createCache<true>({ freshMs: servedMs, most: 5000 });
  /** Each process writes its own line; a failed one is tried again with the next request. */
  const entries = createCache<void>({ freshMs: enteredAnewMs, most: 5000 });
  const find = (key: string, condition: string, value: string) =>
    cache.get(`${key}/${value}`, () => withGlobal(() => load(condition, value)));

  const byId = async (id: string) => (isUuid(id) ? find('id', 'c.id = $1', id) : undefined);
  const byCode = (code: string) => find('code', 'c.code = $1', code);
  const byHost = async (host: string) =>
    allowedHosts.includes(host)
      ? undefined
      : hosts.get(host, () =>
          withGlobal(() =>
            load(
              `c.id = (SELECT company_id FROM platform.domains
                       WHERE domain = $1 AND verified_at IS NOT NULL)`,
              host,
            ),
          ),
        );

  const markEntry = async (sender: Actor, companyId: string): Promise<void> => {
    if (companyId === sender.companyId) return;
    const key = `${sender.sessionId ?? sender.userId}/${companyId}`;
    await entries.get(key, () => recordEntry(sender, companyId));
  };

  return {
    async resolve({ host, tokenCompanyId, requestedId, sender }) {
      const ofHost = await byHost(host);
      const namedId = requestedId ?? tokenCompanyId;
      // The platform's own people work at every address.
      const isBound = tokenCompanyId !== undefined && tokenCompanyId !== platformCompanyId;
      if (isBound && ofHost && ofHost.id !== tokenCompanyId) {
        throw new Forbidden('You are signed in to another company', 'TENANT_MISMATCH');
      }
      const company =
        namedId !== undefined
          ? await byId(namedId)
          : (ofHost ?? (defaultCompany === undefined ? undefined : await byCode(defaultCompany)));
      if (!company) throw new NotFound('No company belongs to this address', 'TENANT_UNKNOWN');
      if (sender && requestedId !== undefined) await markEntry(sender, company.id);
      return company;
    },

    async enter(sender, id) {
      const company = id === platformCompanyId ? undefined : await byId(id);
      if (!company) throw noSuch(Company.entityType, id);
      await markEntry(sender, company.id);
    },

    byHost,

    async isAllowedHost(host, beforeAsking) {
      if (allowedHosts.includes(host)) return true;
      if (!hosts.has(host) && !served.has(host)) await beforeAsking();
      if (!(await byHost(host))) return false;
      return served.get(host, () => Promise.resolve(true));
    },

    forget() {
      cache.clear();
      hosts.clear();
    },
  };
}

/** The company sees who of the platform looked at its data, also where nothing was changed. */
const recordEntry = ({ userId, type, sessionId }: Actor, companyId: string): Promise<void> =>
  runInContext({ ...currentContext(), companyId, actorId: userId, actorType: type }, () =>
    withTenant(companyId, async () =>
      AuditLog.record(
        'COMPANY_ENTERED',
        { type: 'company', id: companyId },
        { after: { sessionId } },
      ),
    ),
  );

async function load(condition: string, value: string): Promise<KnownCompany | undefined> {
  const [company] = await select<KnownCompany>(
    `SELECT c.id, c.code, c.name, c.time_zone AS "timeZone", c.default_currency AS currency,
       c.status, c.settings
     FROM platform.companies c
     WHERE ${condition} AND c.status <> 'closed' AND c.archived_at IS NULL`,
    [value],
  );
  return company;
}
