import type { Privacy } from '../../commands/privacy/privacy.ts';
import { asFile } from '../exportedFile.ts';
import { rawRoute, route, type Route } from '../route.ts';
import { userPath } from '../users/schema.ts';
import { presentErasure, presentExport } from './present.ts';
import { eraseBody, erasureAnswer, erasureExample } from './schema.ts';

const tag = 'People';

export const privacyRoutes = ({ privacy }: { readonly privacy: Privacy }): Route[] => [
  rawRoute({
    method: 'GET',
    path: '/users/:id/export',
    permission: 'signed-in',
    summary:
      'All that this company knows of a person, as one JSON file; everybody may have their own',
    tag,
    mediaType: 'application/json',
    params: userPath,
    async handle({ actor, params, setHeader }) {
      const exported = await privacy.export(actor, params.id);
      asFile(setHeader, `person-${params.id}.json`);
      return presentExport(exported);
    },
  }),
  route({
    method: 'POST',
    path: '/users/:id/erase',
    permission: 'user:manage',
    summary:
      'Erase a person from this company for good, and their account where they belong to no other',
    message: 'Erased',
    tag,
    businessRules: true,
    idempotency: 'optional',
    params: userPath,
    body: eraseBody,
    answer: presentErasure,
    answerSchema: erasureAnswer,
    handle: ({ actor, params, body, once }) => privacy.erase(actor, params.id, body, once),
    examples: { body: { reason: 'Asked for it in a letter of 2 March' }, answer: erasureExample },
  }),
];
