import { faults, startFaultProxy, type Fault, type FaultProxy } from '../support/faultProxy.ts';
import { claimFates, openClaimClients, type ClaimEntry } from './claimLedger.ts';
import { liveSubscription, newEntry, type Fate } from './ledger.ts';
import { allSettled, expectAllOnce, inTurn } from './ledgers.ts';
import { openProduct, seededRandom, type Product } from './product.ts';
import { openStayClients, stayFates, type StayEntry } from './stayLedger.ts';

/** `COMMANDS=20000` makes the long run of the same test. */
const commands = Number(process.env['COMMANDS'] ?? 500);
/** One claim of each fate takes 30 commands, one subscription of each 5, one stay of each 7. */
const claimsOfEach = Math.ceil((commands * 0.48) / 30);
const subscriptionsOfEach = Math.ceil((commands * 0.4) / 5);
const staysOfEach = Math.ceil((commands * 0.12) / 7);
const fates = ['kept', 'cancelled', 'renewed'] as const satisfies readonly Fate[];
const buyers = ['policyholder', 'call_center', 'auditor', 'operator', 'tenant_admin'] as const;
const claimants = 3;
const guests = 3;

describe('behind a network that breaks connections', () => {
  const random = seededRandom();
  const proxies: FaultProxy[] = [];
  let product: Product;
  let isBroken = false;

  /** Commits lose their replies more often than the rest is lost: that is where doubt begins. */
  const toDatabase = (message: Buffer): Fault | undefined => {
    if (!isBroken) return undefined;
    const chance = random.next();
    if (message.includes('COMMIT;')) return chance < 0.03 ? 'lost_reply' : undefined;
    if (chance < 0.0008) return 'half_open';
    if (chance < 0.004) return 'reset';
    return chance < 0.02 ? 'latency' : undefined;
  };

  const ofTransfers = [
    'lost_reply',
    undefined,
    'reset',
    undefined,
    'half_open',
    'latency',
  ] as const;
  let transfers = 0;
  /** In turns: few enough that chance could leave one out. */
  const toGateway = (message: Buffer): Fault | undefined => {
    const sent = message.toString('latin1');
    if (!isBroken || !sent.startsWith('POST /transfers') || isAgainOfStay(sent)) return undefined;
    const fault = ofTransfers[transfers % ofTransfers.length];
    transfers += 1;
    return fault;
  };

  const ofStays = new Set<string>();
  /** Guests wait for their money: what is unknown twice would be asked for a minute later, and then five. */
  const isAgainOfStay = (sent: string): boolean => {
    const key = /^idempotency-key: (booking\/.*)$/im.exec(sent)?.[1];
    if (key === undefined) return false;
    const isAgain = ofStays.has(key);
    ofStays.add(key);
    return isAgain;
  };

  const through = async (
    url: string,
    choose: (message: Buffer) => Fault | undefined,
  ): Promise<string> => {
    const place = new URL(url);
    const proxy = await startFaultProxy({ target: Number(place.port), choose });
    proxies.push(proxy);
    place.port = String(proxy.port);
    return place.href.replace(/\/$/, '');
  };

  beforeAll(async () => {
    product = await openProduct({ PAYMENT_GATEWAY_TIMEOUT: '5' });
    const { env, urls } = product.stack;
    env['DATABASE_URL'] = await through(urls.apiDatabase, toDatabase);
    env['DATABASE_WORKER_URL'] = await through(urls.workerDatabase, toDatabase);
    env['PAYMENT_GATEWAY_URL'] = await through(env['PAYMENT_GATEWAY_URL'] ?? '', toGateway);
    await product.restart('api');
    await product.restart('worker');
  }, 300_000);

  afterAll(async () => {
    await product.close();
    for (const proxy of proxies) await proxy.close();
  }, 120_000);

  it(
    `${commands} commands lose nothing and double nothing`,
    async () => {
      const lives = inTurn(fates, subscriptionsOfEach * fates.length);
      const ledger = lives.map((fate) => newEntry(fate === 'renewed'));
      const claimLedger: ClaimEntry[] = [];
      const claimsToCome = inTurn(claimFates, claimsOfEach * claimFates.length);
      const claimClients = await openClaimClients(product);
      const stayLedger: StayEntry[] = [];
      const staysToCome = inTurn(stayFates, staysOfEach * stayFates.length);
      const stayClients = await openStayClients(product);
      let next = 0;
      const buyer = async (role: (typeof buyers)[number]): Promise<void> => {
        for (;;) {
          const [entry, fate] = [ledger[next], lives[next]];
          next += 1;
          if (!entry || !fate) return;
          await liveSubscription(product, entry, fate, role);
        }
      };
      const claimant = async (): Promise<void> => {
        for (let fate = claimsToCome.pop(); fate !== undefined; fate = claimsToCome.pop()) {
          claimLedger.push(await claimClients.live(fate));
        }
      };

      const stayer = async (): Promise<void> => {
        for (let fate = staysToCome.pop(); fate !== undefined; fate = staysToCome.pop()) {
          stayLedger.push(await stayClients.live(fate));
        }
      };

      isBroken = true;
      await Promise.all([
        ...buyers.map(buyer),
        ...Array.from({ length: claimants }, claimant),
        ...Array.from({ length: guests }, stayer),
      ]);
      isBroken = false;
      const ledgers = { subscriptions: ledger, claims: claimLedger, stays: stayLedger };
      await allSettled(product, ledgers, 300_000);

      const repeated = await expectAllOnce(product, ledgers);
      expect(product.broken).toEqual([]);
      const [api, worker, gateway] = proxies.map(({ happened }) => happened);
      process.stderr.write(
        `SEED=${random.seed}: ${ledger.length} subscriptions, ${claimLedger.length} claims, ` +
          `${stayLedger.length} stays, ${repeated} mails twice, ${product.refusals.length} refusals; ` +
          `${JSON.stringify({ api, worker, gateway })}\n`,
      );
      for (const fault of faults) {
        expect((api?.[fault] ?? 0) + (worker?.[fault] ?? 0)).toBeGreaterThan(0);
        expect(gateway?.[fault]).toBeGreaterThan(0);
      }
    },
    300_000 + 1200 * commands,
  );
});
