import { claimActivities } from '../../src/activities/claims.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { outcomeOf } from '../support/model.ts';

describe('the cover of a policy', () => {
  let database: TestDatabase;
  const { processClaim } = claimActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  it('is given once to claims that are approved at the same moment', async () => {
    const { id: companyId } = await buildCompany();
    const { userId: by } = await buildActor({ companyId, role: 'claims_manager' });
    const { policy, claim } = await buildClaimRow({ companyId, status: 'waiting_approval' });
    const waiting = { companyId, policyId: policy.id, status: 'waiting_approval' } as const;
    const claims = [claim];
    for (let n = 1; n < 5; n += 1) claims.push((await buildClaimRow(waiting)).claim);
    const approve = (claimId: string): Promise<unknown> =>
      processClaim({
        companyId,
        claimId,
        commandId: `claim/${claimId}/approve/1`,
        expectedVersion: 1,
        at: Date.now(),
        wish: { event: 'approve', amount: policy.coverageAmount, by, reason: null },
      });

    const outcomes = await Promise.all(claims.map(({ id }) => outcomeOf(() => approve(id))));

    expect(outcomes.toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => 'COVER_EXCEEDED'),
      'done',
    ]);
    const rows = await database.sql<{ status: string; version: number }>(
      `SELECT status, state_version AS version FROM shared.claims WHERE policy_id = $1
       ORDER BY status`,
      [policy.id],
    );
    expect(rows).toEqual([
      { status: 'approved', version: 2 },
      ...Array.from({ length: 4 }, () => ({ status: 'waiting_approval', version: 1 })),
    ]);
  });
});
