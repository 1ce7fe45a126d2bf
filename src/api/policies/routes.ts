import type { Policies } from '../../commands/policies.ts';
import type { PolicyChanges } from '../../commands/policyChanges.ts';
import type { Premiums } from '../../commands/premiums.ts';
import type { Timelines } from '../../commands/timelines.ts';
import { invalidField } from '../../errors.ts';
import type { BusinessType } from '../../rules/companies.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentTimeline } from '../workflows/present.ts';
import { timelineAnswer, timelineExample } from '../workflows/schema.ts';
import {
  presentIssued,
  presentPolicy,
  presentPremium,
  presentRenewed,
  presentVersion,
} from './present.ts';
import {
  editPolicyBody,
  issueBody,
  issuedAnswer,
  issuedPolicyExample,
  issueExample,
  policiesQuery,
  policyAnswer,
  policyExample,
  policyPath,
  policySearchQuery,
  premiumAnswer,
  premiumAnswerExample,
  premiumBody,
  premiumExample,
  renewedAnswer,
  renewedPolicyExample,
  renewPolicyBody,
  replaceExample,
  replacePolicyBody,
  versionAnswer,
  versionExample,
  versionsQuery,
} from './schema.ts';

const tag = 'Policies';
const all = { path: '/policies', aliases: ['/policies'], tag } as const;
const one = {
  path: '/policies/:id',
  aliases: ['/policies/:id'],
  params: policyPath,
  tag,
} as const;
const answersPolicy = {
  answer: presentPolicy,
  answerSchema: policyAnswer,
  examples: { answer: policyExample },
} as const;

