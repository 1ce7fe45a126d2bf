import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { v7 as uuid } from 'uuid';
import { createPasswords, type Passwords } from '../src/commands/passwords.ts';
import { createSubscriptions } from '../src/commands/subscriptions.ts';
import { readConfig } from '../src/config.ts';
import { runInContext, type Actor } from '../src/context.ts';
import { AuditLog } from '../src/models/AuditLog.ts';
import { defineModels } from '../src/models/all.ts';
import { Company } from '../src/models/Company.ts';
import { Credential } from '../src/models/Credential.ts';
import { Customer } from '../src/models/Customer.ts';
import {
  append,
  openDatabase,
  platformCompanyId,
  withGlobal,
  withIdentity,
  withTenant,
} from '../src/models/database.ts';
import { InsurancePlan } from '../src/models/InsurancePlan.ts';
import { Membership } from '../src/models/Membership.ts';
import { PolicySubscription } from '../src/models/PolicySubscription.ts';
import { PropertyCategory } from '../src/models/PropertyCategory.ts';
import { firstCategories } from '../src/rules/catalogue.ts';
import { roleCodes, type Role } from '../src/rules/permissions.ts';
import type { Say } from './progress.ts';
import { seedHost } from './seedHost.ts';
import { seedOverdue } from './seedOverdue.ts';
import { chooseStaffLogins, seedStaff, type StaffLogins } from './seedStaff.ts';

interface Account {
  readonly company: string;
  readonly role: Role;
  readonly email: string;
  readonly password: string;
}

/** What cover for each category costs, compared with the first. */
const factors = [1, 1.8, 1.4, 1.5, 2.2, 2.6];

const levels = [
  { level: 'basic', premium: 96, cover: 100_000, months: 6 },
  { level: 'standard', premium: 240, cover: 250_000, months: 12 },
  { level: 'premium', premium: 480, cover: 600_000, months: 12 },
] as const;

/**
 * Fills an empty database: a demo company with its catalogue, one person for each role, its staff, a
 * document that some of them are late with, properties to stay at and a few live subscriptions made by the commands that the API
 * uses. A company that is there stays as it is. What was begun and interrupted is completed: the accounts
 * are chosen, and kept, before the rest.
 */
export async function seed({
  env,
  dataDir,
  say,
}: {
  readonly env: NodeJS.ProcessEnv;
  readonly dataDir: string;
  readonly say: Say;
}): Promise<void> {
  const config = readConfig(env);
  const code = config.defaultCompany ?? 'DEMO';
  const begun = path.join(dataDir, 'seed-begun.json');
  const staff = path.join(dataDir, 'demo-staff.json');
  const database = openDatabase(
    {
      url: config.database.url,
      poolMax: 4,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 10_000,
      applicationName: 'surety-seed',
    },
    defineModels,
  );
  try {
    const known = await withGlobal(() => Company.count());
    // One row is the platform itself.
    if (known > 1 && !existsSync(begun)) return;
    if (!existsSync(begun) || !existsSync(staff)) writePrivately(staff, chooseStaffLogins(code));
    if (!existsSync(begun)) writePrivately(begun, roleCodes.map(accountFor(code)));
    const accounts = readAccounts(begun);
    const logins: StaffLogins = JSON.parse(readFileSync(staff, 'utf8'));
    const passwords = createPasswords(config);
    await runInContext({ requestId: 'seed', actorType: 'system' }, async () => {
      say('company and catalogue');
      const company = await withGlobal(() => demoCompany(code));
      const plans = await withTenant(company.id, () => seedCatalogue(company));
      say('one person for each role');
      const people = await seedPeople(company, accounts, passwords);
      say('staff');
      await seedStaff({ company, accounts, logins, passwords });
      say('a document that is overdue');
      await seedOverdue({ companyId: company.id, accounts });
      say('properties and live subscriptions');
      await seedHost(actorAs(people, 'employee'), company);
      await subscribe(actorAs(people, 'policyholder'), company, plans.slice(0, 3));
    });
    // The last of it: whoever starts again after half of it is shown the passwords then.
    keepAccounts(path.join(dataDir, 'demo-accounts.json'), accounts);
    rmSync(begun);
  } finally {
    await database.close();
  }
}

const accountFor =
  (code: string) =>
  (role: Role): Account => ({
    company: role === 'global_admin' ? 'PLATFORM' : code,
    role,
    email: `${role.replaceAll('_', '-')}@${code.toLowerCase()}.example`,
    // Random, and with every class of character that a company may ask for.
    password: `${randomBytes(12).toString('base64url')}-Aa1`,
  });

