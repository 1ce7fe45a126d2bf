import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PaymentStep, Settlement, Unwanted } from '../activities/payments.ts';
import type {
  MovePaymentRetry,
  PaymentInput,
  PaymentResult,
  PaymentState,
} from '../models/paymentStart.ts';
import { openAttention } from './attention.ts';
import { doing, maxSilenceMs, queueOf } from './doing.ts';
import { openInbox } from './inbox.ts';
import { illegalTransition } from './lifecycle.ts';
import { openPost } from './post.ts';
import { answerState } from './rebuilt.ts';
import { attribute } from './searchAttributes.ts';

/** The gateway has told something of this payment; what, it is asked itself. */
export const gatewayNews = defineSignal('gatewayNews');
export const moveRetry = defineUpdate<
  Pick<PaymentState, 'status' | 'stateVersion'>,
  [MovePaymentRetry]
>('moveRetry');
export const paymentState = defineQuery<PaymentState | undefined>('state');

/** Milliseconds after which an outcome that is unknown is asked for again; then every hour. */
const lookAgainAfter = [10_000, 60_000, 300_000, 900_000] as const;
const hourMs = 3_600_000;

/** The failure code of a payment whose run was cancelled. */
const stoppedByOperator = 'stopped_by_operator';

/**
 * One movement of money until it is completed or has failed. Whatever is unknown is asked for by the
 * payment's key, never sent on a guess; a decline that may pass is tried again along the ladder. Whoever
 * cancels the run ends the tries, and the result still says what became of the money.
 */
