import fc from 'fast-check';
import { onboardingActivities, type OnboardingStep } from '../../src/activities/onboarding.ts';
import { provisioningActivities } from '../../src/activities/provisioning.ts';
import { createPasswords } from '../../src/commands/passwords.ts';
import { createRegistrationTimelines } from '../../src/commands/registrationTimelines.ts';
import { createRegistrations } from '../../src/commands/registrations.ts';
import type { WorkflowCommands } from '../../src/commands/workflows.ts';
import { readConfig } from '../../src/config.ts';
import type { Actor } from '../../src/context.ts';
import { platformCompanyId, withTenant } from '../../src/models/database.ts';
import type { OnboardingState } from '../../src/models/onboardingStart.ts';
import type { OnboardingTimerName } from '../../src/rules/onboarding.ts';
import { seed } from '../rules/property.ts';
import { as, buildActor, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { aRegistration, codeOfLink, testLinks } from '../support/onboarding.ts';
import {
  acts,
  expectWhole,
  walk,
  type SetUpStep,
  type Twin,
  type Wish,
} from '../support/onboardingModel.ts';
import { PlayedLoop } from '../support/playedLoop.ts';

const passwords = createPasswords(
  readConfig({ ENVIRONMENT: 'test', DATABASE_URL: 'postgres://nobody@127.0.0.1/none' }),
);
const activities = onboardingActivities({ links: testLinks });
const setUp = provisioningActivities({ allowedHosts: [], platformDomain: undefined });

/** In this order; what was begun is taken back in the reverse one. */
const steps = [
  { step: 'company', work: setUp.createCompany, undo: setUp.archiveCompany },
  { step: 'domain', work: setUp.addDomains, undo: setUp.releaseDomains },
  { step: 'seed', work: setUp.seedCompany, undo: setUp.archiveSeed },
  { step: 'admin', work: setUp.createAdministrator, undo: setUp.disableAdministrator },
  { step: 'opening', work: setUp.openCompany, undo: setUp.closeCompany },
] as const;

/** The rules, commands and activities as they are, on real rows; the workflow's loop is played by hand. */
describe('the onboarding of a company', () => {
  const realNow = Date.now;
  let database: TestDatabase;
  let reviewer: Actor;

  beforeAll(async () => {
    database = await openTestDatabase();
    reviewer = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
  });

  afterEach(() => {
    Date.now = realNow;
  });

  afterAll(() => database.close());

  async function openTwin(): Promise<{ id: string; twin: Twin }> {
    const submittedAt = realNow();
    // The commands ask this clock; nothing but `pass` moves it.
    Date.now = () => submittedAt;
    let work: ((commandId: string) => Promise<OnboardingStep>) | undefined;
    const workflows: WorkflowCommands = {
      async command(_update, { commandId, prepare }) {
        await withTenant(platformCompanyId, prepare);
        if (!work) throw new Error('Nobody asked for this command');
        const step = work;
        await loop.carryOut(() => step(commandId));
      },
    };
    const registrations = createRegistrations({
      config: { allowedHosts: [], platformDomain: undefined },
      passwords,
      links: testLinks,
      dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
      workflows,
    });
    const timelines = createRegistrationTimelines({
      temporal: { failingStep: () => Promise.resolve(undefined), uiUrl: () => '' },
      workflows,
    });
    const { registration } = await registrations.submit(aRegistration());
    const { id } = registration;
    const ref = { companyId: platformCompanyId, registrationId: id };
    const loop = new PlayedLoop<OnboardingState, OnboardingTimerName>(
      `onboarding/${id}`,
      await activities.readRegistration(ref),
      submittedAt,
    );
    Date.now = () => loop.now;
    let fault: { step: SetUpStep; isAfter: boolean } | null = null;

    const refFor = (commandId: string) => ({ ...ref, ...loop.orderOf(commandId) });
    const idOf = (effect: string): string =>
      `onboarding/${id}/${effect}/${loop.state.stateVersion}`;

    async function play(): Promise<void> {
      if (loop.state.status === 'approved') {
        const order = refFor(idOf('provision'));
        await loop.carryOut(() => activities.beginProvisioning(order));
      }
      if (loop.state.status !== 'provisioning') return;
      const undone: (() => Promise<unknown>)[] = [];
      try {
        let adminUserId = '';
        for (const { step, work: make, undo } of steps) {
          undone.unshift(() => undo(ref));
          if (fault?.step === step && !fault.isAfter) throw new Broken();
          // Twice: an answer may be lost.
          await make(ref);
          const made = await make(ref);
          if (fault?.step === step) throw new Broken();
          if (made) ({ adminUserId } = made);
        }
        const order = { ...refFor(idOf('complete')), adminUserId };
        await loop.carryOut(() => activities.completeProvisioning(order));
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        for (const undo of undone) {
          await undo();
          await undo();
        }
        const order = { ...refFor(idOf('fail')), error: error.message };
        await loop.carryOut(() => activities.failProvisioning(order));
      }
    }

    const answerTo = async (asked: () => Promise<unknown>): Promise<string> => {
      const outcome = await loop.answerTo(async () => {
        await as(reviewer, asked);
        await play();
      });
      work = undefined;
      return outcome;
    };
    const reviewedBy = reviewer.userId;
    const one = once(reviewer);
    const ask = (wish: Wish): Promise<unknown> => {
      switch (wish.kind) {
        case 'approve':
          work = (commandId) =>
            activities.approveRegistration({
              ...refFor(commandId),
              reviewedBy,
              subscriptionPlan: null,
              note: null,
            });
          return registrations.approve(reviewer, id, {}, one);
        case 'reject': {
          const reason = 'No licence';
          work = (commandId) =>
            activities.rejectRegistration({ ...refFor(commandId), reviewedBy, reason });
          return registrations.reject(reviewer, id, reason, one);
        }
        case 'retry':
          work = (commandId) =>
            activities.retryProvisioning({ ...refFor(commandId), reason: null });
          return registrations.retry(reviewer, id, undefined, one);
        default: {
          const { name, dueAt } = wish;
          const reason = 'Moved';
          work = (commandId) =>
            activities.moveReviewDeadline({ ...refFor(commandId), name, dueAt, reason });
          const change = { dueAt: new Date(dueAt), reason, dryRun: false };
          return timelines.changeTimer(reviewer, id, name, change, one);
        }
      }
    };

    const twin: Twin = {
      now: () => loop.now,
      passUntil: (instant) =>
        loop.passUntil(instant, (order) => activities.fireOnboardingTimer({ ...ref, ...order })),
      order: (wish) => answerTo(() => ask(wish)),
      verify: (n) => answerTo(() => registrations.verify(codeOfLink(id, n))),
      setBroken: async (next) => {
        fault = next;
      },
      async signIn(isNoted) {
        const [person] = await database.sql<{ id: string; companyId: string }>(
          `UPDATE platform.memberships SET last_login_at = now() WHERE user_id =
             (SELECT admin_user_id FROM core.registration_requests WHERE id = $1)
           RETURNING user_id AS id, company_id AS "companyId"`,
          [id],
        );
        if (!person || !isNoted) return;
        work = (commandId) => activities.noteActivation(refFor(commandId));
        await answerTo(() => registrations.noteSignIn(person.id, person.companyId));
        // What was noted late the workflow has not seen.
        loop.state = await activities.readRegistration(ref);
      },
      async repeat() {
        expect(await loop.again()).toEqual(loop.state);
      },
    };
    return { id, twin };
  }

  it('goes as the model goes, through a hundred lives of thirty acts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 30, maxLength: 30 }), async (life) => {
        const opened = await openTwin();

        await walk(database, opened, life);

        await expectWhole(database, opened.id);
      }),
      { seed, numRuns: 100, endOnFailure: true },
    );
  }, 900_000);
});

/** What a step of the set-up ends with for good. */
class Broken extends Error {
  constructor() {
    super('addDomains: this domain belongs to another company');
  }
}
