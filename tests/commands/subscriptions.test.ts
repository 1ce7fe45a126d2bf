import { markDispatched } from '../../src/commands/dispatch.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import { createSubscriptionTimelines } from '../../src/commands/subscriptionTimelines.ts';
import type { Actor } from '../../src/context.ts';
import { withTenant } from '../../src/models/database.ts';
import { promiseStarts } from '../../src/models/workflowStarts.ts';
import { as, buildActor, buildSubscription, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** Workflows that take every command and do nothing. */
const subscriptions = createSubscriptions({
  dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
  workflows: { command: () => Promise.resolve() },
});

describe("a command on another person's subscription, sent again under its key", () => {
  it.each(['cancel', 'renew'] as const)(
    '%s is answered again only while they may see the subscription',
    async (command) => {
      const { companyId, id, holder } = await buildSubscription();
      const admin = await buildActor({ companyId, role: 'tenant_admin' });
      const send = (actor: Actor) =>
        as(actor, () => subscriptions[command](actor, id, { reason: 'asked' }, once(actor, 'key')));
      await send(admin);
      await send(holder);

      const again = await send(admin);
      const asAgent = await send({ ...admin, roles: ['call_center'] });
      const demoted = send({ ...admin, roles: ['policyholder'] });

      expect([again, asAgent]).toEqual([expect.any(Replay), expect.any(Replay)]);
      await expect(demoted).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND' });
      expect(await send(holder)).toBeInstanceOf(Replay);
    },
  );
});

describe('the timeline of a subscription', () => {
  it('tells the last thousand steps, the latest of all among them', async () => {
    const { holder, id } = await buildSubscription();
    await database.sql(
      `INSERT INTO core.transitions (company_id, id, entity_type, entity_id, state_version, event,
         to_status, command_id, actor_type, at)
       SELECT $1, gen_random_uuid(), 'subscription', $2, n, 'change_expiry', 'active', gen_random_uuid(), 'user',
         now() + n * interval '1 second'
       FROM generate_series(2, 1200) AS n`,
      [holder.companyId, id],
    );
    const { timeline } = createSubscriptionTimelines({
      temporal: { failingStep: () => Promise.resolve(undefined), uiUrl: () => '' },
      workflows: { command: () => Promise.resolve() },
    });

    const { past, future } = await timeline(holder, id);

    expect(past.map(({ name }) => name)).toEqual(
      Array.from({ length: 1000 }, () => 'change_expiry'),
    );
    expect(Number(past.at(-1)?.at) - Number(past[0]?.at)).toBe(999_000);
    expect(future.map(({ name }) => name)).toEqual([
      'renewal_offer',
      'renewal_reminder_30',
      'renewal_reminder_14',
      'renewal_call',
      'renewal_reminder_7',
      'renewal_reminder_1',
      'expiry',
      'late_renewal_close',
    ]);
  });
});

describe('the workflow of a subscription', () => {
  it('is starting while its start is owed or was given up, until one is given', async () => {
    const { companyId, holder, id } = await buildSubscription();
    const state = async () => (await subscriptions.get(holder, id)).workflow.state;

    expect(await state()).toBe('starting');
    await database.sql('UPDATE core.outbox SET parked_at = now() WHERE entity_id = $1', [id]);

    expect(await state()).toBe('starting');
    await markDispatched(await withTenant(companyId, () => promiseStarts([id])));
    expect(await state()).toBe('running');
  });
});
