import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  CancelSubscription,
  ChangeExpiry,
  RenewSubscription,
  SubscriptionStep,
} from '../activities/subscriptions.ts';
import type {
  DueTimer,
  SubscriptionLifecycleInput,
  SubscriptionResult,
  SubscriptionState,
} from '../models/subscriptionStart.ts';
import {
  allowedTransitions,
  isLive,
  nextStatus,
  type SubscriptionEvent,
} from '../rules/subscriptions.ts';
import { openAttention } from './attention.ts';
import { doing, inWords } from './doing.ts';
import { openInbox } from './inbox.ts';
import { openPost } from './post.ts';
import { attribute } from './searchAttributes.ts';

export const cancel = defineUpdate<SubscriptionResult, [CancelSubscription]>('cancel');
export const renew = defineUpdate<SubscriptionResult, [RenewSubscription]>('renew');
export const changeExpiry = defineUpdate<SubscriptionResult, [ChangeExpiry]>('changeExpiry');
export const state = defineQuery<SubscriptionState>('state');

type Wish =
  | ({ readonly kind: 'cancel' } & CancelSubscription)
  | ({ readonly kind: 'renew' } & RenewSubscription)
  | ({ readonly kind: 'changeExpiry' } & ChangeExpiry);

/** One subscription from its purchase until nothing can happen to it any more. */
export async function subscriptionLifecycle(input: SubscriptionLifecycleInput): Promise<void> {
  const { companyId, subscriptionId } = input;
  let current = input.state;
  let shown = shownFacts(current);
  const attention = openAttention();
  const post = openPost(companyId);
  const inbox = openInbox<Wish, SubscriptionResult>(input.answered);
  setHandler(state, () => current, { description: 'The subscription as the workflow sees it' });
  inbox.accept(cancel, {
    description: 'Cancel now or on a later day',
    toBody: (wish) => ({ kind: 'cancel', ...wish }),
    refuse: () => refuseUnless('cancel'),
  });
  inbox.accept(renew, {
    description: 'Renew for another term',
    toBody: (wish) => ({ kind: 'renew', ...wish }),
    refuse: () => refuseUnless(renewalEvent()),
  });
  inbox.accept(changeExpiry, {
    description: 'Move the expiry of the running term',
    toBody: (wish) => ({ kind: 'changeExpiry', ...wish }),
    refuse: () => refuseUnless('change_expiry'),
  });

  post.send(input.notificationIds);
  try {
    for (;;) {
      const timer = current.timers[0];
      show(timer);
      if (current.isClosed || isRunComplete()) {
        await untilQuiet();
        if (!inbox.isWaiting) break;
      }
      const command = await inbox.next({
        until: timer?.dueAt ?? Infinity,
        summary: timer ? inWords(timer.name) : 'waiting for commands',
      });
      if (command) {
        const answer = await command.answerWith(async () =>
          adopt(await carryOut(command.id, command.body)),
        );
        // What the row refused and this run had let in shows that the row knows more.
        if (!answer) await reread();
      } else if (timer) {
        adopt(await attention.persist(inWords(timer.name), () => fire(timer), reread));
      }
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(stopByOperator);
    throw error;
  }
  if (!current.isClosed) await startNextRun();

  /** A new term is a new run: the history stays short and the code young. */
  function isRunComplete(): boolean {
    return current.termNo !== input.state.termNo || workflowInfo().continueAsNewSuggested;
  }

  /**
   * Nobody waits for an answer any more, and no mail is under way: a closed subscription has sent its
   * last one, and before a new run the first try ends, so that not both of them send the same mail.
   */
  async function untilQuiet(): Promise<void> {
    const isQuiet = (): boolean => inbox.isWaiting || (allHandlersFinished() && post.isSettled);
    if (current.isClosed) await condition(isQuiet);
    else if (!(await condition(isQuiet, '1 minute', { summary: 'mail under way' }))) {
      await condition(() => inbox.isWaiting || allHandlersFinished());
    }
  }

  function refuseUnless(event: SubscriptionEvent): void {
    if (attention.isNeeded) {
      throw ApplicationFailure.nonRetryable(
        'A step of this subscription failed and waits for an operator',
        'NEEDS_ATTENTION',
        { status: 409, facts: {} },
      );
    }
    if (nextStatus(current.status, event)) return;
    throw ApplicationFailure.nonRetryable(
      `The subscription is ${current.status} and cannot ${event.replaceAll('_', ' ')}`,
      'ILLEGAL_TRANSITION',
      { status: 409, facts: { allowed_transitions: allowedTransitions(current.status) } },
    );
  }

  function renewalEvent(): 'renew' | 'late_renew' {
    return current.status === 'expired' ? 'late_renew' : 'renew';
  }

  /** State may have moved since the command was let in, so it is judged once more. */
  function carryOut(commandId: string, wish: Wish): Promise<SubscriptionStep> {
    const ref = {
      companyId,
      subscriptionId,
      commandId,
      expectedVersion: current.stateVersion,
      at: Date.now(),
    };
    switch (wish.kind) {
      case 'cancel':
        refuseUnless('cancel');
        return doing('cancel').cancelSubscription({ ...ref, ...wish });
      case 'renew':
        refuseUnless(renewalEvent());
        return doing('renew').renewSubscription({ ...ref, ...wish });
      case 'changeExpiry':
        refuseUnless('change_expiry');
        return doing('move the expiry').changeSubscriptionExpiry({ ...ref, ...wish });
      default:
        return wish satisfies never;
    }
  }

  function fire({ name, occurrence }: DueTimer): Promise<SubscriptionStep> {
    return doing(inWords(name)).fireSubscriptionTimer({
      companyId,
      subscriptionId,
      commandId: `subscription/${subscriptionId}/${name}/${occurrence}`,
      expectedVersion: current.stateVersion,
      at: Date.now(),
      name,
      occurrence,
    });
  }

  function adopt(step: SubscriptionStep): SubscriptionResult {
    current = step.state;
    post.send(step.notificationIds);
    const { status, stateVersion, termNo } = current;
    return { status, stateVersion, termNo };
  }

  function startNextRun(): Promise<never> {
    return continueAsNew<typeof subscriptionLifecycle>({
      ...input,
      state: current,
      notificationIds: post.undelivered,
      answered: inbox.answered,
    });
  }

  /** After an operator's repair the row rules, whatever this run remembers. */
  async function reread(): Promise<void> {
    current = await doing('read again').readSubscription({ companyId, subscriptionId });
  }

  /** By the row: the step that was under way when the operator came may have committed. */
  async function stopByOperator(): Promise<void> {
    await attention.persist('the end by an operator', reread, reread);
    if (!current.isClosed) adopt(await attention.persist('the end by an operator', finish, reread));
    await condition(() => post.isSettled);
  }

  function finish(): Promise<SubscriptionStep> {
    if (!isLive(current.status)) {
      return fire({ name: 'late_renewal_close', occurrence: current.termNo, dueAt: Date.now() });
    }
    return doing('cancelled by an operator').cancelSubscription({
      companyId,
      subscriptionId,
      commandId: `subscription/${subscriptionId}/operator_cancel/1`,
      expectedVersion: current.stateVersion,
      at: Date.now(),
      effectiveDate: null,
      reason: 'Cancelled by an operator',
    });
  }

  function show(timer: DueTimer | undefined): void {
    setCurrentDetails(
      `**${current.status}**, term ${current.termNo}, cover until ${new Date(current.expiresAt).toISOString()}.\n\n` +
        current.timers
          .map(({ name, dueAt }) => `- ${inWords(name)}: ${new Date(dueAt).toISOString()}`)
          .join('\n'),
    );
    const facts = shownFacts(current);
    if (facts === shown) return;
    shown = facts;
    upsertSearchAttributes([
      { key: attribute.entityStatus, value: current.status },
      { key: attribute.stateVersion, value: current.stateVersion },
      { key: attribute.expiresAt, value: new Date(current.expiresAt) },
      { key: attribute.dueAt, value: timer ? new Date(timer.dueAt) : null },
    ]);
  }
}

/** What the search attributes hold; the start has set them, later only a difference is written. */
const shownFacts = ({ status, stateVersion, expiresAt, timers }: SubscriptionState): string =>
  `${status} ${stateVersion} ${expiresAt} ${timers[0]?.dueAt}`;
