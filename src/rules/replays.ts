import type { ObjectState } from './stateDifferences.ts';

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
