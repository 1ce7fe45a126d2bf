import type { CustomerCompliances } from '../../commands/customerCompliances.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentCustomerCompliance } from './present.ts';
import {
  completeAuditBody,
  createCustomerComplianceBody,
  customerComplianceAnswer,
  customerComplianceExample,
  customerCompliancePath,
  customerCompliancesQuery,
  planAuditBody,
} from './schema.ts';

const tag = 'Compliance';
const all = { path: '/customer-compliance', aliases: ['/customer-compliance'], tag } as const;
const one = {
  path: '/customer-compliance/:id',
  aliases: ['/customer-compliance/:id'],
  tag,
  params: customerCompliancePath,
} as const;
const answersRow = {
  answer: presentCustomerCompliance,
  answerSchema: customerComplianceAnswer,
} as const;

const { customer_id, compliance_id, audit_date } = customerComplianceExample;

export const customerComplianceRoutes = ({
  customerCompliances,
}: {
  readonly customerCompliances: CustomerCompliances;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'compliance:read',
    summary: 'What customers have to comply with, and how far each is',
    businessRules: true,
    query: customerCompliancesQuery,
    ...answersRow,
    handle: ({ actor, query }) => customerCompliances.list(actor, query),
    examples: { answer: customerComplianceExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'compliance:write',
    summary: 'Have a customer comply with something',
    businessRules: true,
    message: 'Customer compliance created',
    status: 201,
    idempotency: 'optional',
    body: createCustomerComplianceBody,
    ...answersRow,
    handle: ({ body, once }) => customerCompliances.create(body, once),
    examples: {
      body: { customer_id, compliance_id, audit_date },
      answer: customerComplianceExample,
    },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'compliance:read',
    summary: 'How far one customer is with one compliance',
    ...answersRow,
    handle: ({ actor, params }) => customerCompliances.get(actor, params.id),
    examples: { answer: customerComplianceExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Plan the next audit; how far the customer is follows from what is acknowledged',
    message: 'Audit planned',
    body: planAuditBody,
    ...answersRow,
    handle: ({ actor, params, body, expectedVersion }) =>
      customerCompliances.planAudit(actor, params.id, body, expectedVersion),
    examples: { body: { audit_date }, answer: customerComplianceExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Archive it, so that the customer need not comply with it any more',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      customerCompliances.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/customer-compliance/:id/restore',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Bring an archived one back',
    message: 'Customer compliance restored',
    tag,
    params: customerCompliancePath,
    ...answersRow,
    handle: ({ actor, params, expectedVersion }) =>
      customerCompliances.restore(actor, params.id, expectedVersion),
    examples: { answer: customerComplianceExample },
  }),
  route({
    method: 'POST',
    path: '/customer-compliance/:id/complete-audit',
    permission: 'compliance:write',
    ifMatch: true,
    idempotency: 'optional',
    summary: 'Note that the audit was completed, and freeze what is acknowledged as evidence',
    businessRules: true,
    message: 'Audit completed',
    tag,
    params: customerCompliancePath,
    body: completeAuditBody,
    ...answersRow,
    handle: ({ company, params, body, expectedVersion, once }) =>
      customerCompliances.completeAudit(company, params.id, body, expectedVersion, once),
    examples: {
      body: { audit_date: '2026-09-28' },
      answer: {
        ...customerComplianceExample,
        audit_date: '2026-09-28',
        audit_status: 'completed',
        evidence_pack_id: '01998e3a-d260-7a71-9d96-a2b425364753',
        version: 2,
      },
    },
  }),
];
