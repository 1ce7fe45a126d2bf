import type { Isolation } from '../rules/companies.ts';
import type { OnboardingTimerName, RegistrationStatus } from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import type { WorkflowStart } from './OutboxEntry.ts';
import type { RegistrationRequest } from './RegistrationRequest.ts';
import { isOnboardingTimer, timersAhead, type TimerAhead } from './Timer.ts';

export type DueOnboardingTimer = TimerAhead<OnboardingTimerName>;

/** The registration as its row has it; every step of the workflow returns the row's new state. */
export interface OnboardingState {
  readonly status: RegistrationStatus;
  readonly stateVersion: number;
  readonly newCompanyId: string;
  /** Not in the histories of before companies could have schemas. */
  readonly isolation?: Isolation;
  /** Soonest first. */
  readonly timers: readonly DueOnboardingTimer[];
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What a command answers; the caller reads the row for the rest. */
export type OnboardingResult = Pick<OnboardingState, 'status' | 'stateVersion'>;

export interface ApproveRegistration {
  readonly reviewedBy: string | null;
  readonly isolation?: Isolation;
  readonly subscriptionPlan: 'free' | 'standard' | 'premium' | null;
  readonly note: string | null;
}

export interface RejectRegistration {
  readonly reviewedBy: string | null;
  readonly reason: string;
}

export interface MoveDeadline {
  readonly name: OnboardingTimerName;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  readonly reason: string;
  /** Of its new time: somebody's wish for this one, unless the settings are applied to all. */
  readonly source?: 'setting';
}

export interface TenantOnboardingInput {
  readonly v: 1;
  /** The platform, whose row the registration is. */
  readonly companyId: string;
  readonly registrationId: string;
  readonly state: OnboardingState;
  /** E-mails that wait to be delivered. */
  readonly notificationIds: readonly string[];
}

/** @param timers those ahead; read from the rows when they are left out */
export async function onboardingStateOf(
  registration: RegistrationRequest,
  timers?: readonly DueOnboardingTimer[],
): Promise<OnboardingState> {
  return {
    status: registration.status,
    stateVersion: registration.stateVersion,
    newCompanyId: registration.newCompanyId,
    isolation: registration.isolation,
    timers: await timersAhead(registration.id, isOnboardingTimer, timers),
    isClosed: Boolean(registration.workflowClosedAt),
  };
}

/** How the workflow of a registration begins, when it comes in or when it has to be restored. */
export function onboardingStart(
  { id, companyId, expiresAt }: RegistrationRequest,
  state: OnboardingState,
  notificationIds: readonly string[],
): Omit<WorkflowStart, 'id' | 'context'> {
  const input: TenantOnboardingInput = {
    v: 1,
    companyId,
    registrationId: id,
    state,
    notificationIds,
  };
  const [next] = state.timers;
  return {
    companyId,
    entityType: 'registration',
    entityId: id,
    workflowType: 'tenantOnboarding',
    workflowId: onboardingWorkflowId(id),
    input,
    summary: `Onboarding, to be decided until ${expiresAt.toISOString().slice(0, 10)}`,
    attributes: {
      CompanyId: companyId,
      EntityType: 'registration',
      EntityId: id,
      EntityStatus: state.status,
      StateVersion: state.stateVersion,
      ...(next && { DueAt: next.dueAt }),
    },
  };
}
