import type { Model, ModelStatic } from 'sequelize';
import { AuditLog } from '../models/AuditLog.ts';
import { Calendar } from '../models/Calendar.ts';
import { Company, noSchemaLeft } from '../models/Company.ts';
import { Credential } from '../models/Credential.ts';
import { Customer } from '../models/Customer.ts';
import {
  append,
  businessSchema,
  flush,
  select,
  sqlState,
  withGlobal,
  withIdentity,
  withTenant,
} from '../models/database.ts';
import { ownCompany } from '../models/contract.ts';
import { Domain } from '../models/Domain.ts';
import { EmailChange } from '../models/EmailChange.ts';
import { freeName } from '../models/freeName.ts';
import { Membership } from '../models/Membership.ts';
import { PropertyCategory } from '../models/PropertyCategory.ts';
import { RefreshToken } from '../models/RefreshToken.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { getRow } from '../models/rows.ts';
import { freeUsername } from '../models/usernames.ts';
import { v7 as uuid } from 'uuid';
import { usualCalendar } from '../rules/businessDays.ts';
import { firstCategories } from '../rules/catalogue.ts';
import type { PlatformAddresses } from '../rules/hostNames.ts';
import { companyCode } from '../rules/onboarding.ts';
import type { RegistrationRef } from './onboarding.ts';

/**
 * What provisioning makes and takes back. The company's id stands on the registration, so every step
 * finds what an earlier try made; until the last step the company is closed, and nobody can see it.
 */
