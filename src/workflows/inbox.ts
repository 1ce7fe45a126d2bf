import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  currentUpdateInfo,
  setHandler,
} from '@temporalio/workflow';
import type { UpdateDefinition } from '@temporalio/common';
import { actFor } from './context.ts';

/** What a workflow remembers of a command it answered, so that it survives continue-as-new. */
export interface Answered<Result> {
  readonly id: string;
  readonly result: Result;
}

/** A command in the order of arrival. Whoever sent it waits until it is answered. */
export interface Command<Body, Result> {
  readonly id: string;
  readonly body: Body;
  /**
   * Carries out the command and answers with its result. A refusal goes to the sender as it is,
   * and the workflow goes on; @returns undefined then.
   */
  answerWith(work: () => Promise<Result>): Promise<Result | undefined>;
}

interface Waiting<Body, Result> extends Command<Body, Result> {
  readonly settled: { result?: Result; refusal?: ApplicationFailure };
}

export interface Inbox<Body, Result> {
  /** Lets an update put commands here. `refuse` throws, cheaply and before anything is recorded. */
  accept<Args>(
    update: UpdateDefinition<Result, [Args]>,
    options: { description: string; toBody: (args: Args) => Body; refuse: (args: Args) => void },
  ): void;
  /** The next command, or undefined once `until` (epoch milliseconds) has come or `isReady` holds. */
  next(options: {
    until: number;
    summary: string;
    isReady?: () => boolean;
  }): Promise<Command<Body, Result> | undefined>;
  /** A command is here that nobody has taken. */
  readonly isWaiting: boolean;
  /** The latest answers, for the input of the next run. */
  readonly answered: readonly Answered<Result>[];
}

/** A client repeats a command with the same key well within this many others. */
const rememberedAnswers = 200;

/**
 * Commands of one workflow in one line: handlers only queue, the main loop alone acts. A command
 * that an earlier run answered is answered the same again.
 */
export function openInbox<Body, Result>(carried: readonly Answered<Result>[]): Inbox<Body, Result> {
  const waiting: Waiting<Body, Result>[] = [];
  let answered = [...carried];
  const earlier = (id: string): Answered<Result> | undefined =>
    answered.find((answer) => answer.id === id);

  return {
    accept(update, { description, toBody, refuse }) {
      setHandler(
        update,
        async (args) => {
          const id = updateId();
          const known = earlier(id);
          if (known) return known.result;

          const command = newCommand<Body, Result>(id, toBody(args));
          waiting.push(command);
          await condition(() => 'result' in command.settled || 'refusal' in command.settled);
          if (command.settled.refusal) throw command.settled.refusal;
          const result = command.settled.result;
          if (result === undefined) throw new Error(`Command ${id} was settled without a result`);
          answered = [...answered, { id, result }].slice(-rememberedAnswers);
          return result;
        },
        { description, validator: (args) => void (earlier(updateId()) ?? refuse(args)) },
      );
    },

    async next({ until, summary, isReady = () => false }) {
      const isHere = (): boolean => waiting.length > 0 || isReady();
      const left = until - Date.now();
      if (!isHere() && left > 0) {
        if (left === Infinity) await condition(isHere);
        else await condition(isHere, left, { summary });
      }
      return waiting.shift();
    },

    get isWaiting() {
      return waiting.length > 0;
    },
    get answered() {
      return answered;
    },
  };
}

function newCommand<Body, Result>(id: string, body: Body): Waiting<Body, Result> {
  const settled: Waiting<Body, Result>['settled'] = {};
  return {
    id,
    body,
    settled,
    async answerWith(work) {
      actFor(id);
      try {
        const result = await work();
        settled.result = result;
        return result;
      } catch (error) {
        const refusal = refusalIn(error);
        if (!refusal) throw error;
        settled.refusal = refusal;
        return undefined;
      } finally {
        actFor(undefined);
      }
    },
  };
}

/** A refusal that an activity raised, as the update's own; undefined for whatever must not pass. */
function refusalIn(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure) || !cause.nonRetryable || !cause.type) {
    return undefined;
  }
  return ApplicationFailure.create({
    message: cause.message,
    type: cause.type,
    nonRetryable: true,
    details: cause.details ?? [],
    ...(cause.category && { category: cause.category }),
  });
}

function updateId(): string {
  const info = currentUpdateInfo();
  if (!info) throw new Error('Outside of an update handler');
  return info.id;
}
