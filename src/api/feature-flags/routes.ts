import type { Flags } from '../../commands/flags.ts';
import type { FlagInForce } from '../../rules/featureFlags.ts';
import { route, type Route } from '../route.ts';
import { presentFlag } from './present.ts';
import { flagAnswer, flagExample, flagPath, flagsAnswer, setFlagBody } from './schema.ts';

const tag = 'Feature flags';

export const flagRoutes = ({ flags }: { readonly flags: Flags }): Route[] => [
  route({
    method: 'GET',
    path: '/feature-flags',
    permission: 'signed-in',
    summary: 'What is switched on in the present company, by whom, and what it gates',
    tag,
    answer: (all: readonly FlagInForce[]) => ({ flags: all.map(presentFlag) }),
    answerSchema: flagsAnswer,
    handle: ({ company }) => flags.list(company.id),
    examples: { answer: { flags: [flagExample] } },
  }),
  route({
    method: 'PATCH',
    path: '/feature-flags/:flag',
    permission: 'flag:manage',
    summary: 'Switch a feature on or off, for the platform or for one company',
    message: 'Feature flag changed',
    tag,
    params: flagPath,
    body: setFlagBody,
    answer: presentFlag,
    answerSchema: flagAnswer,
    handle: ({ params, body }) => flags.set(params.flag, body),
    examples: { body: { enabled: true }, answer: flagExample },
  }),
];
