import type { Logger } from '../src/logger.ts';
import { sealBatch, sealNext } from '../src/models/auditSeals.ts';
import { startPolling, type Polling } from '../src/polling.ts';

const pollMs = 2000;

/** Looking all the way back for late lines costs reads; so seldom it is done, in rounds. */
const lookBackEvery = 15;

/**
 * Seals audit lines a few seconds after they are written. It may run in many processes; one at a time
 * does the work. Dying anywhere loses nothing: a batch is sealed as a whole or not at all.
 */
export function startSealer({ log }: { readonly log: Logger }): Polling {
  let rounds = 0;
  return startPolling({
    everyMs: pollMs,
    async round() {
      const looksBack = rounds % lookBackEvery === 0;
      rounds += 1;
      return (await sealNext(looksBack ? 'late' : 'recent')) === sealBatch;
    },
    onError: (error) => log.error({ err: error }, 'audit lines are not sealed'),
  });
}
