import Joi from 'joi';
import { acknowledgementActions, acknowledgementStatuses } from '../../rules/acknowledgements.ts';
import { bookingStatuses } from '../../rules/bookings.ts';
import { claimStatuses } from '../../rules/claims.ts';
import { businessTypes, isolations, subscriptionPlans } from '../../rules/companies.ts';
import { roleCodes } from '../../rules/permissions.ts';
import { mostAddresses, settingsOf, type Setting } from '../../rules/settings.ts';
import { wireName } from '../../rules/wireNames.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  currency,
  email,
  type Fields,
  freeForm,
  hostName,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';

const version = integer(1, 2_147_483_647);
const logoUrl = text(500).pattern(/^https:\/\/\S+$/);
const timeZone = text(64).description('IANA name, such as Europe/Berlin');

const fields = {
  name: text(200).description('Unique among companies'),
  contact_email: nullable(email()),
  contact_phone: nullable(text(30)),
  linkedin: nullable(text(300)),
  address: nullable(text(500)),
  logo_url: nullable(logoUrl),
  default_currency: currency(),
  time_zone: timeZone,
};

export const editOwnCompanyBody = partial({ ...fields, version });

export const companyPath = object({ id: id() });
export const companyDomainPath = object({ id: id(), domainId: id() });

export const editCompanyBody = partial({
  ...fields,
  status: oneOf('active', 'suspended', 'closed').description(
    'Nobody can sign in to a closed company; it can be opened again until it is removed',
  ),
  subscription_plan: oneOf(...subscriptionPlans),
  business_type: oneOf(...businessTypes),
  version,
});

export const companiesQuery = listQuery({
  filters: {
    status: oneOf('active', 'suspended', 'closed'),
    subscription_plan: oneOf(...subscriptionPlans),
    business_type: oneOf(...businessTypes),
  },
  sorts: ['name', 'code', 'created_at'],
  defaultSort: 'name',
});

