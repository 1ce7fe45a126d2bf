import type { Domains } from '../../commands/domains.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentDomain } from './present.ts';
import {
  addDomainBody,
  domainAnswer,
  domainExample,
  domainPath,
  domainsQuery,
  primaryDomainBody,
} from './schema.ts';

const tag = 'Companies';
const all = { path: '/companies/current/domains', permission: 'domain:manage', tag } as const;
const one = { ...all, path: '/companies/current/domains/:id', params: domainPath } as const;
const answersDomain = { answer: presentDomain, answerSchema: domainAnswer } as const;

export const domainRoutes = ({ domains }: { readonly domains: Domains }): Route[] => [
  listRoute({
    ...all,
    summary: 'The addresses of the company, with what DNS has to show for new ones',
    businessRules: true,
    query: domainsQuery,
    ...answersDomain,
    handle: ({ actor, query }) => domains.list(actor, query),
    examples: { answer: domainExample },
  }),
  route({
    ...all,
    method: 'POST',
    summary: 'Claim a domain; it leads here once its TXT record is seen, within 14 days',
    message: 'Domain added; set the TXT record and verify it',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: addDomainBody,
    ...answersDomain,
    handle: ({ body, once }) => domains.add(body.domain, once),
    examples: { body: { domain: domainExample.domain }, answer: domainExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    summary: 'Make a verified domain the primary one',
    message: 'Domain changed',
    body: primaryDomainBody,
    ...answersDomain,
    handle: ({ actor, params }) => domains.makePrimary(actor, params.id),
    examples: { body: { is_primary: true }, answer: { ...domainExample, is_primary: true } },
  }),
  route({
    ...one,
    path: '/companies/current/domains/:id/verify',
    method: 'POST',
    summary: 'Look for the TXT record; from then on the domain leads to the company',
    message: 'Domain verified',
    ...answersDomain,
    handle: ({ actor, params }) => domains.verify(actor, params.id),
    examples: { answer: domainExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    summary: 'Give a domain up; the primary one only as the last',
    status: 204,
    handle: ({ actor, params }) => domains.remove(actor, params.id),
  }),
];
