import { setTimeout as pause } from 'node:timers/promises';
import { claimFates, openClaimClients, type ClaimEntry } from './claimLedger.ts';
import { liveSubscription, newEntry, type Fate } from './ledger.ts';
import { allSettled, expectAllOnce, inTurn } from './ledgers.ts';
import { openProduct, seededRandom, type Product } from './product.ts';

/** `RUNS` and `KILLS` make the long run of the same test. */
const runs = Number(process.env['RUNS'] ?? 300);
const kills = Number(process.env['KILLS'] ?? 16);
/** Beside them, each of several commands. */
const claims = Math.ceil(runs / 10);
const clients = ['policyholder', 'call_center', 'auditor', 'operator', 'tenant_admin'] as const;

let product: Product;

describe('killed at random', () => {
  beforeAll(async () => {
    product = await openProduct();
  }, 300_000);

  afterAll(() => product.close(), 120_000);

  it(
    `${runs} subscriptions and ${claims} claims lose nothing and double nothing`,
    async () => {
      const random = seededRandom();
      const fates = inTurn<Fate>(['kept', 'cancelled', 'renewed'], runs);
      const ledger = fates.map((fate) => newEntry(fate === 'renewed'));
      const startedAt = performance.now();
      let next = 0;

      const client = async (role: (typeof clients)[number]): Promise<void> => {
        for (;;) {
          const index = next;
          next += 1;
          const [entry, fate] = [ledger[index], fates[index]];
          if (!entry || !fate) return;
          await liveSubscription(product, entry, fate, role);
          // So that the work is spread over the kills, not done before them.
          await pause(random.next() * ((kills * 1500 * clients.length) / runs));
        }
      };
      const claimClients = await openClaimClients(product);
      const claimLedger: ClaimEntry[] = [];
      const claimsToCome = inTurn(claimFates, claims);
      const claimClient = async (): Promise<void> => {
        for (let fate = claimsToCome.pop(); fate !== undefined; fate = claimsToCome.pop()) {
          claimLedger.push(await claimClients.live(fate));
          await pause(random.next() * ((kills * 1500) / claims));
        }
      };
      let isBusy = true;
      const work = Promise.all([...clients.map(client), claimClient(), claimClient()]).finally(
        () => {
          isBusy = false;
        },
      );

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
      const ledgers = { subscriptions: ledger, claims: claimLedger };
      await allSettled(product, ledgers, 200_000);
      const settledAfter = (performance.now() - startedAt) / 1000;

      const repeated = await expectAllOnce(product, ledgers);
      expect(product.broken).toEqual([]);
      const count = (name: string): number => deaths.filter((each) => each === name).length;
      process.stderr.write(
        `SEED=${random.seed}: ${runs} subscriptions, ${claims} claims, killed: api ${count('api')}, ` +
          `worker ${count('worker')}, postgres ${count('postgres')}, temporal ${count('temporal')}; ` +
          `answered after ${workedFor.toFixed(0)} s, settled after ${settledAfter.toFixed(0)} s, ` +
          `${repeated} mails delivered twice\n`,
      );
    },
    300_000 + 1000 * runs,
  );
});
