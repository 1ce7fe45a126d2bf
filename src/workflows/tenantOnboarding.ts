import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineQuery,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { OnboardingStep } from '../activities/onboarding.ts';
import type {
  ApproveRegistration,
  DueOnboardingTimer,
  MoveDeadline,
  OnboardingResult,
  OnboardingState,
  RejectRegistration,
  TenantOnboardingInput,
} from '../models/onboardingStart.ts';
import {
  allowedDecisions,
  nextRegistrationStatus,
  type RegistrationEvent,
} from '../rules/onboarding.ts';
import { openAttention } from './attention.ts';
import { doing, inWords, queueOf } from './doing.ts';
import { openInbox } from './inbox.ts';
import { openPost } from './post.ts';
import { attribute } from './searchAttributes.ts';

export const approve = defineUpdate<OnboardingResult, [ApproveRegistration]>('approve');
export const reject = defineUpdate<OnboardingResult, [RejectRegistration]>('reject');
export const retry = defineUpdate<OnboardingResult, [{ readonly reason: string | null }]>('retry');
export const moveDeadline = defineUpdate<OnboardingResult, [MoveDeadline]>('moveDeadline');
export const noteActivation = defineUpdate<OnboardingResult, [object]>('noteActivation');
export const onboardingState = defineQuery<OnboardingState>('state');

type Wish =
  | ({ readonly kind: 'approve' } & ApproveRegistration)
  | ({ readonly kind: 'reject' } & RejectRegistration)
  | { readonly kind: 'retry'; readonly reason: string | null }
  | ({ readonly kind: 'moveDeadline' } & MoveDeadline)
  | { readonly kind: 'noteActivation' };

/** Five tries within an hour; what still fails then is taken back. */
const provisioning = (summary: string) =>
  proxyActivities<Activities>({
    summary,
    taskQueue: queueOf('provisioning'),
    startToCloseTimeout: '10 seconds',
    scheduleToCloseTimeout: '1 hour',
    retry: { initialInterval: '10 seconds', backoffCoefficient: 4, maximumAttempts: 5 },
  });

