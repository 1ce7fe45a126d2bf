import {
  ActivityFailure,
  defineQuery,
  defineUpdate,
  isCancellation,
  patched,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { OnboardingStep } from '../activities/onboarding.ts';
import type {
  ApproveRegistration,
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
import { doing, inWords, queueOf } from './doing.ts';
import { illegalTransition, openLifecycle, refuseInTrouble, type StepOrder } from './lifecycle.ts';

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
  const entity = `onboarding/${ref.registrationId}`;
  const lifecycle = openLifecycle<OnboardingState, Wish, OnboardingResult>({
    companyId: ref.companyId,
    noun: 'registration',
    entity,
    begin: input.state,
    notificationIds: input.notificationIds,
    answered: [],
    query: onboardingState,
    resultOf: ({ status, stateVersion }) => ({ status, stateVersion }),
    read: () => doing('read again').readRegistration(ref),
    carryOut,
    fire: ({ name, occurrence }, order) =>
      doing(inWords(name)).fireOnboardingTimer({ ...ref, ...order, name, occurrence }),
    async advance() {
      if (lifecycle.state.status === 'approved') {
        await lifecycle.persist('the beginning of the set-up', () =>
          doing('begin the set-up').beginProvisioning(orderOf(idOf('provision'))),
        );
      }
      if (lifecycle.state.status === 'provisioning') await provision();
    },
    endByOperator,
    headline: ({ status }) => `**${status}**`,
  });
  lifecycle.accept(approve, {
    description: 'Accept the company and set it up',
    toBody: (wish) => ({ kind: 'approve', ...wish }),
    refuse: () => refuseUnless('approve'),
  });
  lifecycle.accept(reject, {
    description: 'Refuse the company, with a reason',
    toBody: (wish) => ({ kind: 'reject', ...wish }),
    refuse: () => refuseUnless('reject'),
  });
  lifecycle.accept(retry, {
    description: 'Set the company up once more, after what failed was mended',
    toBody: (wish) => ({ kind: 'retry', ...wish }),
    refuse: () => refuseUnless('retry'),
  });
  lifecycle.accept(moveDeadline, {
    description: 'Move a deadline of the review or of the first sign-in',
    toBody: (wish) => ({ kind: 'moveDeadline', ...wish }),
    refuse: () => refuseUnless('move_deadline'),
  });
  lifecycle.accept(noteActivation, {
    description: 'The administrator has signed in',
    toBody: () => ({ kind: 'noteActivation' }),
    refuse: () => refuseUnless('activate'),
  });

  await lifecycle.run();

  /** Each step finds what an earlier try made; what fails for good is taken back in reverse. */
  async function provision(): Promise<void> {
    const undone: (() => Promise<unknown>)[] = [];
    let adminUserId = '';
    try {
      undone.unshift(() => doing('archive the company').archiveCompany(ref));
      await provisioning('company').createCompany(ref);
      undone.unshift(() => doing('release the domains').releaseDomains(ref));
      await provisioning('domains').addDomains(ref);
      if (lifecycle.state.isolation === 'dedicated_schema') {
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
      for (const undo of undone)
        await lifecycle.attention.persist('taking back', undo, () => lifecycle.reread());
      const message = `${error.activityType}: ${error.cause?.message ?? error.message}`;
      await lifecycle.persist('telling of the failure', () =>
        doing('tell of the failure').failProvisioning({ ...orderOf(idOf('fail')), error: message }),
      );
      return;
    }
    await lifecycle.persist('the end of the set-up', () =>
      doing('welcome').completeProvisioning({ ...orderOf(idOf('complete')), adminUserId }),
    );
  }

  function refuseUnless(event: RegistrationEvent): void {
    refuseInTrouble(lifecycle.attention, 'registration');
    if (!nextRegistrationStatus(lifecycle.state.status, event)) throw illegal(event);
  }

  function illegal(event: RegistrationEvent): Error {
    const { status } = lifecycle.state;
    return illegalTransition(
      `The registration is ${status} and cannot ${inWords(event)}`,
      allowedDecisions(status),
    );
  }

  function carryOut(wish: Wish, order: StepOrder): Promise<OnboardingStep> {
    const step = { ...ref, ...order };
    switch (wish.kind) {
      case 'approve':
        refuseUnless('approve');
        return doing('approve').approveRegistration({ ...step, ...wish });
      case 'reject':
        refuseUnless('reject');
        // Runs of before refused here what had come in while the set-up was under way.
        if (lifecycle.state.status === 'failed' && !patched('onboarding-reject-failed')) {
          throw illegal('reject');
        }
        return doing('reject').rejectRegistration({ ...step, ...wish });
      case 'retry':
        refuseUnless('retry');
        return doing('try again').retryProvisioning({ ...step, ...wish });
      case 'moveDeadline':
        refuseUnless('move_deadline');
        return doing('move a deadline').moveReviewDeadline({ ...step, ...wish });
      case 'noteActivation':
        refuseUnless('activate');
        return doing('note the first sign-in').noteActivation(step);
      default:
        return wish satisfies never;
    }
  }

  function idOf(effect: string): string {
    return `${entity}/${effect}/${lifecycle.state.stateVersion}`;
  }

  function orderOf(commandId: string) {
    return { ...ref, ...lifecycle.order(commandId) };
  }

  /** Until there is a company it ends as a rejection; a company is suspended instead. */
  async function endByOperator(): Promise<void> {
    const { status } = lifecycle.state;
    if (!nextRegistrationStatus(status, 'reject')) return;
    // Runs of before left here what had failed.
    if (status === 'failed' && !patched('onboarding-stop-failed')) return;
    await lifecycle.persist('the end by an operator', () =>
      doing('rejected by an operator').rejectRegistration({
        ...orderOf(idOf('operator_reject')),
        reviewedBy: null,
        reason: 'Stopped by an operator',
      }),
    );
  }
}
