import { setTimeout as pause } from 'node:timers/promises';
import {
  expectMailsOnce,
  expectNothingOpen,
  expectRowsOnce,
  expectWorkflowsAsRows,
  newEntry,
  settled,
  subscribe,
  type Entry,
} from './ledger.ts';
import { newKey, openProduct, seededRandom, type Product } from './product.ts';

/** `RUNS` and `KILLS` make the long run of the same test. */
const runs = Number(process.env['RUNS'] ?? 300);
const kills = Number(process.env['KILLS'] ?? 16);
const clients = ['policyholder', 'call_center', 'auditor', 'operator', 'tenant_admin'] as const;

let product: Product;

/** One subscription from purchase to where its client leaves it; every answer goes to the ledger. */
async function live(entry: Entry, fate: Fate, role: (typeof clients)[number]): Promise<void> {
  const person = product.as(role);
  await subscribe(product, entry, { role, key: newKey() });
  if (fate === 'kept') return;

  const wish =
    fate === 'cancelled'
      ? ({
          method: 'PATCH',
          path: `/subscriptions/${entry.subscriptionId}/cancel`,
          body: {},
        } as const)
      : ({
          method: 'PATCH',
          path: `/workflows/subscription/${entry.subscriptionId}/timers/expiry`,
          body: { due_at: new Date(Date.now() + 45_000).toISOString(), reason: 'A bad day' },
        } as const);
  const whose = fate === 'cancelled' ? person : product.as('tenant_admin');
  const answer = await whose.insist({ ...wish, key: newKey() });
  if (answer.status !== 200) throw new Error(`${fate}: ${JSON.stringify(answer.body)}`);
  entry.events.push(
    ...(fate === 'cancelled'
      ? (['cancel'] as const)
      : (['change_expiry_to_now', 'renew'] as const)),
  );
}

type Fate = 'kept' | 'cancelled' | 'renewed';

describe('killed at random', () => {
  beforeAll(async () => {
    product = await openProduct();
  }, 120_000);

  afterAll(() => product.close(), 60_000);

  it(
    `${runs} subscriptions lose nothing and double nothing`,
    async () => {
      const random = seededRandom();
      const fates = Array.from({ length: runs }, (_, index): Fate => {
        return (['kept', 'cancelled', 'renewed'] as const)[index % 3] ?? 'kept';
      });
      const ledger = fates.map((fate) => newEntry(fate === 'renewed'));
      const startedAt = performance.now();
      let next = 0;

      const client = async (role: (typeof clients)[number]): Promise<void> => {
        for (;;) {
          const index = next;
          next += 1;
          const [entry, fate] = [ledger[index], fates[index]];
          if (!entry || !fate) return;
          await live(entry, fate, role);
          // So that the work is spread over the kills, not done before them.
          await pause(random.next() * ((kills * 1500 * clients.length) / runs));
        }
      };
      let isBusy = true;
      const work = Promise.all(clients.map(client)).finally(() => {
        isBusy = false;
      });

      const deaths: string[] = [];
      const strike = async (name: Parameters<Product['stack']['kill']>[0]): Promise<void> => {
        deaths.push(name);
        await product.stack.kill(name, name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
        await pause(random.next() * 500);
        await product.stack.start(name);
      };
      while (deaths.length < kills + 2 || isBusy) {
        await pause(300 + random.next() * 1200);
        if (deaths.length === Math.floor(kills / 3)) await strike('postgres');
        if (deaths.length === Math.floor((2 * kills) / 3)) await strike('temporal');
        if (deaths.length < kills + 2) await strike(random.next() < 0.5 ? 'api' : 'worker');
      }
      await work;
      const workedFor = (performance.now() - startedAt) / 1000;
      await settled(product, ledger, 200_000);
      const settledAfter = (performance.now() - startedAt) / 1000;

      await expectRowsOnce(product, ledger);
      await expectNothingOpen(product);
      await expectWorkflowsAsRows(product, ledger);
      const repeated = await expectMailsOnce(product);
      expect(product.broken).toEqual([]);
      const count = (name: string): number => deaths.filter((each) => each === name).length;
      process.stderr.write(
        `SEED=${random.seed}: ${runs} subscriptions, killed: api ${count('api')}, ` +
          `worker ${count('worker')}, postgres ${count('postgres')}, temporal ${count('temporal')}; ` +
          `answered after ${workedFor.toFixed(0)} s, settled after ${settledAfter.toFixed(0)} s, ` +
          `${repeated} mails delivered twice\n`,
      );
    },
    300_000 + 1000 * runs,
  );
});
