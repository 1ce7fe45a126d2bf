import {
  allHandlersFinished,
  CancellationScope,
  condition,
  defineUpdate,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { attribute } from '../src/workflows/searchAttributes.ts';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({
  startToCloseTimeout: '10 seconds',
});

/** The least that a step with an effect takes: an update whose handler runs one activity. */
export const step = defineUpdate<void>('step');
/** The same without the activity. */
export const word = defineUpdate<void>('word');
/** All that a claim's transition asks of Temporal: a step, another clock, what operators see, and mail. */
export const transition = defineUpdate<void>('transition');
export const end = defineUpdate<void>('end');

export async function bare(): Promise<void> {
  let isOver = false;
  setHandler(step, () => nothing());
  setHandler(word, () => undefined);
  let steps = 0;
  let clock = new CancellationScope();
  setHandler(transition, async () => {
    await nothing();
    steps += 1;
    clock.cancel();
    clock = new CancellationScope();
    void clock.run(() => sleep('30 days')).catch(() => undefined);
    upsertSearchAttributes([
      { key: attribute.entityStatus, value: `step ${steps}` },
      { key: attribute.dueAt, value: new Date(Date.now() + 30 * 86_400_000) },
    ]);
    setCurrentDetails(`step ${steps}`);
    void nothing();
  });
  setHandler(end, () => {
    isOver = true;
  });
  await condition(() => isOver && allHandlersFinished());
}
