import type { Calendars } from '../../commands/calendars.ts';
import type { OwnCompany } from '../../commands/ownCompany.ts';
import type { RunningBookings } from '../../commands/runningBookings.ts';
import type { RunningClaims } from '../../commands/runningClaims.ts';
import type { RunningTimers } from '../../commands/runningTimers.ts';
import type { previewSettings } from '../../commands/settingsPreview.ts';
import { resolved } from '../../rules/settings.ts';
import { route, type Route } from '../route.ts';
import {
  presentApplied,
  presentAppliedToBookings,
  presentAppliedToClaims,
  presentCalendar,
  presentCompany,
  presentOutdated,
  presentSettings,
  presentSettingsPreview,
} from './present.ts';
import {
  appliedSettingsAnswer,
  applySettingsBody,
  appliedToBookingsAnswer,
  appliedToBookingsExample,
  appliedToClaimsAnswer,
  appliedToClaimsExample,
  applyToRunningBody,
  calendarAnswer,
  calendarExample,
  companyAnswer,
  companyExample,
  editOwnCompanyBody,
  editPlatformSettingsBody,
  editSettingsBody,
  outdatedTimerExample,
  outdatedTimersAnswer,
  platformSettingsAnswer,
  previewSettingsBody,
  replaceCalendarBody,
  settingsAnswer,
  settingsPreviewAnswer,
  settingsPreviewExample,
} from './schema.ts';

const tag = 'Companies';
const answersCompany = { answer: presentCompany, answerSchema: companyAnswer } as const;

const ownSettings = { path: '/companies/current/settings', tag } as const;
const platformSettings = {
  path: '/administration/settings',
  permission: 'company:manage_all',
  tag,
} as const;
const running = { permission: platformSettings.permission, company: false, tag } as const;
const applying = {
  method: 'POST',
  permission: 'settings:write',
  idempotency: 'optional',
  message: 'Settings applied',
  tag,
  businessRules: true,
  body: applyToRunningBody,
  examples: { body: { reason: 'The new deadlines hold for all', dry_run: true } },
} as const;
const answersSettings = { answer: presentSettings, answerSchema: settingsAnswer } as const;
const answersPlatformSettings = {
  answer: presentSettings,
  answerSchema: platformSettingsAnswer,
} as const;

const calendar = {
  path: '/companies/current/calendar',
  permission: 'company:manage',
  tag,
  answer: presentCalendar,
  answerSchema: calendarAnswer,
} as const;

const exampleOf = (isPlatform: boolean) =>
  presentSettings({ settings: resolved({}, { isPlatform }), version: 1 });

