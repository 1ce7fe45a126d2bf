import type { Failpoint } from '../../src/failpoints.ts';
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
import { newKey, openProduct, type Answer, type Product } from './product.ts';

interface Death {
  readonly at: Failpoint;
  /** Door or activity, where the failpoint has several. */
  readonly where?: string;
  readonly hit?: number;
  readonly of: 'api' | 'worker';
  readonly during: keyof typeof deeds;
}

/** In this order the work that one death leaves behind does not pass the next one's failpoint. */
export const deaths: readonly Death[] = [
  { at: 'transaction.beforeCommit', where: 'tenant', of: 'worker', during: 'cancel' },
  { at: 'transaction.afterCommit', where: 'tenant', of: 'worker', during: 'cancel' },
  { at: 'activity.before', where: 'cancelSubscription', of: 'worker', during: 'cancel' },
  { at: 'activity.after', where: 'renewSubscription', of: 'worker', during: 'renew' },
  { at: 'activity.after', where: 'changeSubscriptionExpiry', of: 'worker', during: 'moveExpiry' },
  // The reminder and the call, both past by then, are fired before the expiry.
  { at: 'activity.before', where: 'fireSubscriptionTimer', hit: 3, of: 'worker', during: 'expire' },
  {
    at: 'activity.after',
    where: 'fireSubscriptionTimer',
    hit: 3,
    of: 'worker',
    during: 'autoRenew',
  },
  { at: 'mail.beforeSend', of: 'worker', during: 'subscribe' },
  { at: 'mail.afterSend', of: 'worker', during: 'subscribe' },
  { at: 'mail.beforeMark', of: 'worker', during: 'subscribe' },
  { at: 'relay.afterClaim', of: 'worker', during: 'subscribeUndispatched' },
  { at: 'relay.afterStart', of: 'worker', during: 'subscribeUndispatched' },
  { at: 'relay.afterMark', of: 'worker', during: 'subscribeUndispatched' },
  { at: 'transaction.beforeCommit', where: 'tenant', of: 'api', during: 'subscribe' },
  { at: 'transaction.afterCommit', where: 'tenant', of: 'api', during: 'subscribe' },
  { at: 'transaction.beforeCommit', where: 'app_relay', of: 'api', during: 'subscribe' },
  { at: 'dispatch.beforeStart', of: 'api', during: 'subscribe' },
  { at: 'dispatch.afterStart', of: 'api', during: 'subscribe' },
  { at: 'dispatch.afterMark', of: 'api', during: 'subscribe' },
  { at: 'command.afterKey', of: 'api', during: 'cancel' },
  { at: 'command.afterAnswer', of: 'api', during: 'cancel' },
  { at: 'command.afterAnswer', of: 'api', during: 'renew' },
  { at: 'command.afterAnswer', of: 'api', during: 'moveExpiry' },
  { at: 'owed.beforeStart', of: 'api', during: 'cancelUndispatched' },
  { at: 'owed.afterStart', of: 'api', during: 'cancelUndispatched' },
  { at: 'owed.afterMark', of: 'api', during: 'cancelUndispatched' },
];

let product: Product;
let ledger: Entry[];

const buy = async (entry: Entry): Promise<Entry> => {
  await subscribe(product, entry, { key: newKey() });
  ledger.push(entry);
  return entry;
};

const cancel = async (entry: Entry): Promise<Answer> => {
  const answer = await product.as('policyholder').insist({
    method: 'PATCH',
    path: `/subscriptions/${entry.subscriptionId}/cancel`,
    body: { reason: 'The house is sold' },
    key: newKey(),
  });
  entry.events.push('cancel');
  return answer;
};

const renew = async (entry: Entry): Promise<Answer> => {
  const answer = await product.as('policyholder').insist({
    method: 'POST',
    path: `/subscriptions/${entry.subscriptionId}/renew`,
    body: {},
    key: newKey(),
  });
  entry.events.push('renew');
  return answer;
};

