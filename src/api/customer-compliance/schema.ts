import { auditStatuses, complianceStatuses } from '../../rules/compliance.ts';
import { listQuery } from '../listQuery.ts';
import {
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
const plannedFor = nullable(calendarDate()).description('For when the audit is planned');

export const customerCompliancePath = object({ id: id() });

export const createCustomerComplianceBody = object({
  customer_id: id(),
  compliance_id: id(),
  audit_date: plannedFor.default(null),
}).id('CreateCustomerCompliance');
export const planAuditBody = partial({ audit_date: plannedFor, version });
export const completeAuditBody = object({
  audit_date: optional(calendarDate().description('Today, which is also the latest, unless told')),
  version: optional(version),
});

export const customerCompliancesQuery = listQuery({
  filters: {
    customer_id: id(),
    compliance_id: id(),
    status: oneOf(...complianceStatuses),
    audit_status: oneOf(...auditStatuses),
  },
  sorts: ['created_at', 'compliance_percentage', 'audit_date'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before', 'include_archived'],
});

export const customerComplianceAnswer = object({
  id: id(),
  customer_id: id(),
  compliance_id: id(),
  status: oneOf(...complianceStatuses),
  compliance_percentage: text(6)
    .pattern(/^\d{1,3}\.\d\d$/)
    .description('Of what has to be acknowledged, as decimal text'),
  acknowledged_count: count,
  pending_count: count,
  declined_count: count,
  compliance_updated: nullable(instant()).description(
    'When people or documents last changed, so that more has to be read',
  ),
  audit_date: nullable(calendarDate()).description('Planned, or completed then'),
  audit_status: oneOf(...auditStatuses),
  evidence_pack_id: nullable(id()).description('What the latest completed audit has seen'),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('CustomerCompliance');

export const customerComplianceExample = {
  id: '01998e3a-a040-7e5f-9b74-809203142536',
  customer_id: '01998e3a-7d10-7b2c-8e41-5d6f70819203',
  compliance_id: '01998e3a-9f30-7d4e-8a63-7f8192031425',
  status: 'pending',
  compliance_percentage: '0.00',
  acknowledged_count: 0,
  pending_count: 0,
  declined_count: 0,
  compliance_updated: null,
  audit_date: '2026-09-30',
  audit_status: 'pending',
  evidence_pack_id: null,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;