export async function payment({ companyId, paymentId }: PaymentInput): Promise<PaymentResult> {
  const ref = { companyId, paymentId };
  let current: PaymentState | undefined;
  let news = 0;
  let isStopped = false;
  let isRaised = false;
  let isBetweenTries = false;
  const attention = openAttention();
  const post = openPost(companyId);
  const inbox = openInbox<MovePaymentRetry, Pick<PaymentState, 'status' | 'stateVersion'>>([]);
  inbox.accept(moveRetry, {
    description: 'Another time for the next try',
    toBody: (wish) => wish,
    refuse: refuseUnlessBetweenTries,
  });
  answerState(paymentState, () => current, 'The payment as the workflow sees it');
  setHandler(gatewayNews, () => void (news += 1), {
    description: 'The gateway has told something of this payment',
  });
  CancellationScope.current().cancelRequested.catch(() => {
    isStopped = true;
  });
  const { sendPayment, lookUpPayment } = proxyActivities<Activities>({
    summary: 'the gateway',
    taskQueue: queueOf('payments'),
    startToCloseTimeout: '45 seconds',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  return CancellationScope.nonCancellable(carryOut);

  async function carryOut(): Promise<PaymentResult> {
    let state = await reread();
    while (state.status === 'pending') {
      show(state);
      const [timer] = state.timers;
      if (timer && !isStopped) {
        if (await wasMovedBefore(timer.dueAt)) {
          state = await reread();
          continue;
        }
        if (!isStopped) {
          state = await persist('the next try', () =>
            doing('the next try').firePaymentTimer({
              ...order(`retry/${timer.occurrence}`),
              occurrence: timer.occurrence,
            }),
          );
        }
      }
      const attempt = state.attempts + 1;
      const settlement = isStopped ? await whatBecame(stoppedByOperator) : await sent(attempt);
      state = await persist('the outcome', () =>
        doing('note the outcome').settlePayment({
          ...order(`settle/${stateVersion()}`),
          attempt,
          settlement,
        }),
      );
    }
    show(state);
    await answerWaiting();
    await post.handOver();
    await condition(allHandlersFinished);
    return {
      status: state.status === 'failed' ? 'failed' : 'completed',
      failureCode: state.failureCode,
    };
  }

  /** What the gateway says in the end. Looks, and sends only what the gateway has never seen. */
  async function sent(attempt: number): Promise<Settlement> {
    for (let looks = 0; ; looks += 1) {
      if (isStopped) return whatBecame(stoppedByOperator);
      const seen = news + attention.retries;
      const outcome = await attention.persist(
        'the gateway',
        () => sendPayment({ ...ref, attempt }),
        async () => void (await reread()),
      );
      if (outcome.status === 'unwanted') return whatBecame(outcome.code);
      if (outcome.status !== 'unknown') return known(outcome);
      await untilNextLook(looks, seen);
    }
  }

  /** Of a payment that nobody wants any more: nothing is sent, and what was sent still counts. */
  async function whatBecame(code: typeof stoppedByOperator | Unwanted): Promise<Settlement> {
    let missed = 0;
    for (let looks = 0; ; looks += 1) {
      const seen = news + attention.retries;
      const outcome = await attention.persist(
        'the gateway',
        () => lookUpPayment(ref),
        async () => void (await reread()),
      );
      if (outcome?.status === 'completed') return known(outcome);
      if (outcome?.status === 'unknown') {
        missed = 0;
        await untilNextLook(looks, seen);
        continue;
      }
      missed += 1;
      // What was sent right before may be on its way: a second look a minute after the first is sure.
      if (missed > 1 || (looks > 0 && !patched('payment-missed-twice'))) {
        return known({ status: 'declined', code, mayPass: false });
      }
      await sleep('1 minute');
    }
  }

  function known(settlement: Settlement): Settlement {
    if (isRaised) attention.lower();
    isRaised = false;
    return settlement;
  }

  async function untilNextLook(looks: number, seen: number): Promise<void> {
    if (looks === lookAgainAfter.length - 1 && !isRaised) {
      isRaised = true;
      attention.raise(
        'The gateway does not say what became of the payment. It is asked every hour and whenever it ' +
          'tells something; `retryStep` asks now.',
      );
    }
    if (workflowInfo().continueAsNewSuggested && post.isSettled && !isStopped) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof payment>({ v: 1, companyId, paymentId });
    }
    const wasStopped = isStopped;
    await condition(
      () => news + attention.retries > seen || isStopped !== wasStopped,
      lookAgainAfter[looks] ?? hourMs,
      { summary: 'asking the gateway again' },
    );
  }

  /** Waits for the next try. @returns true as soon as somebody has asked for another time */
  async function wasMovedBefore(dueAt: number): Promise<boolean> {
    isBetweenTries = true;
    const isWoken = (): boolean => inbox.isWaiting || isStopped;
    const left = dueAt - Date.now();
    if (left > 0 && !isWoken()) await condition(isWoken, left, { summary: 'the next try' });
    const wasAsked = inbox.isWaiting;
    await answerWaiting();
    isBetweenTries = false;
    return wasAsked;
  }

  async function answerWaiting(): Promise<void> {
    while (inbox.isWaiting) {
      const command = await inbox.next({ until: 0, summary: 'a command' });
      await command?.answerWith(async () => {
        refuseUnlessBetweenTries();
        const { state } = await doing('the next try moved').movePaymentRetry({
          ...orderBy(command.id),
          ...command.body,
        });
        current = state;
        return { status: state.status, stateVersion: state.stateVersion };
      });
    }
  }

  function refuseUnlessBetweenTries(): void {
    if (isBetweenTries && !isStopped) return;
    throw illegalTransition(`The payment is ${current?.status} and waits for no other try`, []);
  }

  /** As last read: after an operator's repair the row rules, whatever a step began with. */
  function stateVersion(): number {
    return current?.stateVersion ?? 0;
  }

  function order(effect: string) {
    return orderBy(`payment/${paymentId}/${effect}`);
  }

  function orderBy(commandId: string) {
    return {
      ...ref,
      commandId,
      expectedVersion: stateVersion(),
      at: Date.now(),
    };
  }

  async function persist(title: string, step: () => Promise<PaymentStep>): Promise<PaymentState> {
    const done = await attention.persist(title, step, async () => void (await reread()));
    post.send(done.notificationIds);
    current = done.state;
    return done.state;
  }

  async function reread(): Promise<PaymentState> {
    current = await doing('read').readPayment(ref);
    return current;
  }

  function show(state: PaymentState): void {
    const [timer] = state.timers;
    setCurrentDetails(
      `**${state.status}**, ${state.attempts} tries` +
        (state.failureCode ? `, last ${state.failureCode}` : '') +
        (timer ? `\n\n- next try: ${new Date(timer.dueAt).toISOString()}` : ''),
    );
    upsertSearchAttributes([
      { key: attribute.entityStatus, value: state.status },
      { key: attribute.stateVersion, value: state.stateVersion },
      { key: attribute.dueAt, value: timer ? new Date(timer.dueAt) : null },
    ]);
  }
}
