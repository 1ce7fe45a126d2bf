import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { Calendar } from '../../src/models/Calendar.ts';
import { Claim, illegalClaimEvent } from '../../src/models/Claim.ts';
import type { ClaimWish } from '../../src/models/claimStart.ts';
import { withTenant } from '../../src/models/database.ts';
import { getRow } from '../../src/models/rows.ts';
import { isClaimTimer } from '../../src/rules/claimClocks.ts';
import { claimStatuses } from '../../src/rules/claims.ts';
import { transition } from '../../src/workflows/claimProcessing.ts';
import { seed } from '../rules/property.ts';
import { as, buildActor } from '../support/build.ts';
import {
  acts,
  ClaimModel,
  decidingClocks,
  walk,
  wishOf,
  type Shown,
  type Twin,
} from '../support/claimModel.ts';
import { beginClaim, type ClaimJourney } from '../support/claims.ts';
import { instantOf, useJourneysWithGateway, type Journeys } from '../support/journey.ts';
import { outcomeOf } from '../support/model.ts';
import type { TestGateway } from '../support/payments.ts';

describe('a claim and its workflow', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened));

  async function openTwin(claim: ClaimJourney): Promise<Twin> {
    const { id, workflowId, contract } = claim;
    const companyId = contract.company.id;
    const manager = await claim.person('claims_manager');
    const adjusters = [
      await claim.person('adjuster'),
      await buildActor({ companyId, role: 'adjuster' }),
    ] as const;
    let commands = 0;
    let last: (() => Promise<void>) | undefined;

    /** Past the commands' own checks: straight to the workflow, unless its row has ended. */
    const send = (wish: ClaimWish): (() => Promise<void>) => {
      const commandId = `claim/${id}/command/${(commands += 1)}`;
      return () =>
        as(manager, () =>
          journeys.workflows.command(transition, {
            actor: manager,
            entityId: id,
            workflowId,
            commandId,
            prepare: async () => {
              const row = await getRow(Claim, id);
              if (row.workflowClosedAt) throw illegalClaimEvent(row, wish.event);
              return wish;
            },
          }),
        );
    };

    const settled = async (): Promise<void> => {
      for (;;) {
        await claim.rest();
        const { status, payment_failed: hasFailed } = await claim.row();
        if (status !== 'payment_processing' && (status !== 'approved' || hasFailed)) return;
        await setTimeout(50);
      }
    };

    const reopen = async (): Promise<void> => {
      await claim.as(manager, (command) => claim.claims.reopen(manager, command));
      await journeys.dispatcher.drained();
    };

    return {
      now: () => journeys.now(),
      async passUntil(instant) {
        await journeys.passUntil(instant);
        await claim.rest();
      },
      async order(asked, who, isPaid) {
        if (isPaid === false) await gateway.script(['decline']);
        const assignedTo = adjusters[who].userId;
        const act =
          asked === 'reopen'
            ? reopen
            : send(wishOf(asked, { manager: manager.userId, assignedTo }));
        const outcome = await outcomeOf(act);
        last = outcome === 'done' && asked !== 'reopen' ? act : undefined;
        await settled();
        return outcome;
      },
      async moveClock(name, dueAt) {
        if (!isClaimTimer(name)) throw new Error(`${name} is no clock of a claim`);
        last = send({ by: manager.userId, reason: 'A storm', event: 'move_timer', name, dueAt });
        await last();
        await claim.rest();
      },
      async repeat() {
        await last?.();
        await claim.rest();
      },
      shown: () =>
        shownOf(
          claim,
          adjusters.map(({ userId }) => userId),
        ),
    };
  }

  it('do what the model does, through a few lives on a real workflow', async () => {
    const lives = fc.array(acts, { minLength: 12, maxLength: 12 });

    await fc.assert(
      fc.asyncProperty(lives, async (steps) => {
        const claim = await beginClaim(journeys);
        const companyId = claim.contract.company.id;
        const calendar = await withTenant(companyId, () => Calendar.ofCompany());
        const now = instantOf((await claim.row())['created_at']);
        const model = new ClaimModel({ calendar, now, isExact: false });

        await walk(model, await openTwin(claim), steps);

        await journeys.clear();
      }),
      { seed, numRuns: Number(process.env['RUNS'] ?? 8), endOnFailure: true },
    );
  }, 600_000);
});

async function shownOf(claim: ClaimJourney, adjusters: readonly string[]): Promise<Shown> {
  const row = await claim.row();
  const timers = (await claim.timers())
    .map(({ name, status }) => ({ name: String(name), status }))
    .filter(({ name }) => decidingClocks.includes(name))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const named = (wanted: string): string[] =>
    timers.filter(({ status }) => status === wanted).map(({ name }) => name);
  const status = claimStatuses.find((each) => each === row['status']);
  if (!status) throw new Error(`No status of a claim: ${String(row['status'])}`);
  const { closed_outcome: outcome } = row;
  const place = adjusters.indexOf(String(row['assigned_to']));
  return {
    status,
    version: Number(row['state_version']),
    isOnHold: row['on_hold'] === true,
    assignee: place === 0 ? 0 : place === 1 ? 1 : null,
    isBreached: row['sla_status'] === 'breached',
    outcome: typeof outcome === 'string' ? outcome : null,
    running: named('scheduled'),
    waiting: named('paused'),
  };
}
