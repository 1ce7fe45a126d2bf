import type { Logger } from './logger.ts';

/** What stopping this process takes, by name and in order; each is tried whatever became of the others. */
export type StopSteps = Readonly<Record<string, () => unknown>>;

/**
 * Arms SIGTERM, Ctrl-C and unhandled rejections. However they, or a call of `stop`, end this process,
 * it does end: a process that only answers `/health/live` would never be started anew.
 */
export function stopGracefully({
  log,
  steps,
  // Longer than the steps take: the workers alone have 30 s for what they have begun.
  forceAfterMs = 35_000,
  exit = (code) => process.exit(code),
}: {
  readonly log: Logger;
  readonly steps: StopSteps;
  readonly forceAfterMs?: number;
  readonly exit?: (code: number) => void;
}): (reason: string, exitCode: number) => void {
  let isStopping = false;

  const takeSteps = async (): Promise<void> => {
    for (const [step, take] of Object.entries(steps)) {
      try {
        await take();
      } catch (error) {
        log.error({ err: error, step }, 'stopping is not complete');
      }
    }
  };
  const stop = (reason: string, exitCode: number): void => {
    if (isStopping) return;
    isStopping = true;
    log.info({ reason }, 'stopping');
    setTimeout(() => {
      log.fatal({ reason }, 'stopping took too long');
      exit(1);
    }, forceAfterMs).unref();
    void takeSteps().finally(() => exit(exitCode));
  };

  process.once('SIGTERM', () => stop('SIGTERM', 0));
  process.once('SIGINT', () => stop('SIGINT', 0));
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
  return stop;
}
