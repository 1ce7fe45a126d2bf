import { claimActivities } from '../../src/activities/claims.ts';
import type { ClaimWish } from '../../src/models/claimStart.ts';
import { ClaimReserve } from '../../src/models/ClaimReserve.ts';
import { withTenant } from '../../src/models/database.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

describe('the reserve of a claim that is paid', () => {
  let database: TestDatabase;
  const { processClaim, startClaimPayment, settleClaimPayment } = claimActivities();

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** A claim that waits for its decision, with so much set aside for the loss. */
  async function build(...amounts: readonly string[]) {
    const { id: companyId } = await buildCompany();
    const { userId: by } = await buildActor({ companyId, role: 'claims_manager' });
    const { claim } = await buildClaimRow({ companyId, status: 'waiting_approval' });
    const set = (amount: string, category: ClaimReserve['category'] = 'loss') =>
      withTenant(companyId, async () => {
        const before = (await ClaimReserve.currentOf(claim.id)).find(
          (reserve) => reserve.category === category,
        );
        ClaimReserve.set({ claimId: claim.id, category, amount, reason: 'Estimate' }, before);
      });
    for (const amount of amounts) await set(amount);
    let version = 1;
    const order = () => ({
      companyId,
      claimId: claim.id,
      commandId: `claim/${claim.id}/test/${version}`,
      expectedVersion: version,
      at: Date.now(),
    });
    const noting = async (step: ReturnType<typeof processClaim>): Promise<void> => {
      ({ stateVersion: version } = (await step).state);
    };
    return {
      set,
      claimId: claim.id,
      approve: (amount: string) =>
        noting(processClaim({ ...order(), wish: { event: 'approve', amount, by, reason: null } })),
      ask: (wish: ClaimWish) => noting(processClaim({ ...order(), wish })),
      start: () => noting(startClaimPayment(order())),
      fail: () =>
        noting(
          settleClaimPayment({
            ...order(),
            result: { status: 'failed', failureCode: 'account_closed' },
          }),
        ),
      by,
      reserves: async () =>
        (
          await database.sql<{ amount: string }>(
            `SELECT amount::text AS amount FROM shared.claim_reserves
             WHERE claim_id = $1 AND category = 'loss' ORDER BY created_at, id`,
            [claim.id],
          )
        ).map(({ amount }) => amount),
      facts: async (event: string) =>
        (
          await database.sql<{ facts: object }>(
            `SELECT facts FROM core.transitions WHERE entity_id = $1 AND event = $2
             ORDER BY state_version`,
            [claim.id, event],
          )
        ).map(({ facts }) => facts),
    };
  }

  it('covers what is approved, or the approval is refused', async () => {
    const { set, approve, reserves } = await build('5000.00', '800.00');
    await set('9000.00', 'expense');

    await expect(approve('800.01')).rejects.toMatchObject({
      status: 409,
      code: 'RESERVE_TOO_LOW',
      facts: { reserve: '800.00' },
    });
    await approve('800.00');

    expect(await reserves()).toEqual(['5000.00', '800.00']);
  });

  it('gives what the payout takes, and gets it back from each that fails', async () => {
    const { approve, start, fail, reserves, facts } = await build('1000.00');
    await approve('900.00');

    await start();
    expect(await reserves()).toEqual(['1000.00', '100.00']);
    await fail();
    await start();

    expect(await reserves()).toEqual(['1000.00', '100.00', '1000.00', '100.00']);
    expect(await facts('start_payment')).toEqual([
      { reserve_taken: '900.00' },
      { reserve_taken: '900.00' },
    ]);
  });

  it('holds as it was set last, also where the clock of a machine before was ahead', async () => {
    const { approve, start, fail, reserves, claimId } = await build('1000.00');
    await database.sql(
      `UPDATE shared.claim_reserves SET created_at = now() + interval '1 minute'
       WHERE claim_id = $1`,
      [claimId],
    );
    await approve('900.00');

    await start();
    await fail();

    expect(await reserves()).toEqual(['1000.00', '100.00', '1000.00']);
  });

  it('that was lowered meanwhile gives what it has, and gets no more back', async () => {
    const { set, approve, start, fail, reserves } = await build('1000.00');
    await approve('900.00');
    await set('400.00');

    await start();
    await fail();

    expect(await reserves()).toEqual(['1000.00', '400.00', '0.00', '400.00']);
  });

  it('gives what is paid by hand too', async () => {
    const { approve, ask, reserves, by } = await build('1000.00');
    await approve('900.00');

    await ask({ event: 'pay_by_hand', reference: 'By cheque', by, reason: null });

    expect(await reserves()).toEqual(['1000.00', '100.00']);
  });

  it.each([[[]], [['700.00', '0.00']]])('is not asked for where there is none: %j', async (set) => {
    const { approve, start, fail, reserves, facts } = await build(...set);
    await approve('900.00');

    await start();
    await fail();

    expect(await reserves()).toEqual(set);
    expect(await facts('start_payment')).toEqual([{}]);
  });
});
