import type { ExportClaim } from '../../commands/claimExport.ts';
import type { ClaimHistories } from '../../commands/claimHistories.ts';
import type { ClaimCommand, Claims } from '../../commands/claims.ts';
import type { ClaimTimelines } from '../../commands/claimTimelines.ts';
import type { ClaimView } from '../../commands/claimViews.ts';
import type { Replay } from '../../commands/idempotency.ts';
import type { Actor } from '../../context.ts';
import { invalidField } from '../../errors.ts';
import type { Permission } from '../../rules/permissions.ts';
import type { Asked } from '../asked.ts';
import { asFile } from '../exportedFile.ts';
import { listRoute, rawRoute, route, type Route } from '../route.ts';
import { presentExplanation, presentTimeline } from '../workflows/present.ts';
import { explanationAnswer, timelineAnswer } from '../workflows/schema.ts';
import {
  presentAllowed,
  presentClaim,
  presentClaimHistory,
  presentDelegates,
  presentExport,
} from './present.ts';
import {
  allowedAnswer,
  approveBody,
  assignBody,
  assignQuery,
  claimAnswer,
  claimPath,
  claimsQuery,
  delegateBody,
  delegatesAnswer,
  deleteQuery,
  denyBody,
  documentsBody,
  duplicateBody,
  editBody,
  historyAnswer,
  historyQuery,
  holdBody,
  narrowClaimsQuery,
  policyClaimBody,
  policyClaimPath,
  policyClaimsPath,
  reasonBody,
  replaceBody,
  reportBody,
  statusBody,
  statusQuery,
  userPath,
} from './schema.ts';

const tag = 'Claims';
const answersClaim = { answer: presentClaim, answerSchema: claimAnswer } as const;
const one = { params: claimPath, tag, ...answersClaim } as const;
const command = { ...one, idempotency: 'optional', businessRules: true, ifMatch: true } as const;

const report = {
  title: 'Burst pipe in the kitchen',
  description: 'Water under the sink since the morning',
  incident_date: '2026-01-31',
} as const;
const edit = {
  title: 'Burst pipe',
  description: 'Water under the sink',
  claim_amount: '1200.00',
  priority: 'normal',
  claimant_name: 'Ada Lovelace',
  claimant_email: 'ada@example.com',
  claimant_phone: null,
} as const;

