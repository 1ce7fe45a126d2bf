import { packFormats } from '../../commands/evidencePacks.ts';
import { listQuery } from '../listQuery.ts';
import { calendarDate, id, instant, integer, nullable, object, oneOf, text } from '../schema.ts';

const count = integer(0, 2_147_483_647);

export const evidencePackPath = object({ id: id() });

export const evidencePacksQuery = listQuery({
  filters: { customer_compliance_id: id() },
  sorts: ['created_at', 'audit_date'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
});

export const evidencePackFileQuery = object({
  format: oneOf(...packFormats)
    .default('json')
    .description('The JSON is what the SHA-256 is of'),
});

export const evidencePackAnswer = object({
  id: id(),
  customer_compliance_id: id(),
  audit_date: calendarDate(),
  acknowledged_count: count,
  pending_count: count,
  declined_count: count,
  exempted_count: count,
  compliance_percentage: text(6).pattern(/^\d{1,3}\.\d\d$/),
  sha256: text(64)
    .pattern(/^[0-9a-f]{64}$/)
    .description('Of the whole file as JSON'),
  frozen_at: instant(),
  completed_by: nullable(id()),
}).id('EvidencePack');

export const evidencePackExample = {
  id: '01998e3a-d260-7a71-9d96-a2b425364753',
  customer_compliance_id: '01998e3a-a040-7e5f-9b74-809203142536',
  audit_date: '2026-09-28',
  acknowledged_count: 412,
  pending_count: 86,
  declined_count: 2,
  exempted_count: 0,
  compliance_percentage: '82.40',
  sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  frozen_at: '2026-09-28T09:30:00.000Z',
  completed_by: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
} as const;
