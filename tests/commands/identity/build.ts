import { setTimeout as pause } from 'node:timers/promises';
import { createLinks } from '../../../src/models/secretLinks.ts';
import { v7 as uuid } from 'uuid';
import { createAuth, type AuthDependencies } from '../../../src/commands/auth.ts';
import { createCompanies, type KnownCompany } from '../../../src/commands/companies.ts';
import { createConfirming } from '../../../src/commands/confirming.ts';
import { createEmailChanges } from '../../../src/commands/emailChanges.ts';
import { createFactors } from '../../../src/commands/factors.ts';
import { mostMailsAnHour } from '../../../src/commands/identity.ts';
import { linkingEmployees } from '../../../src/commands/ownEmployee.ts';
import { createOwnSessions } from '../../../src/commands/ownSessions.ts';
import { createPasswordChanges } from '../../../src/commands/passwordChanges.ts';
import { createPasswords, type Passwords } from '../../../src/commands/passwords.ts';
import { createSessions } from '../../../src/commands/sessions.ts';
import { createTokens } from '../../../src/commands/tokens.ts';
import { readConfig, type Config } from '../../../src/config.ts';
import { runInContext } from '../../../src/context.ts';
import { Credential } from '../../../src/models/Credential.ts';
import { withIdentity } from '../../../src/models/database.ts';
import { Membership } from '../../../src/models/Membership.ts';
import { memoryStore } from '../../../src/models/rateLimitStore.ts';
import type { WorkflowStart } from '../../../src/models/OutboxEntry.ts';
import type { Role } from '../../../src/rules/permissions.ts';
import { buildCompany } from '../../support/build.ts';

export const goodPassword = 'Seven-Green-Otters-7';

export const testConfig = (overrides: NodeJS.ProcessEnv = {}): Config =>
  readConfig({ ENVIRONMENT: 'test', DATABASE_URL: 'postgres://localhost/none', ...overrides });

/** The commands as the API has them; hashes are real and counted. */
export function buildIdentity(environment: NodeJS.ProcessEnv = {}, given: Passwords[] = []) {
  const config = testConfig(environment);
  const work = { hashed: 0, compared: 0 };
  const [passwords = createPasswords(config)] = given;
  const dispatched: WorkflowStart[] = [];
  const unlinked: unknown[] = [];
  const dependencies = {
    config,
    passwords: {
      ...passwords,
      hash: (password) => ((work.hashed += 1), passwords.hash(password)),
      verify: (password, hash) => ((work.compared += 1), passwords.verify(password, hash)),
    },
    tokens: createTokens(config),
    sessions: createSessions(),
    companies: createCompanies(config),
    factors: createFactors({ config, passwords }),
    dispatch: (start: WorkflowStart) => void dispatched.push(start),
    countAddress: memoryStore().counter({
      name: 'known-address',
      points: mostMailsAnHour,
      seconds: 3600,
    }),
    linkEmployee: linkingEmployees((error) => void unlinked.push(error)),
    onAdministrator: () => undefined,
  } satisfies AuthDependencies;
  const links = createLinks(config);
  return {
    ...dependencies,
    links,
    confirming: createConfirming({ ...dependencies, links }),
    auth: createAuth(dependencies),
    emailChanges: createEmailChanges({ ...dependencies, links }),
    ownSessions: createOwnSessions(dependencies),
    passwordChanges: createPasswordChanges({ ...dependencies, links }),
    work,
    dispatched,
    unlinked,
  };
}

export async function buildKnownCompany(): Promise<KnownCompany> {
  const { id, code, name } = await buildCompany();
  return {
    id,
    code,
    name,
    timeZone: 'UTC',
    currency: 'EUR',
    status: 'active',
    settings: {},
  };
}

let built = 0;

export const newEmail = (): string => `person${(built += 1)}.${uuid().slice(-8)}@example.com`;

/** An account with a password and a role in each company. */
export async function buildAccount({
  companyIds,
  passwordHash,
  role = 'policyholder',
}: {
  companyIds: readonly string[];
  passwordHash: string | null;
  role?: Role;
}): Promise<{ id: string; email: string }> {
  const email = newEmail();
  const id = await withIdentity(null, () =>
    Credential.add({ email, username: email.slice(0, 30), passwordHash, isConfirmed: true }),
  );
  if (id === undefined) throw new Error('The test address is taken');
  for (const companyId of companyIds) {
    await withIdentity(companyId, () => Membership.grant({ companyId, userId: id, role }));
  }
  return { id, email };
}

/** Runs work as a request from one client. */
export const from = <T>(client: { ip?: string; userAgent?: string }, work: () => Promise<T>) =>
  runInContext({ requestId: `req_${uuid()}`, ip: '192.0.2.1', userAgent: 'test', ...client }, work);

export const outcomeOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

/**
 * Asks until something is no longer so.
 * @returns when the last question was put to which it still was, in milliseconds from now on; how long
 * a busy machine takes for the answers does not count
 */
export async function lastHeldMs(isSo: () => Promise<boolean>): Promise<number> {
  const since = performance.now();
  for (let last = 0; last < 20_000; await pause(50)) {
    const askedAt = performance.now() - since;
    if (!(await isSo())) return last;
    last = askedAt;
  }
  throw new Error('It is still so');
}
