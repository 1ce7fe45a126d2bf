import { NotFound } from '../errors.ts';
import type { ObjectState } from '../rules/stateDifferences.ts';

export interface ReplayOrder {
  readonly companyId: string;
  readonly workflowId: string;
}

/** The latest run of a workflow, as a replay of its history by the present code leaves it. */
export interface ReplayedRun {
  readonly runId: string;
  readonly events: number;
  /** A step is under way, whose end may be in the row already. */
  readonly isUnderWay: boolean;
  /**
   * `other_steps`: the present code would have gone another way. `fails`: it throws on the way.
   * `too_long`: so much history is not replayed while somebody waits.
   */
  readonly outcome: 'same' | 'other_steps' | 'fails' | 'too_long';
  /** Where the replay came to the end and the run knows its object by then. */
  readonly state?: ObjectState | undefined;
}

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
      'There is no history of this run: it has not begun, or it ended longer ago than they are kept',
      'HISTORY_NOT_FOUND',
    );
  },
});
