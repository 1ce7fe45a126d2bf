import { usualComplianceTypes } from '../../rules/compliance.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  id,
  instant,
  integer,
  nullable,
  object,
  optional,
  partial,
  text,
} from '../schema.ts';

const complianceType = text(50)
  .pattern(/^[a-z][a-z0-9_]*$/)
  .description(`${usualComplianceTypes.join(', ')}, or one of the company's own`);
const requirements = array(
  object({ code: text(50).description('Unique among them, such as A.5.1'), text: text(2000) }),
  { max: 200 },
);

const fields = {
  compliance_type: complianceType,
  compliance_title: text(200).description('Unique in the company'),
  requirements: requirements.default([]),
};
const version = integer(1, 2_147_483_647);

export const compliancePath = object({ id: id() });

export const createComplianceBody = object(fields).id('CreateCompliance');
export const replaceComplianceBody = object({ ...fields, version: optional(version) });
export const editComplianceBody = partial({ ...fields, version });

export const compliancesQuery = listQuery({
  filters: { compliance_type: complianceType },
  sorts: ['compliance_title', 'compliance_type', 'created_at'],
  defaultSort: 'compliance_title',
});

export const complianceAnswer = object({
  id: id(),
  compliance_type: complianceType,
  compliance_title: text(200),
  requirements,
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Compliance');

export const complianceExample = {
  id: '01998e3a-9f30-7d4e-8a63-7f8192031425',
  compliance_type: 'infosec',
  compliance_title: 'ISO/IEC 27001:2022',
  requirements: [{ code: 'A.5.1', text: 'Policies for information security are defined' }],
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
};
