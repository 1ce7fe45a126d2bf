import { setTimeout } from 'node:timers/promises';
import type { Actor } from '../../src/context.ts';
import { flush, withTenant } from '../../src/models/database.ts';
import { as } from './build.ts';
import type { TestDatabase } from './database.ts';

/** Asks while a transaction of the company is open, and lets that go on once the answer waits for it. */
export async function meanwhile<T>(
  { database, actor }: { readonly database: Pick<TestDatabase, 'sql'>; readonly actor: Actor },
  work: () => Promise<unknown>,
  ask: () => PromiseLike<T>,
): Promise<T> {
  let goOn = (): void => {};
  const isFree = new Promise<void>((resolve) => (goOn = resolve));
  let begun = (): void => {};
  const isUnderWay = new Promise<void>((resolve) => (begun = resolve));
  const first = as(actor, () =>
    withTenant(actor.companyId, async () => {
      await work();
      await flush();
      begun();
      await isFree;
    }),
  );
  await Promise.race([isUnderWay, first]);
  let isAnswered = false;
  const answer = Promise.resolve(ask()).finally(() => (isAnswered = true));
  const isBlocked = async (): Promise<boolean> => {
    const waiting = await database.sql(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
         AND wait_event_type = 'Lock'`,
    );
    return waiting.length > 0;
  };
  while (!isAnswered && !(await isBlocked())) await setTimeout(20);
  goOn();
  await first;
  return answer;
}
