import type { ClosedRuns } from '../../src/activities/closedRuns.ts';

/** A Temporal on which no run is over. */
export const noClosedRuns = (): ClosedRuns => ({
  list: async () => [],
  history: async () => undefined,
});
