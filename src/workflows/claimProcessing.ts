import {
  continueAsNew,
  defineQuery,
  defineUpdate,
  patched,
  workflowInfo,
} from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import type { ClaimStep } from '../activities/claims.ts';
import type {
  ClaimProcessingInput,
  ClaimResult,
  ClaimState,
  ClaimWish,
  DueClaimTimer,
} from '../models/claimStart.ts';
import type { PaymentResult } from '../models/paymentStart.ts';
import { allowedClaimEvents, nextClaimStatus } from '../rules/claims.ts';
import { awaitPayment } from './awaitPayment.ts';
import { doing, inWords } from './doing.ts';
import { illegalTransition, openLifecycle, refuseInTrouble, type StepOrder } from './lifecycle.ts';
import { attribute } from './searchAttributes.ts';

export const transition = defineUpdate<ClaimResult, [ClaimWish]>('transition');
export const claimState = defineQuery<ClaimState>('state');

/** One claim until it is closed. A missed deadline climbs the ladder; it never decides. */
export async function claimProcessing(input: ClaimProcessingInput): Promise<void> {
  const ref = { companyId: input.companyId, claimId: input.claimId };
  const entity = `claim/${input.claimId}`;
  const showsWho = patched('claim-assignee-and-escalation');
  let wasAssigned = false;
  let awaited: string | undefined;
  let ended: { readonly paymentId: string; readonly result: PaymentResult } | undefined;
  const lifecycle = openLifecycle<ClaimState, ClaimWish, ClaimResult>({
    companyId: ref.companyId,
    noun: 'claim',
    entity,
    begin: input.state,
    notificationIds: input.notificationIds,
    answered: input.answered,
    query: claimState,
    resultOf: ({ status, stateVersion }) => ({ status, stateVersion }),
    read: () => doing('read again').readClaim(ref),
    carryOut,
    fire,
    advance,
    isReady: () => ended !== undefined,
    mayLiveAgain: true,
    isRunComplete: () => workflowInfo().continueAsNewSuggested,
    async endByOperator() {
      const { state } = lifecycle;
      if (!state.isClosed && nextClaimStatus(state, 'withdraw')) {
        await lifecycle.persist('the end by an operator', withdrawnByOperator);
      }
    },
    headline: ({ status, onHold }) => `**${inWords(status)}**${onHold ? ', on hold' : ''}`,
    attributesOf: (state) => (showsWho ? standingOf(state) : []),
  });
  lifecycle.accept(transition, {
    description: 'One step of the claim, by an event of its table',
    toBody: (wish) => wish,
    refuse: refuseUnlessLegal,
  });

  await lifecycle.run();
  if (!lifecycle.state.isClosed) await startNextRun();

  function refuseUnlessLegal({ event }: ClaimWish): void {
    refuseInTrouble(lifecycle.attention, 'claim');
    const { state } = lifecycle;
    // The row may know that it was taken up again.
    if (state.isClosed) return;
    if (nextClaimStatus(state, event)) return;
    throw illegalTransition(
      `The claim is ${inWords(state.status)}${state.onHold ? ' and on hold' : ''} and cannot ${inWords(event)}`,
      allowedClaimEvents(state),
      { current_status: state.status },
    );
  }

  async function carryOut(wish: ClaimWish, order: StepOrder): Promise<ClaimStep> {
    if (lifecycle.state.isClosed) await lifecycle.reread();
    refuseUnlessLegal(wish);
    return doing(inWords(wish.event)).processClaim({
      ...ref,
      ...lifecycle.order(order.commandId),
      wish,
    });
  }

  function fire({ name, occurrence }: DueClaimTimer, order: StepOrder): Promise<ClaimStep> {
    return doing(inWords(name)).fireClaimTimer({ ...ref, ...order, name, occurrence });
  }

  /** What the claim does by itself: it finds its adjuster, and it is paid. */
  async function advance(): Promise<void> {
    // Once: where the rule finds nobody, the triage deadline calls for a person.
    if (lifecycle.state.assignsItself && !wasAssigned) {
      wasAssigned = true;
      await lifecycle.persist('the assignment', () =>
        doing('assign by rule').assignClaimByRule(orderOf('assign')),
      );
    }
    if (lifecycle.state.paysItself) {
      await lifecycle.persist('the payment', () =>
        doing('open the payment').startClaimPayment(orderOf('start_payment')),
      );
    }
    const { paymentId } = lifecycle.state;
    if (paymentId !== null && paymentId !== awaited) {
      awaited = paymentId;
      void noteEnd(paymentId);
    }
    if (ended === undefined) return;
    const { result, ...of } = ended;
    ended = undefined;
    if (of.paymentId !== lifecycle.state.paymentId) return;
    await lifecycle.persist('the end of the payment', () =>
      doing('note the payment').settleClaimPayment({ ...orderOf('settle_payment'), result }),
    );
  }

  /** The payment has its own course; the claim goes on taking commands meanwhile. */
  async function noteEnd(paymentId: string): Promise<void> {
    const result = await awaitPayment({ companyId: ref.companyId, paymentId });
    if (result) ended = { paymentId, result };
  }

  function orderOf(effect: string) {
    const id = `${entity}/${effect}/${lifecycle.state.stateVersion}`;
    return { ...ref, ...lifecycle.order(id) };
  }

  function withdrawnByOperator(): Promise<ClaimStep> {
    return doing('withdrawn by an operator').processClaim({
      ...ref,
      ...lifecycle.order(`${entity}/operator_withdraw/${lifecycle.state.stateVersion}`),
      wish: { event: 'withdraw', by: null, reason: 'Stopped by an operator' },
    });
  }

  function startNextRun(): Promise<never> {
    return continueAsNew<typeof claimProcessing>({
      ...input,
      state: lifecycle.state,
      notificationIds: lifecycle.undelivered,
      answered: lifecycle.answered,
    });
  }
}

const standingOf = ({
  assignedTo = null,
  isEscalated = false,
}: ClaimState): SearchAttributeUpdatePair[] => [
  { key: attribute.assignee, value: assignedTo },
  { key: attribute.escalated, value: isEscalated },
];
