import type { Compliances } from '../../commands/compliances.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentCompliance } from './present.ts';
import {
  complianceAnswer,
  complianceExample,
  compliancePath,
  compliancesQuery,
  createComplianceBody,
  editComplianceBody,
  replaceComplianceBody,
} from './schema.ts';

const all = { path: '/compliances', aliases: ['/compliances'], tag: 'Compliance' } as const;
const one = {
  path: '/compliances/:id',
  aliases: ['/compliances/:id'],
  tag: 'Compliance',
  params: compliancePath,
} as const;
const answersCompliance = { answer: presentCompliance, answerSchema: complianceAnswer } as const;

const { compliance_type, compliance_title, requirements } = complianceExample;
const examples = {
  body: { compliance_type, compliance_title, requirements },
  answer: complianceExample,
};

export const complianceRoutes = ({
  compliances,
}: {
  readonly compliances: Compliances;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'compliance:read',
    summary: 'What customers can be asked to comply with',
    businessRules: true,
    query: compliancesQuery,
    ...answersCompliance,
    handle: ({ actor, query }) => compliances.list(actor, query),
    examples: { answer: complianceExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'compliance:write',
    summary: 'Add a compliance with its requirements',
    businessRules: true,
    message: 'Compliance created',
    status: 201,
    idempotency: 'optional',
    body: createComplianceBody,
    ...answersCompliance,
    handle: ({ body, once }) => compliances.create(body, once),
    examples,
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'compliance:read',
    summary: 'One compliance',
    ...answersCompliance,
    handle: ({ actor, params }) => compliances.get(actor, params.id),
    several: ({ actor }, ids) => compliances.several(actor, ids),
    examples: { answer: complianceExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Replace a compliance',
    businessRules: true,
    message: 'Compliance replaced',
    body: replaceComplianceBody,
    ...answersCompliance,
    handle: ({ actor, params, body, expectedVersion }) =>
      compliances.edit(actor, params.id, body, expectedVersion),
    examples,
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Change some fields of a compliance',
    businessRules: true,
    message: 'Compliance changed',
    body: editComplianceBody,
    ...answersCompliance,
    handle: ({ actor, params, body, expectedVersion }) =>
      compliances.edit(actor, params.id, body, expectedVersion),
    examples: { body: { requirements }, answer: complianceExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Archive a compliance; customers who have it keep it',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      compliances.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/compliances/:id/restore',
    permission: 'compliance:write',
    ifMatch: true,
    summary: 'Bring an archived compliance back',
    message: 'Compliance restored',
    tag: 'Compliance',
    params: compliancePath,
    ...answersCompliance,
    handle: ({ actor, params, expectedVersion }) =>
      compliances.restore(actor, params.id, expectedVersion),
    examples: { answer: complianceExample },
  }),
];