const moveExpiry = async (entry: Entry, inMs: number): Promise<Answer> => {
  const answer = await product.as('tenant_admin').insist({
    method: 'PATCH',
    path: `/workflows/subscription/${entry.subscriptionId}/timers/expiry`,
    body: { due_at: new Date(Date.now() + inMs).toISOString(), reason: 'A bad day' },
    key: newKey(),
  });
  entry.events.push(inMs > 60_000 ? 'change_expiry' : 'change_expiry_to_now');
  return answer;
};

const nearDays = 20 * 86_400_000;
/** Far enough ahead to be ahead still when a busy machine judges it. */
const soonMs = 10_000;

/** Each deed in two parts: what has to be there, and what the death strikes. */
const deeds = {
  subscribe: {
    prepare: async () => newEntry(),
    act: async (entry: Entry) => {
      const answer = await subscribe(product, entry, { key: newKey() });
      ledger.push(entry);
      return answer;
    },
  },
  cancel: { prepare: () => buy(newEntry()), act: cancel },
  moveExpiry: {
    prepare: () => buy(newEntry()),
    act: (entry: Entry) => moveExpiry(entry, nearDays),
  },
  renew: {
    prepare: async () => {
      const entry = await buy(newEntry());
      await moveExpiry(entry, nearDays);
      return entry;
    },
    act: renew,
  },
  expire: {
    prepare: () => buy(newEntry()),
    act: async (entry: Entry) => {
      const answer = await moveExpiry(entry, soonMs);
      entry.events.push('expire');
      return answer;
    },
  },
  autoRenew: {
    prepare: () => buy(newEntry(true)),
    act: async (entry: Entry) => {
      const answer = await moveExpiry(entry, soonMs);
      entry.events.push('renew');
      return answer;
    },
  },
  /** Committed without its start, and no worker up that could make up for it. */
  subscribeUndispatched: {
    prepare: () => buyUndispatched(),
    act: async () => undefined,
  },
  cancelUndispatched: { prepare: () => buyUndispatched(), act: cancel },
} as const;

async function buyUndispatched(): Promise<Entry> {
  await product.stack.kill('worker');
  await product.arm('api', 'dispatch.beforeStart#1');
  const bought = buy(newEntry());
  await product.died('api');
  await product.restart('api');
  return bought;
}

const titleOf = ({ of, at, where, during }: Death): string =>
  `the ${of} at ${at}${where ? ` (${where})` : ''}, ${during}`;

/** The API's and the worker's on stacks of their own: most of a death is waiting. */
export function describeDeaths(of: Death['of']): void {
  describe(`the ${of} that dies at a failpoint`, () => {
    const own = deaths.filter((death) => death.of === of);
    const prepared = new Map<Death, Entry>();

    beforeAll(async () => {
      product = await openProduct();
      // The other file's deaths may have been in this process.
      ledger = [];
      // Only what needs no process to be down; the rest is prepared right before its death.
      for (const death of own) {
        if (death.during.endsWith('Undispatched')) continue;
        prepared.set(death, await deeds[death.during].prepare());
      }
      await settled(product, ledger, 300_000);
    }, 480_000);

    afterAll(() => product.close(), 120_000);

    it.each(own.map((death) => ({ death, title: titleOf(death) })))(
      'is met by a client that repeats its request: $title',
      async ({ death }) => {
        const { at, where, hit = 1, during } = death;
        const entry = prepared.get(death) ?? (await deeds[during].prepare());
        await product.arm(of, `${at}${where ? `:${where}` : ''}#${hit}`);

        const answered = deeds[during].act(entry);
        await product.died(of);
        await product.restart(of);
        await product.stack.start('worker');

        const answer = await answered;
        expect([undefined, 200, 201]).toContain(answer?.status);
      },
      300_000,
    );

    it('loses nothing and doubles nothing', async () => {
      await settled(product, ledger, 300_000);

      await expectRowsOnce(product, ledger);
      await expectNothingOpen(product);
      await expectWorkflowsAsRows(product, ledger);
      const repeated = await expectMailsOnce(product);
      expect(product.broken).toEqual([]);
      process.stderr.write(
        `${own.length} deaths of the ${of}, ${ledger.length} subscriptions, ${repeated} mails delivered twice\n`,
      );
    }, 360_000);
  });
}
