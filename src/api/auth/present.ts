import type { Account, PastLogin, SignedIn } from '../../commands/auth.ts';
import type { OwnSession } from '../../commands/ownSessions.ts';
import { isAdmin, scopeOf, strongestRole } from '../../rules/permissions.ts';
import { withErasedShown } from '../../rules/personalFields.ts';

export function presentAccount({ user, companyId, roles }: Account) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    first_name: user.firstName,
    last_name: user.lastName,
    phone_number: user.phoneNumber ?? null,
    is_active: user.isActive,
    date_joined: user.dateJoined.toISOString(),
    last_login_at: user.lastLoginAt?.toISOString() ?? null,
    mfa_enabled: user.mfaEnabled,
    company_id: companyId,
    role: strongestRole(roles) ?? 'policyholder',
    roles: [...roles],
    is_admin: isAdmin(roles),
    scope: scopeOf(roles),
  };
}

export const presentSignedIn = ({
  accessToken,
  refreshToken,
  expiresInSeconds,
  account,
}: SignedIn) => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  token_type: 'Bearer' as const,
  expires_in: expiresInSeconds,
  user: presentAccount(account),
});

/** Says nothing that differs between a new address and a known one. */
export const presentRegistered = ({ email }: { email: string }) => ({
  email,
  message: 'We have sent an e-mail to this address. Sign in with it.',
});

export const presentLogin = ({ id, at, ip, userAgent }: PastLogin) => ({
  id,
  at: at.toISOString(),
  ip: withErasedShown(ip),
  user_agent: withErasedShown(userAgent),
});

export const presentSession = (session: OwnSession) => ({
  id: session.id,
  started_at: session.startedAt.toISOString(),
  last_used_at: session.lastUsedAt.toISOString(),
  ip: session.ip,
  user_agent: session.userAgent,
  is_current: session.isCurrent,
});
