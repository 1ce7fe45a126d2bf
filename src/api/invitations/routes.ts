import type { Invitations } from '../../commands/invitations.ts';
import { mapLegacyRole } from '../../rules/permissions.ts';
import { codePage, newPassword } from '../codePage.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentInvitation } from './present.ts';
import {
  acceptBody,
  invitationAnswer,
  invitationExample,
  invitationPath,
  invitationsQuery,
  inviteBody,
} from './schema.ts';

const tag = 'People';
const manage = { permission: 'user:manage', tag } as const;
const answersInvitation = { answer: presentInvitation, answerSchema: invitationAnswer } as const;
const shown = { answer: invitationExample };

export const invitationRoutes = ({
  invitations,
  prefix,
}: {
  readonly invitations: Invitations;
  readonly prefix: string;
}): Route[] => [
  listRoute({
    ...manage,
    path: '/invitations',
    summary: 'Who was invited into this company',
    businessRules: true,
    query: invitationsQuery,
    ...answersInvitation,
    handle: ({ actor, query }) => invitations.list(actor, query),
    examples: shown,
  }),
  route({
    ...manage,
    method: 'POST',
    path: '/invitations',
    summary: 'Invite an address with a role; the link of the mail lasts 7 days',
    message: 'Invited',
    status: 201,
    businessRules: true,
    idempotency: 'optional',
    body: inviteBody,
    ...answersInvitation,
    handle: ({ actor, body, once }) =>
      invitations.invite(actor, { email: body.email, role: mapLegacyRole(body.role) }, once),
    examples: { body: { email: 'grace@example.com', role: 'adjuster' }, ...shown },
  }),
  route({
    ...manage,
    method: 'POST',
    path: '/invitations/:id/resend',
    summary: 'Send a new link, which lasts 7 days again; at most three times',
    message: 'Sent again',
    params: invitationPath,
    ...answersInvitation,
    handle: ({ actor, params }) => invitations.resend(actor, params.id),
    examples: shown,
  }),
  route({
    ...manage,
    method: 'DELETE',
    path: '/invitations/:id',
    summary: 'Take an invitation back',
    status: 204,
    params: invitationPath,
    handle: ({ actor, params }) => invitations.revoke(actor, params.id),
  }),
  route({
    method: 'POST',
    path: '/invitations/accept',
    limit: 'sign-in',
    permission: 'public',
    company: false,
    summary: 'Accept an invitation by the code of its link, with a new or the known password',
    tag,
    message: 'Welcome; sign in with this e-mail address',
    businessRules: true,
    body: acceptBody,
    handle: ({ body }) => invitations.accept(body),
    examples: {
      body: {
        code: 'tQ0mUe9G0y5hYdJ3m4TfE0cP7n2bXrVw8sKzLqAiHoI',
        password: 'Seven-Green-Otters-7',
        username: 'grace',
        first_name: 'Grace',
        last_name: 'Hopper',
      },
    },
  }),
  codePage({
    path: '/accept-invitation',
    title: 'Accept the invitation',
    tag,
    button: 'Accept',
    fields: [
      {
        name: 'username',
        label: 'Username (new accounts)',
        type: 'text',
        autocomplete: 'username',
        isOptional: true,
      },
      {
        name: 'first_name',
        label: 'First name (new accounts)',
        type: 'text',
        autocomplete: 'given-name',
        isOptional: true,
      },
      {
        name: 'last_name',
        label: 'Last name (new accounts)',
        type: 'text',
        autocomplete: 'family-name',
        isOptional: true,
      },
      ...newPassword,
    ],
    postTo: `${prefix}/invitations/accept`,
  }),
];