export const companyAnswer = object({
  id: id(),
  name: text(200),
  code: text(20),
  status: oneOf('active', 'suspended', 'closed'),
  isolation: oneOf(...isolations),
  business_type: oneOf(...businessTypes),
  contact_email: nullable(email()),
  contact_phone: nullable(text(100)),
  linkedin: nullable(text(300)),
  address: nullable(text(500)),
  logo_url: nullable(logoUrl),
  default_currency: text(3),
  subscription_plan: oneOf(...subscriptionPlans),
  time_zone: timeZone,
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Company');

export const companyExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  name: 'Acme Insurance',
  code: 'ACME',
  status: 'active',
  isolation: 'shared',
  business_type: 'home',
  contact_email: 'office@acme.example',
  contact_phone: '+49 30 123456',
  linkedin: null,
  address: 'Unter den Linden 1, Berlin',
  logo_url: 'https://acme.example/logo.svg',
  default_currency: 'EUR',
  subscription_plan: 'standard',
  time_zone: 'Europe/Berlin',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;

/** Bounds are a rule's, which names both ends where a value is refused. */
const wished = {
  whole: () => Joi.number(),
  share: () => Joi.number(),
  list: () => array(Joi.number(), { max: 10 }),
  switch: () => boolean(),
  roles: () => array(oneOf(...roleCodes), { max: roleCodes.length }),
  emails: () => array(email(), { max: mostAddresses }),
  choice: () => text(40),
  choices: () => array(text(40), { max: 20 }),
};

/** Of each type of policy some of the settings. */
const typeFields = (settings: readonly Setting[]): Joi.AnySchema => {
  const ofOneType = object(
    Object.fromEntries(settings.map((each) => [wireName(each.key), optional(wishedValue(each))])),
  );
  return object(Object.fromEntries(businessTypes.map((type) => [type, optional(ofOneType)])));
};

const wishedValue = ({ takes }: Setting): Joi.AnySchema =>
  takes.kind === 'byPolicyType' ? typeFields(takes.settings) : wished[takes.kind]();

function boundsOf({ takes }: Setting): string {
  if ('choices' in takes) return ` One of ${takes.choices.join()}.`;
  return 'min' in takes ? ` From ${takes.min} to ${takes.max}.` : '';
}

/** An object of sections with one field for each setting. */
function bySection(
  settings: readonly Setting[],
  fieldOf: (setting: Setting) => Joi.AnySchema,
  sectionOf: (section: Joi.AnySchema) => Joi.AnySchema,
): Fields {
  const sections: Record<string, Fields> = {};
  for (const setting of settings) {
    const field = { [wireName(setting.key)]: fieldOf(setting) };
    sections[setting.section] = { ...sections[setting.section], ...field };
  }
  return Object.fromEntries(
    Object.entries(sections).map(([name, section]) => [name, sectionOf(object(section))]),
  );
}

const wishField = (setting: Setting): Joi.AnySchema =>
  optional(nullable(wishedValue(setting))).description(
    `${setting.says}${boundsOf(setting)} null puts the default back.`,
  );

const value = Joi.alternatives(
  Joi.number(),
  boolean(),
  text(40),
  array(Joi.alternatives(Joi.number(), text(254)), { max: 20 }),
);

/** By type of policy, values under the names that a change of the settings takes. */
const valueOf = ({ takes }: Setting): Joi.AnySchema =>
  takes.kind === 'byPolicyType' ? freeForm() : value;

const settingField = (setting: Setting): Joi.AnySchema =>
  object({
    value: valueOf(setting),
    source: oneOf('company', 'default'),
    default: valueOf(setting),
    min: optional(Joi.number()),
    max: optional(Joi.number()),
    description: text(300),
  }).description(setting.says);

const settingsBody = (isPlatform: boolean) =>
  partial({ ...bySection(settingsOf({ isPlatform }), wishField, optional), version });

const settingsAnswerOf = (isPlatform: boolean) =>
  object({
    settings: object(bySection(settingsOf({ isPlatform }), settingField, (section) => section)),
    version,
  });

export const editSettingsBody = settingsBody(false).id('EditSettings');
export const editPlatformSettingsBody = settingsBody(true).id('EditPlatformSettings');
export const settingsAnswer = settingsAnswerOf(false).id('Settings');
export const platformSettingsAnswer = settingsAnswerOf(true).id('PlatformSettings');

export const previewSettingsBody = partial(
  bySection(settingsOf({ isPlatform: false }), wishField, optional),
).id('PreviewSettings');

const plannedSteps = array(object({ action: oneOf(...acknowledgementActions), at: instant() }), {
  max: 100,
});

export const settingsPreviewAnswer = object({
  people: integer(0, 2_147_483_647).description('For whom something moves, counted by policy'),
  moved: array(
    object({
      policy_id: id(),
      policy_title: text(200),
      campaign_id: nullable(id()),
      status: oneOf(...acknowledgementStatuses),
      due_date: calendarDate().description('Stays as it is'),
      people: integer(1, 2_147_483_647).description('Who stand alike'),
      before: plannedSteps.description('What would not come any more, soonest first'),
      after: plannedSteps.description('What would come instead; at once where it is past'),
    }),
    { max: 100 },
  ).description('The first of them'),
}).id('SettingsPreview');

export const settingsPreviewExample = {
  people: 86,
  moved: [
    {
      policy_id: '01998e3a-c150-7f60-8c85-91a314253642',
      policy_title: 'Acceptable use',
      campaign_id: null,
      status: 'pending',
      due_date: '2026-03-02',
      people: 86,
      before: [{ action: 'escalate_hr', at: '2026-03-09T07:00:00.000Z' }],
      after: [{ action: 'escalate_hr', at: '2026-03-12T07:00:00.000Z' }],
    },
  ],
} as const;

export const applySettingsBody = object({
  reason: text(500).description('Kept with each timer that is moved'),
});

const outdatedTimer = {
  registration_id: id(),
  company_name: text(200),
  name: oneOf('verify_email', 'review_reminder', 'review_escalation', 'review_expiry'),
  due_at: instant(),
  new_due_at: instant().description('At once for what would be past'),
};

export const outdatedTimersAnswer = object({
  timers: array(object(outdatedTimer), { max: 100 }).description('The first of them'),
  total: integer(0, 20_000),
}).id('OutdatedTimers');

export const appliedSettingsAnswer = object({
  moved: array(object(outdatedTimer), { max: 100 }),
  failed: array(object({ ...outdatedTimer, code: text(60) }), { max: 100 }).description(
    'Whose workflow refused or did not answer',
  ),
  remaining: integer(0, 20_000).description('Ask again to move these'),
}).id('AppliedSettings');

export const applyToRunningBody = object({
  reason: text(500).description('Kept with each one and each deadline that is moved'),
  dry_run: boolean().default(false).description('Shows what would follow and changes nothing'),
});

const movedTimers = array(
  object({
    name: text(60),
    due_at: instant(),
    new_due_at: instant().description('At once for what would be past'),
  }),
  { max: 100 },
).description('Deadlines that move');

const outdatedClaim = {
  claim_id: id(),
  claim_number: text(60),
  status: oneOf(...claimStatuses),
  timers: movedTimers,
};

const outdatedBooking = {
  booking_id: id(),
  property_id: id(),
  status: oneOf(...bookingStatuses),
  timers: movedTimers,
};

const done = 'Those that have the settings now; of a dry run the first that would';

/** @param outdated one of those that run under other settings */
const appliedTo = <F extends Fields>(outdated: F) => ({
  dry_run: boolean(),
  failed: array(object({ ...outdated, code: text(60) }), { max: 100 }).description(
    'Whose workflow refused or did not answer',
  ),
  remaining: integer(0, 2_147_483_647).description('Ask again for these'),
});

export const appliedToClaimsAnswer = object({
  claims: array(object(outdatedClaim), { max: 100 }).description(done),
  ...appliedTo(outdatedClaim),
}).id('SettingsAppliedToClaims');

export const appliedToBookingsAnswer = object({
  bookings: array(object(outdatedBooking), { max: 100 }).description(done),
  ...appliedTo(outdatedBooking),
}).id('SettingsAppliedToBookings');

export const appliedToClaimsExample = {
  dry_run: true,
  claims: [
    {
      claim_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
      claim_number: 'CLM-ACME-2026-000001',
      status: 'reported',
      timers: [
        {
          name: 'triage',
          due_at: '2026-03-02T09:30:00.000Z',
          new_due_at: '2026-03-03T09:30:00.000Z',
        },
      ],
    },
  ],
  failed: [],
  remaining: 1,
} as const;

export const appliedToBookingsExample = {
  dry_run: true,
  bookings: [
    {
      booking_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
      property_id: '01998e3a-c150-7f60-8c85-91a314253642',
      status: 'pending',
      timers: [
        {
          name: 'host_confirmation',
          due_at: '2026-03-02T09:30:00.000Z',
          new_due_at: '2026-03-03T09:30:00.000Z',
        },
      ],
    },
  ],
  failed: [],
  remaining: 1,
} as const;

export const outdatedTimerExample = {
  registration_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  company_name: 'Acme Insurance',
  name: 'review_expiry',
  due_at: '2026-03-02T09:30:00.000Z',
  new_due_at: '2026-03-16T09:30:00.000Z',
} as const;

const timeOfDay = () => text(5).pattern(/^([01]\d|2[0-3]):[0-5]\d$/);

const calendarFields = {
  time_zone: timeZone,
  working_days: array(integer(1, 7), { min: 1, max: 7 })
    .unique()
    .description('ISO weekdays, 1 is Monday'),
  working_hours: object({ from: timeOfDay(), to: timeOfDay() }),
  holidays: array(calendarDate(), { max: 1000 }).unique().description('Days off besides'),
};

export const replaceCalendarBody = object({
  ...calendarFields,
  version: optional(integer(0, 2_147_483_647)),
}).id('ReplaceCalendar');

export const calendarAnswer = object({
  ...calendarFields,
  version: integer(0, 2_147_483_647).description('0 while the company has set none'),
}).id('Calendar');

export const calendarExample = {
  time_zone: 'Europe/Berlin',
  working_days: [1, 2, 3, 4, 5],
  working_hours: { from: '09:00', to: '17:00' },
  holidays: ['2026-12-25', '2026-12-26'],
  version: 1,
};

export const domainPath = object({ id: id() });

export const domainsQuery = listQuery({
  filters: {},
  sorts: ['domain', 'created_at'],
  defaultSort: 'domain',
  takes: ['search'],
});

export const addDomainBody = object({ domain: hostName() }).id('AddDomain');

export const primaryDomainBody = object({ is_primary: boolean().valid(true) });

export const domainAnswer = object({
  id: id(),
  domain: hostName(),
  is_primary: boolean(),
  verified_at: nullable(instant()).description('null while it does not lead to the company'),
  verification: nullable(
    object({ type: oneOf('TXT'), name: text(300), value: text(200) }).description(
      'The DNS record to set before verifying',
    ),
  ),
  created_at: instant(),
}).id('Domain');

export const domainExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  domain: 'insurance.acme.example',
  is_primary: false,
  verified_at: null,
  verification: {
    type: 'TXT',
    name: '_surety.insurance.acme.example',
    value: 'surety-verification=tQ0mUe9G0y5hYdJ3m4TfE0cP7n2bXrVw8sKzLqAiHoI',
  },
  created_at: '2026-01-31T09:30:00.000Z',
} as const;
