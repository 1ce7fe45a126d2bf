import type { Logger } from '../src/logger.ts';
import { sealBatch, sealNext } from '../src/models/auditSeals.ts';

const pollMs = 2000;

/**
 * Seals audit lines a few seconds after they are written. It may run in many processes; one at a time
 * does the work. Dying anywhere loses nothing: a batch is sealed as a whole or not at all.
 */
export function startSealer({ log }: { readonly log: Logger }): { stop(): Promise<void> } {
  let stopping = false;
  let wake = (): void => {};
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    while (!stopping) {
      const sealed = await sealNext().catch((error: unknown) => {
        log.error({ err: error }, 'audit lines are not sealed');
        return 0;
      });
      if (sealed < sealBatch && !stopping) await pause();
    }
  };
  const running = run();

  return {
    async stop() {
      stopping = true;
      wake();
      await running;
    },
  };
}
