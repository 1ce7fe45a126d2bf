import { dataOf, newKey, openProduct, textIn, until, type Product } from '../badDays/product.ts';
import { openClaimClients, type ClaimClients } from '../badDays/claimLedger.ts';

/** Who dies, and where: around the beginning, between an effect and its outcome, at the end of a batch. */
const deaths = [
  { action: 'pause', of: 'api', at: 'transaction.afterCommit:tenant#1' },
  { action: 'pause', of: 'api', at: 'dispatch.beforeStart#1' },
  { action: 'pause', of: 'worker', at: 'activity.before:carryOutBulk#1' },
  { action: 'pause', of: 'worker', at: 'activity.after:processClaim#2' },
  { action: 'pause', of: 'worker', at: 'transaction.beforeCommit:tenant#5' },
  { action: 'pause', of: 'worker', at: 'activity.after:carryOutBulk#1' },
  // What comes right before is the end of the run.
  { action: 'terminate', of: 'worker', at: 'transaction.beforeCommit:tenant#5' },
  { action: 'reset', of: 'worker', at: 'transaction.beforeCommit:tenant#4' },
] as const;

const many = 3;

describe('an operation on many runs whose processes die', () => {
  let product: Product;
  let clients: ClaimClients;

  beforeAll(async () => {
    product = await openProduct();
    clients = await openClaimClients(product);
  }, 300_000);
  afterAll(() => product.close(), 120_000);

  /** Claims that no filter but this one finds. */
  async function reportClaims(): Promise<{ ids: string[]; since: string }> {
    const since = new Date().toISOString();
    const ids: string[] = [];
    for (let n = 0; n < many; n += 1) ids.push((await clients.report('denied')).claimId);
    const open = async () =>
      product.sql(
        `SELECT FROM core.outbox WHERE entity_id = ANY ($1::uuid[]) AND dispatched_at IS NULL`,
        [ids],
      );
    await until('their runs have begun', async () => (await open()).length === 0, 300_000);
    return { ids, since };
  }

  it.each(deaths)(
    'is carried out once for each when the $of dies at $at of a $action',
    async ({ action, of, at }) => {
      const { ids, since } = await reportClaims();
      await product.arm(of, at);

      const answer = product.as('operator').insist({
        method: 'POST',
        path: '/workflows/bulk',
        body: {
          action,
          filter: { type: 'claim', created_after: since },
          reason: 'Somebody pulled the plug',
          ...(action !== 'pause' && { confirm: many }),
        },
        key: newKey(),
      });
      await product.died(of);
      await product.restart(of);
      const bulkId = textIn(dataOf(await answer), 'bulk_id');
      const view = () =>
        product.as('operator').insist({
          method: 'GET',
          path: `/workflows/bulk/${bulkId}`,
        });
      await until(
        'it has ended',
        async () => dataOf(await view())['status'] === 'finished',
        300_000,
      );

      expect(dataOf(await view())['counts']).toEqual({
        total: many,
        pending: 0,
        done: many,
        refused: 0,
        failed: 0,
      });
      const left = await product.sql(
        `SELECT c.on_hold AS "isOnHold", c.workflow_closed_at IS NOT NULL AS "isClosed",
           (SELECT array_agg(t.event ORDER BY t.state_version) FROM core.transitions t
            WHERE t.entity_id = c.id) AS events,
           (SELECT count(*)::integer FROM core.outbox o
            WHERE o.entity_id = c.id AND o.is_restart) AS restarts,
           (SELECT array_agg(a.after ->> 'operation') FROM core.audit_logs a
            WHERE a.entity_id = c.id AND a.action = 'OPERATE') AS operated
         FROM shared.claims c WHERE c.id = ANY ($1::uuid[])`,
        [ids],
      );
      expect(left).toEqual(
        ids.map(() => ({
          isOnHold: action === 'pause',
          isClosed: action === 'terminate',
          events: action === 'pause' ? ['report', 'hold'] : ['report'],
          restarts: action === 'reset' ? 1 : 0,
          operated: [action],
        })),
      );
      expect(product.broken).toEqual([]);
    },
    900_000,
  );
});
