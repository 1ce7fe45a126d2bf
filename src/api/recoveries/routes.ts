import type { ClaimRecoveries } from '../../commands/claimRecoveries.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentRecovery } from './present.ts';
import {
  addRecoveryBody,
  editRecoveryBody,
  recoveriesQuery,
  recoveryAnswer,
  recoveryExample,
  recoveryPath,
} from './schema.ts';

const shared = {
  tag: 'Claims',
  params: recoveryPath,
  answer: presentRecovery,
  answerSchema: recoveryAnswer,
} as const;
const all = { ...shared, path: '/claims/:id/recoveries' } as const;
const { kind, party, estimated } = recoveryExample;

export const recoveryRoutes = ({
  claimRecoveries,
}: {
  readonly claimRecoveries: ClaimRecoveries;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'recovery:read',
    businessRules: true,
    summary: 'What comes back of the money for a claim',
    query: recoveriesQuery,
    handle: ({ actor, params, query }) => claimRecoveries.list(actor, params.id, query),
    examples: { answer: recoveryExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'recovery:write',
    summary: 'Note that money is to come back',
    message: 'Recovery added',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: addRecoveryBody,
    handle: ({ actor, params, body, once }) => claimRecoveries.add(actor, params.id, body, once),
    examples: { body: { kind, party, estimated }, answer: recoveryExample },
  }),
  route({
    ...shared,
    method: 'PATCH',
    path: '/recoveries/:id',
    permission: 'recovery:write',
    ifMatch: true,
    summary: 'What has come in, and whether that is all',
    message: 'Recovery changed',
    body: editRecoveryBody,
    handle: ({ actor, params, body, expectedVersion }) =>
      claimRecoveries.edit(actor, params.id, body, expectedVersion),
    examples: {
      body: { recovered: '1150.00', status: 'recovered' },
      answer: { ...recoveryExample, recovered: '1150.00', status: 'recovered', version: 2 },
    },
  }),
];
