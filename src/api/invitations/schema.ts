import { acceptedRoleCodes, roleCodes } from '../../rules/permissions.ts';
import { listQuery } from '../listQuery.ts';
import { email, id, instant, integer, nullable, object, oneOf, optional, text } from '../schema.ts';

const statuses = ['pending', 'accepted', 'expired', 'revoked'] as const;

export const invitationPath = object({ id: id() });

export const invitationsQuery = listQuery({
  filters: { status: oneOf(...statuses) },
  sorts: ['created_at', 'email', 'expires_at'],
  defaultSort: '-created_at',
  takes: ['search', 'created_after', 'created_before'],
});

export const inviteBody = object({ email: email(), role: oneOf(...acceptedRoleCodes) }).id(
  'Invite',
);

export const acceptBody = object({
  code: text(200),
  password: text(256).description('The present one of a known account, else the one to be'),
  username: optional(text(30)),
  first_name: optional(text(100)),
  last_name: optional(text(100)),
}).id('AcceptInvitation');

export const invitationAnswer = object({
  id: id(),
  email: email(),
  role: oneOf(...roleCodes),
  status: oneOf(...statuses),
  expires_at: instant(),
  resent_count: integer(0, 3),
  accepted_by: nullable(id()),
  created_at: instant(),
  updated_at: instant(),
  version: integer(1, 2_147_483_647),
}).id('Invitation');

export const invitationExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  email: 'grace@example.com',
  role: 'adjuster',
  status: 'pending',
  expires_at: '2026-02-07T09:30:00.000Z',
  resent_count: 0,
  accepted_by: null,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  version: 1,
} as const;
