import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';
import { hire, wakeKeeper } from '../support/acknowledgements.ts';
import { beginPolicy } from '../support/policies.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';

describe('the cause of a change', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened));

  it('is the person and the request of a command, in every audit line of its step', async () => {
    const journey = await journeys.begin();

    await journey.cancel({}, undefined, 'req_cancel');

    const [created, moved] = await journey.audit();
    expect(created).toMatchObject({ action: 'CREATE', actor_id: journey.holder.userId });
    expect(moved).toMatchObject({
      action: 'STATUS_CHANGE',
      actor_id: journey.holder.userId,
      actor_type: 'user',
      request_id: 'req_cancel',
      workflow_id: journey.workflowId,
    });
    expect((await journey.transitions()).at(-1)).toMatchObject({ actor_id: journey.holder.userId });
  });

  it('is the workflow where a timer did it, for the request that began it', async () => {
    const journey = await journeys.begin();
    const [created] = await journey.audit();

    await journey.end();

    expect((await journey.audit()).at(-1)).toMatchObject({
      action: 'STATUS_CHANGE',
      actor_id: null,
      actor_type: 'workflow',
      request_id: created?.['request_id'],
      workflow_id: journey.workflowId,
    });
  });

  it('is the request that began a keeper, too', async () => {
    const policy = await beginPolicy(journeys);
    const { id: companyId } = policy.company;
    await hire(companyId, 1);
    await policy.toPublished();

    await wakeKeeper(journeys, policy);

    const requests = await journeys.database.sql(
      `SELECT DISTINCT request_id FROM core.audit_logs WHERE workflow_id = $1`,
      [acknowledgementWorkflowId(companyId, policy.id)],
    );
    expect(requests).toEqual([{ request_id: expect.stringMatching(/^req_/) }]);
  });

  it('stays with its own step when a timer acts after a command', async () => {
    const journey = await journeys.begin({ autoRenew: false });

    await journey.moveExpiry(journeys.now() + 3_600_000);
    await journey.end();

    const changes = (await journey.audit()).filter(({ action }) => action === 'STATUS_CHANGE');
    expect(changes.map((line) => line['actor_type'])).toEqual(['user', 'workflow']);
  });
});
