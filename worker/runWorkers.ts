import type { Worker } from '@temporalio/worker';

/** Runs all until `stop`, which waits for each of them: the connection cannot close under one. */
export function runWorkers(workers: readonly Pick<Worker, 'run' | 'getState' | 'shutdown'>[]): {
  /** Rejects as soon as one fails. */
  readonly ended: Promise<unknown>;
  stop(): Promise<void>;
} {
  const runs = workers.map((worker) => worker.run());
  return {
    ended: Promise.all(runs),
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    },
  };
}
