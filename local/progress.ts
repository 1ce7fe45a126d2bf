import { reasonOf } from '../src/errors.ts';

/** Tells what a long step is doing right now. */
export type Say = (line: string) => void;

export type Step = <T>(title: string, fn: (say: Say) => Promise<T>) => Promise<T>;

/** A failure that the person at the terminal has already been told about. */
export class StepFailed extends Error {}

/**
 * Shows a step while it runs, then its time or one sentence of failure. On a terminal the line is
 * rewritten in place, elsewhere (a log, a pipe) every line is written once.
 * @throws StepFailed with the sentence that was shown.
 */
export const step: Step = async (title, fn) => {
  const out = process.stdout;
  const show = (text: string): boolean =>
    out.isTTY ? out.write(`\r\u001b[2K${text}`) : out.write(`${text}\n`);
  const startedAt = performance.now();

  show(`${title} ...`);
  try {
    const result = await fn((line) => show(`${title} ... ${line}`));
    show(`${title} ... ${seconds(startedAt)}`);
    return result;
  } catch (error) {
    const message = reasonOf(error);
    show(`${title} ... failed after ${seconds(startedAt)}: ${message}`);
    throw new StepFailed(message, { cause: error });
  } finally {
    if (out.isTTY) out.write('\n');
  }
};

/** The same without a word: for tests and other programs. */
export const quietStep: Step = (_title, fn) => fn(() => {});

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
