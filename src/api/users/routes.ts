import type { Memberships } from '../../commands/memberships.ts';
import type { Users } from '../../commands/users.ts';
import { mapLegacyRole } from '../../rules/permissions.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentDelegation, presentMembership, presentPerson } from './present.ts';
import {
  changeMembershipBody,
  createUserBody,
  delegationAnswer,
  delegationBody,
  editUserBody,
  globalAdminBody,
  grantBody,
  membershipAnswer,
  membershipExample,
  membershipPath,
  membershipsQuery,
  personAnswer,
  personExample,
  replaceUserBody,
  userPath,
  usersQuery,
} from './schema.ts';

const tag = 'People';
const one = { path: '/users/:id', aliases: ['/users/:id'], tag, params: userPath } as const;
const answersPerson = { answer: presentPerson, answerSchema: personAnswer } as const;
const answersMembership = { answer: presentMembership, answerSchema: membershipAnswer } as const;
const names = { first_name: 'Grace', last_name: 'Hopper' };
const shown = { answer: personExample };

export const userRoutes = (dependencies: {
  readonly users: Users;
  readonly memberships: Memberships;
  readonly prefix: string;
}): Route[] => [...personRoutes(dependencies), ...membershipRoutes(dependencies)];

const personRoutes = ({
  users,
  prefix,
}: {
  readonly users: Users;
  readonly prefix: string;
}): Route[] => [
  listRoute({
    path: '/users',
    aliases: ['/users'],
    permission: 'user:manage',
    summary: 'The people of this company',
    businessRules: true,
    tag,
    query: usersQuery,
    ...answersPerson,
    handle: ({ actor, query: { role, ...query } }) =>
      users.list(actor, { ...query, role: role && mapLegacyRole(role) }),
    examples: shown,
  }),
  route({
    method: 'POST',
    path: '/users',
    aliases: ['/users', '/users/add-user', `${prefix}/users/add-user`],
    permission: 'user:manage',
    summary: 'Add a person with a role; a link by mail sets the first password',
    tag,
    message: 'Added',
    status: 201,
    businessRules: true,
    idempotency: 'optional',
    body: createUserBody,
    ...answersPerson,
    handle: ({ actor, body: { role, ...body }, once }) =>
      users.create(actor, { ...body, role: mapLegacyRole(role) }, once),
    examples: { body: { email: 'grace@example.com', role: 'adjuster', ...names }, ...shown },
  }),
  route({
    method: 'POST',
    path: '/administration/global-admins',
    aliases: ['/administration/global-admins', '/administration/add-global-admin'],
    permission: 'global_admin:create',
    company: false,
    summary: 'Add an administrator of the platform; a link by mail sets the first password',
    tag,
    message: 'Added',
    status: 201,
    businessRules: true,
    idempotency: 'optional',
    body: globalAdminBody,
    ...answersPerson,
    handle: ({ body, once }) => users.createGlobalAdmin(body, once),
    examples: {
      body: { email: 'grace@example.com', ...names },
      answer: {
        ...personExample,
        role: 'global_admin',
        roles: ['global_admin'],
        is_admin: true,
        scope: 'global',
      },
    },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'signed-in',
    summary: 'One person of this company; everybody may see themself',
    ...answersPerson,
    handle: ({ actor, params }) => users.get(actor, params.id),
    several: ({ actor }, ids) => users.several(actor, ids),
    examples: shown,
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'signed-in',
    ifMatch: true,
    summary: "Replace a person's names and telephone number, or one's own",
    message: 'Changed',
    body: replaceUserBody,
    ...answersPerson,
    handle: ({ actor, params, body, expectedVersion }) =>
      users.edit(actor, params.id, { phoneNumber: null, ...body }, expectedVersion),
    examples: { body: { ...names, phone_number: '+442079460001' }, ...shown },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'signed-in',
    ifMatch: true,
    summary: 'Change some of it; is_active deactivates in this company and ends the sessions there',
    message: 'Changed',
    body: editUserBody,
    ...answersPerson,
    handle: ({ actor, params, body, expectedVersion }) =>
      users.edit(actor, params.id, body, expectedVersion),
    examples: { body: names, ...shown },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'user:manage',
    ifMatch: true,
    summary: 'Archive a person: their roles in this company end',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      users.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/users/:id/restore',
    permission: 'user:manage',
    ifMatch: true,
    summary: 'Bring an archived person back with the roles they had',
    message: 'Restored',
    tag,
    params: userPath,
    ...answersPerson,
    handle: ({ actor, params, expectedVersion }) =>
      users.restore(actor, params.id, expectedVersion),
    examples: shown,
  }),
];

const membershipRoutes = ({ memberships }: { readonly memberships: Memberships }): Route[] => [
  listRoute({
    path: '/users/:id/memberships',
    permission: 'signed-in',
    summary: 'What a person may be in this company, past and future roles too',
    tag,
    params: userPath,
    query: membershipsQuery,
    ...answersMembership,
    handle: async ({ actor, params }) => {
      const items = await memberships.list(actor, params.id);
      return { items, total: items.length };
    },
    examples: { answer: membershipExample },
  }),
  route({
    method: 'POST',
    path: '/users/:id/memberships',
    permission: 'user:manage',
    summary: 'Give a person one more role',
    tag,
    message: 'Granted',
    status: 201,
    businessRules: true,
    idempotency: 'optional',
    params: userPath,
    body: grantBody,
    ...answersMembership,
    handle: ({ actor, params, body: { role, ...validity }, once }) =>
      memberships.grant(actor, params.id, { role: mapLegacyRole(role), ...validity }, once),
    examples: { body: { role: 'adjuster' }, answer: membershipExample },
  }),
  route({
    method: 'PATCH',
    path: '/users/:id/memberships/:role',
    permission: 'user:manage',
    summary: 'Change how long a person has a role, or put another role in its place',
    tag,
    message: 'Changed',
    businessRules: true,
    params: membershipPath,
    body: changeMembershipBody,
    ...answersMembership,
    handle: ({ actor, params, body: { role, ...validity } }) =>
      memberships.change(actor, params.id, params.role, {
        role: role && mapLegacyRole(role),
        ...validity,
      }),
    examples: { body: { valid_to: '2027-01-31T00:00:00Z' }, answer: membershipExample },
  }),
  route({
    method: 'DELETE',
    path: '/users/:id/memberships/:role',
    permission: 'user:manage',
    summary: 'Take a role from a person',
    tag,
    status: 204,
    params: membershipPath,
    handle: ({ actor, params }) => memberships.end(actor, params.id, params.role),
  }),
  route({
    method: 'PATCH',
    path: '/users/:id/delegation',
    permission: 'signed-in',
    summary: 'Let a colleague act in my roles, or in those of somebody I manage, for a while',
    tag,
    message: 'Changed',
    businessRules: true,
    params: userPath,
    body: delegationBody,
    answer: presentDelegation,
    answerSchema: delegationAnswer,
    handle: ({ actor, params, body: { role, ...body } }) =>
      memberships.delegate(actor, params.id, { ...body, role: role && mapLegacyRole(role) }),
    examples: {
      body: {
        delegate_user_id: personExample.id,
        delegate_until: '2026-12-31T00:00:00Z',
      },
      answer: { memberships: [membershipExample] },
    },
  }),
];
