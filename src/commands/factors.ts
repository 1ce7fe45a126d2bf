import { randomBytes } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential } from '../models/Credential.ts';
import { withIdentity } from '../models/database.ts';
import { createSealer, hashSecret } from '../secrets.ts';
import { base32, stepOfCode } from '../totp.ts';
import type { Passwords } from './passwords.ts';
import { isProven, ownAccount, provePassword } from './proving.ts';

/** What shows that somebody has the second factor; good for one use. */
export type FactorProof = { readonly step: number } | { readonly recoveryHash: string };

const recoveryCodes = 10;

export type Factors = ReturnType<typeof createFactors>;

/** A second factor: codes by the clock (TOTP), and recovery codes for whoever lost the device. */
export function createFactors({
  config,
  passwords,
}: {
  readonly config: Pick<Config, 'appName' | 'secretKey'>;
  readonly passwords: Pick<Passwords, 'verify'>;
}) {
  const sealer = createSealer(config.secretKey, 'second factor');

  /** After a change of SECRET_KEY no code is right any more, but recovery codes are. */
  const stepIn = (sealed: string, ownerId: string, code: string): number | undefined => {
    const secret = sealer.open(sealed, ownerId);
    return secret && stepOfCode(secret, code, { at: Date.now(), lastStep: 0 });
  };

  return {
    /**
     * What a login makes of the code that came along. That it was not used before is found out where
     * it is used up (`Credential.useFactor`).
     */
    proofOf(account: Credential, code: string | undefined): FactorProof | 'missing' | 'wrong' {
      if (code === undefined || account.mfaSecret === null) return 'missing';
      if (!/^\d{6}$/.test(code)) return { recoveryHash: hashSecret(code.toUpperCase()) };
      const step = stepIn(account.mfaSecret, account.id, code);
      return step === undefined ? 'wrong' : { step };
    },

    /** Only now is the secret shown. @throws Conflict MFA_ENABLED */
    async setUp(actor: Actor, currentPassword: string): Promise<string> {
      const account = await provePassword(passwords, actor, currentPassword, 'MFA_FAILED');
      const secret = randomBytes(20);
      const sealed = sealer.seal(secret, account.id);
      const isSet = await withIdentity(actor.companyId, () =>
        Credential.setUpMfa(account.id, sealed),
      );
      if (!isSet) throw new Conflict('MFA_ENABLED', 'There is a second factor; disable it first');
      const issuer = encodeURIComponent(config.appName);
      const label = `${issuer}:${encodeURIComponent(account.email)}`;
      return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${issuer}`;
    },

    /**
     * A wrong code counts like a failed login.
     * @returns the recovery codes, which are stored hashed
     * @throws Conflict MFA_NOT_SET_UP
     */
    async enable(actor: Actor, code: string): Promise<readonly string[]> {
      const account = await ownAccount(actor);
      const { id, mfaEnabled, mfaSecret } = account;
      if (mfaEnabled || !mfaSecret) {
        throw new Conflict('MFA_NOT_SET_UP', 'Set a second factor up before you enable it');
      }
      const codes = Array.from({ length: recoveryCodes }, () => base32(randomBytes(10)));
      await proveCode(actor, account, async () => {
        const step = stepIn(mfaSecret, id, code);
        if (step === undefined) return false;
        if (!(await account.enableMfa(step, codes.map(hashSecret)))) return false;
        AuditLog.record('MFA_ENABLE', { type: 'user', id });
        return true;
      });
      return codes;
    },

    /** A wrong code counts like a failed login. @throws Conflict MFA_NOT_SET_UP */
    async disable(
      actor: Actor,
      { currentPassword, code }: { readonly currentPassword: string; readonly code: string },
    ): Promise<void> {
      const account = await provePassword(passwords, actor, currentPassword, 'MFA_FAILED');
      const { id, mfaEnabled } = account;
      if (!mfaEnabled) {
        throw new Conflict('MFA_NOT_SET_UP', 'There is no second factor to disable');
      }
      const proof = this.proofOf(account, code);
      await proveCode(actor, account, async () => {
        if (typeof proof === 'string' || !(await account.useFactor(proof))) return false;
        await Credential.disableMfa(id);
        AuditLog.record('MFA_DISABLE', { type: 'user', id });
        return true;
      });
    },
  };
}

/** @throws Invalid CODE_INVALID, for a locked account too */
async function proveCode(
  { companyId }: Actor,
  account: Credential,
  use: () => Promise<boolean>,
): Promise<void> {
  const failure = { action: 'MFA_FAILED', reason: 'wrong_code' } as const;
  if (await isProven(companyId, account, use, failure)) return;
  throw invalidField('code', 'This code is not valid or was used already', 'CODE_INVALID');
}
