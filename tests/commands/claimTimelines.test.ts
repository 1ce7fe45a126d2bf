import { claimActivities } from '../../src/activities/claims.ts';
import { createClaimTimelines } from '../../src/commands/claimTimelines.ts';
import { whoActs, type ClaimStanding } from '../../src/commands/claimWords.ts';
import type { FailingStep } from '../../src/commands/temporal.ts';
import { withTenant } from '../../src/models/database.ts';
import { suspectClaim } from '../../src/models/fraud.ts';
import { Payment } from '../../src/models/Payment.ts';
import { Timer } from '../../src/models/Timer.ts';
import type { ClaimStatus } from '../../src/rules/claims.ts';
import { paymentWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('whom a claim waits for', () => {
  const standing: Omit<ClaimStanding, 'status'> = {
    assignedTo: 'id',
    assignee: 'Grace Hopper',
    onHold: false,
    holdKind: null,
    needsNewAssignee: false,
    paymentFailed: false,
    fraudHold: undefined,
    retryAt: undefined,
  };
  const suspicion = 'a claims manager who clears or confirms its fraud flags';
  const retryAt = new Date('2026-11-25T10:00:00Z');

  it.each<[ClaimStatus, Partial<ClaimStanding>, string | undefined]>([
    ['reported', { assignedTo: null }, 'a senior adjuster or claims manager who assigns it'],
    ['assigned', {}, 'Grace Hopper to begin with the review'],
    ['under_review', {}, 'Grace Hopper'],
    ['under_review', { assignee: null }, 'its adjuster'],
    [
      'under_review',
      { assignee: null, assignedTo: null },
      'a senior adjuster or claims manager who gives it to somebody',
    ],
    [
      'under_review',
      { needsNewAssignee: true },
      'a senior adjuster or claims manager who gives it to somebody that had no part in it',
    ],
    [
      'under_review',
      { fraudHold: 'undecided' },
      `${suspicion}; until then Grace Hopper cannot submit it`,
    ],
    ['under_review', { fraudHold: 'confirmed' }, 'Grace Hopper'],
    ['under_review', { onHold: true, needsNewAssignee: true }, 'a claims manager who releases it'],
    ['investigation', {}, 'Grace Hopper'],
    ['documents_requested', {}, 'documents of the claimant'],
    ['waiting_approval', {}, 'an approval by somebody else than Grace Hopper'],
    [
      'waiting_approval',
      { fraudHold: 'undecided' },
      `${suspicion}; until then it can only be denied`,
    ],
    [
      'waiting_approval',
      { fraudHold: 'confirmed' },
      'a denial, for a confirmed fraud flag, by somebody else than Grace Hopper',
    ],
    ['approved', {}, undefined],
    [
      'approved',
      { paymentFailed: true },
      'a claims manager: its payment failed and is started again, or made outside of this system',
    ],
    ['payment_processing', {}, 'its payment'],
    [
      'payment_processing',
      { retryAt },
      'its payment, which was declined for now and is tried again at 2026-11-25T10:00:00.000Z',
    ],
    ['paid', {}, undefined],
    ['denied', {}, undefined],
    ['denied', { onHold: true }, 'a claims manager who releases it'],
    [
      'under_review',
      { onHold: true, holdKind: 'legal' },
      'a claims manager who releases it: it is held for a legal reason',
    ],
    [
      'assigned',
      { onHold: true, holdKind: 'catastrophe' },
      'a claims manager who releases it: it is held for a catastrophe',
    ],
  ])('while it is %s, with %j', (status, changes, expected) => {
    expect(whoActs({ ...standing, ...changes, status })).toBe(expected);
  });
});

describe('explaining a claim', () => {
  let database: TestDatabase;
  const { processClaim, startClaimPayment } = claimActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  async function build(status: ClaimStatus) {
    const { id: companyId } = await buildCompany();
    const manager = await buildActor({ companyId, role: 'claims_manager' });
    const { userId: assignedTo } = await buildActor({ companyId, role: 'adjuster' });
    const { claim } = await buildClaimRow({ companyId, status, assignedTo });
    /** @param failing by the workflow's id what Temporal says of it */
    const explain = (failing: Readonly<Record<string, FailingStep>> = {}) =>
      createClaimTimelines({
        temporal: { failingStep: (id) => Promise.resolve(failing[id]), uiUrl: () => '' },
        workflows: { command: () => Promise.reject(new Error('Explaining sends no command')) },
      }).explain(manager, claim.id);
    return { companyId, claim, manager, explain };
  }

  it('says who decides about its fraud flags, and names the adjuster once they are no reason', async () => {
    const { companyId, claim, explain } = await build('under_review');
    await withTenant(companyId, () => suspectClaim(claim, { score: 60, reason: 'Odd' }));

    const held = await explain();
    await database.sql(
      `UPDATE shared.fraud_flags SET state = 'cleared', decided_at = now() WHERE claim_id = $1`,
      [claim.id],
    );

    expect(held.summary).toContain('waits for a claims manager who clears or confirms');
    expect((await explain()).summary).not.toContain('fraud');
  });

  it('says when its payment is tried again, and what keeps that from going on', async () => {
    const { companyId, claim, manager, explain } = await build('waiting_approval');
    const step = (expectedVersion: number) => ({
      companyId,
      claimId: claim.id,
      commandId: `claim/${claim.id}/test/${expectedVersion}`,
      expectedVersion,
      at: Date.now(),
    });
    const wish = { event: 'approve', amount: '10.00', by: manager.userId, reason: null } as const;
    await processClaim({ ...step(1), wish });
    const { state } = await startClaimPayment(step(2));
    const paymentId = state.paymentId ?? '';
    const workflowId = paymentWorkflowId(companyId, paymentId);
    const goingOn = await explain();
    const dueAt = Date.now() + 3_600_000;
    const about = { workflowId, entityType: Payment.entityType, entityId: paymentId };
    await withTenant(companyId, async () =>
      Timer.schedule(about, [{ name: 'payment_retry', occurrence: 1, dueAt, source: 'setting' }]),
    );
    const failing = { name: 'sendPayment', attempt: 9, error: 'The gateway is away' } as const;

    expect(goingOn.summary).toBe('The claim is payment processing and waits for its payment');
    expect((await explain()).summary).toContain(
      `is tried again at ${new Date(dueAt).toISOString()}`,
    );
    expect(await explain({ [workflowId]: { ...failing, movedBy: 'retryStep' } })).toMatchObject({
      waitsFor: 'repair',
      summary: `The step sendPayment failed for good; an operator must remove the cause and send retryStep to the workflow ${workflowId}`,
      failingStep: failing,
    });
  });
});
