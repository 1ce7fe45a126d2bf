import { configurationStatuses } from '../../rules/compliancePolicies.ts';
import { listQuery } from '../listQuery.ts';
import {
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

const most = 2_147_483_647;
const version = integer(1, most);
const key = text(64)
  .pattern(/^[a-z][a-z0-9_]*$/)
  .description('Such as vulnerability_sla');
const value = text(200).description(
  'Such as 7 days; of a deadline of acknowledgements a number of days, of remind_before a list of them',
);
const reason = text(500);

export const configurationPath = object({ id: id() });

export const createConfigurationBody = object({ policy_id: id(), key, value }).id(
  'CreatePolicyConfiguration',
);
export const editConfigurationBody = partial({ value, version });
export const approveConfigurationBody = object({
  reason: optional(reason),
  version: optional(version),
});
export const rejectConfigurationBody = object({ reason, version: optional(version) });

export const configurationsQuery = listQuery({
  filters: { policy_id: id(), key, status: oneOf(...configurationStatuses) },
  sorts: ['created_at', 'key'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before', 'include_archived'],
});

export const configurationAnswer = object({
  id: id(),
  policy_id: id(),
  key,
  value,
  status: oneOf(...configurationStatuses),
  reason: nullable(reason),
  decided_by: nullable(id()),
  decided_at: nullable(instant()),
  policy_version: nullable(integer(1, most)).description('Number of the version it made'),
  created_by: nullable(id()),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()).description('When another value of the key took its place'),
  version,
}).id('PolicyConfiguration');

export const configurationExample = {
  id: '01998e3a-d370-7192-8ea7-b3c536475869',
  policy_id: '01998e3a-c150-7f70-8c95-91a314253647',
  key: 'vulnerability_sla',
  value: '7 days',
  status: 'pending',
  reason: null,
  decided_by: null,
  decided_at: null,
  policy_version: null,
  created_by: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;
