import type { MembershipView } from '../../commands/memberships.ts';
import type { PersonView } from '../../commands/people.ts';
import { isAdmin, scopeOf, strongestRole } from '../../rules/permissions.ts';

export const presentPerson = (person: PersonView) => ({
  id: person.id,
  username: person.username,
  email: person.email,
  first_name: person.firstName,
  last_name: person.lastName,
  phone_number: person.phoneNumber,
  is_active: person.isActive,
  date_joined: person.dateJoined.toISOString(),
  last_login_at: person.lastLoginAt?.toISOString() ?? null,
  mfa_enabled: person.mfaEnabled,
  role: strongestRole(person.roles) ?? null,
  roles: [...person.roles],
  is_admin: isAdmin(person.roles),
  scope: scopeOf(person.roles),
  valid_from: person.validFrom.toISOString(),
  valid_to: person.validTo?.toISOString() ?? null,
  created_at: person.createdAt.toISOString(),
  updated_at: person.updatedAt.toISOString(),
  archived_at: person.archivedAt?.toISOString() ?? null,
  erased_at: person.erasedAt?.toISOString() ?? null,
  version: person.version,
});

export const presentMembership = (membership: MembershipView) => ({
  id: membership.id,
  role: membership.role,
  valid_from: membership.validFrom.toISOString(),
  valid_to: membership.validTo?.toISOString() ?? null,
  is_active: membership.isActive,
  is_held: membership.isHeld,
  delegate_user_id: membership.delegateUserId,
  delegate_until: membership.delegateUntil?.toISOString() ?? null,
  skills: [...membership.skills],
  created_at: membership.createdAt.toISOString(),
  archived_at: membership.archivedAt?.toISOString() ?? null,
  version: membership.version,
});

export const presentDelegation = (memberships: readonly MembershipView[]) => ({
  memberships: memberships.map(presentMembership),
});
