import type { CompliancePolicies } from '../../commands/compliancePolicies.ts';
import type { CompliancePolicyView } from '../../commands/compliancePolicyViews.ts';
import type { Replay } from '../../commands/idempotency.ts';
import type { PolicyDiffs } from '../../commands/policyDiffs.ts';
import type { PolicyCommand, PolicyVersions } from '../../commands/policyVersions.ts';
import type { Actor } from '../../context.ts';
import type { Permission } from '../../rules/permissions.ts';
import type { Asked } from '../asked.ts';
import { listRoute, route, type Route } from '../route.ts';
import {
  presentApprovals,
  presentDiff,
  presentPolicy,
  presentPolicySummary,
  presentVersion,
  presentVersionSummary,
} from './present.ts';
import {
  acceptUpdateBody,
  approvalsAnswer,
  approvalsExample,
  approveBody,
  createPolicyBody,
  createVersionBody,
  diffAnswer,
  diffExample,
  diffQuery,
  editPolicyBody,
  policiesQuery,
  policyAnswer,
  policyExample,
  policyFactsExample,
  policyPath,
  policySummaryAnswer,
  policySummaryExample,
  policyTextExample,
  publishBody,
  reasonBody,
  replacePolicyBody,
  submitBody,
  versionAnswer,
  versionExample,
  versionPath,
  versionsQuery,
  versionSummaryAnswer,
  versionSummaryExample,
} from './schema.ts';

const tag = 'Compliance';
const one = { path: '/compliance-policies/:id', tag, params: policyPath } as const;
const answersPolicy = { answer: presentPolicy, answerSchema: policyAnswer } as const;
const command = {
  method: 'POST',
  tag,
  params: policyPath,
  idempotency: 'optional',
  businessRules: true,
  ifMatch: true,
  ...answersPolicy,
} as const;

