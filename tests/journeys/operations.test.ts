import { setTimeout } from 'node:timers/promises';
import {
  createWorkflowOperations,
  type WorkflowOperations,
} from '../../src/commands/workflowOperations.ts';
import type { Actor } from '../../src/context.ts';
import type { RunAction } from '../../src/rules/runActions.ts';
import { as, once } from '../support/build.ts';
import { beginClaim, type ClaimJourney } from '../support/claims.ts';
import { dayMs, events, useJourneys, type Journey, type Journeys } from '../support/journey.ts';

describe('an operator', () => {
  let journeys: Journeys;
  let operations: WorkflowOperations;
  useJourneys((opened) => {
    journeys = opened;
    operations = createWorkflowOperations({
      temporal: opened.server.temporal,
      workflows: opened.workflows,
      dispatcher: opened.dispatcher,
    });
  });

  const reason = 'The row was put right';

  async function operatorOf(journey: Journey) {
    const operator: Actor = await journey.staff('operator');
    const { id } = journey;
    const operate = (action: RunAction, confirm?: string) =>
      as(operator, () =>
        operations.operate(operator, {
          action,
          kind: 'subscription',
          id,
          reason,
          confirm,
          once: once(operator),
        }),
      );
    return {
      operator,
      retryStep: () => operate('retry_step'),
      signal: () => operate('signal'),
      cancel: () => operate('cancel'),
      terminate: (confirm = id) => operate('terminate', confirm),
    };
  }

  const onClaim = ({ id }: ClaimJourney, operator: Actor, action: RunAction) =>
    as(operator, () =>
      operations.operate(operator, { action, kind: 'claim', id, reason, once: once(operator) }),
    );

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

    await onClaim(claim, operator, 'cancel');
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
    const late = { status: 409, code: 'WORKFLOW_CLOSED' };
    await expect(journey.cancel()).rejects.toMatchObject(late);
  });

  it('has a claim stand still and go on, with what was left of its clocks', async () => {
    const claim = await beginClaim(journeys);
    const operator = await claim.contract.staff('operator');
    const dueAt = await claim.dueAt('triage');

    await onClaim(claim, operator, 'pause');
    expect(await claim.row()).toMatchObject({ on_hold: true, hold_reason: reason });
    expect(await claim.statusesOf('triage')).toEqual(['paused']);
    await journeys.passUntil(dueAt + dayMs);
    expect(await claim.row()).toMatchObject({ on_hold: true, sla_status: 'on_track' });
    const twice = onClaim(claim, operator, 'pause');
    await expect(twice).rejects.toMatchObject({ status: 409, code: 'ILLEGAL_TRANSITION' });
    await onClaim(claim, operator, 'resume');

    expect(await claim.row()).toMatchObject({ on_hold: false });
    expect(await claim.dueAt('triage')).toBeGreaterThan(journeys.now());
    expect(await claim.events()).toEqual(['report', 'hold', 'release']);
    const lines = await journeys.database.sql(
      `SELECT after ->> 'operation' AS operation, actor_id FROM core.audit_logs
       WHERE entity_id = $1 AND action = 'OPERATE' ORDER BY timestamp`,
      [claim.id],
    );
    expect(lines).toEqual(
      ['pause', 'resume'].map((operation) => ({ operation, actor_id: operator.userId })),
    );
  });

  it('keeps out of their own claim', async () => {
    const claim = await beginClaim(journeys);
    const holder: Actor = { ...claim.contract.holder, roles: ['operator'] };

    const attempt = onClaim(claim, holder, 'pause');

    await expect(attempt).rejects.toMatchObject({ status: 404 });
    expect(await claim.row()).toMatchObject({ on_hold: false });
  });

  it('has a run that remembers something else go on from its row', async () => {
    const journey = await journeys.begin();
    const { signal } = await operatorOf(journey);
    const sooner = journeys.now() + 10 * dayMs;
    await journeys.database.sql(
      `UPDATE core.timers SET due_at = $2 WHERE entity_id = $1 AND name = 'expiry'`,
      [journey.id, new Date(sooner)],
    );

    await signal();
    await journey.rest();
    await journeys.passUntil(sooner + dayMs);
    await journey.rest();

    expect(await journey.row()).toMatchObject({ status: 'expired' });
  });

  it('does not see the runs of other companies', async () => {
    const journey = await journeys.begin();
    const stranger = await operatorOf(await journeys.begin());

    const attempt = as(stranger.operator, () =>
      operations.operate(stranger.operator, {
        action: 'cancel',
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