export const companyRoutes = ({
  ownCompany,
  calendars,
  runningBookings,
  runningClaims,
  runningTimers,
  settingsPreview,
}: {
  readonly ownCompany: OwnCompany;
  readonly calendars: Calendars;
  readonly runningBookings: RunningBookings;
  readonly runningClaims: RunningClaims;
  readonly runningTimers: RunningTimers;
  readonly settingsPreview: typeof previewSettings;
}): Route[] => [
  route({
    method: 'GET',
    path: '/companies/current',
    permission: 'company:manage',
    summary: 'The company one acts in',
    tag,
    ...answersCompany,
    handle: ({ actor }) => ownCompany.get(actor),
    examples: { answer: companyExample },
  }),
  route({
    method: 'PATCH',
    path: '/companies/current',
    permission: 'company:manage',
    ifMatch: true,
    summary: 'Change what the company says about itself',
    message: 'Company changed',
    tag,
    businessRules: true,
    body: editOwnCompanyBody,
    ...answersCompany,
    handle: ({ actor, body, expectedVersion }) => ownCompany.edit(actor, body, expectedVersion),
    examples: { body: { time_zone: 'Europe/Berlin' }, answer: companyExample },
  }),
  route({
    ...ownSettings,
    method: 'GET',
    permission: 'settings:read',
    summary: 'All settings: what holds, who set it, what could be set',
    ...answersSettings,
    handle: ({ actor }) => ownCompany.settings(actor),
    examples: { answer: exampleOf(false) },
  }),
  route({
    ...ownSettings,
    method: 'PATCH',
    permission: 'settings:write',
    ifMatch: true,
    summary:
      'Change some settings; what runs already keeps its own, but for the reminders and escalations of acknowledgements',
    message: 'Settings changed',
    businessRules: true,
    body: editSettingsBody,
    ...answersSettings,
    handle: ({ actor, body: { version: _version, ...change }, expectedVersion }) =>
      ownCompany.editSettings(actor, change, expectedVersion),
    examples: { body: { audit: { retention_years: 7 } }, answer: exampleOf(false) },
  }),
  route({
    method: 'POST',
    path: '/companies/current/settings/preview',
    permission: 'settings:write',
    summary:
      'Which reminders, escalations and next cycles of running acknowledgements a change of settings would move; changes nothing',
    tag,
    businessRules: true,
    body: previewSettingsBody,
    answer: presentSettingsPreview,
    answerSchema: settingsPreviewAnswer,
    handle: ({ actor, body }) => settingsPreview(actor, body),
    examples: {
      body: { compliance: { escalate_hr_days: 10 } },
      answer: settingsPreviewExample,
    },
  }),
  route({
    ...applying,
    path: '/companies/current/settings/apply-to-claims',
    summary:
      'Gives up to 100 running claims the settings as they are; deadlines that somebody moved stay, and so do claims on hold',
    answer: presentAppliedToClaims,
    answerSchema: appliedToClaimsAnswer,
    handle: ({ actor, body, once }) => runningClaims(actor, body, once),
    examples: { ...applying.examples, answer: appliedToClaimsExample },
  }),
  route({
    ...applying,
    path: '/companies/current/settings/apply-to-bookings',
    summary:
      'Gives up to 100 running bookings the settings as they are, those of their property included; deadlines that somebody moved stay, and so does what was agreed',
    answer: presentAppliedToBookings,
    answerSchema: appliedToBookingsAnswer,
    handle: ({ actor, body, once }) => runningBookings(actor, body, once),
    examples: { ...applying.examples, answer: appliedToBookingsExample },
  }),
  route({
    ...calendar,
    method: 'GET',
    summary: 'When the company works: what deadlines in business days are counted by',
    handle: ({ actor }) => calendars.get(actor),
    examples: { answer: calendarExample },
  }),
  route({
    ...calendar,
    method: 'PUT',
    ifMatch: true,
    summary: 'Set when the company works; deadlines that run already stay',
    message: 'Calendar changed',
    businessRules: true,
    body: replaceCalendarBody,
    handle: ({ actor, body, expectedVersion }) => calendars.replace(actor, body, expectedVersion),
    examples: { body: calendarExample, answer: calendarExample },
  }),
  route({
    ...platformSettings,
    method: 'GET',
    summary: "The platform's own settings, onboarding among them",
    ...answersPlatformSettings,
    handle: () => ownCompany.platformSettings(),
    examples: { answer: exampleOf(true) },
  }),
  route({
    ...platformSettings,
    method: 'PATCH',
    ifMatch: true,
    summary:
      "Change some of the platform's settings; what runs keeps its own until they are applied",
    message: 'Settings changed',
    businessRules: true,
    body: editPlatformSettingsBody,
    ...answersPlatformSettings,
    handle: ({ body: { version: _version, ...change }, expectedVersion }) =>
      ownCompany.editPlatformSettings(change, expectedVersion),
    examples: { body: { onboarding: { activation_days: 7 } }, answer: exampleOf(true) },
  }),
  route({
    ...running,
    method: 'POST',
    path: '/administration/settings/preview',
    summary: 'Which running timers of registrations the settings would move, from when to when',
    answer: presentOutdated,
    answerSchema: outdatedTimersAnswer,
    handle: () => runningTimers.preview(),
    examples: { answer: { timers: [outdatedTimerExample], total: 1 } },
  }),
  route({
    ...running,
    method: 'POST',
    path: '/administration/settings/apply',
    idempotency: 'optional',
    summary: 'Moves up to 100 of them; those that somebody moved stay, and so do sold terms',
    message: 'Settings applied',
    businessRules: true,
    body: applySettingsBody,
    answer: presentApplied,
    answerSchema: appliedSettingsAnswer,
    handle: ({ actor, body, once }) => runningTimers.apply(actor, body.reason, once),
    examples: {
      body: { reason: 'We are short of reviewers this month' },
      answer: { moved: [outdatedTimerExample], failed: [], remaining: 0 },
    },
  }),
];
