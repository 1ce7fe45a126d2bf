import { Refusal, Unavailable } from '../errors.ts';

const atOnce = 10;

/**
 * Carries something out for each, some at once. What is refused does not keep the others from their
 * turn; where so many in a row get no answer, or something else goes wrong, nobody else is asked.
 * @throws Unavailable where nobody answered
 */
export async function toEach<T extends object>(
  all: readonly T[],
  carryOut: (item: T) => Promise<void>,
): Promise<{ readonly done: readonly T[]; readonly failed: readonly (T & Failed)[] }> {
  const waiting = [...all];
  const done: T[] = [];
  const failed: (T & Failed)[] = [];
  let unanswered: Unavailable[] = [];
  const work = async (): Promise<void> => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      try {
        await carryOut(item);
        done.push(item);
        unanswered = [];
      } catch (error) {
        if (!(error instanceof Refusal)) {
          waiting.length = 0;
          throw error;
        }
        failed.push({ ...item, code: error.code });
        if (error instanceof Unavailable) unanswered.push(error);
        if (unanswered.length >= atOnce) waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const [away] = unanswered;
  if (away && done.length === 0) throw away;
  return { done, failed };
}

interface Failed {
  /** Of the refusal. */
  readonly code: string;
}
