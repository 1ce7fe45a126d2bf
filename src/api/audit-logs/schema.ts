import { badKinds } from '../../commands/auditChecks.ts';
import { exportFormats } from '../../commands/auditLogs.ts';
import {
  boolean,
  freeForm,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';
import { cursor } from '../listQuery.ts';

const page = integer(1, 100).default(1).description('Counted from 1');
const size = integer(1, 100).default(20).description('Rows of a page');
const actorTypes = ['user', 'api_key', 'workflow', 'system'] as const;

const filters = {
  entity_type: optional(text(50)),
  entity_id: optional(id()),
  actor_id: optional(id()),
  action: optional(text(50).pattern(/^[A-Z_]+$/)),
  category: optional(
    oneOf('security').description(
      'Sign-ins, denials, exports; changes of accounts, roles and keys',
    ),
  ),
  from: optional(instant()),
  to: optional(instant().description('Excluded')),
};
const paging = {
  page,
  size,
  cursor,
};

const filtersOfAll = {
  company_id: optional(id()),
  ...filters,
  from: optional(instant().description('Left out for all companies: 31 days ago')),
};
const format = oneOf(...exportFormats).default('jsonl');

export const auditLogsQuery = object({ ...filters, ...paging });
export const allAuditLogsQuery = object({ ...filtersOfAll, ...paging });
export const auditExportQuery = object({ format, ...filters });
export const allAuditExportQuery = object({ format, ...filtersOfAll });

const lineFields = {
  id: id(),
  timestamp: instant(),
  actor_id: nullable(id()),
  actor_type: oneOf(...actorTypes),
  action: text(50),
  entity_type: text(50),
  entity_id: nullable(id()),
  before: nullable(freeForm()).description('Changed fields only'),
  after: nullable(freeForm()),
  request_id: nullable(text(100)),
  workflow_id: nullable(text(200)),
  ip: nullable(text(65)),
  user_agent: nullable(text(255).allow('')),
};

export const auditLineAnswer = object(lineFields).id('AuditLine');
export const companyAuditLineAnswer = object({ company_id: id(), ...lineFields }).id(
  'CompanyAuditLine',
);

const most = Number.MAX_SAFE_INTEGER;

export const auditCheckAnswer = object({
  valid: boolean(),
  checked: integer(0, most).description('Sealed lines that are as they were sealed'),
  retired: integer(0, most).description(
    'Among these, lines that went when their time was over: of them only the order of seals is left',
  ),
  unsealed: integer(0, most).description('Lines too new to have a seal'),
  first_bad: nullable(
    object({
      seq: nullable(integer(1, most)).description('Place in the chain'),
      audit_id: nullable(id()),
      kind: oneOf(...badKinds),
    }),
  ),
}).id('AuditCheck');

export const historyPath = object({ id: id() });
export const historyQuery = object({ page, size });

export const historyEntryAnswer = object({
  id: id(),
  at: instant(),
  kind: oneOf('change', 'transition'),
  action: text(50).description('What was done; for a transition its event'),
  actor_id: nullable(id()),
  actor_type: oneOf(...actorTypes),
  workflow_id: nullable(text(200)),
  before: nullable(freeForm()).description('Changed fields only'),
  after: nullable(freeForm()),
  from_status: nullable(text(50)),
  to_status: nullable(text(50)),
  reason: nullable(text(500)),
}).id('HistoryEntry');

export const asOfQuery = object({ at: instant().description('Not in the future') });

export const pastStateAnswer = object({
  entity_type: oneOf(
    'subscription',
    'policy',
    'plan',
    'category',
    'property',
    'booking',
    'report',
    'claim',
    'customer',
    'employee',
    'compliance',
    'customer_compliance',
    'compliance_policy',
    'policy_configuration',
    'campaign',
    'template',
    'registration',
    'company',
  ),
  entity_id: id(),
  at: instant(),
  state: freeForm().description('Its fields as they were; what the audit cannot tell is left out'),
  built_from: nullable(
    object({
      id: id(),
      at: instant(),
      action: text(50),
      actor_id: nullable(id()),
      actor_type: oneOf(...actorTypes),
    }),
  ).description('The last change up to then'),
}).id('PastState');

const entityId = '01998e3a-6c00-7a11-9b22-0c33d44e55f6';
const actorId = '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f';

export const auditLineExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6071',
  timestamp: '2026-01-31T09:30:00.000Z',
  actor_id: actorId,
  actor_type: 'user',
  action: 'UPDATE',
  entity_type: 'plan',
  entity_id: entityId,
  before: { premium: '350.00' },
  after: { premium: '365.00' },
  request_id: 'req_0199a7c2-6d1e-7c3a-9f10-2b7d3c5e8a41',
  workflow_id: null,
  ip: '192.0.2.10',
  user_agent: 'Mozilla/5.0',
} as const;

export const companyAuditLineExample = {
  company_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e90',
  ...auditLineExample,
} as const;

export const auditCheckExample = {
  valid: false,
  checked: 1041,
  retired: 0,
  unsealed: 0,
  first_bad: { seq: 1042, audit_id: auditLineExample.id, kind: 'changed' },
} as const;

export const historyEntryExample = {
  id: auditLineExample.id,
  at: auditLineExample.timestamp,
  kind: 'change',
  action: 'UPDATE',
  actor_id: actorId,
  actor_type: 'user',
  workflow_id: null,
  before: { premium: '350.00' },
  after: { premium: '365.00' },
  from_status: null,
  to_status: null,
  reason: null,
} as const;

export const pastStateExample = {
  entity_type: 'plan',
  entity_id: entityId,
  at: '2026-02-01T00:00:00.000Z',
  state: { name: 'Home', premium: '365.00', archived_at: null },
  built_from: {
    id: auditLineExample.id,
    at: auditLineExample.timestamp,
    action: 'UPDATE',
    actor_id: actorId,
    actor_type: 'user',
  },
} as const;
