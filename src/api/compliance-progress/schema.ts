import { progressDimensions } from '../../commands/complianceProgress.ts';
import { complianceStatuses } from '../../rules/compliance.ts';
import { boolean, id, integer, nullable, object, oneOf, optional, text } from '../schema.ts';

const count = integer(0, 2_147_483_647);
const asked = {
  by: oneOf(...progressDimensions).default('policy'),
  policy_id: optional(id()),
  customer_id: optional(id()),
};

export const progressQuery = object({
  ...asked,
  page: integer(1, 1_000_000).default(1),
  size: integer(1, 100).default(20),
});

export const progressExportQuery = object(asked);

export const progressAnswer = object({
  id: nullable(id()).description('Of the customer, compliance or policy; none of a department'),
  name: text(200).allow('').description('Empty for people without a department'),
  acknowledged_count: count,
  pending_count: count,
  declined_count: count,
  exempted_count: count.description('Left out of the base'),
  compliance_percentage: text(6)
    .pattern(/^\d{1,3}\.\d\d$/)
    .description('Acknowledged of all who have to, as decimal text; 100.00 only where all have'),
  status: oneOf(...complianceStatuses),
  is_asking: boolean().description(
    'A version in it was just published or taken back, and not everybody has been asked yet; whoever will be counts as pending',
  ),
}).id('ComplianceProgress');

export const progressExample = {
  id: '01998e3a-c150-7f60-8c85-91a314253642',
  name: 'Acceptable use',
  acknowledged_count: 412,
  pending_count: 86,
  declined_count: 2,
  exempted_count: 0,
  compliance_percentage: '82.40',
  status: 'in_progress',
  is_asking: false,
} as const;