export const policyRoutes = ({
  policies,
  policyChanges,
  premiums,
  timelines,
}: {
  readonly policies: Policies;
  readonly policyChanges: PolicyChanges;
  readonly premiums: Premiums;
  readonly timelines: Pick<Timelines, 'timeline'>;
}): Route[] => {
  const renewal = {
    path: '/policies/:id/renew',
    aliases: ['/policies/:id/renew'],
    permission: 'policy:renew',
    ifMatch: true,
    message: 'Renewal initiated',
    tag,
    idempotency: 'where-billed',
    businessRules: true,
    params: policyPath,
    body: renewPolicyBody,
    answer: presentRenewed,
    answerSchema: renewedAnswer,
    examples: { body: { duration_months: 12, premium: '560.00' }, answer: renewedPolicyExample },
  } as const;

  return [
    listRoute({
      ...all,
      permission: 'policy:read_own',
      summary: 'Own policies; staff see all of the company',
      businessRules: true,
      query: policiesQuery,
      ...answersPolicy,
      handle: ({ actor, query }) => policies.list(actor, query),
    }),
    route({
      ...all,
      method: 'POST',
      permission: 'policy:write',
      summary: 'Issue a policy without a plan; a workflow carries it from then on',
      message: 'Policy issued',
      status: 201,
      idempotency: 'where-billed',
      businessRules: true,
      body: issueBody,
      answer: presentIssued,
      answerSchema: issuedAnswer,
      handle: ({ company, body, once }) => {
        const policyType = typeOf(body);
        if (!policyType) throw invalidField('policy_type', 'Say which type', 'REQUIRED');
        return policyChanges.issue(company, { ...body, policyType }, once);
      },
      examples: { body: issueExample, answer: issuedPolicyExample },
    }),
    listRoute({
      path: '/policies/search',
      aliases: ['/policies/search'],
      permission: 'policy:read_own',
      summary: 'Finds policies by a word, the closest first: own ones; staff all of the company',
      tag,
      query: policySearchQuery,
      ...answersPolicy,
      handle: ({ actor, query }) => policies.search(actor, query),
    }),
    route({
      method: 'POST',
      path: '/policies/calculate-premium',
      permission: 'policy:write',
      summary: 'Proposes the premium of a policy without a plan; nothing is stored',
      message: 'Premium',
      tag,
      businessRules: true,
      body: premiumBody,
      answer: presentPremium,
      answerSchema: premiumAnswer,
      handle: ({ company, body: { currency, ...risk } }) =>
        premiums.propose(company, risk, currency),
      examples: { body: premiumExample, answer: premiumAnswerExample },
    }),
    route({
      ...one,
      method: 'GET',
      permission: 'policy:read_own',
      summary: 'One policy',
      ...answersPolicy,
      handle: ({ actor, params }) => policies.get(actor, params.id),
      several: ({ actor }, ids) => policies.several(actor, ids),
    }),
    route({
      ...one,
      method: 'PUT',
      permission: 'policy:write',
      ifMatch: true,
      summary: 'Replace what is known of the holder; what was agreed stays',
      message: 'Policy replaced',
      businessRules: true,
      body: replacePolicyBody,
      ...answersPolicy,
      handle: ({ actor, params, body, expectedVersion }) =>
        policyChanges.edit(
          actor,
          params.id,
          {
            ...body,
            policyType: typeOf(body),
            policyholderPhone: body.policyholderPhone ?? null,
          },
          expectedVersion,
        ),
      examples: { body: replaceExample, answer: policyExample },
    }),
    route({
      ...one,
      method: 'PATCH',
      permission: 'policy:write',
      ifMatch: true,
      summary: 'Change what is known of the holder; what was agreed stays',
      message: 'Policy changed',
      businessRules: true,
      body: editPolicyBody,
      ...answersPolicy,
      handle: ({ actor, params, body, expectedVersion }) =>
        policyChanges.edit(
          actor,
          params.id,
          { ...body, policyType: typeOf(body) },
          expectedVersion,
        ),
      examples: { body: { policyholder_phone: '+49 30 7654321' }, answer: policyExample },
    }),
    route({
      ...one,
      method: 'DELETE',
      permission: 'policy:delete',
      ifMatch: true,
      summary: 'Archive a policy that has expired or is cancelled',
      status: 204,
      handle: ({ actor, params, expectedVersion }) =>
        policyChanges.archive(actor, params.id, expectedVersion),
    }),
    route({
      method: 'POST',
      path: '/policies/:id/restore',
      permission: 'policy:delete',
      ifMatch: true,
      summary: 'Bring an archived policy back',
      message: 'Policy restored',
      tag,
      params: policyPath,
      ...answersPolicy,
      handle: ({ actor, params, expectedVersion }) =>
        policyChanges.restore(actor, params.id, expectedVersion),
    }),
    ...(['PUT', 'POST'] as const).map((method) =>
      route({
        ...renewal,
        method,
        summary: 'Renew for another term, late ones too; the workflow carries it out',
        handle: ({ actor, params, body, once, expectedVersion }) =>
          policyChanges.renew(actor, params.id, { ...body, expectedVersion }, once),
      }),
    ),
    listRoute({
      path: '/policies/:id/versions',
      permission: 'policy:read_own',
      summary: 'The stretches of cover that were agreed, the latest first',
      tag,
      params: policyPath,
      query: versionsQuery,
      answer: presentVersion,
      answerSchema: versionAnswer,
      examples: { answer: versionExample },
      handle: ({ actor, params, query }) => policies.versions(actor, params.id, query),
    }),
    route({
      method: 'GET',
      path: '/policies/:id/timeline',
      permission: 'policy:read_own',
      summary: 'What happened, and what will happen by itself and when',
      tag,
      params: policyPath,
      answer: presentTimeline,
      answerSchema: timelineAnswer,
      examples: { answer: timelineExample },
      handle: async ({ actor, params }) =>
        timelines.timeline(actor, await policies.subscriptionOf(actor, params.id)),
    }),
  ];
};

/** The type of policy, under its older name too; a request that has both means one. */
function typeOf({
  policyType,
  productType,
}: {
  readonly policyType?: BusinessType | undefined;
  readonly productType?: BusinessType | undefined;
}): BusinessType | undefined {
  if (policyType && productType && policyType !== productType) {
    throw invalidField('product_type', 'is another name of policy_type: send the same', 'TWICE');
  }
  return policyType ?? productType;
}