export const claimRoutes = ({
  claims,
  claimHistories,
  claimTimelines,
  exportClaim,
}: {
  readonly claims: Claims;
  readonly exportClaim: ExportClaim;
  readonly claimTimelines: ClaimTimelines;
  readonly claimHistories: ClaimHistories;
}): Route[] => [
  route({
    method: 'POST',
    path: '/claims',
    permission: 'claim:create_own',
    summary: 'Report a claim; a workflow carries it from then on',
    message: 'Reported',
    tag,
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: reportBody,
    ...answersClaim,
    handle: ({ actor, body: { policyId, ...wish }, once }) =>
      claims.report(actor, policyId, wish, once),
    examples: { body: { policy_id: '0190b1a0-0000-7000-8000-000000000001', ...report } },
  }),
  route({
    method: 'POST',
    path: '/policies/:id/claims',
    aliases: ['/policy/:id/claims'],
    permission: 'claim:create_own',
    summary: 'Report a claim under a policy',
    message: 'Reported',
    tag,
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    params: policyClaimsPath,
    body: policyClaimBody,
    ...answersClaim,
    handle: ({ actor, params, body, once }) => claims.report(actor, params.id, body, once),
    examples: { body: report },
  }),
  listRoute({
    path: '/claims',
    permission: 'claim:read_own',
    summary:
      'Claims under own policies; staff see those of the company, adjusters theirs. By relevance the closest to the search come first',
    businessRules: true,
    tag,
    query: claimsQuery,
    ...answersClaim,
    handle: ({ actor, query }) => claims.list(actor, query),
  }),
  listRoute({
    path: '/policies/:id/claims',
    aliases: ['/policy/:id/claims'],
    permission: 'claim:read_own',
    summary: 'Claims under a policy',
    businessRules: true,
    tag,
    params: policyClaimsPath,
    query: narrowClaimsQuery,
    ...answersClaim,
    handle: ({ actor, params, query }) => claims.listOfPolicy(actor, params.id, query),
    ofEach: { id: ({ actor }, policyIds, size) => claims.ofPolicies(actor, policyIds, size) },
  }),
  listRoute({
    path: '/users/:id/claims',
    aliases: ['/users/:id/claims'],
    permission: 'claim:read_own',
    summary: 'Claims that somebody was given',
    businessRules: true,
    tag,
    params: userPath,
    query: narrowClaimsQuery,
    ...answersClaim,
    handle: ({ actor, params, query }) => claims.listAssigned(actor, params.id, query),
  }),
  route({
    method: 'GET',
    path: '/claims/:id',
    permission: 'claim:read_own',
    summary: 'One claim',
    ...one,
    handle: ({ actor, params }) => claims.get(actor, params.id),
    several: ({ actor }, ids) => claims.several(actor, ids),
  }),
  route({
    method: 'GET',
    path: '/policies/:id/claims/:claimId',
    aliases: ['/policy/:id/claims/:claimId'],
    permission: 'claim:read_own',
    summary: 'One claim under a policy',
    tag,
    params: policyClaimPath,
    ...answersClaim,
    handle: ({ actor, params }) => claims.get(actor, params.claimId, params.id),
  }),
  route({
    method: 'PATCH',
    path: '/claims/:id',
    permission: 'claim:update',
    summary: 'Correct what was reported',
    ifMatch: true,
    businessRules: true,
    body: editBody,
    ...one,
    handle: ({ actor, params, body: { version: _, ...edits }, expectedVersion }) =>
      claims.edit(actor, params.id, edits, expectedVersion),
    examples: { body: { title: 'Burst pipe' } },
  }),
  route({
    method: 'PUT',
    path: '/policies/:id/claims/:claimId',
    aliases: ['/policy/:id/claims/:claimId'],
    permission: 'claim:update',
    summary: 'Correct all of what was reported',
    ifMatch: true,
    businessRules: true,
    tag,
    params: policyClaimPath,
    body: replaceBody,
    ...answersClaim,
    handle: ({ actor, params, body: { version: _, ...edits }, expectedVersion }) =>
      claims.edit(actor, params.claimId, edits, expectedVersion, params.id),
    examples: { body: edit },
  }),
  route({
    method: 'DELETE',
    path: '/policies/:id/claims/:claimId',
    aliases: ['/policy/:id/claims/:claimId'],
    permission: 'claim:delete',
    summary: 'Archive a claim that nobody has begun with',
    tag,
    status: 204,
    ifMatch: true,
    businessRules: true,
    params: policyClaimPath,
    query: deleteQuery,
    handle: ({ actor, params, query, once, expectedVersion }) =>
      claims.archive(
        actor,
        commandOf({ params: { id: params.claimId }, body: query, once, expectedVersion }),
        params.id,
      ),
  }),
  route({
    method: 'DELETE',
    path: '/claims/:id',
    permission: 'claim:delete',
    summary: 'Archive a claim that nobody has begun with',
    tag,
    status: 204,
    ifMatch: true,
    businessRules: true,
    params: claimPath,
    query: deleteQuery,
    handle: ({ actor, params, query, once, expectedVersion }) =>
      claims.archive(actor, commandOf({ params, body: query, once, expectedVersion })),
  }),
  route({
    method: 'POST',
    path: '/claims/:id/assign',
    aliases: ['/claims/:id/assign'],
    permission: 'claim:assign',
    summary: 'Give a claim to somebody, or to somebody else',
    message: 'Assigned',
    query: assignQuery,
    body: assignBody,
    ...command,
    handle: (asked) => {
      const assignedTo = asked.body.userId ?? asked.query.userId;
      if (!assignedTo) throw invalidField('user_id', 'Say who gets the claim', 'REQUIRED');
      return claims.assign(asked.actor, commandOf(asked), assignedTo);
    },
    examples: { body: { user_id: '0190b1a0-0000-7000-8000-000000000001' } },
  }),
  route({
    method: 'PUT',
    path: '/claims/:id/update-status',
    aliases: ['/claims/:id/update-status'],
    permission: 'claim:process_own',
    summary:
      'Bring a claim to another status in one step; to one that moves money with an Idempotency-Key',
    message: 'Updated',
    query: statusQuery,
    body: statusBody,
    ...command,
    handle: (asked) => {
      const wanted = asked.body.newStatus ?? asked.query.newStatus;
      if (!wanted) throw invalidField('new_status', 'Say which status', 'REQUIRED');
      const { data = {} } = asked.body;
      return claims.updateStatus(asked.actor, commandOf(asked), wanted, data);
    },
    examples: { body: { new_status: 'under_review' } },
  }),
  route({
    method: 'POST',
    path: '/claims/:id/request-documents',
    permission: 'claim:process',
    summary: 'Ask the claimant for documents; the decision waits for them',
    message: 'Asked for',
    body: documentsBody,
    ...command,
    handle: (asked) => claims.requestDocuments(asked.actor, commandOf(asked), asked.body.items),
    examples: { body: { items: ['Police report'] } },
  }),
  route({
    method: 'POST',
    path: '/claims/:id/approve',
    permission: 'claim:approve',
    summary: 'Approve an amount, within the cover and the own limit',
    message: 'Approved',
    body: approveBody,
    ...command,
    idempotency: 'required',
    handle: (asked) => claims.approve(asked.actor, commandOf(asked), asked.body.approvedAmount),
    examples: { body: { approved_amount: '900.00' } },
  }),
  route({
    method: 'POST',
    path: '/claims/:id/deny',
    permission: 'claim:deny',
    summary: 'Deny a claim, with a code and a reason',
    message: 'Denied',
    body: denyBody,
    ...command,
    handle: (asked) => claims.deny(asked.actor, commandOf(asked), asked.body.code),
    examples: { body: { code: 'exclusion', reason: 'Wear and tear is excluded' } },
  }),
  route({
    method: 'POST',
    path: '/claims/:id/mark-duplicate',
    permission: 'claim:process',
    summary: 'Close a claim that was reported before',
    message: 'Closed',
    body: duplicateBody,
    ...command,
    handle: (asked) => claims.markDuplicate(asked.actor, commandOf(asked), asked.body.duplicateOf),
    examples: { body: { reason: 'Reported by phone as well' } },
  }),
  route({
    method: 'GET',
    path: '/claims/:id/approval-delegates',
    permission: 'claim:approve',
    summary: 'Who else may decide a claim that waits for its decision; delegates first',
    tag,
    conflicts: true,
    params: claimPath,
    answer: presentDelegates,
    answerSchema: delegatesAnswer,
    handle: ({ actor, params }) => claims.approvalDelegates(actor, params.id),
  }),
  route({
    method: 'POST',
    path: '/claims/:id/delegate-approval',
    permission: 'claim:approve',
    summary: 'Hand the decision to a colleague who may take it; its time begins again',
    message: 'Handed over',
    body: delegateBody,
    ...command,
    handle: (asked) => claims.delegateApproval(asked.actor, commandOf(asked), asked.body.userId),
    examples: { body: { user_id: '0190b1a0-0000-7000-8000-000000000001' } },
  }),
  withReason('return', 'claim:approve', 'Send a proposal back', 'Returned', (actor, asked) =>
    claims.return(actor, asked),
  ),
  route({
    method: 'POST',
    path: '/claims/:id/hold',
    permission: 'claim:hold',
    summary: 'Stop every clock of a claim, for a legal reason or a catastrophe',
    message: 'On hold',
    body: holdBody,
    ...command,
    handle: (asked) => claims.hold(asked.actor, commandOf(asked), asked.body.kind),
    examples: { body: { kind: 'legal', reason: 'The insured has gone to court' } },
  }),
  withReason(
    'release',
    'claim:hold',
    'Let the clocks of a claim go on',
    'Released',
    (actor, asked) => claims.release(actor, asked),
  ),
  withReason('withdraw', 'claim:process_own', 'Give a claim up', 'Withdrawn', (actor, asked) =>
    claims.withdraw(actor, asked),
  ),
  withReason('appeal', 'claim:process_own', 'Appeal against a denial', 'Appealed', (actor, asked) =>
    claims.appeal(actor, asked),
  ),
  withReason('reopen', 'claim:reopen', 'Take a closed claim up again', 'Reopened', (actor, asked) =>
    claims.reopen(actor, asked),
  ),
  listRoute({
    path: '/claims/:id/history',
    permission: 'claim:read_own',
    summary: "Every step of the claim's course",
    businessRules: true,
    tag,
    params: claimPath,
    query: historyQuery,
    answer: presentClaimHistory,
    answerSchema: historyAnswer,
    handle: ({ actor, params, query }) => claimHistories.list(actor, params.id, query),
  }),
  rawRoute({
    method: 'GET',
    path: '/claims/:id/export',
    permission: 'claim:read',
    summary:
      'The claim with its history, notes, documents and money, as one JSON file of what whoever asks may read',
    tag,
    mediaType: 'application/json',
    params: claimPath,
    async handle({ actor, params, setHeader }) {
      const exported = await exportClaim(actor, params.id);
      asFile(setHeader, `claim-${params.id}.json`);
      return presentExport(exported);
    },
  }),
  route({
    method: 'GET',
    path: '/claims/:id/allowed-transitions',
    permission: 'claim:read_own',
    summary: 'What may happen to the claim next, and who may bring it about',
    tag,
    params: claimPath,
    answer: presentAllowed,
    answerSchema: allowedAnswer,
    handle: ({ actor, params }) => claimHistories.allowed(actor, params.id),
  }),
  route({
    method: 'GET',
    path: '/claims/:id/timeline',
    permission: 'claim:timeline',
    summary: 'What happened, and what will happen by itself and when',
    tag,
    params: claimPath,
    answer: presentTimeline,
    answerSchema: timelineAnswer,
    handle: ({ actor, params }) => claimTimelines.timeline(actor, params.id),
  }),
  route({
    method: 'GET',
    path: '/claims/:id/explain',
    permission: 'claim:timeline',
    summary: 'Why it waits, on whom, since when, what would move it, and what happens next',
    tag,
    params: claimPath,
    answer: presentExplanation,
    answerSchema: explanationAnswer,
    handle: ({ actor, params }) => claimTimelines.explain(actor, params.id),
  }),
];

/** What every command to a claim takes from its request. */
const commandOf = ({
  params,
  body,
  once,
  expectedVersion,
}: Pick<
  Asked<{ id: string }, unknown, { reason?: string | undefined }>,
  CommandPart
>): ClaimCommand => ({
  id: params.id,
  once,
  reason: body.reason,
  expectedVersion,
});

type CommandPart = 'params' | 'body' | 'once' | 'expectedVersion';

/** A step that needs no more than a reason. */
function withReason(
  step: string,
  permission: Permission,
  summary: string,
  message: string,
  carryOut: (actor: Actor, asked: ClaimCommand) => Promise<ClaimView | Replay>,
): Route {
  return route({
    method: 'POST',
    path: `/claims/:id/${step}`,
    permission,
    summary,
    message,
    body: reasonBody,
    ...command,
    handle: (asked) => carryOut(asked.actor, commandOf(asked)),
    examples: { body: { reason: 'New facts' } },
  });
}
