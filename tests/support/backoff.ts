import { setTimeout as pause } from 'node:timers/promises';
import { Refusal } from '../../src/errors.ts';

/**
 * Waits before the next of several tries, longer each time up to 8 s, as clients do that do not want to
 * make a busy server busier.
 * @param tries how many there have been
 */
export const backOff = (tries: number): Promise<void> =>
  pause(Math.min(8000, 300 * 1.6 ** tries) * (0.5 + Math.random() / 2));

/** As a client does: the same request again while the answer is "not now". @returns 'done' or the code */
export async function insist(request: () => Promise<unknown>): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    try {
      await request();
      return 'done';
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!notNow.has(error.code)) return error.code;
      await backOff(tries);
    }
  }
}

const notNow = new Set(['SERVICE_UNAVAILABLE', 'COMMAND_PENDING', 'IDEMPOTENCY_IN_PROGRESS']);
