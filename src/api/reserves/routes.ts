import type { ClaimReserves } from '../../commands/claimReserves.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentReserve } from './present.ts';
import {
  claimPath,
  reserveAnswer,
  reserveExample,
  reservesQuery,
  setReserveBody,
} from './schema.ts';

const path = '/claims/:id/reserves';
const all = {
  path,
  tag: 'Claims',
  params: claimPath,
  answer: presentReserve,
  answerSchema: reserveAnswer,
} as const;
const { category, amount, reason } = reserveExample;

export const reserveRoutes = ({
  claimReserves,
}: {
  readonly claimReserves: ClaimReserves;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'reserve:read',
    businessRules: true,
    summary: 'What was set aside for a claim, and what of it holds',
    query: reservesQuery,
    handle: ({ actor, params, query }) => claimReserves.list(actor, params.id, query),
    examples: { answer: reserveExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'reserve:write',
    summary: "Set a category's reserve; a senior adjuster does up to the authority limit",
    message: 'Reserve set',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: setReserveBody,
    handle: ({ actor, params, body, once }) => claimReserves.set(actor, params.id, body, once),
    examples: { body: { category, amount, reason }, answer: reserveExample },
  }),
];
