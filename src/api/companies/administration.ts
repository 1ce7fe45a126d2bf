import type { CompanyAdministration } from '../../commands/companyAdministration.ts';
import type { Domains } from '../../commands/domains.ts';
import { presentPolicy } from '../policies/present.ts';
import { policiesQuery, policyAnswer } from '../policies/schema.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentCompany, presentDomain } from './present.ts';
import {
  companiesQuery,
  companyAnswer,
  companyDomainPath,
  companyExample,
  companyPath,
  domainAnswer,
  domainExample,
  domainsQuery,
  editCompanyBody,
} from './schema.ts';

const tag = 'Companies';
const one = { path: '/companies/:id', params: companyPath, tag } as const;
const answersCompany = { answer: presentCompany, answerSchema: companyAnswer } as const;

export const companyAdministrationRoutes = ({
  companyAdministration,
  domains,
}: {
  readonly companyAdministration: CompanyAdministration;
  readonly domains: Domains;
}): Route[] => [
  listRoute({
    path: '/companies',
    permission: 'company:manage_all',
    summary: 'All companies, the platform apart',
    tag,
    businessRules: true,
    query: companiesQuery,
    ...answersCompany,
    handle: ({ query }) => companyAdministration.list(query),
    examples: { answer: companyExample },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'company:read',
    summary: 'One company; administrators of a company see their own alone',
    ...answersCompany,
    handle: ({ actor, params }) => companyAdministration.get(actor, params.id),
    examples: { answer: companyExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'company:edit',
    ifMatch: true,
    summary:
      'Change, suspend, close or reopen a company; a suspended one can only be read. Its own administrators ' +
      'change what they do at /companies/current',
    message: 'Company changed',
    businessRules: true,
    body: editCompanyBody,
    ...answersCompany,
    handle: ({ actor, params, body, expectedVersion }) =>
      companyAdministration.edit(actor, params.id, body, expectedVersion),
    examples: { body: { contact_email: 'office@acme.example' }, answer: companyExample },
  }),
  listRoute({
    ...one,
    path: '/companies/:id/policies',
    permission: 'policy:read_own',
    summary:
      'The policies of a company: of any for global administrators, of the own for its staff',
    businessRules: true,
    query: policiesQuery,
    answer: presentPolicy,
    answerSchema: policyAnswer,
    handle: ({ actor, params, query }) => companyAdministration.policiesOf(actor, params.id, query),
  }),
  listRoute({
    ...one,
    path: '/companies/:id/domains',
    permission: 'company:manage_all',
    summary: 'The domains of a company, with those that it claims',
    businessRules: true,
    query: domainsQuery,
    answer: presentDomain,
    answerSchema: domainAnswer,
    handle: ({ params, query }) => domains.listOf(params.id, query),
    examples: { answer: domainExample },
  }),
  route({
    method: 'POST',
    path: '/companies/:id/domains/:domainId/verify',
    permission: 'company:manage_all',
    summary: 'Vouch for a domain of a company, without DNS',
    message: 'Domain verified',
    tag,
    params: companyDomainPath,
    answer: presentDomain,
    answerSchema: domainAnswer,
    handle: ({ params }) => domains.vouch(params.id, params.domainId),
    examples: { answer: domainExample },
  }),
  route({
    method: 'DELETE',
    path: '/companies/:id/domains/:domainId',
    permission: 'company:manage_all',
    summary: 'Take a domain, or the claim of one, from a company; the primary one only as the last',
    status: 204,
    tag,
    params: companyDomainPath,
    handle: ({ params }) => domains.removeFrom(params.id, params.domainId),
  }),
];
