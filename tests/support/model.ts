import { Refusal } from '../../src/errors.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/**
 * Does act after act to a model and to the product, until `isOver`; where they part, the error names
 * the acts so far.
 * @param doBoth what the model foresees of an act, and what the product did
 */
export async function walkBoth<Act>(
  acts: readonly Act[],
  doBoth: (act: Act) => Promise<readonly [expected: unknown, seen: unknown]>,
  isOver: () => boolean = () => false,
): Promise<void> {
  for (const [index, act] of acts.entries()) {
    if (isOver()) return;
    const [expected, seen] = await doBoth(act);
    try {
      expect(seen).toEqual(expected);
    } catch (error) {
      throw new Error(`After ${JSON.stringify(acts.slice(0, index + 1))}`, { cause: error });
    }
  }
}

/** The product as a model's twin: carries out one act at a time. */
export interface Twin {
  /** Epoch milliseconds; the model's time follows it. */
  now(): number;
  passUntil(instant: number): Promise<void>;
  /** Sends the last order under the same id again. */
  repeat(): Promise<void>;
}

interface Model {
  now: number;
  readonly shown: unknown;
  passUntil(instant: number): void;
}

/** What the model foresees of an act, and what came of it: 'done', or the code of the refusal. */
export type Outcomes = readonly [expected: string, outcome: string];

export const done: Outcomes = ['done', 'done'];

/** `walkBoth` of two that have a clock: they part where outcomes differ, or what is shown after. */
export const walkTwins = <Act>(
  model: Model,
  twin: Twin & { shown(): Promise<unknown> },
  acts: readonly Act[],
  doBoth: (act: Act) => Promise<Outcomes>,
  isOver?: () => boolean,
): Promise<void> =>
  walkBoth(
    acts,
    async (act) => {
      model.now = Math.max(model.now, twin.now());
      const [expected, outcome] = await doBoth(act);
      const shown = await twin.shown();
      return [
        { outcome: expected, shown: model.shown },
        { outcome, shown },
      ];
    },
    isOver,
  );

export async function passBoth(model: Model, twin: Twin, instant: number): Promise<Outcomes> {
  await twin.passUntil(instant);
  model.passUntil(instant);
  return done;
}

/** @returns 'done', or the code of the refusal */
export async function outcomeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'done';
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}
