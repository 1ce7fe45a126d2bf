import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  type QueryDefinition,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair, UpdateDefinition } from '@temporalio/common';
import type { Outcome } from '../activities/oneStep.ts';
import { openAttention, type Attention } from './attention.ts';
import { inWords } from './doing.ts';
import { openInbox, type Answered } from './inbox.ts';
import { openPost } from './post.ts';
import { answerState } from './rebuilt.ts';
import { attribute } from './searchAttributes.ts';

/** The row is to be read once more: what this run remembers may differ from it. */
export const readAgain = defineSignal('readAgain');

/** An object as its row has it, as far as every workflow asks. */
interface Living {
  readonly status: string;
  readonly stateVersion: number;
  /** Soonest first; `dueAt` is epoch milliseconds. */
  readonly timers: readonly {
    readonly name: string;
    readonly occurrence: number;
    readonly dueAt: number;
  }[];
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What every step of a workflow hands to its activity besides its own. */
export interface StepOrder {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

/** What is different from one kind of object to another. */
interface Kind<State extends Living, Wish, Result> {
  readonly companyId: string;
  /** `subscription`, as it stands in a sentence. */
  readonly noun: string;
  /** What ids of steps begin with: `subscription/0199…`. */
  readonly entity: string;
  readonly begin: State;
  /** E-mails that wait to be delivered. */
  readonly notificationIds: readonly string[];
  /** Answers of earlier runs. */
  readonly answered: readonly Answered<Result>[];
  readonly query: QueryDefinition<State>;
  resultOf(state: State): Result;
  read(): Promise<State>;
  /** State may have moved since the command was let in, so it is judged once more. */
  carryOut(wish: Wish, order: StepOrder): Promise<Outcome<State>>;
  fire(timer: State['timers'][number], order: StepOrder): Promise<Outcome<State>>;
  /** What the workflow does by itself as soon as the state asks for it. */
  advance?(): Promise<void>;
  /** Wakes the loop up for `advance`. */
  isReady?(): boolean;
  /** The present run is to end, though the object lives on. */
  isRunComplete?(): boolean;
  /** A closed one may be taken up again. */
  readonly mayLiveAgain?: true;
  /** By the row: the step that was under way when the operator came may have committed. */
  endByOperator(): Promise<void>;
  /** First line of what operators see of the run. */
  headline(state: State): string;
  /** Search attributes besides status, version and next date. */
  attributesOf?(state: State): SearchAttributeUpdatePair[];
}

export interface Lifecycle<State extends Living, Wish, Result> {
  readonly state: State;
  /** For the input of the next run. */
  readonly answered: readonly Answered<Result>[];
  readonly undelivered: readonly string[];
  readonly attention: Attention;
  order(commandId: string): StepOrder;
  accept<Args>(
    update: UpdateDefinition<Result, [Args]>,
    options: {
      description: string;
      toBody: (args: Args) => Wish;
      refuse: (args: Args) => void;
    },
  ): void;
  /** A step that must happen; see `Attention.persist`. */
  persist(title: string, step: () => Promise<Outcome<State>>): Promise<void>;
  reread(): Promise<void>;
  /** Takes commands and deadlines in order until the object or its run has ended. */
  run(): Promise<void>;
}

/**
 * One object with its commands and clocks: handlers only queue, one loop acts. All handlers are
 * registered before `run`.
 */
export function openLifecycle<State extends Living, Wish, Result>(
  kind: Kind<State, Wish, Result>,
): Lifecycle<State, Wish, Result> {
  let current = kind.begin;
  let shown = shownFacts(current, kind);
  const attention = openAttention();
  const post = openPost(kind.companyId);
  const inbox = openInbox<Wish, Result>(kind.answered);
  /** A step is under way, whose end may be in the row already. */
  let isActing = true;
  let isStale = false;
  const isReady = (): boolean => isStale || (kind.isReady?.() ?? false);
  setHandler(readAgain, () => void (isStale = true), {
    description: 'Read the row once more and go on from it',
  });
  answerState(kind.query, () => current, `The ${kind.noun} as the workflow sees it`);

  const order = (commandId: string): StepOrder => ({
    commandId,
    expectedVersion: current.stateVersion,
    at: Date.now(),
  });

  function adopt({ state, notificationIds }: Outcome<State>): Result {
    current = state;
    post.send(notificationIds);
    return kind.resultOf(current);
  }

  /** After an operator's repair the row rules, whatever this run remembers. */
  async function reread(): Promise<void> {
    current = await kind.read();
  }

  async function persist(title: string, step: () => Promise<Outcome<State>>): Promise<void> {
    adopt(await attention.persist(title, step, reread));
  }

  async function loop(): Promise<void> {
    for (;;) {
      if (isStale) {
        isStale = false;
        await attention.persist('the row', reread, reread);
      }
      await kind.advance?.();
      const timer = current.timers[0];
      show();
      if (current.isClosed || kind.isRunComplete?.()) {
        await untilQuiet();
        // What was to be read meanwhile may be what the next run begins with.
        if (isStale && patched('read-before-next-run')) continue;
        if (!inbox.isWaiting) {
          if (await livesAgain()) continue;
          return;
        }
      }
      isActing = false;
      const command = await inbox.next({
        until: timer?.dueAt ?? Infinity,
        summary: timer ? inWords(timer.name) : 'waiting for commands',
        isReady,
      });
      isActing = true;
      if (command) {
        const answer = await command.answerWith(async () =>
          adopt(await kind.carryOut(command.body, order(command.id))),
        );
        // What the row refused and this run had let in shows that the row knows more.
        if (!answer) await reread();
      } else if (timer && !isReady()) {
        const id = `${kind.entity}/${timer.name}/${timer.occurrence}`;
        await persist(inWords(timer.name), () => kind.fire(timer, order(id)));
      }
    }
  }

  /**
   * Nobody waits for an answer any more, and no mail is under way: a closed object has sent its last
   * one, and before a new run the first try ends, so that not both of them send the same mail.
   */
  async function untilQuiet(): Promise<void> {
    const isQuiet = (): boolean => inbox.isWaiting || (allHandlersFinished() && post.isSettled);
    if (current.isClosed) await condition(isQuiet);
    else if (!(await condition(isQuiet, '1 minute', { summary: 'mail under way' }))) {
      await condition(() => inbox.isWaiting || allHandlersFinished());
    }
  }

  /** While the last mails went out it may have been taken up again; that start met this run. */
  async function livesAgain(): Promise<boolean> {
    if (!current.isClosed || !kind.mayLiveAgain) return false;
    await reread();
    return !current.isClosed;
  }

  async function stopByOperator(): Promise<void> {
    await attention.persist('the end by an operator', reread, reread);
    await kind.endByOperator();
    await post.handOver();
  }

  function show(): void {
    setCurrentDetails(
      `${kind.headline(current)}\n\n` +
        current.timers
          .map(({ name, dueAt }) => `- ${inWords(name)}: ${new Date(dueAt).toISOString()}`)
          .join('\n'),
    );
    const facts = shownFacts(current, kind);
    if (facts === shown) return;
    shown = facts;
    const [timer] = current.timers;
    upsertSearchAttributes([
      { key: attribute.entityStatus, value: current.status },
      { key: attribute.stateVersion, value: current.stateVersion },
      ...(kind.attributesOf?.(current) ?? []),
      { key: attribute.dueAt, value: timer ? new Date(timer.dueAt) : null },
    ]);
  }

  return {
    get state() {
      return current;
    },
    get answered() {
      return inbox.answered;
    },
    get undelivered() {
      return post.undelivered;
    },
    attention,
    order,
    accept: (update, { refuse, ...options }) =>
      inbox.accept(update, {
        ...options,
        // Who has seen the step's end in the row is ahead of this state: `carryOut` judges then.
        refuse: (args) => {
          if (!isActing || attention.isNeeded) refuse(args);
        },
      }),
    persist,
    reread,

    async run() {
      post.send(kind.notificationIds);
      try {
        await loop();
      } catch (error) {
        if (!isCancellation(error)) throw error;
        await CancellationScope.nonCancellable(stopByOperator);
        throw error;
      }
    },
  };
}

/** Refuses every command while a step of the object waits for an operator. */
export function refuseInTrouble({ isNeeded }: Attention, noun: string): void {
  if (!isNeeded) return;
  throw ApplicationFailure.nonRetryable(
    `A step of this ${noun} failed and waits for an operator`,
    'NEEDS_ATTENTION',
    { status: 409, facts: {} },
  );
}

/**
 * @param allowed what may be asked for instead
 * @param facts how the object stands
 */
export const illegalTransition = (
  message: string,
  allowed: readonly string[],
  facts: Readonly<Record<string, string>> = {},
) =>
  ApplicationFailure.nonRetryable(message, 'ILLEGAL_TRANSITION', {
    status: 409,
    facts: { ...facts, allowed_transitions: allowed },
  });

/** What the search attributes hold; the start has set them, later only a difference is written. */
const shownFacts = <State extends Living>(
  state: State,
  kind: { attributesOf?(state: State): SearchAttributeUpdatePair[] },
): string =>
  JSON.stringify([
    state.status,
    state.stateVersion,
    ...(kind.attributesOf?.(state) ?? []).map(({ value }) => value),
    state.timers[0]?.dueAt,
  ]);
