import { setTimeout } from 'node:timers/promises';
import {
  createWorkflowOperations,
  type WorkflowOperations,
} from '../../src/commands/workflowOperations.ts';
import type { Actor } from '../../src/context.ts';
import { as, once } from '../support/build.ts';
import { beginClaim } from '../support/claims.ts';
import { dayMs, events, useJourneys, type Journey, type Journeys } from '../support/journey.ts';

describe('an operator', () => {
  let journeys: Journeys;
  let operations: WorkflowOperations;
  useJourneys((opened) => {
    journeys = opened;
    operations = createWorkflowOperations({ temporal: opened.server.temporal });
  });

  const reason = 'The row was put right';

  async function operatorOf(journey: Journey) {
    const operator: Actor = await journey.staff('operator');
    const { id } = journey;
    const operation = () => ({ kind: 'subscription' as const, id, reason, once: once(operator) });
    return {
      operator,
      retryStep: () => as(operator, () => operations.retryStep(operator, operation())),
      cancel: () => as(operator, () => operations.cancel(operator, operation())),
      terminate: (confirm = id) =>
        as(operator, () => operations.terminate(operator, { ...operation(), confirm })),
    };
  }

  /** A run hears of its cancellation a moment later. */
  async function until(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await setTimeout(50);
  }

  it('has a step tried again that failed for good', async () => {
    const journey = await journeys.begin();
    const { retryStep } = await operatorOf(journey);
    const expiresAt = await journey.expiresAt();
    await journeys.passUntil(expiresAt - 3_600_000);
    await journey.setRow('state_version = 5');
    await journeys.passUntil(expiresAt + dayMs);

    const answer = await retryStep();
    await journeys.passUntil(journeys.now() + dayMs);

    expect(answer).toEqual({ workflowId: journey.workflowId, operation: 'retry_step' });
    expect(await journey.row()).toMatchObject({ status: 'expired' });
    expect(await journey.audit()).toContainEqual(
      expect.objectContaining({ action: 'OPERATE', after: { operation: 'retry_step', reason } }),
    );
  });

  it('ends a subscription and a claim as their tables say', async () => {
    const claim = await beginClaim(journeys);
    const { cancel, operator } = await operatorOf(claim.contract);

    await as(operator, () =>
      operations.cancel(operator, { kind: 'claim', id: claim.id, reason, once: once(operator) }),
    );
    await until(async () => (await claim.row())['status'] === 'closed');
    const isCancelled = { cause: { name: 'CancelledFailure' } };
    await expect(claim.end()).rejects.toMatchObject(isCancelled);
    await cancel();
    await until(async () => (await claim.contract.row())['status'] === 'cancelled');
    await expect(claim.contract.end()).rejects.toMatchObject(isCancelled);

    expect(await claim.row()).toMatchObject({ status: 'closed', closed_outcome: 'withdrawn' });
    expect(await claim.contract.row()).toMatchObject({ status: 'cancelled' });
    await expect(cancel()).rejects.toMatchObject({ status: 409, code: 'WORKFLOW_CLOSED' });
  });

  it('terminates a run for good, once it is confirmed, and changes nothing else', async () => {
    const journey = await journeys.begin();
    const { terminate } = await operatorOf(journey);

    await expect(terminate(journey.company.id)).rejects.toMatchObject({ status: 422 });
    expect(await journey.rest()).toBe(true);
    await terminate();

    expect(await journey.rest()).toBe(false);
    expect(await journey.row()).toMatchObject({
      status: 'active',
      workflow_closed_at: expect.any(String),
    });
    expect(new Set((await journey.timers()).map(({ status }) => status))).toEqual(
      new Set(['cancelled']),
    );
    expect(await events(journey)).toEqual(['subscribe']);
  });

  it('does not see the runs of other companies', async () => {
    const journey = await journeys.begin();
    const stranger = await operatorOf(await journeys.begin());

    const attempt = as(stranger.operator, () =>
      operations.cancel(stranger.operator, {
        kind: 'subscription',
        id: journey.id,
        reason,
        once: once(stranger.operator),
      }),
    );

    await expect(attempt).rejects.toMatchObject({ status: 404 });
    expect(await journey.rest()).toBe(true);
  });
});
