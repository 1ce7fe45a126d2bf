import { isDeepStrictEqual } from 'node:util';
import type { Actor } from '../context.ts';
import { Invalid, invalidField } from '../errors.ts';
import { Calendar } from '../models/Calendar.ts';
import { Company } from '../models/Company.ts';
import { platformCompanyId, withTenant } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { Membership } from '../models/Membership.ts';
import { wakeAllKeepers } from '../models/keeperStart.ts';
import { editRow, getRow, refuseStale } from '../models/rows.ts';
import { isTimeZone } from '../rules/calendar.ts';
import {
  resolved,
  settingsProblems,
  withSettings,
  type CompanySettings,
  type ResolvedSetting,
  type SettingsChange,
} from '../rules/settings.ts';
import { wireName } from '../rules/wireNames.ts';
import type { Companies } from './companies.ts';
import { isReserved } from './registrationViews.ts';

/** What a company says about itself; what is undefined stays as it is. */
export interface CompanyChanges {
  readonly name?: string | undefined;
  readonly contactEmail?: string | null | undefined;
  readonly contactPhone?: string | null | undefined;
  readonly linkedin?: string | null | undefined;
  readonly address?: string | null | undefined;
  readonly logoUrl?: string | null | undefined;
  readonly defaultCurrency?: string | undefined;
  readonly timeZone?: string | undefined;
}

export interface SettingsView {
  readonly settings: readonly ResolvedSetting[];
  readonly version: number;
}

/** What the people of a company see and change of it. The routes say who may. */
export const createOwnCompany = ({
  companies,
}: {
  readonly companies: Pick<Companies, 'forget'>;
}) => {
  /** @throws Invalid with one detail for each setting that is unknown or out of its bounds */
  async function editSettings(
    companyId: string,
    change: SettingsChange,
    expectedVersion: number | undefined,
  ): Promise<SettingsView> {
    refuseProblems(companyId, change);
    const view = await withTenant(companyId, async () => {
      const company = await getRow(Company, companyId);
      refuseStale(Company, company, expectedVersion);
      await refuseStrangers(change);
      const settings = withSettings(company.settings, change);
      const audited = difference(company, settings);
      if (Object.keys(audited.after).length === 0) return viewOf(company);
      const edited = await editRow(
        Company,
        company,
        { settings },
        expectedVersion,
        'UPDATE',
        audited,
      );
      if (change['compliance']) await wakeAllKeepers();
      return viewOf(edited);
    });
    companies.forget();
    return view;
  }

  return {
    get: ({ companyId }: Actor): Promise<Company> =>
      withTenant(companyId, () => getRow(Company, companyId)),

    /** @throws Conflict COMPANY_EXISTS when another company has the name, or registers with it */
    async edit(
      { companyId }: Actor,
      changes: CompanyChanges,
      expectedVersion: number | undefined,
    ): Promise<Company> {
      refuseUnknownZone(changes.timeZone);
      await refuseReservedName(changes.name);
      const company = await withTenant(companyId, async () => {
        const row = await getRow(Company, companyId);
        const from = row.timeZone;
        const edited = await editRow(Company, row, fieldsOf(row, changes), expectedVersion);
        if (changes.timeZone !== undefined) await moveClocks(from, changes.timeZone);
        return edited;
      });
      companies.forget();
      return company;
    },

    settings: ({ companyId }: Actor): Promise<SettingsView> => settingsOf(companyId),

    editSettings: (
      { companyId }: Actor,
      change: SettingsChange,
      expectedVersion: number | undefined,
    ): Promise<SettingsView> => editSettings(companyId, change, expectedVersion),

    /** The platform's own, which are the deadlines of onboarding besides. */
    platformSettings: (): Promise<SettingsView> => settingsOf(platformCompanyId),

    editPlatformSettings: (
      change: SettingsChange,
      expectedVersion: number | undefined,
    ): Promise<SettingsView> => editSettings(platformCompanyId, change, expectedVersion),
  };
};

export type OwnCompany = ReturnType<typeof createOwnCompany>;

/** @throws Invalid with one detail for each setting that is unknown or out of its bounds */
export function refuseProblems(companyId: string, change: SettingsChange): void {
  const problems = settingsProblems(change, placeOf(companyId));
  if (problems.length === 0) return;
  throw new Invalid(problems.map((each) => ({ ...each, field: wireName(each.field) })));
}

/** @throws Invalid for what is no IANA time zone */
export function refuseUnknownZone(timeZone: string | undefined): void {
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw invalidField('time_zone', 'must be a time zone such as Europe/Berlin', 'INVALID_CHOICE');
  }
}

/** What is counted in the time of the present company goes with its zone. */
export async function moveClocks(from: string, to: string): Promise<void> {
  await Calendar.follow(from, to);
  await wakeAllKeepers();
}

/** @throws Conflict COMPANY_EXISTS for the name of a registration that is open */
export async function refuseReservedName(name: string | undefined): Promise<void> {
  if (name !== undefined && (await isReserved({ name }))) {
    throw conflictOf('registration_requests_name_key');
  }
}

/** @throws Invalid unless all who are to be on call administer the platform */
async function refuseStrangers({ onboarding }: SettingsChange): Promise<void> {
  const onCall: unknown = onboarding?.['onCall'];
  if (!Array.isArray(onCall) || onCall.length === 0) return;
  const known = new Set((await Membership.globalAdministrators()).map(({ email }) => email));
  if (onCall.every((address) => known.has(address))) return;
  throw invalidField(
    wireName('onboarding.onCall'),
    'takes addresses of global administrators',
    'INVALID_CHOICE',
  );
}

/** The fields as they will be. */
export const fieldsOf = (company: Company, changes: CompanyChanges) => {
  const { name = company.name, timeZone = company.timeZone } = changes;
  const { contactEmail = company.contactEmail, contactPhone = company.contactPhone } = changes;
  const { linkedin = company.linkedin, address = company.address } = changes;
  const { logoUrl = company.logoUrl, defaultCurrency = company.defaultCurrency } = changes;
  return {
    name,
    contactEmail,
    contactPhone,
    linkedin,
    address,
    logoUrl,
    defaultCurrency,
    timeZone,
  };
};

const settingsOf = (companyId: string): Promise<SettingsView> =>
  withTenant(companyId, async () => viewOf(await getRow(Company, companyId)));

const placeOf = (companyId: string) => ({ isPlatform: companyId === platformCompanyId });

const viewOf = ({ id, settings, version }: Company): SettingsView => ({
  settings: resolved(settings, placeOf(id)),
  version,
});

/** What holds otherwise from now on; a value that was set to what held anyway counts as well. */
function difference({ id, settings }: Company, next: CompanySettings) {
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  const now = resolved(settings, placeOf(id));
  for (const [index, { section, key, value, source }] of resolved(next, placeOf(id)).entries()) {
    const old = now[index];
    if (old?.source === source && isDeepStrictEqual(old.value, value)) continue;
    before[`${section}.${key}`] = old?.value;
    after[`${section}.${key}`] = value;
  }
  return { before, after };
}
