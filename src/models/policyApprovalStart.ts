import type { CalendarDate } from '../rules/calendar.ts';
import { labelText } from '../rules/compliancePolicies.ts';
import type { PolicyVersionStatus } from '../rules/policyApproval.ts';
import { isPolicyTimer, type PolicyTimerName } from '../rules/policyClocks.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import type { WorkflowStart } from './OutboxEntry.ts';
import { timersAhead, type TimerAhead } from './Timer.ts';

export type DuePolicyTimer = TimerAhead<PolicyTimerName>;

/** The version as its row has it; every step of the workflow returns the row's new state. */
export interface PolicyApprovalState {
  readonly status: PolicyVersionStatus;
  readonly stateVersion: number;
  /** Soonest first. */
  readonly timers: readonly DuePolicyTimer[];
  readonly isEscalated: boolean;
  /** The version whose place this one took, when it was published or taken back; its run is told. */
  readonly supersededId: string | null;
  /** Nothing can happen any more. */
  readonly isClosed: boolean;
}

/** What a command answers; the caller reads the row for the rest. */
export type PolicyApprovalResult = Pick<PolicyApprovalState, 'status' | 'stateVersion'>;

/** What somebody wants to happen to a version; `by` is the person. What it says is in no wish. */
export type PolicyVersionWish = { readonly by: string | null; readonly reason: string | null } & (
  | {
      readonly event: 'submit';
      /** Who is asked to decide; empty: whoever may. */
      readonly approvers: readonly string[];
    }
  | {
      readonly event: 'schedule_publish';
      /** Epoch milliseconds. */
      readonly publishAt: number;
    }
  | {
      readonly event: 'approve' | 'reject';
      /** The submission that is decided about. */
      readonly round: number;
    }
  | { readonly event: 'plan_review'; readonly reviewDate: CalendarDate }
  | {
      readonly event: 'discard';
      /** The policy goes out of sight with it. */
      readonly withPolicy: boolean;
    }
  | {
      readonly event: 'move_timer';
      readonly name: PolicyTimerName;
      /** Epoch milliseconds. */
      readonly dueAt: number;
    }
  | { readonly event: PlainPolicyEvent }
);

/** Events that need no more than somebody who wants them. */
export type PlainPolicyEvent = 'edit' | 'publish' | 'unpublish' | 'retire' | 'pause' | 'resume';

export interface PolicyApprovalInput {
  readonly v: 1;
  readonly companyId: string;
  readonly versionId: string;
  readonly state: PolicyApprovalState;
  /** E-mails that wait to be delivered. */
  readonly notificationIds: readonly string[];
  /** Answers of earlier runs, so that a repeated command gets the same one. */
  readonly answered: readonly { readonly id: string; readonly result: PolicyApprovalResult }[];
}

/** @param known what whoever reads many has read already; else it is read from the rows */
export async function policyApprovalStateOf(
  version: CompliancePolicyVersion,
  known: {
    readonly timers?: readonly DuePolicyTimer[];
    readonly superseded?: ReadonlyMap<string, string>;
  } = {},
): Promise<PolicyApprovalState> {
  const { id, status, stateVersion } = version;
  const { superseded = await CompliancePolicyVersion.supersededByAll([id]) } = known;
  return {
    status,
    stateVersion,
    timers: await timersAhead<PolicyTimerName>(id, isPolicyTimer, known.timers),
    isEscalated: version.isEscalated,
    supersededId: superseded.get(id) ?? null,
    isClosed: Boolean(version.workflowClosedAt),
  };
}

/** How the workflow of a version begins: when it is drafted, brought back or has to be restored. */
export function policyApprovalStart(
  version: CompliancePolicyVersion,
  state: PolicyApprovalState,
  notificationIds: readonly string[],
): Omit<WorkflowStart, 'id' | 'context'> {
  const { id, companyId, policyId } = version;
  const input: PolicyApprovalInput = {
    v: 1,
    companyId,
    versionId: id,
    state,
    notificationIds,
    answered: [],
  };
  const [next] = state.timers;
  return {
    companyId,
    entityType: CompliancePolicyVersion.entityType,
    entityId: id,
    workflowType: 'policyApproval',
    workflowId: policyApprovalWorkflowId(companyId, id),
    input,
    summary: `Version ${labelText(version)} of the compliance policy ${policyId}`,
    attributes: {
      CompanyId: companyId,
      EntityType: CompliancePolicyVersion.entityType,
      EntityId: id,
      EntityStatus: state.status,
      StateVersion: state.stateVersion,
      ...(state.isEscalated && { Escalated: true }),
      ...(next && { DueAt: next.dueAt }),
    },
  };
}