const demoCompany = async (code: string): Promise<Company> =>
  (await Company.findOne({ where: { code } })) ??
  Company.create({
    id: uuid(),
    name: 'Demo Mutual',
    code,
    businessType: 'home',
    contactEmail: 'office@demo.example',
    timeZone: 'Europe/Berlin',
    defaultCurrency: 'EUR',
  });

/** All of it or nothing. @returns the plans, in the order of the list */
async function seedCatalogue(company: Company): Promise<string[]> {
  await seedOwnCustomer(company);
  const existing = await InsurancePlan.findAll({ order: [['id', 'ASC']] });
  if (existing.length > 0) return existing.map(({ id }) => id);
  const plans: string[] = [];
  for (const [index, { name, segment }] of firstCategories.entries()) {
    const factor = factors[index] ?? 1;
    const propertyCategoryId = append(PropertyCategory, { name, segment });
    AuditLog.record('CREATE', { type: 'category', id: propertyCategoryId }, { after: { name } });
    for (const { level, premium, cover, months } of levels) {
      const planName = `${name} ${level}`;
      const id = append(InsurancePlan, {
        name: planName,
        propertyCategoryId,
        coverageLevel: level,
        coverageAmount: (cover * factor).toFixed(2),
        premium: (premium * factor).toFixed(2),
        currency: company.defaultCurrency,
        durationMonths: months,
        description: `${level} cover for ${name}, ${months} months`,
      });
      AuditLog.record('CREATE', { type: 'plan', id }, { after: { name: planName } });
      plans.push(id);
    }
  }
  return plans;
}

async function seedOwnCustomer({ name, contactEmail }: Company): Promise<void> {
  if (await Customer.findOne({ where: { isSelf: true } })) return;
  const id = append(Customer, { name, isSelf: true, contactEmail });
  AuditLog.record('CREATE', { type: 'customer', id }, { after: { name } });
}

async function seedPeople(
  company: Company,
  accounts: readonly Account[],
  passwords: Passwords,
): Promise<readonly Actor[]> {
  const people: Actor[] = [];
  for (const { role, email, password } of accounts) {
    const companyId = role === 'global_admin' ? platformCompanyId : company.id;
    const username = role.replaceAll('_', '-');
    const passwordHash = await passwords.hash(password);
    const userId = await withIdentity(companyId, async () => {
      const person = {
        username,
        email,
        passwordHash,
        firstName: 'Demo',
        lastName: username,
        isConfirmed: true,
      };
      const added = await Credential.add(person);
      const id = added ?? (await Credential.findOne({ where: { email } }))?.id;
      if (id === undefined) throw new Error(`${email} could not be added`);
      if (added) AuditLog.record('CREATE', { type: 'user', id });
      await Membership.grant({ companyId, userId: id, role });
      return id;
    });
    people.push({ type: 'user', userId, companyId, roles: [role], sessionId: null });
  }
  return people;
}

function actorAs(people: readonly Actor[], role: Role): Actor {
  const found = people.find(({ roles }) => roles.includes(role));
  if (!found) throw new Error(`Nobody was seeded as ${role}`);
  return found;
}

/** Those not bought yet. Their workflows are started by the relay of the worker, which comes up next. */
async function subscribe(
  holder: Actor,
  company: Company,
  planIds: readonly string[],
): Promise<void> {
  const subscriptions = createSubscriptions({
    dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
    workflows: { command: () => Promise.reject(new Error('The seed sends no commands')) },
  });
  const { userId, companyId } = holder;
  const bought = await withTenant(companyId, () => PolicySubscription.count());
  await runInContext(
    { requestId: 'seed', companyId, actorId: userId, actorType: 'user' },
    async () => {
      for (const [index, insurancePlanId] of planIds.entries()) {
        if (index < bought) continue;
        await subscriptions.subscribe(
          holder,
          company,
          { insurancePlanId, autoRenew: index === 1 },
          {
            companyId,
            principal: userId ?? 'seed',
            route: 'seed',
            key: undefined,
            bodyHash: '',
            status: 201,
            message: '',
            present: () => undefined,
          },
        );
      }
    },
  );
}

/** Later companies may have added theirs. */
function keepAccounts(file: string, accounts: readonly Account[]): void {
  const kept = existsSync(file) ? readAccounts(file) : [];
  const known = new Set(kept.map(({ email }) => email));
  writePrivately(file, [...kept, ...accounts.filter(({ email }) => !known.has(email))]);
}

function readAccounts(file: string): Account[] {
  const accounts: Account[] = JSON.parse(readFileSync(file, 'utf8'));
  return accounts;
}

/** Readable by the owner alone, whole or not at all. */
function writePrivately(file: string, kept: object): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
