import {
  allHandlersFinished,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({
  startToCloseTimeout: '10 seconds',
});

/** The least that a step with an effect takes: an update whose handler runs one activity. */
export const step = defineUpdate<void>('step');
/** The same without the activity. */
export const word = defineUpdate<void>('word');
export const end = defineUpdate<void>('end');

export async function bare(): Promise<void> {
  let isOver = false;
  setHandler(step, () => nothing());
  setHandler(word, () => undefined);
  setHandler(end, () => {
    isOver = true;
  });
  await condition(() => isOver && allHandlersFinished());
}
