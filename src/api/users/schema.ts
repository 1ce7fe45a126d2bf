import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  email,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';
import { businessTypes } from '../../rules/companies.ts';
import { acceptedRoleCodes, roleCodes } from '../../rules/permissions.ts';

const phoneNumber = nullable(text(15).pattern(/^\+?[0-9 ()-]{4,15}$/));
const anyRole = oneOf(...acceptedRoleCodes);
const version = integer(1, 2_147_483_647);
const names = { first_name: text(100), last_name: text(100) };
const validity = { valid_from: optional(instant()), valid_to: optional(nullable(instant())) };
const changes = {
  ...names,
  phone_number: optional(phoneNumber),
  is_active: optional(boolean().description('In this company')),
};

export const userPath = object({ id: id() });
export const membershipPath = object({ id: id(), role: text(40) });

export const usersQuery = listQuery({
  filters: { role: anyRole, is_active: boolean() },
  sorts: ['created_at', 'username', 'email', 'last_name', 'last_login_at'],
  defaultSort: '-created_at',
});

export const createUserBody = object({
  email: email(),
  role: anyRole,
  username: optional(text(30).description('Made from the address unless told')),
  first_name: optional(names.first_name),
  last_name: optional(names.last_name),
  phone_number: optional(phoneNumber),
  ...validity,
}).id('CreateUser');

export const globalAdminBody = object({
  email: email(),
  username: optional(text(30).description('Made from the address unless told')),
  first_name: optional(names.first_name),
  last_name: optional(names.last_name),
}).id('CreateGlobalAdmin');

export const replaceUserBody = object({ ...changes, version: optional(version) });
export const editUserBody = partial({ ...changes, version });

/** What is shown of somebody, to themselves and to who manages people. */
export const accountFields = {
  id: id(),
  username: text(30),
  email: email(),
  first_name: text(100).allow(''),
  last_name: text(100).allow(''),
  phone_number: nullable(text(15)),
  is_active: boolean(),
  date_joined: instant(),
  last_login_at: nullable(instant()),
  mfa_enabled: boolean(),
  is_admin: boolean(),
  scope: oneOf('global', 'tenant'),
};

export const personAnswer = object({
  ...accountFields,
  role: nullable(oneOf(...roleCodes).description('The strongest role in this company')),
  roles: array(oneOf(...roleCodes), { max: roleCodes.length }),
  valid_from: instant(),
  valid_to: nullable(instant()),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  erased_at: nullable(instant()).description(
    'When what this company knew of the person was erased',
  ),
  version,
}).id('Person');

export const membershipsQuery = object({
  page: integer(1, 1).default(1).description('All fit on one page'),
  size: integer(1, 100).default(100),
});

export const grantBody = object({ role: anyRole, ...validity }).id('GrantRole');
const skills = array(oneOf(...businessTypes), { max: businessTypes.length });
export const changeMembershipBody = partial({
  role: anyRole,
  ...validity,
  skills: skills.description('Of an adjuster: types of policy whose claims they know'),
}).id('ChangeMembership');

export const delegationBody = object({
  delegate_user_id: nullable(id()).description('null takes back what is delegated'),
  delegate_until: optional(instant()),
  role: optional(anyRole.description('All of the roles unless told')),
}).id('Delegate');

export const membershipAnswer = object({
  id: id(),
  role: oneOf(...roleCodes),
  valid_from: instant(),
  valid_to: nullable(instant()),
  is_active: boolean(),
  is_held: boolean().description('Counts now'),
  delegate_user_id: nullable(id()),
  delegate_until: nullable(instant()),
  skills,
  created_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Membership');

export const delegationAnswer = object({
  memberships: array(membershipAnswer, { max: roleCodes.length }),
}).id('Delegation');

export const personExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  username: 'grace',
  email: 'grace@example.com',
  first_name: 'Grace',
  last_name: 'Hopper',
  phone_number: '+442079460001',
  is_active: true,
  date_joined: '2026-01-31T09:30:00.000Z',
  last_login_at: null,
  mfa_enabled: false,
  role: 'adjuster',
  roles: ['adjuster'],
  is_admin: false,
  scope: 'tenant',
  valid_from: '2026-01-31T09:30:00.000Z',
  valid_to: null,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  erased_at: null,
  version: 2,
} as const;

export const membershipExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e90',
  role: 'adjuster',
  valid_from: '2026-01-31T09:30:00.000Z',
  valid_to: null,
  is_active: true,
  is_held: true,
  delegate_user_id: null,
  delegate_until: null,
  skills: [],
  created_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;
