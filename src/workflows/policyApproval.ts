import {
  ApplicationFailure,
  continueAsNew,
  defineQuery,
  defineUpdate,
  getExternalWorkflowHandle,
  workflowInfo,
} from '@temporalio/workflow';
import type { PolicyApprovalStep } from '../activities/policyApprovals.ts';
import type {
  DuePolicyTimer,
  PolicyApprovalInput,
  PolicyApprovalResult,
  PolicyApprovalState,
  PolicyVersionWish,
} from '../models/policyApprovalStart.ts';
import { allowedVersionEvents, nextVersionStatus } from '../rules/policyApproval.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { doing, inWords } from './doing.ts';
import {
  illegalTransition,
  openLifecycle,
  readAgain,
  refuseInTrouble,
  type StepOrder,
} from './lifecycle.ts';
import { attribute } from './searchAttributes.ts';

export const transition = defineUpdate<PolicyApprovalResult, [PolicyVersionWish]>('transition');
export const policyApprovalState = defineQuery<PolicyApprovalState>('state');

/**
 * One version of a compliance policy, from its draft until another one takes its place. A missed deadline
 * climbs the ladder; it never decides.
 */
export async function policyApproval(input: PolicyApprovalInput): Promise<void> {
  const ref = { companyId: input.companyId, versionId: input.versionId };
  const entity = `compliance_policy_version/${input.versionId}`;
  let told: string | null = null;
  const lifecycle = openLifecycle<PolicyApprovalState, PolicyVersionWish, PolicyApprovalResult>({
    companyId: ref.companyId,
    noun: 'version',
    entity,
    begin: input.state,
    notificationIds: input.notificationIds,
    answered: input.answered,
    query: policyApprovalState,
    resultOf: ({ status, stateVersion }) => ({ status, stateVersion }),
    read: () => doing('read again').readPolicyVersion(ref),
    carryOut,
    fire,
    advance,
    mayLiveAgain: true,
    isRunComplete: () => workflowInfo().continueAsNewSuggested,
    async endByOperator() {
      if (!lifecycle.state.isClosed) await lifecycle.persist('the end by an operator', endIt);
    },
    headline: ({ status }) => `**${inWords(status)}**`,
    attributesOf: ({ isEscalated }) => [{ key: attribute.escalated, value: isEscalated }],
  });
  lifecycle.accept(transition, {
    description: 'One step of the version, by an event of its table',
    toBody: (wish) => wish,
    refuse: refuseUnlessLegal,
  });

  await lifecycle.run();
  if (!lifecycle.state.isClosed) await startNextRun();

  function refuseUnlessLegal({ event }: PolicyVersionWish): void {
    refuseInTrouble(lifecycle.attention, 'version');
    const { state } = lifecycle;
    // The row may know that it was brought back.
    if (state.isClosed) return;
    if (nextVersionStatus(state.status, event)) return;
    throw illegalTransition(
      `The version is ${inWords(state.status)} and cannot ${inWords(event)}`,
      allowedVersionEvents(state.status),
      { current_status: state.status },
    );
  }

  async function carryOut(wish: PolicyVersionWish, order: StepOrder): Promise<PolicyApprovalStep> {
    if (lifecycle.state.isClosed) await lifecycle.reread();
    refuseUnlessLegal(wish);
    return doing(inWords(wish.event)).processPolicyVersion({
      ...ref,
      ...lifecycle.order(order.commandId),
      wish,
    });
  }

  function fire(
    { name, occurrence }: DuePolicyTimer,
    order: StepOrder,
  ): Promise<PolicyApprovalStep> {
    return doing(inWords(name)).firePolicyTimer({ ...ref, ...order, name, occurrence });
  }

  /** The version before this one has ended by the step that published this one, and its run hears of it. */
  async function advance(): Promise<void> {
    const { supersededId } = lifecycle.state;
    if (supersededId === told) return;
    told = supersededId;
    if (supersededId !== null) await tell(supersededId);
  }

  async function tell(versionId: string): Promise<void> {
    const run = getExternalWorkflowHandle(policyApprovalWorkflowId(ref.companyId, versionId));
    try {
      await run.signal(readAgain);
    } catch (error) {
      // Its run is over already.
      if (error instanceof ApplicationFailure && error.type === noSuchRun) return;
      throw error;
    }
  }

  /** What nobody may read yet is discarded, what is in force is retired. */
  function endIt(): Promise<PolicyApprovalStep> {
    const { status, stateVersion } = lifecycle.state;
    const isOpen = nextVersionStatus(status, 'discard') !== undefined;
    const by = { by: null, reason: 'Stopped by an operator' };
    return doing('ended by an operator').processPolicyVersion({
      ...ref,
      ...lifecycle.order(`${entity}/operator_end/${stateVersion}`),
      wish: isOpen ? { ...by, event: 'discard', withPolicy: false } : { ...by, event: 'retire' },
    });
  }

  function startNextRun(): Promise<never> {
    return continueAsNew<typeof policyApproval>({
      ...input,
      state: lifecycle.state,
      notificationIds: lifecycle.undelivered,
      answered: lifecycle.answered,
    });
  }
}

const noSuchRun = 'ExternalWorkflowExecutionNotFound';
