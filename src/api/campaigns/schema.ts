import {
  acknowledgementActions,
  acknowledgementBounds,
  acknowledgementStatuses,
} from '../../rules/acknowledgements.ts';
import { campaignStatuses } from '../../rules/campaigns.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
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
const count = integer(0, 2_147_483_647);

const days = (name: keyof typeof acknowledgementBounds) =>
  integer(acknowledgementBounds[name].min, acknowledgementBounds[name].max);

const settings = object({
  remind_before: optional(
    array(days('remindBefore'), { max: 10 })
      .unique()
      .description('Days before it is due on which people are reminded'),
  ),
  overdue_every_days: optional(days('overdueEveryDays')),
  escalate_hr_days: optional(days('escalateHrDays')),
  escalate_exec_days: optional(days('escalateExecDays')),
}).description(
  "Of this campaign alone; before the company's settings, and behind what is configured for the policy",
);

const facts = {
  name: text(200),
  audience_customer_id: nullable(id())
    .default(null)
    .description('Of those whom the policy concerns; null: whatever customer they work for'),
  audience_role: nullable(text(100)).default(null),
  audience_department: nullable(text(100)).default(null),
  due_days: days('manualDays').description(
    'From the day on which somebody is asked, unless manual_days is configured for the policy',
  ),
  allow_decline: boolean().default(true),
  allow_exemption: boolean().default(true),
  settings: settings.default({}),
};

export const campaignPath = object({ id: id() });

export const createCampaignBody = object({ policy_id: id(), ...facts }).id('CreateCampaign');
export const replaceCampaignBody = object({ ...facts, version: optional(version) });
export const editCampaignBody = partial({
  ...facts,
  version,
  dry_run: boolean().description('Shows what would follow and changes nothing'),
});

export const campaignsQuery = listQuery({
  filters: { policy_id: id(), status: oneOf(...campaignStatuses) },
  sorts: ['created_at', 'name', 'launched_at'],
  defaultSort: '-created_at',
});

const campaign = {
  id: id(),
  policy_id: id(),
  name: text(200),
  audience_customer_id: nullable(id()),
  audience_role: nullable(text(100)),
  audience_department: nullable(text(100)),
  due_days: integer(1, 365),
  allow_decline: boolean(),
  allow_exemption: boolean(),
  settings,
  status: oneOf(...campaignStatuses).description('done by itself, once nobody is left to answer'),
  launched_at: nullable(instant()),
  paused_on: nullable(calendarDate()).description('Its clocks stand still since then'),
  paused_days: count.description('By so many days its dates were moved'),
  ended_at: nullable(instant()),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
};

export const campaignAnswer = object(campaign).id('Campaign');

const plannedSteps = array(object({ action: oneOf(...acknowledgementActions), at: instant() }), {
  max: 100,
});

export const changedCampaignAnswer = object({
  ...campaign,
  dry_run: boolean(),
  people: count.description('For whom something moves, within seconds'),
  moved: array(
    object({
      status: oneOf(...acknowledgementStatuses),
      people: integer(1, 2_147_483_647).description('Who stand alike'),
      due_date: calendarDate(),
      new_due_date: calendarDate().description('Whoever had more than a week keeps a week'),
      before: plannedSteps.description('What does not come any more, soonest first'),
      after: plannedSteps.description('What comes instead; at once where it is past'),
    }),
    { max: 100 },
  ).description('The first of them'),
}).id('ChangedCampaign');

export const campaignProgressAnswer = object({
  status: oneOf(...campaignStatuses),
  is_asking: boolean().description('Not everybody has been asked yet'),
  pending_count: count,
  acknowledged_count: count,
  declined_count: count,
  exempted_count: count,
  superseded_count: count.description('Asked anew since, about a newer text'),
  cancelled_count: count,
  compliance_percentage: text(6).pattern(/^\d{1,3}\.\d\d$/),
  ageing: object({
    not_due: count,
    overdue_1_to_7: count,
    overdue_8_to_14: count,
    overdue_over_14: count,
  }).description('Of those who have not answered, by days; a pause does not count'),
}).id('CampaignProgress');

export const campaignExample = {
  id: '01998e3a-c150-7f60-8c85-91a314253651',
  policy_id: '01998e3a-c150-7f60-8c85-91a314253642',
  name: 'Before the audit',
  audience_customer_id: null,
  audience_role: null,
  audience_department: 'Engineering',
  due_days: 14,
  allow_decline: false,
  allow_exemption: true,
  settings: { remind_before: [5, 1] },
  status: 'draft',
  launched_at: null,
  paused_on: null,
  paused_days: 0,
  ended_at: null,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;

export const changedCampaignExample = {
  ...campaignExample,
  status: 'running',
  launched_at: '2026-02-01T09:30:00.000Z',
  dry_run: true,
  people: 86,
  moved: [
    {
      status: 'pending',
      people: 86,
      due_date: '2026-02-11',
      new_due_date: '2026-02-15',
      before: [{ action: 'remind', at: '2026-02-10T07:00:00.000Z' }],
      after: [{ action: 'remind', at: '2026-02-14T07:00:00.000Z' }],
    },
  ],
} as const;

export const campaignProgressExample = {
  status: 'running',
  is_asking: false,
  pending_count: 10,
  acknowledged_count: 30,
  declined_count: 0,
  exempted_count: 1,
  superseded_count: 0,
  cancelled_count: 0,
  compliance_percentage: '75.00',
  ageing: { not_due: 7, overdue_1_to_7: 2, overdue_8_to_14: 1, overdue_over_14: 0 },
} as const;