export const provisioningActivities = (platform: PlatformAddresses) => ({
  /** Safe to repeat: the id decides; a company that was taken back is there again. */
  async createCompany(ref: RegistrationRef): Promise<void> {
    const registration = await found(ref);
    const { newCompanyId: id, companyName: name } = registration;
    await withGlobal(async () => {
      const existing = await Company.findOne({ where: { id } });
      if (existing) {
        const { archivedAt } = existing;
        if (!archivedAt) return;
        await existing.update({ archivedAt: null });
        AuditLog.record(
          'RESTORE',
          { type: 'company', id },
          { companyId: id, before: { archivedAt }, after: { archivedAt: null } },
        );
        return;
      }
      const code = await freeCode(name, platform);
      await Company.create({
        id,
        name,
        code,
        status: 'closed',
        isolation: registration.isolation,
        ...(registration.isolation === 'dedicated_schema' && { schemaName: businessSchema(id) }),
        businessType: registration.businessType,
        contactEmail: registration.contactEmail,
        contactPhone: registration.companyPhone,
        address: registration.companyAddress,
        linkedin: registration.companyLinkedin,
        defaultCurrency: registration.defaultCurrency,
        subscriptionPlan: registration.subscriptionPlan,
      });
      AuditLog.record('CREATE', { type: 'company', id }, { companyId: id, after: { name, code } });
    });
  },

  /**
   * Safe to repeat: a domain is added once. The approval that named it has verified it, whoever has
   * claimed it before.
   */
  async addDomains(ref: RegistrationRef): Promise<void> {
    const { newCompanyId, requestedDomain } = await found(ref);
    await withGlobal(async () => {
      const { code } = await companyOf(newCompanyId);
      const domains = [
        ...(requestedDomain ? [requestedDomain] : []),
        ...addressesUnder(platform, code),
      ];
      for (const [index, domain] of domains.entries()) {
        await Domain.endClaims(domain, { keptBy: newCompanyId });
        const [added] = await select<Pick<Domain, 'id' | 'isPrimary' | 'verifiedAt'>>(
          `INSERT INTO platform.domains (id, company_id, domain, is_primary, verified_at)
           VALUES ($1, $2, $3, $4, now()) ON CONFLICT (company_id, domain) DO NOTHING
           RETURNING id, is_primary AS "isPrimary", verified_at AS "verifiedAt"`,
          [uuid(), newCompanyId, domain, index === 0],
        );
        if (!added) continue;
        const { id, ...facts } = added;
        AuditLog.record(
          'CREATE',
          { type: Domain.entityType, id },
          { companyId: newCompanyId, after: { domain, ...facts } },
        );
      }
    });
  },

  /** Safe to repeat: a schema that is there gets what it lacks. */
  async createSchema(ref: RegistrationRef): Promise<void> {
    const { newCompanyId } = await found(ref);
    await withTenant(newCompanyId, () => select('SELECT app.prepare_business_schema()')).catch(
      (error: unknown) => {
        // What the function says when there are as many as there may be.
        throw sqlState(error) === '54000' ? noSchemaLeft() : error;
      },
    );
  },

  /** Safe to repeat: it adds what is missing, and brings back what was put away. */
  async seedCompany(ref: RegistrationRef): Promise<void> {
    const { newCompanyId, companyName, contactEmail, subscriptionPlan } = await found(ref);
    await withTenant(newCompanyId, async () => {
      // A slow first try and the second one must not both find nothing.
      await select('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [newCompanyId]);
      const { timeZone } = await ownCompany();
      if (!(await Calendar.findOne())) sow(Calendar, usualCalendar(timeZone));
      if (!(await Customer.findOne({ where: { isSelf: true } }))) {
        const own = { name: companyName, isSelf: true, subscriptionType: subscriptionPlan };
        sow(Customer, { ...own, contactEmail });
      }
      if ((await PropertyCategory.count()) === 0) {
        for (const category of firstCategories) sow(PropertyCategory, category);
      }
      await setArchived(null);
    });
  },

  /**
   * Safe to repeat: an address has one account, an account one membership of a kind, and what the first
   * try made is known by its membership.
   */
  async createAdministrator(ref: RegistrationRef): Promise<{ readonly adminUserId: string }> {
    const { newCompanyId, adminEmail, adminUsername, adminPhone, adminPasswordHash } =
      await found(ref);
    return withIdentity(newCompanyId, async () => {
      // Another account's number is no reason to do without the company: the welcome says that it is left out.
      const phoneNumber = await Credential.freePhone(adminPhone, adminEmail);
      const addedId = await Credential.add({
        email: adminEmail,
        username: await freeUsername(adminUsername, adminEmail),
        passwordHash: adminPasswordHash,
        phoneNumber,
      });
      const account = await Credential.findOne({ where: { email: adminEmail } });
      if (!account) throw new Error('The administrator could not be added');
      if (addedId !== undefined) {
        const leftOut =
          phoneNumber === adminPhone ? {} : { after: { phoneNumber, reason: 'PHONE_TAKEN' } };
        AuditLog.record('CREATE', { type: 'user', id: addedId }, leftOut);
      } else if (!(await isMember(newCompanyId, account.id))) await shutOut(account.id);
      // Whoever approved the company has vouched for the address.
      await Credential.confirmEmail(account.id);
      await Membership.grant({
        companyId: newCompanyId,
        userId: account.id,
        role: 'tenant_admin',
      });
      return { adminUserId: account.id };
    });
  },

  /** Safe to repeat: an open company stays open. */
  async openCompany(ref: RegistrationRef): Promise<void> {
    const { newCompanyId: id } = await found(ref);
    await withGlobal(async () => setStatus(await companyOf(id), 'active'));
  },

  /** Safe to repeat, and content when there is nothing to undo. */
  async closeCompany(ref: RegistrationRef): Promise<void> {
    const { newCompanyId: id } = await found(ref);
    await withGlobal(async () => {
      const company = await Company.findOne({ where: { id } });
      if (company) await setStatus(company, 'closed');
    });
  },

  /** Safe to repeat, and content when there is nothing to undo. */
  async disableAdministrator(ref: RegistrationRef): Promise<void> {
    const { newCompanyId, adminEmail } = await found(ref);
    await withIdentity(newCompanyId, async () => {
      const account = await Credential.findOne({ where: { email: adminEmail } });
      if (!account) return;
      await Membership.end({ companyId: newCompanyId, userId: account.id });
    });
  },

  /** Safe to repeat, and content when there is nothing to undo. */
  async archiveSeed(ref: RegistrationRef): Promise<void> {
    const { newCompanyId } = await found(ref);
    await withTenant(newCompanyId, () => setArchived(new Date()));
  },

  /** Safe to repeat, and content when there is nothing to undo. */
  async dropUnusedSchema(ref: RegistrationRef): Promise<void> {
    const { newCompanyId } = await found(ref);
    await withTenant(newCompanyId, () => select('SELECT app.drop_unused_business_schema()'));
  },

  /** Safe to repeat, and content when there is nothing to undo. */
  async releaseDomains(ref: RegistrationRef): Promise<void> {
    const { newCompanyId } = await found(ref);
    await withGlobal(() => Domain.release(newCompanyId));
  },

  /** Safe to repeat, and content when there is nothing to undo. */
  async archiveCompany(ref: RegistrationRef): Promise<void> {
    const { newCompanyId: id } = await found(ref);
    await withGlobal(async () => {
      const company = await Company.findOne({ where: { id, archivedAt: null } });
      if (!company) return;
      await setStatus(company, 'closed');
      const archivedAt = new Date();
      await company.update({ archivedAt });
      AuditLog.record(
        'ARCHIVE',
        { type: 'company', id },
        { companyId: id, before: { archivedAt: null }, after: { archivedAt } },
      );
    });
  },
});

const found = ({ companyId, registrationId }: RegistrationRef): Promise<RegistrationRequest> =>
  withTenant(companyId, () => getRow(RegistrationRequest, registrationId));

async function companyOf(id: string): Promise<Company> {
  const company = await Company.findOne({ where: { id } });
  if (!company) throw new Error(`There is no company ${id}`);
  return company;
}

/** Now or once: an earlier try made the account. */
const isMember = async (companyId: string, userId: string): Promise<boolean> =>
  (await Membership.count({ where: { companyId, userId } })) > 0;

/**
 * Whoever made the account while the request waited need not own the address. Nothing they know opens it
 * any more; the link of the welcome does.
 */
async function shutOut(userId: string): Promise<void> {
  await Credential.forgetPassword(userId);
  await EmailChange.cancel(userId);
  await RefreshToken.revokeAll(userId);
  AuditLog.record('PASSWORD_CHANGE', { type: 'user', id: userId });
}

/** What a company has under the platform's domain. */
const addressesUnder = ({ platformDomain }: PlatformAddresses, code: string): string[] =>
  platformDomain ? [`${code.toLowerCase()}.${platformDomain}`] : [];

/** One that nobody has, and whose address is not the platform's own. */
const freeCode = (name: string, platform: PlatformAddresses): Promise<string> =>
  freeName(companyCode(name), 12, async (codes) => {
    const rows = await select<{ code: string }>(
      'SELECT code FROM platform.companies WHERE code = ANY ($1)',
      [codes],
    );
    const taken = new Set(rows.map(({ code }) => code));
    return codes.filter(
      (code) =>
        !taken.has(code) &&
        !addressesUnder(platform, code).some((address) => platform.allowedHosts.includes(address)),
    );
  });

/** What is so already stays. */
async function setStatus(company: Company, status: 'active' | 'closed'): Promise<void> {
  const { id, status: before } = company;
  if (before === status) return;
  await company.update({ status });
  AuditLog.record(
    'STATUS_CHANGE',
    { type: 'company', id },
    { companyId: id, before: { status: before }, after: { status } },
  );
}

/** What a new company begins with. */
const seed = [
  [Calendar, 'core.calendars'],
  [Customer, 'customers'],
  [PropertyCategory, 'property_categories'],
] as const;

function sow<M extends Model>(
  model: ModelStatic<M> & { readonly entityType: string },
  values: object,
): void {
  const after = { ...values };
  const id = append(model, after);
  AuditLog.record('CREATE', { type: model.entityType, id }, { after });
}

/** It has nothing else yet. */
async function setArchived(archivedAt: Date | null): Promise<void> {
  await flush();
  for (const [{ entityType: type }, table] of seed) {
    const changed = await select<{ id: string; before: Date | null }>(
      `UPDATE ${table} t SET archived_at = $1, updated_at = now(), version = t.version + 1
       FROM ${table} old
       WHERE old.id = t.id AND (t.archived_at IS NULL) = ($1::timestamptz IS NOT NULL)
       RETURNING t.id, old.archived_at AS before`,
      [archivedAt],
    );
    for (const { id, before } of changed) {
      AuditLog.record(
        archivedAt ? 'ARCHIVE' : 'RESTORE',
        { type, id },
        { before: { archivedAt: before }, after: { archivedAt } },
      );
    }
  }
}
