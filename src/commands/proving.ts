import type { Actor } from '../context.ts';
import { Unauthenticated, invalidField } from '../errors.ts';
import { AuditLog, type AuditAction } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { withIdentity } from '../models/database.ts';
import { nobody } from './identity.ts';
import type { Passwords } from './passwords.ts';

/** What the audit says of a guess that was wrong or came too late. */
export interface FailedProof {
  readonly action: AuditAction;
  /** Where it was made, if the action does not tell. */
  readonly by?: string;
}

/**
 * The account of whoever is signed in and knows its password; a stolen token cannot be used to guess.
 * @throws Invalid PASSWORD_WRONG naming `current_password`, for a locked account too
 */
export async function provePassword(
  passwords: Pick<Passwords, 'verify'>,
  { userId, companyId }: Actor,
  current: string,
  action: AuditAction,
): Promise<Credential> {
  const account = await ownAccount({ userId, companyId });
  if (await knowsPassword(passwords, companyId, account, current, { action })) return account;
  throw invalidField('current_password', 'This is not your password', 'PASSWORD_WRONG');
}

/** @throws Unauthenticated when it was deactivated meanwhile */
export async function ownAccount({
  userId,
  companyId,
}: Pick<Actor, 'userId' | 'companyId'>): Promise<Credential> {
  const account = await withIdentity(companyId, () =>
    Credential.findOne({ where: { id: userId ?? nobody } }),
  );
  if (!account?.isUsable()) throw new Unauthenticated();
  return account;
}

/** Whether it is the account's password, which is also false while the account is locked. */
export async function knowsPassword(
  passwords: Pick<Passwords, 'verify'>,
  companyId: string,
  account: Credential,
  password: string,
  failure: FailedProof,
): Promise<boolean> {
  const isRight = await passwords.verify(password, account.passwordHash);
  return isProven(companyId, account, () => isRight, { ...failure, reason: 'wrong_password' });
}

/**
 * The door through which every guess at a secret of an account goes that is known already, as whoever logs
 * in is not yet. It is judged behind the row's lock, so that guesses made at the same time have been counted;
 * a wrong one counts like a failed login, and a locked account is proven by nothing.
 * @param isRight asked of an open account alone; what a right guess is for may be done in it
 */
export const isProven = (
  companyId: string,
  account: Credential,
  isRight: () => boolean | Promise<boolean>,
  { action, by, reason }: FailedProof & { readonly reason: 'wrong_password' | 'wrong_code' },
): Promise<boolean> =>
  withIdentity(companyId, async () => {
    const isOpen = await account.isStillProven();
    if (isOpen && (await isRight())) return true;
    if (isOpen) await Credential.recordFailure(account.id);
    const late = account.isLocked() ? 'locked' : 'changed_meanwhile';
    const after = { reason: isOpen ? reason : late, ...(by !== undefined && { by }) };
    AuditLog.record(action, { type: 'user', id: account.id }, { after });
    return false;
  });
