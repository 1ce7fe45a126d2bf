import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import { currentContext } from '../context.ts';
import { Conflict } from '../errors.ts';
import { erasedPerson } from '../rules/personalFields.ts';
import { column, platformTable } from './columns.ts';
import { execute, select } from './database.ts';
import { conflictOf } from './duplicates.ts';

export interface NewAccount {
  readonly username: string;
  readonly email: string;
  readonly passwordHash: string | null;
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly phoneNumber?: string | null | undefined;
  /** Whether it is known that the address is theirs; a link that is sent there shows it later. */
  readonly isConfirmed?: boolean | undefined;
}

/** Somebody has a password for the account, and has not shown that they read mail at its address. */
export class EmailUnconfirmed extends Conflict {
  readonly userId: string;

  constructor(userId: string) {
    super(
      'EMAIL_UNCONFIRMED',
      'The owner of this address has not confirmed it. A link was mailed there: once they have set ' +
        'a password with it, try again',
      { user_id: userId },
    );
    this.userId = userId;
  }
}

/** The secret half of a user, seen and changed only behind `withIdentity`. */
export class Credential extends Model<
  InferAttributes<Credential>,
  InferCreationAttributes<Credential>
> {
  declare id: string;
  declare username: string;
  declare email: string;
  declare passwordHash: string | null;
  declare isActive: CreationOptional<boolean>;
  declare failedLogins: CreationOptional<number>;
  declare lockedUntil: CreationOptional<Date | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare mfaEnabled: CreationOptional<boolean>;
  /** Sealed; also one that is set up and not yet enabled. */
  declare mfaSecret: CreationOptional<string | null>;

  static define(sequelize: Sequelize): void {
    Credential.init(
      {
        id: column.id,
        username: column.text,
        email: column.text,
        passwordHash: column.text,
        isActive: column.flag,
        failedLogins: column.integer,
        lockedUntil: column.instant,
        archivedAt: column.instant,
        mfaEnabled: column.flag,
        mfaSecret: column.text,
      },
      { ...platformTable(sequelize, 'users'), timestamps: false },
    );
  }

  /**
   * Asked before it is known whether the address has an account, so that the answer tells nothing
   * about that.
   * @throws Conflict USERNAME_TAKEN, PHONE_TAKEN
   */
  static async refuseTaken({
    username,
    phoneNumber,
  }: {
    readonly username?: string | undefined;
    readonly phoneNumber?: string | null | undefined;
  }): Promise<void> {
    const taken = await select<{ isName: boolean }>(
      `SELECT lower(username) = lower($1) AS "isName" FROM platform.users
       WHERE lower(username) = lower($1) OR phone_number = $2`,
      [username ?? null, phoneNumber ?? null],
    );
    if (taken.some(({ isName }) => isName)) throw conflictOf('users_username_key');
    if (taken.length > 0) throw conflictOf('users_phone_number_key');
  }

  static async phoneOf(email: string): Promise<string | null> {
    const [account] = await select<{ phoneNumber: string | null }>(
      'SELECT phone_number AS "phoneNumber" FROM platform.users WHERE email = $1',
      [email],
    );
    return account?.phoneNumber ?? null;
  }

  /** The number itself; null where the account of another address has it. */
  static async freePhone(wanted: string | null, email: string): Promise<string | null> {
    const taken = await select(
      'SELECT 1 FROM platform.users WHERE phone_number = $1 AND email <> $2',
      [wanted, email],
    );
    return taken.length > 0 ? null : wanted;
  }

  /** @returns the new account's id; undefined when the address already has an account */
  static async add(account: NewAccount): Promise<string | undefined> {
    const id = uuid();
    const added = await select(
      `INSERT INTO platform.users (id, username, email, password_hash, first_name, last_name,
         phone_number, created_by, updated_by, email_confirmed_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, CASE WHEN $9 THEN now() END)
       ON CONFLICT (email) DO NOTHING RETURNING id`,
      [
        id,
        account.username,
        account.email,
        account.passwordHash,
        account.firstName ?? '',
        account.lastName ?? '',
        account.phoneNumber ?? null,
        currentContext().actorId ?? null,
        account.isConfirmed ?? false,
      ],
    );
    return added.length === 1 ? id : undefined;
  }

  /**
   * Counts a wrong password; the fifth locks for 15 minutes, each further one for twice as long, up
   * to a day. One statement, so parallel guesses cannot share a count. A running lock stays as it is.
   */
  static async recordFailure(id: string): Promise<void> {
    await execute(
      `UPDATE platform.users SET failed_logins = failed_logins + 1,
         locked_until = CASE WHEN failed_logins >= 4
           THEN now() + least(15 * 2 ^ least(failed_logins - 4, 10), 1440) * interval '1 minute' END
       WHERE id = $1 AND (locked_until IS NULL OR locked_until <= now())`,
      [id],
    );
  }

  isLocked(): boolean {
    return this.lockedUntil !== null && this.lockedUntil.getTime() > Date.now();
  }

  /**
   * Whether the checked password still opens the account. Asked behind the row's lock, so that guesses that
   * were checked at the same time have been counted.
   */
  async isStillProven(): Promise<boolean> {
    const found = await select(
      `SELECT 1 FROM platform.users
       WHERE id = $1 AND password_hash = $2 AND is_active AND archived_at IS NULL
         AND (locked_until IS NULL OR locked_until <= now()) FOR UPDATE`,
      [this.id, this.passwordHash],
    );
    return found.length > 0;
  }

  isUsable(): boolean {
    return this.isActive && this.archivedAt === null;
  }

  /**
   * Lets the owner of the checked password in to a company of theirs and forgets earlier failures.
   * @param rehashed the same password, hashed as configured now
   * @returns false when password, lock or account changed since the check
   */
  async recordLogin(companyId: string, rehashed: string | undefined): Promise<boolean> {
    const memberships = await execute(
      `WITH entered AS (
         UPDATE platform.users SET failed_logins = 0, locked_until = NULL, last_login_at = now(),
           password_hash = COALESCE($3, password_hash)
         WHERE id = $1 AND password_hash = $2 AND is_active AND archived_at IS NULL
           AND (locked_until IS NULL OR locked_until <= now()) RETURNING id)
       UPDATE platform.memberships m SET last_login_at = now()
       FROM entered WHERE m.user_id = entered.id AND m.company_id = $4`,
      [this.id, this.passwordHash, rehashed ?? null, companyId],
    );
    return memberships > 0;
  }

  /** Keeps a secret for a second factor that is still to be enabled. @returns false where one is */
  static async setUpMfa(id: string, sealedSecret: string): Promise<boolean> {
    const changed = await execute(
      `UPDATE platform.users SET mfa_secret = $2, mfa_last_step = 0, mfa_recovery_hashes = '{}'
       WHERE id = $1 AND NOT mfa_enabled`,
      [id, sealedSecret],
    );
    return changed === 1;
  }

  /** @param step of the code that proved the secret @returns false when it changed meanwhile */
  async enableMfa(step: number, recoveryHashes: readonly string[]): Promise<boolean> {
    const changed = await execute(
      `UPDATE platform.users SET mfa_enabled = true, mfa_last_step = $3, mfa_recovery_hashes = $4,
         updated_at = now(), updated_by = $1, version = version + 1
       WHERE id = $1 AND mfa_secret = $2 AND NOT mfa_enabled`,
      [this.id, this.mfaSecret, step, [...recoveryHashes]],
    );
    return changed === 1;
  }

  /** @returns false where there was none */
  static async disableMfa(id: string): Promise<boolean> {
    const changed = await execute(
      `UPDATE platform.users SET mfa_enabled = false, mfa_secret = NULL, mfa_last_step = 0,
         mfa_recovery_hashes = '{}', updated_at = now(), updated_by = $1, version = version + 1
       WHERE id = $1 AND mfa_secret IS NOT NULL`,
      [id],
    );
    return changed === 1;
  }

  /** Uses a proof up: a step and all before it, or one recovery code. @returns false when it was */
  async useFactor(
    proof: { readonly step: number } | { readonly recoveryHash: string },
  ): Promise<boolean> {
    const used =
      'step' in proof
        ? await execute(
            `UPDATE platform.users SET mfa_last_step = $3
             WHERE id = $1 AND mfa_secret = $2 AND mfa_enabled AND mfa_last_step < $3`,
            [this.id, this.mfaSecret, proof.step],
          )
        : await execute(
            `UPDATE platform.users SET mfa_recovery_hashes = array_remove(mfa_recovery_hashes, $3)
             WHERE id = $1 AND mfa_secret = $2 AND mfa_enabled AND $3 = ANY (mfa_recovery_hashes)`,
            [this.id, this.mfaSecret, proof.recoveryHash],
          );
    return used === 1;
  }

  /** Whether somebody has shown that they read mail at the account's address. */
  static async isConfirmed(id: string): Promise<boolean> {
    const found = await select(
      'SELECT 1 FROM platform.users WHERE id = $1 AND email_confirmed_at IS NOT NULL',
      [id],
    );
    return found.length > 0;
  }

  /** Whoever used a link that was sent there owns the address. @returns false where that was known */
  static async confirmEmail(id: string): Promise<boolean> {
    const confirmed = await execute(
      'UPDATE platform.users SET email_confirmed_at = now() WHERE id = $1 AND email_confirmed_at IS NULL',
      [id],
    );
    return confirmed === 1;
  }

  /**
   * Whoever opened an account under somebody's address, with a password of their own, need not be that
   * somebody. An account without a password is opened by a link alone.
   * @throws EmailUnconfirmed
   */
  static async refuseUnconfirmed(id: string): Promise<void> {
    const found = await select(
      `SELECT 1 FROM platform.users
       WHERE id = $1 AND password_hash IS NOT NULL AND email_confirmed_at IS NULL`,
      [id],
    );
    if (found.length > 0) throw new EmailUnconfirmed(id);
  }

  /** To the address that a link was sent to. @throws Conflict EMAIL_TAKEN */
  async changeEmail(email: string): Promise<void> {
    await execute(
      `UPDATE platform.users SET email = $2, email_confirmed_at = now(), updated_at = now(), updated_by = $1,
         version = version + 1
       WHERE id = $1`,
      [this.id, email],
    );
  }

  static async isErased(id: string): Promise<boolean> {
    const found = await select(
      'SELECT 1 FROM platform.users WHERE id = $1 AND erased_at IS NOT NULL',
      [id],
    );
    return found.length > 0;
  }

  /** Leaves of an account its id and its times; nobody signs in to it again. */
  static async erase(id: string): Promise<void> {
    const { email, username } = erasedPerson(id);
    await execute(
      `UPDATE platform.users SET email = $2, username = $3, first_name = '', last_name = '',
         phone_number = NULL, password_hash = NULL, failed_logins = 0, locked_until = NULL,
         last_login_at = NULL, email_confirmed_at = NULL, mfa_enabled = false, mfa_secret = NULL, mfa_last_step = 0,
         mfa_recovery_hashes = '{}', is_active = false, erased_at = now(), updated_at = now(),
         archived_at = COALESCE(archived_at, now()), updated_by = $4, version = version + 1
       WHERE id = $1`,
      [id, email, username, currentContext().actorId ?? null],
    );
  }

  /**
   * Only a link to the address sets one then. The second factor of an account whose address nobody has
   * shown to be theirs goes too: it may be somebody else's, and would keep the owner out for ever.
   */
  static async forgetPassword(id: string): Promise<void> {
    await execute(
      `UPDATE platform.users SET password_hash = NULL, updated_at = now(),
         mfa_enabled = mfa_enabled AND email_confirmed_at IS NOT NULL,
         mfa_secret = CASE WHEN email_confirmed_at IS NOT NULL THEN mfa_secret END
       WHERE id = $1`,
      [id],
    );
  }

  /** By whoever proved more than a guess, such as a link to the address: ends a lock too. */
  static async setPassword(id: string, passwordHash: string): Promise<void> {
    await execute(
      `UPDATE platform.users SET password_hash = $2, failed_logins = 0, locked_until = NULL,
         updated_at = now(), updated_by = $1
       WHERE id = $1`,
      [id, passwordHash],
    );
  }

  /** By whoever knows the present one: they may still be guessing the second factor, so what failed counts on. */
  static async changePassword(id: string, passwordHash: string): Promise<void> {
    await execute(
      `UPDATE platform.users SET password_hash = $2, updated_at = now(), updated_by = $1 WHERE id = $1`,
      [id, passwordHash],
    );
  }
}
