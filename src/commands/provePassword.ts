import type { Actor } from '../context.ts';
import { Unauthenticated, invalidField } from '../errors.ts';
import { AuditLog, type AuditAction } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { withIdentity } from '../models/database.ts';
import { nobody } from './identity.ts';
import type { Passwords } from './passwords.ts';

/**
 * The account of whoever is signed in and knows its password. A wrong one counts like a failed login,
 * so that a stolen token cannot be used to guess.
 * @param failure what the audit calls a wrong password
 * @throws Invalid PASSWORD_WRONG naming `current_password`, for a locked account too
 */
export async function provePassword(
  passwords: Pick<Passwords, 'verify'>,
  { userId, companyId }: Actor,
  current: string,
  failure: AuditAction,
): Promise<Credential> {
  const account = await withIdentity(companyId, () =>
    Credential.findOne({ where: { id: userId ?? nobody } }),
  );
  if (!account?.isUsable()) throw new Unauthenticated();
  const isRight = await passwords.verify(current, account.passwordHash);
  const isProven = await withIdentity(companyId, async () => {
    if (isRight && (await account.isStillProven())) return true;
    if (!isRight) await Credential.recordFailure(account.id);
    AuditLog.record(failure, { type: 'user', id: account.id });
    return false;
  });
  if (isProven) return account;
  throw invalidField('current_password', 'This is not your password', 'PASSWORD_WRONG');
}
