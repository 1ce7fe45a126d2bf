import {
  claimPriorities,
  claimStatuses,
  closedOutcomes,
  denialCodes,
  holdKinds,
  slaStatuses,
} from '../../rules/claims.ts';
import { locationBody } from '../claim-locations/schema.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  email,
  id,
  instant,
  integer,
  money,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  positiveMoney,
  text,
} from '../schema.ts';

export const claimPath = object({ id: id() });
export const policyClaimsPath = object({ id: id() });
export const policyClaimPath = object({ id: id(), claimId: id() });
export const userPath = object({ id: id() });

const reason = optional(text(500));
const version = optional(integer(1, 2_147_483_647));

const reported = {
  title: text(200),
  description: text(5000),
  incident_date: calendarDate().description("Today at the latest, by the company's calendar"),
  claim_amount: optional(positiveMoney()),
  priority: optional(
    oneOf(...claimPriorities).description('Of staff; a claimant has the usual one'),
  ),
  claimant_name: optional(text(400).description("The policy's holder unless told")),
  claimant_email: optional(email()),
  claimant_phone: optional(text(50)),
  location: optional(locationBody),
};

export const policyClaimBody = object(reported);
export const reportBody = object({ policy_id: id(), ...reported });

const edited = {
  title: text(200),
  description: text(5000),
  claim_amount: nullable(positiveMoney()),
  priority: oneOf(...claimPriorities),
  claimant_name: text(400),
  claimant_email: email(),
  claimant_phone: nullable(text(50)),
};

export const editBody = partial({ ...edited, version });
export const replaceBody = object({ ...edited, version });

/** Older clients send it in the address. */
export const assignQuery = object({ user_id: optional(id()) });
export const assignBody = object({
  user_id: optional(id().description('Here or in the address')),
  reason: optional(text(500).description('Handover note; needed when somebody else has it')),
  version,
});

export const statusQuery = object({ new_status: optional(oneOf(...claimStatuses)) });
export const statusBody = object({
  new_status: optional(oneOf(...claimStatuses).description('Here or in the address')),
  reason,
  data: optional(
    object({
      user_id: optional(id()),
      items: optional(array(text(200), { min: 1, max: 20 })),
      amount: optional(positiveMoney()),
      rationale: optional(text(2000)),
      code: optional(oneOf(...denialCodes)),
      reference: optional(text(200)),
    }).description('What the wished status needs'),
  ),
  version,
});

export const reasonBody = object({ reason: text(500), version });
export const holdBody = object({ kind: oneOf(...holdKinds), reason: text(500), version });
export const documentsBody = object({
  items: array(text(200), { min: 1, max: 20 }).description(
    'Where each names a type of document, the claim goes on by itself once all of them were added and scanned',
  ),
  reason,
  version,
});
export const approveBody = object({ approved_amount: positiveMoney(), reason, version });
export const denyBody = object({ code: oneOf(...denialCodes), reason: text(500), version });
export const duplicateBody = object({
  duplicate_of: optional(
    id().description('The earlier claim; the one it was flagged with unless told'),
  ),
  reason: text(500),
  version,
});
export const delegateBody = object({ user_id: id(), reason, version });
export const delegatesAnswer = object({
  delegates: array(
    object({
      user_id: id(),
      name: text(200),
      is_delegate: boolean().description('Stands in for somebody whose role it takes'),
    }),
    { max: 200 },
  ),
});
export const deleteQuery = object({ reason });

const filters = {
  status: oneOf(...claimStatuses),
  sla_status: oneOf(...slaStatuses),
  priority: oneOf(...claimPriorities),
  incident_from: calendarDate(),
  incident_to: calendarDate(),
};

const sorts = ['created_at', 'incident_date', 'claim_number', 'status', 'relevance'] as const;
const takes = ['search', 'created_after', 'created_before'] as const;

export const claimsQuery = listQuery({
  filters: { ...filters, assigned_to: id(), policy_id: id() },
  sorts,
  defaultSort: '-created_at',
  takes,
});
/** Within one policy, or one person's. */
export const narrowClaimsQuery = listQuery({ filters, sorts, defaultSort: '-created_at', takes });

export const historyQuery = listQuery({
  filters: {},
  sorts: ['at'],
  defaultSort: 'at',
  takes: [],
});

export const claimAnswer = object({
  id: id(),
  claim_number: text(60),
  policy_id: id(),
  policy_number: text(60),
  title: text(200),
  description: text(5000),
  status: oneOf(...claimStatuses),
  priority: oneOf(...claimPriorities),
  incident_date: calendarDate(),
  claim_amount: nullable(money()),
  approved_amount: nullable(money()),
  paid_amount: money(),
  currency: text(3),
  claimant_name: text(400),
  claimant_email: text(320),
  claimant_phone: nullable(text(50)),
  denial_code: nullable(text(40)),
  denial_reason: nullable(text(2000)),
  closed_outcome: nullable(oneOf(...closedOutcomes)),
  closed_at: nullable(instant()),
  internal: nullable(
    object({
      sla_status: oneOf(...slaStatuses),
      assigned_to: nullable(id()),
      reported_by: nullable(id()),
      proposed_amount: nullable(money()),
      proposed_by: nullable(id()),
      rationale: nullable(text(2000)),
      decided_by: nullable(id()),
      on_hold: boolean(),
      hold_kind: nullable(oneOf(...holdKinds)),
      hold_reason: nullable(text(500)),
      no_cover: boolean().description('The policy did not cover the day: it can only be denied'),
      flag_reasons: array(oneOf('no_cover', 'duplicate'), { max: 10 }),
      duplicate_of: nullable(id()),
      needs_new_assignee: boolean(),
      payment_id: nullable(id()),
      payment_failed: boolean(),
      payment_reference: nullable(text(200)),
      config_version: integer(1, 2_147_483_647),
    }),
  ).description('For whoever works on claims; null for the claimant'),
  assigned_to: nullable(id()).description('As in internal'),
  sla_status: nullable(oneOf(...slaStatuses)).description('As in internal'),
  on_hold: nullable(boolean()).description('As in internal'),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
  version: integer(1, 2_147_483_647),
  state_version: integer(1, 2_147_483_647),
  created_at: instant(),
  updated_at: instant(),
});

export const historyAnswer = object({
  id: id(),
  from: nullable(oneOf(...claimStatuses)),
  to: oneOf(...claimStatuses),
  event: text(60),
  actor_id: nullable(id()),
  actor_type: text(20),
  reason: nullable(text(500)),
  hold_kind: nullable(oneOf(...holdKinds)).description('Of a hold'),
  at: instant(),
});

export const allowedAnswer = object({
  status: oneOf(...claimStatuses),
  allowed_transitions: array(
    object({
      event: text(60),
      to: oneOf(...claimStatuses),
      by: array(text(40), { max: 20 }).description('Who may bring it about'),
      mine: boolean().description('Whether whoever asks may'),
    }),
    { max: 40 },
  ),
});