export const compliancePolicyRoutes = ({
  compliancePolicies,
  policyVersions,
  policyDiffs,
}: {
  readonly compliancePolicies: CompliancePolicies;
  readonly policyVersions: PolicyVersions;
  readonly policyDiffs: PolicyDiffs;
}): Route[] => [
  listRoute({
    path: '/compliance-policies',
    tag,
    permission: 'compliance_policy:read',
    summary: 'Documents that people must read, each with its newest version',
    businessRules: true,
    query: policiesQuery,
    answer: presentPolicySummary,
    answerSchema: policySummaryAnswer,
    handle: ({ actor, query }) => compliancePolicies.list(actor, query),
    examples: { answer: policySummaryExample },
  }),
  route({
    method: 'POST',
    path: '/compliance-policies',
    tag,
    permission: 'compliance_policy:write',
    summary: 'Write a document, or take one from a template; its first version is a draft',
    businessRules: true,
    message: 'Compliance policy created',
    status: 201,
    idempotency: 'optional',
    body: createPolicyBody,
    ...answersPolicy,
    handle: ({ actor, body, once }) => compliancePolicies.create(actor, body, once),
    examples: { body: { ...policyFactsExample, ...policyTextExample }, answer: policyExample },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'compliance_policy:read',
    summary: 'One document with its newest version',
    ...answersPolicy,
    handle: ({ actor, params }) => compliancePolicies.get(actor, params.id),
    several: ({ actor }, ids) => compliancePolicies.several(actor, ids),
    examples: { answer: policyExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'compliance_policy:write',
    ifMatch: true,
    idempotency: 'optional',
    summary: 'Replace whom a document concerns, and the text that is given while it is no draft',
    businessRules: true,
    message: 'Compliance policy replaced',
    body: replacePolicyBody,
    ...answersPolicy,
    handle: ({ actor, params, body: { version: _, ...changes }, expectedVersion, once }) =>
      compliancePolicies.edit(actor, params.id, changes, expectedVersion, once),
    examples: { body: policyFactsExample, answer: policyExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'compliance_policy:write',
    ifMatch: true,
    idempotency: 'optional',
    summary:
      'Change some of it; a text that was submitted or approved becomes a draft again, and its approvals are void',
    businessRules: true,
    message: 'Compliance policy changed',
    body: editPolicyBody,
    ...answersPolicy,
    handle: ({ actor, params, body: { version: _, ...changes }, expectedVersion, once }) =>
      compliancePolicies.edit(actor, params.id, changes, expectedVersion, once),
    examples: { body: { content: policyTextExample.content }, answer: policyExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'compliance_policy:write',
    ifMatch: true,
    summary: 'Archive a document that is not published, with its draft',
    businessRules: true,
    status: 204,
    handle: ({ actor, params, expectedVersion, once }) =>
      compliancePolicies.archive(actor, params.id, expectedVersion, once),
  }),
  route({
    method: 'POST',
    path: '/compliance-policies/:id/restore',
    permission: 'compliance_policy:write',
    ifMatch: true,
    summary: 'Bring an archived document back, without its draft',
    message: 'Compliance policy restored',
    tag,
    params: policyPath,
    ...answersPolicy,
    handle: ({ actor, params, expectedVersion }) =>
      compliancePolicies.restore(actor, params.id, expectedVersion),
    examples: { answer: policyExample },
  }),
  route({
    ...command,
    path: '/compliance-policies/:id/submit',
    permission: 'compliance_policy:write',
    summary: 'Submit the draft for approval by people who did not write it',
    message: 'Submitted',
    body: submitBody,
    handle: (asked) => policyVersions.submit(asked.actor, commandOf(asked), asked.body.approvers),
    examples: { body: { approvers: [] } },
  }),
  route({
    ...command,
    path: '/compliance-policies/:id/approve',
    permission: 'compliance_policy:approve',
    summary: 'Approve what was submitted; with the last of the quorum it is approved',
    message: 'Approved',
    body: approveBody,
    handle: (asked) => policyVersions.approve(asked.actor, commandOf(asked)),
    examples: { body: {} },
  }),
  withReason(
    'reject',
    'compliance_policy:approve',
    'Reject what was submitted; it is a draft again',
    'Rejected',
    (actor, asked) => policyVersions.reject(actor, asked),
  ),
  route({
    ...command,
    path: '/compliance-policies/:id/publish',
    permission: 'compliance_policy:write',
    summary: 'Publish what is approved, now or at a time; the version before it is superseded',
    message: 'Published',
    body: publishBody,
    handle: (asked) => policyVersions.publish(asked.actor, commandOf(asked), asked.body.publishAt),
    examples: { body: {} },
  }),
  withReason(
    'unpublish',
    'compliance_policy:write',
    'Take a publication back within 24 hours; the version before it is in force again, a next one is given up',
    'Taken back',
    (actor, asked) => policyVersions.unpublish(actor, asked),
  ),
  withReason(
    'retire',
    'compliance_policy:write',
    'End what is published; nothing takes its place',
    'Retired',
    (actor, asked) => policyVersions.retire(actor, asked),
  ),
  route({
    method: 'POST',
    path: '/compliance-policies/:id/accept-update',
    permission: 'compliance_policy:write',
    ifMatch: true,
    idempotency: 'optional',
    summary: 'Draft the next version from the latest version of the template',
    message: 'Version drafted',
    tag,
    status: 201,
    businessRules: true,
    params: policyPath,
    body: acceptUpdateBody,
    ...answersPolicy,
    handle: ({ actor, params, body, expectedVersion, once }) =>
      policyVersions.acceptUpdate(actor, params.id, body, expectedVersion, once),
    examples: { body: { requires_reack: true }, answer: policyExample },
  }),
  route({
    method: 'GET',
    path: '/compliance-policies/:id/approvals',
    permission: 'compliance_policy:read',
    summary: 'Who decided about the newest version, and who is still asked',
    tag,
    conflicts: true,
    params: policyPath,
    answer: presentApprovals,
    answerSchema: approvalsAnswer,
    handle: ({ actor, params }) => policyVersions.approvals(actor, params.id),
    examples: { answer: approvalsExample },
  }),
  listRoute({
    path: '/compliance-policies/:id/versions',
    permission: 'compliance_policy:read',
    summary: 'All versions of a document, the newest first',
    tag,
    businessRules: true,
    params: policyPath,
    query: versionsQuery,
    answer: presentVersionSummary,
    answerSchema: versionSummaryAnswer,
    handle: ({ actor, params, query }) => policyVersions.list(actor, params.id, query),
    examples: { answer: versionSummaryExample },
  }),
  route({
    method: 'POST',
    path: '/compliance-policies/:id/versions',
    permission: 'compliance_policy:write',
    ifMatch: true,
    idempotency: 'optional',
    summary: 'Draft the next version from the one in force, with changes',
    message: 'Version drafted',
    tag,
    status: 201,
    businessRules: true,
    params: policyPath,
    body: createVersionBody,
    ...answersPolicy,
    handle: ({ actor, params, body: { version: _, ...changes }, expectedVersion, once }) =>
      policyVersions.create(actor, params.id, changes, expectedVersion, once),
    examples: { body: { change_log: 'Clearer', requires_reack: false }, answer: policyExample },
  }),
  route({
    method: 'GET',
    path: '/compliance-policies/:id/versions/:number',
    permission: 'compliance_policy:read',
    summary: 'One version of a document with all that it says',
    tag,
    params: versionPath,
    answer: presentVersion,
    answerSchema: versionAnswer,
    handle: ({ actor, params }) => policyVersions.get(actor, params.id, params.number),
    examples: { answer: versionExample },
  }),
  route({
    method: 'GET',
    path: '/compliance-policies/:id/versions/:number/diff',
    permission: 'compliance_policy:read',
    summary: 'What a version says otherwise than the one before it, or than any other',
    tag,
    params: versionPath,
    query: diffQuery,
    answer: presentDiff,
    answerSchema: diffAnswer,
    handle: ({ actor, params: { id, number }, query }) =>
      policyDiffs.between(actor, id, number, query.against),
    examples: { answer: diffExample },
  }),
  route({
    method: 'DELETE',
    path: '/compliance-policies/:id/versions/:number',
    permission: 'compliance_policy:write',
    summary: 'Discard a draft; its number is not used again',
    tag,
    status: 204,
    ifMatch: true,
    businessRules: true,
    params: versionPath,
    handle: ({ actor, params: { id, number }, once, expectedVersion }) =>
      policyVersions.discard(actor, { id, once, expectedVersion }, number),
  }),
];

/** What every command to a policy takes from its request. */
const commandOf = ({
  params,
  body,
  once,
  expectedVersion,
}: Pick<
  Asked<{ id: string }, unknown, { version?: number | undefined; reason?: string | undefined }>,
  'params' | 'body' | 'once' | 'expectedVersion'
>): PolicyCommand => ({ id: params.id, once, reason: body.reason, expectedVersion });

/** A step that needs no more than a reason. */
function withReason(
  step: string,
  permission: Permission,
  summary: string,
  message: string,
  carryOut: (actor: Actor, asked: PolicyCommand) => Promise<CompliancePolicyView | Replay>,
): Route {
  return route({
    ...command,
    path: `/compliance-policies/:id/${step}`,
    permission,
    summary,
    message,
    body: reasonBody,
    handle: (asked) => carryOut(asked.actor, commandOf(asked)),
    examples: { body: { reason: 'A law has changed' } },
  });
}
