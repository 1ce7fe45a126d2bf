import { v7 as uuid } from 'uuid';
import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, Unauthenticated } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Credential, type NewAccount } from '../models/Credential.ts';
import { select, withIdentity, withTenant } from '../models/database.ts';
import { readPage } from '../models/list.ts';
import { Membership, type Place } from '../models/Membership.ts';
import type { WorkflowStart } from '../models/OutboxEntry.ts';
import type { Counter } from '../models/rateLimitStore.ts';
import { RefreshToken, type Session } from '../models/RefreshToken.ts';
import { User } from '../models/User.ts';
import type { Role } from '../rules/permissions.ts';
import type { Companies, KnownCompany } from './companies.ts';
import type { Factors } from './factors.ts';
import { actingAs, mailing, nobody, requiresClasses } from './identity.ts';
import type { LinkEmployee } from './ownEmployee.ts';
import type { Passwords } from './passwords.ts';
import type { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';
import { hashSecret, newSecret } from '../secrets.ts';

/** A person in one company. */
export interface Account {
  readonly user: User;
  readonly companyId: string;
  readonly roles: readonly Role[];
}

export interface SignedIn {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
  readonly account: Account;
}

export interface Registration extends Omit<NewAccount, 'passwordHash'> {
  readonly password: string;
}

export interface Login {
  readonly email: string;
  readonly password: string;
  /** Code of the company to sign in to, for people who belong to several. */
  readonly company?: string | undefined;
  /** Code of the second factor, or a recovery code, for accounts that have one. */
  readonly otp?: string | undefined;
}

export interface PastLogin {
  readonly id: string;
  readonly at: Date;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface AuthDependencies {
  readonly config: Pick<Config, 'jwt' | 'publicUrl'>;
  readonly passwords: Passwords;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly companies: Companies;
  readonly factors: Factors;
  readonly dispatch: (start: WorkflowStart) => void;
  /** Counts who registers with an address; past its limit the address's owner hears of no more. */
  readonly countAddress: Counter;
  readonly linkEmployee: LinkEmployee;
  /** Told of the sign-ins of tenant administrators to their company; not waited for. */
  readonly onAdministrator: (userId: string, companyId: string) => void;
}

export type Auth = ReturnType<typeof createAuth>;

/** Nobody is kept from registering; only the mail to somebody who has an account is left out. */
const uncounted = { isAllowed: false };

/** Signing up, in, on and out. No transaction is open while a password is hashed. */
export function createAuth(dependencies: AuthDependencies) {
  const { config, passwords, tokens, sessions, companies, factors, dispatch } = dependencies;
  const { countAddress, linkEmployee, onAdministrator } = dependencies;
  const mail = mailing(dispatch);

  return {
    /** A new address and a known one get the same answer after the same work; mail tells which. */
    async register(company: KnownCompany, { password, ...person }: Registration) {
      if (company.status !== 'active') {
        throw new Forbidden('This company is suspended', 'TENANT_SUSPENDED');
      }
      passwords.refuseIfBusy();
      const { email, username } = person;
      const requireClasses = requiresClasses(company.settings);
      await passwords.refuseWeak(password, { email, username, requireClasses });
      const passwordHash = await passwords.hash(password);
      const { isAllowed: mayMail } = await countAddress(hashSecret(email)).catch(() => uncounted);

      await withIdentity(company.id, async () => {
        await Credential.refuseTaken(person);
        const userId = await Credential.add({ ...person, passwordHash });
        if (userId !== undefined) {
          AuditLog.record('CREATE', { type: 'user', id: userId });
          await Membership.grant({ companyId: company.id, userId, role: 'policyholder' });
        }
        if (userId !== undefined) mail(company.id, email, 'welcome');
        else if (mayMail) mail(company.id, email, 'account_exists');
      });
      return { email };
    },

    /**
     * An unknown address, a wrong password and a locked account get the same answer after the same
     * work.
     * @param host the address the request came to
     * @throws Unauthenticated MFA_REQUIRED after the right password, where a second factor is missing
     * @throws Conflict COMPANY_REQUIRED naming the companies, for the owner of several memberships
     */
    async login({ email, password, company: code, otp }: Login, host: string): Promise<SignedIn> {
      passwords.refuseIfBusy();
      const hostCompany = await companies.byHost(host);
      const { credential, places } = await withIdentity(null, async () => {
        const found = await Credential.findOne({ where: { email } });
        return { credential: found, places: await Membership.placesOf(found?.id ?? nobody) };
      });
      const choices = choicesAmong(places, { hostCompanyId: hostCompany?.id, code });
      const [place] = choices;

      const isRight = await passwords.verify(password, credential?.passwordHash ?? null);
      const refuse = async (reason: string, isGuess = !isRight): Promise<never> => {
        const companyId = (choices.length === 1 ? place?.companyId : hostCompany?.id) ?? null;
        await withIdentity(companyId, async () => {
          if (isGuess) await Credential.recordFailure(credential?.id ?? nobody);
          const user = { type: 'user', id: credential?.id ?? null };
          AuditLog.record('LOGIN_FAILED', user, { after: { reason } });
        });
        throw new Unauthenticated('The e-mail address or the password is wrong');
      };

      if (!credential) return refuse('unknown_address');
      if (!isRight) return refuse('wrong_password');
      if (credential.isLocked()) return refuse('locked');
      if (!credential.isUsable()) return refuse('inactive');
      if (!place) return refuse('no_membership');
      const proof = credential.mfaEnabled ? factors.proofOf(credential, otp) : undefined;
      if (proof === 'missing') {
        throw new Unauthenticated('Send the code of your second factor as otp', 'MFA_REQUIRED');
      }
      if (proof === 'wrong') return refuse('wrong_code', true);
      if (choices.length > 1) throw severalCompanies(choices);

      const { passwordHash } = credential;
      const isCurrent = passwordHash !== null && passwords.isCurrent(passwordHash);
      const rehashed = isCurrent ? undefined : await passwords.hash(password);
      const session = { userId: credential.id, companyId: place.companyId, familyId: uuid() };
      const opened = await actingAs(session, async () => {
        if (proof && !(await credential.useFactor(proof))) return 'used_code';
        if (!(await credential.recordLogin(place.companyId, rehashed))) return 'changed_meanwhile';
        AuditLog.record('LOGIN', { type: 'user', id: credential.id });
        return open(session, place.roles);
      });
      if (typeof opened === 'string') return refuse(opened, opened === 'used_code');
      if (place.roles.includes('tenant_admin')) onAdministrator(credential.id, place.companyId);
      await linkEmployee(session);
      return signIn(session, opened);
    },

    /** Each refresh token is good for one use; a used one that turns up again ends the session. */
    async refresh(refreshToken: string): Promise<SignedIn> {
      const tokenHash = hashSecret(refreshToken);
      const { session, opened, betrayed } = await withIdentity(null, async () => {
        const rotated = await RefreshToken.rotate(tokenHash);
        if (!rotated) return { betrayed: await RefreshToken.betrayedBy(tokenHash) };

        const places = await Membership.placesOf(rotated.userId);
        const place = places.find(({ companyId }) => companyId === rotated.companyId);
        if (!place) throw badRefreshToken();
        return { session: rotated, opened: await open(rotated, place.roles) };
      });
      if (opened) {
        await linkEmployee(session);
        return signIn(session, opened);
      }
      if (betrayed) await endBetrayed(betrayed);
      throw badRefreshToken();
    },

    /** Ends the session in which it is asked; the others of the same person go on. */
    async logout({ userId, companyId, sessionId }: Actor): Promise<void> {
      if (userId === null || sessionId === null) return;
      await withIdentity(companyId, async () => {
        if (!(await RefreshToken.revoke({ userId, familyId: sessionId }))) return;
        AuditLog.record('LOGOUT', { type: 'user', id: userId });
      });
      sessions.forget(sessionId);
    },

    me: async ({ userId, companyId, roles }: Actor): Promise<Account> => ({
      user: await withIdentity(companyId, () => usableUser(userId ?? nobody)),
      companyId,
      roles,
    }),

    /** The actor's own sign-ins to this company, the newest first. */
    logins: ({ userId, companyId }: Actor, asked: { page: number; size: number }) =>
      withTenant(companyId, () =>
        readPage(asked, (limit, offset) =>
          select<PastLogin & { total: number }>(
            `SELECT id, timestamp AS at, ip, user_agent AS "userAgent",
               (count(*) OVER ())::integer AS total
             FROM core.audit_logs
             WHERE entity_type = 'user' AND entity_id = $1 AND action = 'LOGIN'
             ORDER BY timestamp DESC, id DESC LIMIT $2 OFFSET $3`,
            [userId, limit, offset],
          ),
        ),
      ),
  };

  interface Opened {
    readonly refreshToken: string;
    readonly account: Account;
  }

  /** One more token of the session, in the open transaction. */
  async function open(session: Session, roles: readonly Role[]): Promise<Opened> {
    const refreshToken = newSecret();
    const expiresAt = new Date(Date.now() + config.jwt.refreshDays * 86_400_000);
    RefreshToken.issue(session, hashSecret(refreshToken), expiresAt);
    const user = await usableUser(session.userId);
    return { refreshToken, account: { user, companyId: session.companyId, roles } };
  }

  async function signIn({ familyId, ...session }: Session, opened: Opened): Promise<SignedIn> {
    const { roles } = opened.account;
    const { token, expiresInSeconds } = await tokens.sign({
      ...session,
      roles,
      sessionId: familyId,
    });
    return { accessToken: token, expiresInSeconds, ...opened };
  }

  async function endBetrayed(session: Session): Promise<void> {
    const { userId, companyId, familyId } = session;
    await withIdentity(companyId, async () => {
      if (!(await RefreshToken.revoke(session))) return;
      AuditLog.record(
        'TOKEN_REUSE',
        { type: 'user', id: userId },
        { after: { session: familyId } },
      );
      const owner = await User.findOne({ where: { id: userId } });
      if (owner) mail(companyId, owner.email, 'session_revoked');
    });
    sessions.forget(familyId);
  }
}

/** The company of the address, else the one named, else all; a platform role works at every address. */
function choicesAmong(
  places: readonly Place[],
  { hostCompanyId, code }: { hostCompanyId: string | undefined; code: string | undefined },
): readonly Place[] {
  if (hostCompanyId !== undefined) {
    const here = places.filter(({ companyId }) => companyId === hostCompanyId);
    return here.length > 0 ? here : places.filter(({ roles }) => roles.includes('global_admin'));
  }
  return code === undefined ? places : places.filter((place) => place.code === code.toUpperCase());
}

const severalCompanies = (choices: readonly Place[]): Conflict =>
  new Conflict('COMPANY_REQUIRED', 'You belong to several companies; name one by its code', {
    companies: choices.map(({ code, name }) => ({ code, name })),
  });

async function usableUser(id: string): Promise<User> {
  const user = await User.findOne({ where: { id, isActive: true, archivedAt: null } });
  if (!user) throw new Unauthenticated('This account is not active');
  return user;
}

const badRefreshToken = (): Unauthenticated =>
  new Unauthenticated('This refresh token is not valid; sign in again');
