import { createRunningClaims, type RunningClaims } from '../../src/commands/runningClaims.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { as, once } from '../support/build.ts';
import { beginClaim, type ClaimJourney } from '../support/claims.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

const hourMs = 3_600_000;

// Nothing here waits for long, so the real server does.
describe('settings applied to running claims', () => {
  let journeys: Journeys;
  let runningClaims: RunningClaims;
  useJourneys((opened) => {
    journeys = opened;
    runningClaims = createRunningClaims(opened);
  }, openRealTemporal);

  const set = ({ contract }: ClaimJourney, claims: object) =>
    journeys.database.sql(
      'UPDATE platform.companies SET settings = $2, version = version + 1 WHERE id = $1',
      [contract.company.id, { claims }],
    );
  const apply = async (claim: ClaimJourney, dryRun: boolean) => {
    const admin = await claim.person('tenant_admin');
    const wish = { dryRun, reason: 'A storm' };
    const answer = await as(admin, () => runningClaims(admin, wish, once(admin)));
    if (answer instanceof Replay) throw new Error('A first request is no replay');
    return { admin, ...answer };
  };

  it('are shown first, and then hold with their clocks, once, with who and why', async () => {
    const claim = await beginClaim(journeys);
    const due = await claim.dueAt('triage');
    await set(claim, { triageHours: 48, seniorAdjusterLimit: 50 });

    const preview = await apply(claim, true);
    const untouched = await claim.dueAt('triage');
    const applied = await apply(claim, false);
    const again = await apply(claim, false);

    expect(preview).toMatchObject({
      dryRun: true,
      done: [
        {
          id: claim.id,
          status: 'reported',
          timers: [
            { name: 'triage_due_soon' },
            { name: 'triage', dueAt: new Date(due), newDueAt: new Date(due + 24 * hourMs) },
          ],
        },
      ],
      failed: [],
      remaining: 1,
    });
    expect(untouched).toBe(due);
    expect(applied).toMatchObject({ done: preview.done, failed: [], remaining: 0 });
    expect(again).toMatchObject({ done: [], failed: [], remaining: 0 });
    expect(await claim.dueAt('triage')).toBe(due + 24 * hourMs);
    expect(await claim.row()).toMatchObject({
      config: { triageHours: 48, seniorAdjusterLimit: 50 },
      config_version: 2,
      state_version: 2,
    });
    expect(await claim.events()).toEqual(['report', 'apply_settings']);
    const lines = await journeys.database.sql(
      `SELECT action, actor_id, after->>'timer' AS timer, after->>'reason' AS reason
       FROM core.audit_logs WHERE entity_id = $1 AND action <> 'CREATE' ORDER BY action, timer`,
      [claim.id],
    );
    expect(lines).toEqual([
      { action: 'STATUS_CHANGE', actor_id: applied.admin.userId, timer: null, reason: null },
      ...['triage', 'triage_due_soon'].map((timer) => ({
        action: 'TIMER_CHANGE',
        actor_id: applied.admin.userId,
        timer,
        reason: 'A storm',
      })),
    ]);
  });

  it('leave alone what somebody moved, and a claim on hold as it is', async () => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    const moved = Date.now() + 30 * hourMs;
    await claim.as(manager, ({ once: asked }) =>
      claim.timelines.changeTimer(
        manager,
        claim.id,
        'triage',
        { dueAt: new Date(moved), reason: 'A holiday', dryRun: false },
        asked,
      ),
    );
    await set(claim, { triageHours: 48 });
    await claim.as(manager, (command) => claim.claims.hold(manager, command, 'catastrophe'));
    const held = await apply(claim, false);
    await claim.as(manager, (command) => claim.claims.release(manager, command));
    const dueAt = await claim.dueAt('triage');

    const released = await apply(claim, false);

    expect(held).toMatchObject({ done: [], remaining: 0 });
    expect(released.done).toMatchObject([{ id: claim.id, timers: [] }]);
    expect(await claim.dueAt('triage')).toBe(dueAt);
    expect(await claim.row()).toMatchObject({ config: { triageHours: 48 } });
  });
});
