import { isDeepStrictEqual } from 'node:util';
import type { ReplayedRun } from '../rules/replays.ts';
import type { Actor } from '../context.ts';
import { Booking } from '../models/Booking.ts';
import { bookingStateOf } from '../models/bookingStart.ts';
import { Claim } from '../models/Claim.ts';
import { claimStateOf } from '../models/claimStart.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import { withTenant } from '../models/database.ts';
import { keeperStateOf } from '../models/keepers.ts';
import { Document } from '../models/Document.ts';
import { documentStateOf } from '../models/documentScan.ts';
import { onboardingStateOf } from '../models/onboardingStart.ts';
import { Payment } from '../models/Payment.ts';
import { paymentStateOf } from '../models/paymentStart.ts';
import { policyApprovalStateOf } from '../models/policyApprovalStart.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { Report } from '../models/Report.ts';
import { reportStateOf } from '../models/reportStart.ts';
import { getRow } from '../models/rows.ts';
import { stateOf } from '../models/subscriptionStart.ts';
import { watchedPolicy } from '../models/watchedPolicy.ts';
import {
  stateDifferences,
  type ObjectState,
  type StateDifference,
} from '../rules/stateDifferences.ts';
import { workflowIdOf, type WorkflowKind } from '../rules/workflowIds.ts';
import type { Temporal } from './temporal.ts';
import { visibleRun } from './workflowSearch.ts';

/** Whether the present code leads a run where its history says, and where its row stands. */
export interface ReplayCheck {
  readonly workflowId: string;
  readonly runId: string;
  readonly events: number;
  /** Null where it was not tried. */
  readonly isDeterministic: boolean | null;
  readonly error: string | null;
  /** A step was under way, so that differences may pass by themselves. */
  readonly isUnderWay: boolean;
  /** What the replay led to. */
  readonly state: ObjectState | null;
  readonly row: ObjectState;
  readonly differences: readonly StateDifference[];
}

/** Checks of single runs, by a replay that a worker does. */
export const createWorkflowReplays = ({
  temporal,
}: {
  readonly temporal: Pick<Temporal, 'replay'>;
}) => ({
  /** @throws NotFound; Unavailable while Temporal or the workers are away or busy */
  async replay(actor: Actor, kind: WorkflowKind, id: string): Promise<ReplayCheck> {
    const { companyId } = actor;
    const workflowId = workflowIdOf(kind, companyId, id);
    const before = await withTenant(companyId, async () => {
      await visibleRun(actor, kind, id);
      return rowStates[kind](id);
    });
    const { outcome, state = null, ...run } = await temporal.replay({ companyId, workflowId });
    const row = await withTenant(companyId, () => rowStates[kind](id));
    return {
      workflowId,
      runId: run.runId,
      events: run.events,
      ...verdicts[outcome],
      isUnderWay: run.isUnderWay || !isDeepStrictEqual(before, row),
      state,
      row,
      differences: state ? stateDifferences(state, row) : [],
    };
  },
});

export type WorkflowReplays = ReturnType<typeof createWorkflowReplays>;

/** The same that a run gets when it is started from its row. */
const rowStates: Readonly<Record<WorkflowKind, (id: string) => Promise<ObjectState>>> = {
  subscription: async (id) => stateOf(await getRow(PolicySubscription, id, { archived: true })),
  claim: async (id) => claimStateOf(await getRow(Claim, id, { archived: true })),
  payment: async (id) => paymentStateOf(await getRow(Payment, id, { archived: true })),
  booking: async (id) => bookingStateOf(await getRow(Booking, id, { archived: true })),
  report: async (id) => reportStateOf(await getRow(Report, id, { archived: true })),
  document: async (id) => documentStateOf(await getRow(Document, id, { archived: true })),
  'policy-approval': async (id) =>
    policyApprovalStateOf(await getRow(CompliancePolicyVersion, id, { archived: true })),
  acknowledgement: async (id) => keeperStateOf(await watchedPolicy(id, new Date())),
  onboarding: async (id) =>
    onboardingStateOf(await getRow(RegistrationRequest, id, { archived: true })),
};

const verdicts = {
  same: { isDeterministic: true, error: null },
  other_steps: {
    isDeterministic: false,
    error:
      'The present release would have taken other steps than this run has: it cannot go on until a release takes them again',
  },
  fails: {
    isDeterministic: false,
    error: 'The present release fails on the way of this run: it cannot go on until that is mended',
  },
  too_long: {
    isDeterministic: null,
    error: 'The history of this run is too long to be replayed while somebody waits',
  },
} as const satisfies Readonly<
  Record<ReplayedRun['outcome'], Pick<ReplayCheck, 'isDeterministic' | 'error'>>
>;
