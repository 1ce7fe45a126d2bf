import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Money } from '../rules/money.ts';
import {
  allowedTransitions,
  nextStatus,
  type SubscriptionEvent,
  type SubscriptionStatus,
} from '../rules/subscriptions.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { moveRow, type Step } from './moveRow.ts';

/** What was sold: later edits of the plan do not reach it. */
export interface PriceSnapshot {
  readonly premium: Money;
  readonly coverageAmount: Money;
  readonly currency: string;
  /** Null where the agreed term is no whole number of months. */
  readonly durationMonths: number | null;
  /** What letters call it; of a direct policy the type's title. */
  readonly planName: string;
  /** Null without a plan. */
  readonly planVersion: number | null;
}

/** Lifecycle columns that a step may set beside the status. */
type LifecycleChanges = Partial<
  Pick<
    PolicySubscription,
    | 'startDate'
    | 'endDate'
    | 'expiresAt'
    | 'termNo'
    | 'priceSnapshot'
    | 'cancelReason'
    | 'cancelEffectiveDate'
    | 'refundAmount'
    | 'workflowClosedAt'
  >
>;

/** The lifecycle of one policy. */
export class PolicySubscription extends Model<
  InferAttributes<PolicySubscription>,
  InferCreationAttributes<PolicySubscription>
> {
  static readonly entityType = 'subscription';

  declare id: string;
  declare companyId: string;
  declare source: CreationOptional<'plan' | 'direct'>;
  declare userId: string | null;
  declare insurancePlanId: string | null;
  declare policyId: string;
  declare insuredPropertyId: CreationOptional<string | null>;
  declare status: SubscriptionStatus;
  declare stateVersion: CreationOptional<number>;
  declare startDate: CalendarDate;
  declare endDate: CalendarDate;
  /** The instant at which cover ends: midnight of `endDate`, or where an operator moved it. */
  declare expiresAt: Date;
  declare termNo: CreationOptional<number>;
  declare priceSnapshot: PriceSnapshot;
  declare autoRenew: CreationOptional<boolean>;
  declare cancelReason: CreationOptional<string | null>;
  declare cancelEffectiveDate: CreationOptional<CalendarDate | null>;
  declare refundAmount: CreationOptional<Money | null>;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    PolicySubscription.init(
      {
        ...baseColumns,
        source: column.text,
        userId: column.uuid,
        insurancePlanId: column.uuid,
        policyId: column.uuid,
        insuredPropertyId: column.uuid,
        status: column.text,
        stateVersion: column.integer,
        startDate: column.date,
        endDate: column.date,
        expiresAt: column.instant,
        termNo: column.integer,
        priceSnapshot: column.json,
        autoRenew: column.flag,
        cancelReason: column.text,
        cancelEffectiveDate: column.date,
        refundAmount: column.money,
        workflowClosedAt: column.instant,
      },
      businessTable(sequelize, 'policy_subscriptions'),
    );
  }

  /**
   * The only writer of `status` and of what belongs to the lifecycle. The version fence also stops
   * a late attempt that wakes up again.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(event: SubscriptionEvent, step: Step, changes: LifecycleChanges = {}): Promise<void> {
    const from = this.status;
    const to = nextStatus(from, event);
    if (!to) throw illegalTransition(from, event);

    await moveRow(PolicySubscription, this, { event, to }, step, changes);
  }

  /** Nothing can happen to it any more; the reconciler leaves it alone. */
  async close(at: Date): Promise<void> {
    await this.update({ workflowClosedAt: at });
  }
}

export const illegalTransition = (status: SubscriptionStatus, event: SubscriptionEvent): Conflict =>
  new Conflict(
    'ILLEGAL_TRANSITION',
    `${status === 'active' || status === 'expired' ? 'An' : 'A'} ${status} subscription cannot ${event.replaceAll('_', ' ')}`,
    { allowed_transitions: allowedTransitions(status) },
  );
