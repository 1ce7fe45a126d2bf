import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildSubscription } from '../support/build.ts';
import { beginBulk } from '../support/bulk.ts';
import { beginClaim } from '../support/claims.ts';
import { events, useJourneys, type Journeys } from '../support/journey.ts';

describe('an operation on many runs', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('pauses the claims that go on, tells which could not, and lets them go on again', async () => {
    const claim = await beginClaim(journeys);
    const operator = await claim.contract.staff('operator');
    const bulk = async (action: 'pause' | 'resume') => {
      const begun = await beginBulk(journeys, operator, { action });
      return { ...begun, ended: await begun.end() };
    };

    const paused = await bulk('pause');
    const again = await bulk('pause');
    const resumed = await bulk('resume');

    expect(paused.ended).toMatchObject({ status: 'finished', counts: { total: 1, done: 1 } });
    expect(again.ended).toMatchObject({ counts: { total: 1, refused: 1 } });
    expect(resumed.ended).toMatchObject({ counts: { total: 1, done: 1 } });
    const [refused] = await journeys.database.sql(
      'SELECT code FROM core.bulk_items WHERE bulk_id = $1',
      [again.id],
    );
    expect(refused).toEqual({ code: 'ILLEGAL_TRANSITION' });
    expect(await claim.events()).toEqual(['report', 'hold', 'release']);
    const moved = await journeys.database.sql(
      `SELECT DISTINCT actor_id FROM core.transitions
       WHERE entity_id = $1 AND event IN ('hold', 'release')`,
      [claim.id],
    );
    expect(moved).toEqual([{ actor_id: operator.userId }]);
  });

  it('goes no faster than it was told', async () => {
    const journey = await journeys.begin();
    const operator = await journey.staff('operator');
    const companyId = journey.company.id;
    for (let n = 0; n < 4; n += 1) {
      const { id } = await buildSubscription({ companyId });
      journeys.track(subscriptionWorkflowId(companyId, id));
    }
    const before = await journeys.server.env.currentTimeMs();

    const bulk = await beginBulk(journeys, operator, { action: 'reset', confirm: 5, perSecond: 1 });
    const ended = await bulk.end();

    expect((await journeys.server.env.currentTimeMs()) - before).toBeGreaterThanOrEqual(4000);
    expect(ended).toMatchObject({ counts: { total: 5, done: 5 } });
    await journey.rest();
    expect(await events(journey)).toEqual(['subscribe']);
    await journey.cancel();
    await journey.end();
    expect(await journey.row()).toMatchObject({ status: 'cancelled' });
  });
});
