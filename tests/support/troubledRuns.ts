import type { TriedStep, TroubledRuns } from '../../src/activities/alerts.ts';

export const inOrder: TriedStep = { failures: 0, isGivenUp: false, isCodeFailing: false };

/** A Temporal on which every run goes on. */
export const noTroubledRuns = (): TroubledRuns => ({
  givenUp: async () => ({ workflowIds: [], isComplete: true }),
  codeFailing: async () => ({ workflowIds: [], isComplete: true }),
  triedSteps: async (ids) => new Map(ids.map((id) => [id, inOrder])),
});
