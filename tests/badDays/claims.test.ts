import { claimDeaths } from './claimDeaths.ts';
import {
  claimsSettled,
  expectClaimsOnce,
  openClaimClients,
  type ClaimClients,
  type ClaimEntry,
} from './claimLedger.ts';
import { expectMailsOnce, expectNothingOpen } from './ledger.ts';
import { newKey, openProduct, until, type Product } from './product.ts';

describe('the worker that dies while it processes a claim', () => {
  let product: Product;
  let clients: ClaimClients;
  const ledger: ClaimEntry[] = [];
  /** Claims whose deadline has passed. */
  const missed: string[] = [];
  const prepared = new Map<(typeof claimDeaths)[number], ClaimEntry>();

  beforeAll(async () => {
    product = await openProduct();
    clients = await openClaimClients(product);
    const prepare = async (death: (typeof claimDeaths)[number]): Promise<void> => {
      const entry = await clients.report(death.fate);
      for (const step of death.before) await clients[step](entry);
      prepared.set(death, entry);
      ledger.push(entry);
    };
    const [first, ...others] = claimDeaths;
    // Its clients sign in once.
    if (first) await prepare(first);
    await Promise.all(others.map(prepare));
  }, 480_000);

  afterAll(() => product.close(), 120_000);

  it.each(
    claimDeaths.map((death) => ({
      death,
      title: `${death.at}${death.where ? ` (${death.where})` : ''}, ${death.during}: ${death.fate}`,
    })),
  )(
    'at $title',
    async ({ death }) => {
      const { at, where, during, after } = death;
      const entry = prepared.get(death);
      if (!entry) throw new Error('Nothing was prepared');
      await product.arm('worker', `${at}${where ? `:${where}` : ''}#1`);

      const answered = clients[during](entry);
      await product.died('worker');
      await product.restart('worker');

      expect((await answered).status).toBe(200);
      for (const step of after) await clients[step](entry);
    },
    300_000,
  );

  it.each(['activity.before', 'activity.after'])(
    'at %s (fireClaimTimer), a missed deadline',
    async (at) => {
      const { claimId } = await clients.report('withdrawn');
      missed.push(claimId);
      await product.arm('worker', `${at}:fireClaimTimer#1`);
      const answer = await product.as('tenant_admin').insist({
        method: 'PATCH',
        path: `/workflows/claim/${claimId}/timers/triage`,
        body: { due_at: new Date(Date.now() + 15_000).toISOString(), reason: 'A bad day' },
        key: newKey(),
      });
      await product.died('worker');
      await product.restart('worker');

      expect(answer.status).toBe(200);
    },
    300_000,
  );

  it('tells of a missed deadline once', async () => {
    expect(missed).toHaveLength(2);
    for (const claimId of missed) {
      const fired = () =>
        product.sql(
          `SELECT name FROM core.timers WHERE entity_id = $1 AND status = 'fired' ORDER BY due_at`,
          [claimId],
        );
      await until('the deadline has passed', async () => (await fired()).length > 1, 120_000);
      const told = await product.sql<{ template: string }>(
        `SELECT template_code AS template FROM core.notifications WHERE entity_id = $1
           AND channel = 'in_app' AND recipient_role = 'senior_adjuster' ORDER BY id`,
        [claimId],
      );
      const rungs = await product.sql(
        `SELECT name FROM core.timers WHERE entity_id = $1 AND status = 'scheduled'
           AND name LIKE 'triage%' ORDER BY due_at`,
        [claimId],
      );

      expect(await fired()).toEqual([{ name: 'triage_due_soon' }, { name: 'triage' }]);
      expect(told.map(({ template }) => template)).toEqual([
        'claim_reported',
        'claim_due_soon',
        'claim_overdue',
      ]);
      expect(rungs).toEqual([{ name: 'triage_manager' }, { name: 'triage_admin' }]);
    }
  }, 300_000);

  it('takes every step once, tells once, and moves the money once', async () => {
    await claimsSettled(product, ledger, 240_000);

    await expectClaimsOnce(product, ledger);
    await expectNothingOpen(product);
    const repeated = await expectMailsOnce(product);
    expect(product.broken).toEqual([]);
    process.stderr.write(
      `${claimDeaths.length} deaths, ${ledger.length} claims, ${repeated} mails twice\n`,
    );
  }, 600_000);
});
