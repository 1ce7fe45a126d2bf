import { createWorkflowDrifts } from '../../src/commands/workflowDrifts.ts';
import { withTenant } from '../../src/models/database.ts';
import { WorkflowDrift } from '../../src/models/WorkflowDrift.ts';
import { as, once } from '../support/build.ts';
import { dayMs, useJourneys, type Journey, type Journeys } from '../support/journey.ts';

describe('a run that differs from its row', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  async function repair(journey: Journey): Promise<unknown> {
    const { id: entityId, workflowId, company } = journey;
    const operator = await journey.staff('operator');
    const details = { row: { stateVersion: 1, dueAt: null }, run: null };
    const drift = { kind: 'subscription', entityId, workflowId, details } as const;
    const found = await withTenant(company.id, async () => {
      await WorkflowDrift.note(company.id, [{ ...drift, finding: 'timers' }], new Date());
      return WorkflowDrift.findOne({ where: { entityId } });
    });
    const drifts = createWorkflowDrifts({
      temporal: journeys.server.temporal,
      dispatcher: journeys.dispatcher,
    });
    const wish = { id: found?.id ?? '', reason: 'Found at night' };
    return as(operator, () => drifts.repair(operator, wish, once(operator)));
  }

  it('goes on from the row once it is repaired', async () => {
    const journey = await journeys.begin();
    const sooner = journeys.now() + 10 * dayMs;
    await journeys.database.sql(
      `UPDATE core.timers SET due_at = $2 WHERE entity_id = $1 AND name = 'expiry'`,
      [journey.id, new Date(sooner)],
    );

    const answer = await repair(journey);
    await journey.rest();
    await journeys.passUntil(sooner + dayMs);
    await journey.rest();

    expect(answer).toMatchObject({ repair: 'read_again' });
    expect(await journey.row()).toMatchObject({ status: 'expired' });
  });

  it('takes commands as before', async () => {
    const journey = await journeys.begin();

    await repair(journey);
    await journey.cancel();
    await journey.end();

    expect(await journey.row()).toMatchObject({ status: 'cancelled' });
  });
});
