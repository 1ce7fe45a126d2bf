import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict, Forbidden } from '../errors.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { ClaimSettings } from '../rules/claimSettings.ts';
import { approvalRefusal, type ClaimParties } from '../rules/claimApproval.ts';
import {
  allowedClaimEvents,
  nextClaimStatus,
  type ClaimEvent,
  type ClaimPriority,
  type ClaimStatus,
  type ClosedOutcome,
  type HoldKind,
  type SlaStatus,
  type Standing,
} from '../rules/claims.ts';
import type { Money } from '../rules/money.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { moveRow, type Step } from './moveRow.ts';

/** Why a claim needs a second look; kept from the moment it was reported. */
export type FlagReason = 'no_cover' | 'duplicate';

/** Lifecycle columns that a step may set beside the status. */
export type ClaimChanges = Partial<
  Pick<
    Claim,
    | 'previousStatus'
    | 'proposedAmount'
    | 'approvedAmount'
    | 'paidAmount'
    | 'rationale'
    | 'assignedTo'
    | 'proposedBy'
    | 'decidedBy'
    | 'denialCode'
    | 'denialReason'
    | 'closedOutcome'
    | 'closedAt'
    | 'duplicateOf'
    | 'onHold'
    | 'holdKind'
    | 'holdReason'
    | 'needsNewAssignee'
    | 'paymentId'
    | 'paymentFailed'
    | 'paymentReference'
    | 'workflowClosedAt'
    | 'config'
    | 'configVersion'
  >
>;

/** What somebody asks to be paid for under a policy, from the report until it is closed. */
export class Claim extends Model<InferAttributes<Claim>, InferCreationAttributes<Claim>> {
  static readonly entityType = 'claim';

  declare id: string;
  declare companyId: string;
  declare claimNumber: string;
  declare policyId: string;
  declare title: string;
  declare description: string;
  declare status: ClaimStatus;
  declare stateVersion: CreationOptional<number>;
  /** Where the documents were asked for; what it goes back to once they are there. */
  declare previousStatus: CreationOptional<Standing['previousStatus']>;
  declare priority: CreationOptional<ClaimPriority>;
  declare slaStatus: CreationOptional<SlaStatus>;
  declare incidentDate: CalendarDate;
  declare claimAmount: CreationOptional<Money | null>;
  declare proposedAmount: CreationOptional<Money | null>;
  declare approvedAmount: CreationOptional<Money | null>;
  /** All that was ever paid; a claim that is reopened keeps it. */
  declare paidAmount: CreationOptional<Money>;
  /** The policy's. */
  declare currency: string;
  declare rationale: CreationOptional<string | null>;
  declare assignedTo: CreationOptional<string | null>;
  declare reportedBy: CreationOptional<string | null>;
  declare proposedBy: CreationOptional<string | null>;
  declare decidedBy: CreationOptional<string | null>;
  declare claimantName: string;
  declare claimantEmail: string;
  declare claimantPhone: CreationOptional<string | null>;
  declare denialCode: CreationOptional<string | null>;
  declare denialReason: CreationOptional<string | null>;
  declare closedOutcome: CreationOptional<ClosedOutcome | null>;
  declare closedAt: CreationOptional<Date | null>;
  /** The policy was not in force on the day: it can only be denied. */
  declare noCover: CreationOptional<boolean>;
  declare flagReasons: CreationOptional<readonly FlagReason[]>;
  /** The earlier claim that it looks like. */
  declare duplicateOf: CreationOptional<string | null>;
  declare onHold: CreationOptional<boolean>;
  /** Null also where operators paused its run. */
  declare holdKind: CreationOptional<HoldKind | null>;
  declare holdReason: CreationOptional<string | null>;
  /** After an appeal: nobody goes on with it until it is given to somebody who had no part in it. */
  declare needsNewAssignee: CreationOptional<boolean>;
  declare paymentId: CreationOptional<string | null>;
  declare paymentFailed: CreationOptional<boolean>;
  /** Of a payment that was made outside of this system. */
  declare paymentReference: CreationOptional<string | null>;
  /** The settings it was reported under; a later edit reaches it only where somebody applies it. */
  declare config: ClaimSettings;
  declare configVersion: number;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Claim.init(
      {
        ...baseColumns,
        claimNumber: column.text,
        policyId: column.uuid,
        title: column.text,
        description: column.text,
        status: column.text,
        stateVersion: column.integer,
        previousStatus: column.text,
        priority: column.text,
        slaStatus: column.text,
        incidentDate: column.date,
        claimAmount: column.money,
        proposedAmount: column.money,
        approvedAmount: column.money,
        paidAmount: column.money,
        currency: column.text,
        rationale: column.text,
        assignedTo: column.uuid,
        reportedBy: column.uuid,
        proposedBy: column.uuid,
        decidedBy: column.uuid,
        claimantName: column.text,
        claimantEmail: column.text,
        claimantPhone: column.text,
        denialCode: column.text,
        denialReason: column.text,
        closedOutcome: column.text,
        closedAt: column.instant,
        noCover: column.flag,
        flagReasons: column.json,
        duplicateOf: column.uuid,
        onHold: column.flag,
        holdKind: column.text,
        holdReason: column.text,
        needsNewAssignee: column.flag,
        paymentId: column.uuid,
        paymentFailed: column.flag,
        paymentReference: column.text,
        config: column.json,
        configVersion: column.integer,
        workflowClosedAt: column.instant,
      },
      businessTable(sequelize, 'claims'),
    );
  }

  /**
   * The only writer of `status` and of what belongs to the lifecycle. The version fence also stops
   * a late attempt that wakes up again.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(event: ClaimEvent, step: Step, changes: ClaimChanges = {}): Promise<void> {
    const to = nextClaimStatus(standingOf(this), event);
    if (!to) throw illegalClaimEvent(this, event);

    await moveRow(Claim, this, { event, to }, step, changes);
  }
}

export const standingOf = ({
  status,
  onHold,
  previousStatus,
}: Pick<Claim, 'status' | 'onHold' | 'previousStatus'>): Standing => ({
  status,
  onHold,
  previousStatus,
});

export const illegalClaimEvent = (
  claim: Pick<Claim, 'status' | 'onHold' | 'previousStatus'>,
  event: ClaimEvent,
): Conflict =>
  new Conflict(
    'ILLEGAL_TRANSITION',
    `The claim is ${claim.status}${claim.onHold ? ' and on hold' : ''}: it cannot ${event.replaceAll('_', ' ')}`,
    {
      current_status: claim.status,
      allowed_transitions: allowedClaimEvents(standingOf(claim)),
    },
  );

/** @throws Forbidden for who proposed, processes or reported the claim, or holds its policy */
export function refuseOwnDecision(claim: ClaimParties, by: string | null): void {
  const refusal = approvalRefusal(claim, by);
  if (refusal) throw new Forbidden(refusal);
}
