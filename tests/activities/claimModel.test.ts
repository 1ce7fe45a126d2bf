import fc from 'fast-check';
import { claimActivities } from '../../src/activities/claims.ts';
import { createClaims } from '../../src/commands/claims.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { reopenClaim } from '../../src/commands/reportClaim.ts';
import { Calendar } from '../../src/models/Calendar.ts';
import { Claim } from '../../src/models/Claim.ts';
import type { ClaimState, ClaimWish } from '../../src/models/claimStart.ts';
import { flush, withTenant } from '../../src/models/database.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { getRow } from '../../src/models/rows.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import { isClaimTimer, type ClaimTimerName } from '../../src/rules/claimClocks.ts';
import { nextClaimStatus } from '../../src/rules/claims.ts';
import { timeZones } from '../rules/property.ts';
import { as, buildActor, buildCompany, buildSubscription, once } from '../support/build.ts';
import {
  acts,
  ClaimModel,
  decidingClocks,
  shownClock,
  walk,
  wishOf,
  type AskedEvent,
  type Shown,
  type Twin,
} from '../support/claimModel.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { PlayedLoop } from '../support/playedLoop.ts';

/** The rules and activities as they are, on real rows; the workflow's loop is played by hand. */
describe('a claim', () => {
  let database: TestDatabase;
  const activities = claimActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** A claim that was just reported, with those who work on it. */
  async function report(timeZone: string) {
    const { id: companyId } = await buildCompany({ timeZone });
    const sold = await buildSubscription({ companyId });
    const adjusters = [
      await buildActor({ companyId, role: 'adjuster' }),
      await buildActor({ companyId, role: 'adjuster' }),
    ] as const;
    const manager = await buildActor({ companyId, role: 'claims_manager' });
    const { policyId } = await withTenant(companyId, () => getRow(PolicySubscription, sold.id));
    const claims = createClaims({
      dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
      workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
    });
    const wish = {
      title: 'Burst pipe',
      description: 'Water in the kitchen',
      incidentDate: dateAt(Date.now(), timeZone),
    };
    const made = await as(sold.holder, () =>
      claims.report(sold.holder, policyId, wish, once(sold.holder)),
    );
    if (made instanceof Replay) throw new Error('A first request is no replay');
    const { id, createdAt } = made.claim;
    return { id, companyId, adjusters, manager, now: createdAt.getTime() };
  }

  type Reported = Awaited<ReturnType<typeof report>>;

  async function openTwin({ id, companyId, adjusters, manager, now }: Reported): Promise<Twin> {
    const ref = { companyId, claimId: id };
    const loop = new PlayedLoop<ClaimState, ClaimTimerName>(
      `claim/${id}`,
      await activities.readClaim(ref),
      now,
    );

    const carryOutWish = (wish: ClaimWish): Promise<void> => {
      const order = { ...ref, ...loop.nextOrder(), wish };
      return loop.carryOut(() => activities.processClaim(order));
    };

    async function reopen(): Promise<void> {
      const real = Date.now;
      Date.now = () => loop.now;
      try {
        await withTenant(companyId, async () => {
          const claim = await getRow(Claim, id, { lock: true });
          const { commandId } = loop.nextOrder();
          await reopenClaim(claim, { commandId, reason: 'New facts' });
          await flush();
        });
      } finally {
        Date.now = real;
      }
      loop.beginAnew(await activities.readClaim(ref));
    }

    async function carryOut(asked: AskedEvent, who: 0 | 1, isPaid: boolean | null): Promise<void> {
      if (asked === 'reopen') return reopen();
      const assignedTo = adjusters[who].userId;
      await carryOutWish(wishOf(asked, { manager: manager.userId, assignedTo }));
      if (loop.state.paysItself) {
        const start = { ...ref, ...loop.nextOrder() };
        await loop.carryOut(() => activities.startClaimPayment(start));
      }
      if (isPaid === null) return;
      const result = isPaid
        ? ({ status: 'completed', failureCode: null } as const)
        : ({ status: 'failed', failureCode: 'account_closed' } as const);
      const settle = { ...ref, ...loop.nextOrder(), result };
      await loop.carryOut(() => activities.settleClaimPayment(settle));
    }

    return {
      now: () => loop.now,
      passUntil: (instant) =>
        loop.passUntil(instant, (order) => activities.fireClaimTimer({ ...ref, ...order })),
      async order(asked, who, isPaid) {
        if (!nextClaimStatus(loop.state, asked)) return 'ILLEGAL_TRANSITION';
        return loop.answerTo(() => carryOut(asked, who, isPaid));
      },
      async moveClock(name, dueAt) {
        if (!isClaimTimer(name)) throw new Error(`${name} is no clock of a claim`);
        await carryOutWish({
          by: manager.userId,
          reason: 'A storm',
          event: 'move_timer',
          name,
          dueAt,
        });
      },
      async repeat() {
        expect(await loop.again()).toEqual(loop.state);
      },
      shown: () => shownOf(id, adjusters),
    };
  }

  async function shownOf(id: string, adjusters: Reported['adjusters']): Promise<Shown> {
    const [row] = await database.sql<
      Omit<Shown, 'assignee' | 'running'> & {
        assignedTo: string | null;
        running: { name: string; dueAt: string }[];
      }
    >(
      `SELECT c.status, c.state_version AS version, c.on_hold AS "isOnHold",
         c.assigned_to AS "assignedTo", c.sla_status = 'breached' AS "isBreached",
         c.closed_outcome AS outcome,
         (SELECT coalesce(json_agg(json_build_object('name', t.name, 'dueAt', t.due_at)), '[]')
          FROM core.timers t WHERE t.entity_id = c.id AND t.status = 'scheduled'
            AND t.name = ANY ($2)) AS running,
         ARRAY(SELECT t.name FROM core.timers t WHERE t.entity_id = c.id AND t.status = 'paused'
           AND t.name = ANY ($2) ORDER BY t.name) AS waiting
       FROM shared.claims c WHERE c.id = $1`,
      [id, decidingClocks],
    );
    if (!row) throw new Error(`There is no claim ${id}`);
    const { assignedTo, running, ...shown } = row;
    const place = adjusters.findIndex(({ userId }) => userId === assignedTo);
    return {
      ...shown,
      assignee: place === 0 ? 0 : place === 1 ? 1 : null,
      running: running
        .map(({ name, dueAt }) => shownClock(name, Date.parse(dueAt), true))
        .toSorted(),
    };
  }

  /** What holds in the end, whatever happened. */
  async function expectWhole(id: string): Promise<void> {
    const steps = await database.sql<{ version: number; event: string; from: string | null }>(
      `SELECT state_version AS version, event, from_status AS "from" FROM core.transitions
       WHERE entity_id = $1 ORDER BY state_version`,
      [id],
    );
    const [money] = await database.sql<{ paid: string; decided: number; told: number }>(
      `SELECT c.paid_amount::text AS paid,
         (SELECT count(*)::integer FROM shared.payments p WHERE p.claim_id = c.id) AS decided,
         (SELECT count(*)::integer FROM core.notifications n WHERE n.entity_id = c.id
           AND n.channel = 'email' AND n.template_code = 'claim_approved') AS told
       FROM shared.claims c WHERE c.id = $1`,
      [id],
    );
    const count = (event: string) => steps.filter((step) => step.event === event).length;
    const paid = 10 * (count('complete_payment') + count('pay_by_hand'));
    expect(steps.map(({ version }) => version)).toEqual(steps.map((_, index) => index + 1));
    expect(money).toEqual({
      paid: `${paid}.00`,
      decided: count('start_payment'),
      told: count('approve'),
    });
  }

  it('does what the model does, through a hundred lives of thirty acts', async () => {
    const lives = fc.record({
      timeZone: timeZones,
      steps: fc.array(acts, { minLength: 30, maxLength: 30 }),
    });

    await fc.assert(
      fc.asyncProperty(lives, async ({ timeZone, steps }) => {
        const reported = await report(timeZone);
        const calendar = await withTenant(reported.companyId, () => Calendar.ofCompany());
        const model = new ClaimModel({ calendar, now: reported.now, isExact: true });

        await walk(model, await openTwin(reported), steps);

        await expectWhole(reported.id);
      }),
      { numRuns: Number(process.env['RUNS'] ?? 100) },
    );
  }, 900_000);
});
