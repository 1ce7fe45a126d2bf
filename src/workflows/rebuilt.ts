import {
  proxySinks,
  setHandler,
  workflowInfo,
  type QueryDefinition,
  type Sinks,
  type WorkflowInterceptors,
} from '@temporalio/workflow';
import type { ObjectState } from '../rules/stateDifferences.ts';

/** Whoever replays a run to check it hears by this what state the run has come to. */
export interface RebuiltSinks extends Sinks {
  readonly rebuilt: { state(state: ObjectState | undefined): void };
}

/** What the queues of such replays begin with. */
export const replayName = 'replay-check';

/** One workflow has its own module state. */
const told: { state?: () => ObjectState | undefined } = {};

/** Answers the query `state`, and tells a replay that checks the run the same. */
export function answerState<State extends ObjectState | undefined>(
  query: QueryDefinition<State>,
  state: () => State,
  description: string,
): void {
  setHandler<State, [], QueryDefinition<State>>(query, state, { description });
  told.state = state;
}

/** Loaded by the worker for every workflow; outside of such a replay it adds nothing. */
export const interceptors = (): WorkflowInterceptors => {
  if (!workflowInfo().taskQueue.startsWith(replayName)) return {};
  const { rebuilt } = proxySinks<RebuiltSinks>();
  return {
    internals: [
      {
        concludeActivation(input, next) {
          rebuilt.state(told.state?.());
          return next(input);
        },
      },
    ],
  };
};
