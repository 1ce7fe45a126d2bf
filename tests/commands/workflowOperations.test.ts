import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { as, buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

const none = () => Promise.reject(new Error('There is no Temporal here'));

describe('what ends a run alone', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  it('leaves the claim open whose money came under way meanwhile', async () => {
    const { id: companyId } = await buildCompany();
    const operator = await buildActor({ companyId, role: 'operator' });
    const { claim } = await buildClaimRow({ companyId, status: 'waiting_approval' });
    const { carryOut } = createWorkflowOperations({
      temporal: {
        command: none,
        tell: none,
        cancel: none,
        terminate: async () => {
          await database.sql(
            `UPDATE shared.claims SET status = 'approved', approved_amount = 500 WHERE id = $1`,
            [claim.id],
          );
        },
      },
      workflows: { command: none },
      dispatcher: { dispatch() {} },
    });

    const ended = as(operator, () =>
      carryOut(operator, {
        action: 'terminate',
        kind: 'claim',
        id: claim.id,
        reason: 'Asked for by phone',
        commandId: 'terminate',
      }),
    );

    await expect(ended).rejects.toMatchObject({ status: 409, code: 'MONEY_UNDER_WAY' });
    const [row] = await database.sql<{ isOpen: boolean }>(
      'SELECT workflow_closed_at IS NULL AS "isOpen" FROM shared.claims WHERE id = $1',
      [claim.id],
    );
    expect(row).toEqual({ isOpen: true });
  });
});
