import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createPasswords } from '../../src/commands/passwords.ts';
import { createRegistrations, type Registrations } from '../../src/commands/registrations.ts';
import type { Registration } from '../../src/commands/registrationSubmissions.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/context.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { verificationLink } from '../../src/models/onboardingLinks.ts';
import { createLinks } from '../../src/models/secretLinks.ts';
import type { Isolation } from '../../src/rules/companies.ts';
import type { RegistrationStatus } from '../../src/rules/onboarding.ts';
import { onboardingWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, once } from './build.ts';
import type { Journeys, Row } from './journey.ts';
import type { Mail } from './lifecycle.ts';

/** The same in the worker of `lifecycle.ts`, which makes the links of mails. */
export const testLinks = createLinks({
  publicUrl: 'http://127.0.0.1:3000',
  secretKey: 'a secret of the tests',
});

/** The code of the n-th link that confirms an applicant's address. */
export function codeOfLink(registrationId: string, n: number): string {
  const address = testLinks.addressFor({ link: verificationLink(registrationId, n) });
  return address?.split('#')[1] ?? '';
}

export const aRegistration = (changes: Partial<Registration> = {}): Registration => {
  const name = `acme${randomBytes(4).toString('hex')}`;
  return {
    companyName: `Acme ${name}`,
    businessType: 'home',
    requestedDomain: `${name}.example`,
    adminEmail: `ada@${name}.example`,
    adminUsername: name,
    adminPassword: 'securepassword',
    defaultCurrency: 'EUR',
    subscriptionPlan: 'free',
    ...changes,
  };
};

/** One registration and what can be seen of it. */
export interface Onboarding {
  readonly id: string;
  readonly wish: Registration;
  readonly workflowId: string;
  readonly registrations: Registrations;
  readonly reviewer: Actor;
  approve(wish?: { readonly isolation?: Isolation }, key?: string): Promise<unknown>;
  reject(reason?: string): Promise<unknown>;
  retry(): Promise<unknown>;
  /** The administrator signs in to the new company, or to another one. */
  noteSignIn(companyId?: string): Promise<void>;
  /** Waits until the row says so and nothing is under way. */
  reaches(status: RegistrationStatus): Promise<void>;
  row(): Promise<Row>;
  company(): Promise<Row | undefined>;
  rows(sql: string): Promise<Row[]>;
  events(): Promise<unknown[]>;
  mails(): Mail[];
  /** The code of the newest link that the applicant got. */
  code(): Promise<string>;
}

const config = readConfig({
  ENVIRONMENT: 'test',
  DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
});

export const registrationsOf = ({
  dispatcher,
  workflows,
}: Pick<Journeys, 'dispatcher' | 'workflows'>): Registrations =>
  createRegistrations({
    config,
    passwords: createPasswords(config),
    links: testLinks,
    dispatcher,
    workflows,
  });

/** A company that has just registered. */
export async function beginOnboarding(
  journeys: Journeys,
  changes: Partial<Registration> = {},
): Promise<Onboarding> {
  const { database, dispatcher, server } = journeys;
  const registrations = registrationsOf(journeys);
  const reviewer = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
  const wish = aRegistration(changes);
  const { registration } = await registrations.submit(wish);
  const { id } = registration;
  const workflowId = onboardingWorkflowId(id);
  journeys.track(workflowId);
  await dispatcher.drained();
  await journeys.settled(workflowId);

  const rows = async (sql: string): Promise<Row[]> => database.sql(sql, [id]);
  const row = async (): Promise<Row> => {
    const [found] = await rows('SELECT * FROM core.registration_requests WHERE id = $1');
    if (!found) throw new Error(`There is no registration ${id}`);
    return found;
  };
  const mails = () => server.mails.filter(({ to }) => to === wish.adminEmail);
  return {
    id,
    wish,
    workflowId,
    registrations,
    reviewer,
    approve: (decision = {}, key) =>
      as(reviewer, () => registrations.approve(reviewer, id, decision, once(reviewer, key))),
    reject: (reason = 'No licence') =>
      as(reviewer, () => registrations.reject(reviewer, id, reason, once(reviewer))),
    retry: () => as(reviewer, () => registrations.retry(reviewer, id, 'Mended', once(reviewer))),
    async noteSignIn(companyId) {
      const { admin_user_id: userId, new_company_id: newCompanyId } = await row();
      await registrations.noteSignIn(String(userId), companyId ?? String(newCompanyId));
    },
    async reaches(status) {
      while ((await row())['status'] !== status) await setTimeout(50);
      await journeys.settled(workflowId);
    },
    row,
    async company() {
      const [found] = await rows(
        `SELECT c.* FROM platform.companies c
         JOIN core.registration_requests r ON r.new_company_id = c.id WHERE r.id = $1`,
      );
      return found;
    },
    rows,
    events: async () =>
      (
        await rows('SELECT event FROM core.transitions WHERE entity_id = $1 ORDER BY state_version')
      ).map(({ event }) => event),
    mails,
    async code() {
      for (;;) {
        const mail = mails().findLast(({ text }) => text.includes('#'));
        const code = /#([\w-]+)/.exec(mail?.text ?? '')?.[1];
        if (code) return code;
        await setTimeout(50);
      }
    },
  };
}
