import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Replay } from '../../src/commands/idempotency.ts';
import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import type { Actor } from '../../src/context.ts';
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

describe('the workflow of a subscription', () => {
  it('is starting while its start is owed, but not once that was given up', async () => {
    const { holder, id } = await buildSubscription();
    const state = async () => (await subscriptions.get(holder, id)).workflow.state;

    expect(await state()).toBe('starting');
    await database.sql('UPDATE core.outbox SET parked_at = now() WHERE entity_id = $1', [id]);

    expect(await state()).toBe('running');
  });
});
