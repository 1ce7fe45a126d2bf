import type { Config } from '../config.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential, EmailUnconfirmed } from '../models/Credential.ts';
import { platformCompanyId, select, withIdentity } from '../models/database.ts';
import { Membership } from '../models/Membership.ts';
import { PasswordResetToken } from '../models/PasswordResetToken.ts';
import { linkWith } from '../models/secretLinks.ts';
import { usernameFor } from '../models/usernames.ts';
import type { Passwords } from './passwords.ts';
import { hashSecret, newSecret } from '../secrets.ts';

export interface Appointment {
  readonly email: string;
  readonly role: 'global_admin' | 'tenant_admin';
  /** Code of the company a tenant administrator is for. */
  readonly company?: string | undefined;
  /** For an account without one. */
  readonly password?: string | undefined;
}

export interface Appointed {
  readonly isNewAccount: boolean;
  readonly isNewRole: boolean;
  /** What the account now signs in with: the password it had, the given one, or one set by a link. */
  readonly password: 'kept' | 'set' | { readonly link: string };
}

export type Administrators = ReturnType<typeof createAdministrators>;

/** How the first administrators come to be: by whoever runs the installation, at its terminal. */
export function createAdministrators({
  passwords,
  config,
}: {
  readonly passwords: Passwords;
  readonly config: Pick<Config, 'publicUrl'>;
}) {
  return {
    /** Whether the address has an account that can sign in already, so that nobody need ask for one. */
    hasPassword: (email: string): Promise<boolean> =>
      withIdentity(null, async () => {
        const found = await Credential.findOne({ where: { email } });
        return typeof found?.passwordHash === 'string';
      }),

    /**
     * Repeating it changes nothing but the link. An existing password is never replaced.
     * @throws Error one sentence for the person at the terminal
     */
    async appoint({ email, role, company: code, password }: Appointment): Promise<Appointed> {
      const companyId = role === 'global_admin' ? platformCompanyId : await companyOf(code);
      const username = await withIdentity(null, () => usernameFor(email));
      if (password !== undefined) {
        await passwords.refuseWeak(password, { email, username, requireClasses: true });
      }
      const passwordHash = password === undefined ? null : await passwords.hash(password);

      return withIdentity(companyId, async () => {
        const newId = await Credential.add({ email, username, passwordHash, isConfirmed: true });
        const account = await Credential.findOne({ where: { email } });
        if (!account?.isUsable()) throw new Error(`The account ${email} is deactivated.`);
        const { id: userId } = account;
        if (newId !== undefined) AuditLog.record('CREATE', { type: 'user', id: userId });
        const isGranted = await Membership.grant({ companyId, userId, role }).catch(
          asSentence(email),
        );
        const isNewRole = (await Membership.reactivate(companyId, userId)) || isGranted;

        const result = { isNewAccount: newId !== undefined, isNewRole };
        if (newId !== undefined && passwordHash !== null) return { ...result, password: 'set' };
        if (account.passwordHash !== null) return { ...result, password: 'kept' };
        if (passwordHash !== null) {
          await Credential.setPassword(userId, passwordHash);
          await Credential.confirmEmail(userId);
          AuditLog.record('PASSWORD_CHANGE', { type: 'user', id: userId });
          return { ...result, password: 'set' };
        }
        const secret = newSecret();
        await PasswordResetToken.issue(userId, hashSecret(secret));
        AuditLog.record('PASSWORD_RESET_REQUEST', { type: 'user', id: userId });
        const link = linkWith(secret, 'password_reset', config.publicUrl);
        return { ...result, password: { link } };
      });
    },
  };
}

/** Of what only the owner of the address can mend. */
const asSentence =
  (email: string) =>
  (error: unknown): never => {
    throw error instanceof EmailUnconfirmed
      ? new Error(`The owner of ${email} has not confirmed it: let them reset the password first.`)
      : error;
  };

async function companyOf(code: string | undefined): Promise<string> {
  if (code === undefined) throw new Error('A tenant administrator needs --company CODE.');
  const [company] = await withIdentity(null, () =>
    select<{ id: string }>(
      `SELECT id FROM platform.companies
       WHERE code = upper($1) AND status <> 'closed' AND archived_at IS NULL AND id <> $2`,
      [code, platformCompanyId],
    ),
  );
  if (!company) throw new Error(`There is no company with the code ${code}.`);
  return company.id;
}
