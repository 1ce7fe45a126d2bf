export interface Polling {
  /** Lets the round under way end, and begins no other. */
  stop(): Promise<void>;
}

/**
 * Goes round until it is stopped: at once while there is more to do, else after a pause.
 * @param round answers whether there may be more; one that fails is told to `onError` and has no more
 */
export function startPolling({
  everyMs,
  round,
  onError,
}: {
  readonly everyMs: number;
  readonly round: (isStopping: () => boolean) => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}): Polling {
  let stopping = false;
  let wake = (): void => {};
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async (): Promise<void> => {
    while (!stopping) {
      const hasMore = await round(() => stopping).catch((error: unknown) => {
        onError(error);
        return false;
      });
      if (!hasMore && !stopping) await pause();
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
