import fc from 'fast-check';
import { createRegistrationTimelines } from '../../src/commands/registrationTimelines.ts';
import { seed } from '../rules/property.ts';
import { as, once } from '../support/build.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { outcomeOf } from '../support/model.ts';
import { beginOnboarding, codeOfLink, type Onboarding } from '../support/onboarding.ts';
import { acts, expectWhole, walk, type Twin, type Wish } from '../support/onboardingModel.ts';

describe('the onboarding of a company and its workflow', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  function openTwin(onboarding: Onboarding): Twin {
    const { id, registrations, reviewer, workflowId } = onboarding;
    const { database, server, workflows } = journeys;
    const timelines = createRegistrationTimelines({ temporal: server.temporal, workflows });
    let commands = 0;
    let last: (() => Promise<unknown>) | undefined;

    const ask = (wish: Wish, key: string): Promise<unknown> => {
      const one = once(reviewer, `${key}-${id}`, wish.kind);
      switch (wish.kind) {
        case 'approve':
          return registrations.approve(reviewer, id, {}, one);
        case 'reject':
          return registrations.reject(reviewer, id, 'No licence', one);
        case 'retry':
          return registrations.retry(reviewer, id, undefined, one);
        default: {
          const change = { dueAt: new Date(wish.dueAt), reason: 'Moved', dryRun: false };
          return timelines.changeTimer(reviewer, id, wish.name, change, one);
        }
      }
    };
    const answerTo = async (asked: () => Promise<unknown>): Promise<string> => {
      const outcome = await outcomeOf(() => as(reviewer, asked));
      await journeys.settled(workflowId);
      return outcome;
    };

    return {
      now: () => journeys.now(),
      async passUntil(instant) {
        await journeys.passUntil(instant);
        await journeys.settled(workflowId);
      },
      async order(wish) {
        const key = `command-${(commands += 1)}`;
        const send = () => ask(wish, key);
        const outcome = await answerTo(send);
        last = outcome === 'done' ? send : undefined;
        return outcome;
      },
      verify: (n) => answerTo(() => registrations.verify(codeOfLink(id, n))),
      /** Here it is always the domain, which somebody else has meanwhile. */
      async setBroken(fault) {
        const other = '00000000-0000-7000-8000-000000000000';
        const domain = onboarding.wish.requestedDomain;
        if (fault) {
          await database.sql(
            `INSERT INTO platform.domains (id, company_id, domain, verified_at)
             VALUES (gen_random_uuid(), $1, $2, now()) ON CONFLICT DO NOTHING`,
            [other, domain],
          );
        } else {
          await database.sql('DELETE FROM platform.domains WHERE company_id = $1 AND domain = $2', [
            other,
            domain,
          ]);
        }
      },
      async signIn(isNoted) {
        const [person] = await database.sql<{ id: string; companyId: string }>(
          `UPDATE platform.memberships SET last_login_at = now() WHERE user_id =
             (SELECT admin_user_id FROM core.registration_requests WHERE id = $1)
           RETURNING user_id AS id, company_id AS "companyId"`,
          [id],
        );
        if (person && isNoted)
          await answerTo(() => registrations.noteSignIn(person.id, person.companyId));
      },
      async repeat() {
        const send = last;
        if (send) await answerTo(send);
      },
    };
  }

  it('do what the model does, through a few lives on a real workflow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 10 }), async (life) => {
        const onboarding = await beginOnboarding(journeys);
        const { id } = onboarding;

        await walk(journeys.database, { id, twin: openTwin(onboarding) }, life);

        await expectWhole(journeys.database, id);
        await journeys.clear();
      }),
      { seed, numRuns: 8, endOnFailure: true },
    );
  }, 600_000);
});
