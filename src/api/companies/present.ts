import type { CalendarView } from '../../commands/calendars.ts';
import { verificationRecord, type DomainView } from '../../commands/domains.ts';
import type { SettingsView } from '../../commands/ownCompany.ts';
import type { OutdatedBooking } from '../../commands/runningBookings.ts';
import type { OutdatedClaim } from '../../commands/runningClaims.ts';
import type { MovedTimer, SettingsApplied } from '../../commands/runningSettings.ts';
import type {
  AppliedSettings,
  OutdatedTimer,
  OutdatedTimers,
} from '../../commands/runningTimers.ts';
import type { PlannedStep, SettingsPreview } from '../../commands/settingsPreview.ts';
import type { Company } from '../../models/Company.ts';
import type { ResolvedSetting, SettingValue, TypeValues } from '../../rules/settings.ts';
import { wireName } from '../../rules/wireNames.ts';

export const presentCompany = (company: Company) => ({
  id: company.id,
  name: company.name,
  code: company.code,
  status: company.status,
  isolation: company.isolation,
  business_type: company.businessType,
  contact_email: company.contactEmail,
  contact_phone: company.contactPhone,
  linkedin: company.linkedin,
  address: company.address,
  logo_url: company.logoUrl,
  default_currency: company.defaultCurrency,
  subscription_plan: company.subscriptionPlan,
  time_zone: company.timeZone,
  created_at: company.createdAt.toISOString(),
  updated_at: company.updatedAt.toISOString(),
  archived_at: company.archivedAt?.toISOString() ?? null,
  version: company.version,
});

/** By section and name, each value with who set it and what else could be set. */
export const presentSettings = ({ settings, version }: SettingsView) => {
  const sections: Record<string, Record<string, ReturnType<typeof presentSetting>>> = {};
  for (const setting of settings) {
    const shown = { [wireName(setting.key)]: presentSetting(setting) };
    sections[setting.section] = { ...sections[setting.section], ...shown };
  }
  return { settings: sections, version };
};

const presentSetting = ({ value, source, usual, takes, says }: ResolvedSetting) => ({
  value: presentValue(value),
  source,
  default: presentValue(usual),
  ...('min' in takes && { min: takes.min, max: takes.max }),
  description: says,
});

const presentValue = (value: SettingValue): SettingValue =>
  isByType(value)
    ? Object.fromEntries(
        Object.entries(value).map(([type, own]) => [
          type,
          Object.fromEntries(Object.entries(own).map(([key, each]) => [wireName(key), each])),
        ]),
      )
    : value;

const isByType = (value: SettingValue): value is TypeValues =>
  typeof value === 'object' && !Array.isArray(value);

export const presentOutdated = ({ timers, total }: OutdatedTimers) => ({
  timers: timers.map(presentOutdatedTimer),
  total,
});

export const presentApplied = ({ moved, failed, remaining }: AppliedSettings) => ({
  moved: moved.map(presentOutdatedTimer),
  failed: failed.map(({ code, ...timer }) => ({ ...presentOutdatedTimer(timer), code })),
  remaining,
});

const presentOutdatedTimer = (timer: OutdatedTimer) => ({
  registration_id: timer.registrationId,
  company_name: timer.companyName,
  name: timer.name,
  due_at: timer.dueAt.toISOString(),
  new_due_at: timer.newDueAt.toISOString(),
});

export const presentAppliedToClaims = (applied: SettingsApplied<OutdatedClaim>) => ({
  dry_run: applied.dryRun,
  claims: applied.done.map(presentOutdatedClaim),
  failed: applied.failed.map((claim) => ({ ...presentOutdatedClaim(claim), code: claim.code })),
  remaining: applied.remaining,
});

export const presentAppliedToBookings = (applied: SettingsApplied<OutdatedBooking>) => ({
  dry_run: applied.dryRun,
  bookings: applied.done.map(presentOutdatedBooking),
  failed: applied.failed.map((booking) => ({
    ...presentOutdatedBooking(booking),
    code: booking.code,
  })),
  remaining: applied.remaining,
});

export const presentSettingsPreview = ({ people, moved }: SettingsPreview) => ({
  people,
  moved: moved.map((group) => ({
    policy_id: group.policyId,
    policy_title: group.policyTitle,
    campaign_id: group.campaignId,
    status: group.status,
    due_date: group.dueDate,
    people: group.people,
    before: group.before.map(presentStep),
    after: group.after.map(presentStep),
  })),
});

/** Of what happens to an acknowledgement, and when. */
export const presentStep = ({ action, at }: PlannedStep) => ({ action, at: at.toISOString() });

const presentOutdatedClaim = (claim: OutdatedClaim) => ({
  claim_id: claim.id,
  claim_number: claim.claimNumber,
  status: claim.status,
  timers: claim.timers.map(presentMovedTimer),
});

const presentOutdatedBooking = (booking: OutdatedBooking) => ({
  booking_id: booking.id,
  property_id: booking.propertyId,
  status: booking.status,
  timers: booking.timers.map(presentMovedTimer),
});

const presentMovedTimer = ({ name, dueAt, newDueAt }: MovedTimer) => ({
  name,
  due_at: dueAt.toISOString(),
  new_due_at: newDueAt.toISOString(),
});

export const presentCalendar = (calendar: CalendarView) => ({
  time_zone: calendar.timeZone,
  working_days: [...calendar.workingDays],
  working_hours: { from: calendar.workingHours.from, to: calendar.workingHours.to },
  holidays: [...calendar.holidays],
  version: calendar.version,
});

export const presentDomain = (domain: DomainView) => {
  const record = domain.verifiedAt ? null : verificationRecord(domain);
  return {
    id: domain.id,
    domain: domain.domain,
    is_primary: domain.isPrimary,
    verified_at: domain.verifiedAt?.toISOString() ?? null,
    verification: record && { type: 'TXT' as const, ...record },
    created_at: domain.createdAt.toISOString(),
  };
};
