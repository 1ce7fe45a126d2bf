import {
  ActivityFailure,
  condition,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { attribute } from './searchAttributes.ts';

/** An operator has removed the cause of a failed step; try it again. */
export const retryStep = defineUpdate<
  { readonly accepted: boolean },
  [{ readonly reason: string }]
>('retryStep');

export interface Attention {
  /** Whether a step has failed for good and waits for an operator. */
  readonly isNeeded: boolean;
  /**
   * Runs a step that must happen: a final failure raises the flag and waits for `retryStep`, then
   * `recover` looks at the world anew before the next try.
   */
  persist<T>(title: string, step: () => Promise<T>, recover: () => Promise<void>): Promise<T>;
  /** Shows the run to operators while it goes on by itself, until `lower`. */
  raise(reason: string): void;
  lower(): void;
  /** How often `retryStep` was sent. */
  readonly retries: number;
}

/** What must not be lost is never given up: it waits, visibly, for a person. */
export function openAttention(): Attention {
  let isNeeded = false;
  let retries = 0;
  setHandler(
    retryStep,
    () => {
      retries += 1;
      return { accepted: true };
    },
    { description: 'Repeat the step that failed, after its cause was removed' },
  );

  return {
    get isNeeded() {
      return isNeeded;
    },
    get retries() {
      return retries;
    },
    raise(reason) {
      upsertSearchAttributes([{ key: attribute.needsAttention, value: true }]);
      setCurrentDetails(`**Needs attention.** ${reason}`);
    },
    lower() {
      upsertSearchAttributes([{ key: attribute.needsAttention, value: false }]);
    },
    async persist(title, step, recover) {
      for (;;) {
        try {
          return await step();
        } catch (error) {
          if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
          const seen = retries;
          isNeeded = true;
          upsertSearchAttributes([{ key: attribute.needsAttention, value: true }]);
          setCurrentDetails(
            `**Needs attention.** ${title} failed: ${error.cause?.message ?? error.message}\n\n` +
              'Remove the cause, then send the update `retryStep`.',
          );
          await condition(() => retries > seen);
          isNeeded = false;
          upsertSearchAttributes([{ key: attribute.needsAttention, value: false }]);
          await recover();
        }
      }
    },
  };
}
