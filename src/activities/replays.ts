import { NotFound } from '../errors.ts';
import type { ReplayedRun, ReplayOrder } from '../rules/replays.ts';

/** @returns undefined where no history is kept */
export type ReplayRun = (workflowId: string) => Promise<ReplayedRun | undefined>;

export interface ReplayDependencies {
  readonly replayRun: ReplayRun;
}

export const replayActivities = ({ replayRun }: ReplayDependencies) => ({
  /** Safe to repeat: it only reads. */
  async replayRun({ workflowId }: ReplayOrder): Promise<ReplayedRun> {
    const replayed = await replayRun(workflowId);
    if (replayed) return replayed;
    throw new NotFound(
      'There is no history of this run: it has not begun, or it ended and neither Temporal nor the storage has it',
      'HISTORY_NOT_FOUND',
    );
  },
});