/** One company from its registration until its administrator signs in, or until it is refused. */
export async function tenantOnboarding(input: TenantOnboardingInput): Promise<void> {
  const ref = { companyId: input.companyId, registrationId: input.registrationId };
  const idOf = (effect: string): string =>
    `onboarding/${ref.registrationId}/${effect}/${current.stateVersion}`;
  let current = input.state;
  let shown = shownFacts(current);
  const attention = openAttention();
  const post = openPost(ref.companyId);
  const inbox = openInbox<Wish, OnboardingResult>([]);
  setHandler(onboardingState, () => current, {
    description: 'The registration as the workflow sees it',
  });
  inbox.accept(approve, {
    description: 'Accept the company and set it up',
    toBody: (wish) => ({ kind: 'approve', ...wish }),
    refuse: () => refuseUnless('approve'),
  });
  inbox.accept(reject, {
    description: 'Refuse the company, with a reason',
    toBody: (wish) => ({ kind: 'reject', ...wish }),
    refuse: () => refuseUnless('reject'),
  });
  inbox.accept(retry, {
    description: 'Set the company up once more, after what failed was mended',
    toBody: (wish) => ({ kind: 'retry', ...wish }),
    refuse: () => refuseUnless('retry'),
  });
  inbox.accept(moveDeadline, {
    description: 'Move a deadline of the review',
    toBody: (wish) => ({ kind: 'moveDeadline', ...wish }),
    refuse: () => refuseUnless('move_deadline'),
  });
  inbox.accept(noteActivation, {
    description: 'The administrator has signed in',
    toBody: () => ({ kind: 'noteActivation' }),
    refuse: () => refuseUnless('activate'),
  });

  post.send(input.notificationIds);
  try {
    for (;;) {
      if (current.status === 'approved') {
        await persist('the beginning of the set-up', () =>
          doing('begin the set-up').beginProvisioning(order(idOf('provision'))),
        );
      }
      if (current.status === 'provisioning') await provision();
      const timer = current.timers[0];
      show(timer);
      if (current.isClosed) {
        await condition(() => inbox.isWaiting || (allHandlersFinished() && post.isSettled));
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
        await persist(inWords(timer.name), () => fire(timer));
      }
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(stopByOperator);
    throw error;
  }

  /** Each step finds what an earlier try made; what fails for good is taken back in reverse. */
  async function provision(): Promise<void> {
    const undone: (() => Promise<unknown>)[] = [];
    let adminUserId = '';
    try {
      undone.unshift(() => doing('archive the company').archiveCompany(ref));
      await provisioning('company').createCompany(ref);
      undone.unshift(() => doing('release the domains').releaseDomains(ref));
      await provisioning('domains').addDomains(ref);
      if (current.isolation === 'dedicated_schema') {
        undone.unshift(() => doing('drop the schema').dropUnusedSchema(ref));
        await provisioning('a schema of its own').createSchema(ref);
      }
      undone.unshift(() => doing('archive the seed').archiveSeed(ref));
      await provisioning('settings, calendar, categories').seedCompany(ref);
      undone.unshift(() => doing('disable the administrator').disableAdministrator(ref));
      ({ adminUserId } = await provisioning('administrator').createAdministrator(ref));
      undone.unshift(() => doing('close the company').closeCompany(ref));
      await provisioning('open the company').openCompany(ref);
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      for (const undo of undone) await attention.persist('taking back', undo, reread);
      const message = `${error.activityType}: ${error.cause?.message ?? error.message}`;
      await persist('telling of the failure', () =>
        doing('tell of the failure').failProvisioning({ ...order(idOf('fail')), error: message }),
      );
      return;
    }
    await persist('the end of the set-up', () =>
      doing('welcome').completeProvisioning({ ...order(idOf('complete')), adminUserId }),
    );
  }

  function refuseUnless(event: RegistrationEvent): void {
    if (attention.isNeeded) {
      throw ApplicationFailure.nonRetryable(
        'A step of this registration failed and waits for an operator',
        'NEEDS_ATTENTION',
        { status: 409, facts: {} },
      );
    }
    if (nextRegistrationStatus(current.status, event)) return;
    throw ApplicationFailure.nonRetryable(
      `The registration is ${current.status} and cannot ${inWords(event)}`,
      'ILLEGAL_TRANSITION',
      { status: 409, facts: { allowed_transitions: allowedDecisions(current.status) } },
    );
  }

  /** State may have moved since the command was let in, so it is judged once more. */
  function carryOut(commandId: string, wish: Wish): Promise<OnboardingStep> {
    switch (wish.kind) {
      case 'approve':
        refuseUnless('approve');
        return doing('approve').approveRegistration({ ...order(commandId), ...wish });
      case 'reject':
        refuseUnless('reject');
        return doing('reject').rejectRegistration({ ...order(commandId), ...wish });
      case 'retry':
        refuseUnless('retry');
        return doing('try again').retryProvisioning({ ...order(commandId), ...wish });
      case 'moveDeadline':
        refuseUnless('move_deadline');
        return doing('move a deadline').moveReviewDeadline({ ...order(commandId), ...wish });
      case 'noteActivation':
        refuseUnless('activate');
        return doing('note the first sign-in').noteActivation(order(commandId));
      default:
        return wish satisfies never;
    }
  }

  function fire({ name, occurrence }: DueOnboardingTimer): Promise<OnboardingStep> {
    const commandId = `onboarding/${ref.registrationId}/${name}/${occurrence}`;
    return doing(inWords(name)).fireOnboardingTimer({ ...order(commandId), name, occurrence });
  }

  function order(commandId: string) {
    return { ...ref, commandId, expectedVersion: current.stateVersion, at: Date.now() };
  }

  async function persist(title: string, step: () => Promise<OnboardingStep>): Promise<void> {
    adopt(await attention.persist(title, step, reread));
  }

  function adopt(step: OnboardingStep): OnboardingResult {
    current = step.state;
    post.send(step.notificationIds);
    const { status, stateVersion } = current;
    return { status, stateVersion };
  }

  /** After an operator's repair the row rules, whatever this run remembers. */
  async function reread(): Promise<void> {
    current = await doing('read again').readRegistration(ref);
  }

  /** Only a registration that is not decided can be stopped; a company is suspended instead. */
  async function stopByOperator(): Promise<void> {
    await attention.persist('the end by an operator', reread, reread);
    if (current.status === 'pending') {
      await persist('the end by an operator', () =>
        doing('rejected by an operator').rejectRegistration({
          ...order(idOf('operator_reject')),
          reviewedBy: null,
          reason: 'Stopped by an operator',
        }),
      );
    }
    await condition(() => post.isSettled);
  }

  function show(timer: DueOnboardingTimer | undefined): void {
    setCurrentDetails(
      `**${current.status}**\n\n` +
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
      { key: attribute.dueAt, value: timer ? new Date(timer.dueAt) : null },
    ]);
  }
}

/** What the search attributes hold; the start has set them, later only a difference is written. */
const shownFacts = ({ status, stateVersion, timers }: OnboardingState): string =>
  `${status} ${stateVersion} ${timers[0]?.dueAt}`;
