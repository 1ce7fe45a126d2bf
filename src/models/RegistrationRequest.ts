import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import type { businessTypes, Isolation, subscriptionPlans } from '../rules/companies.ts';
import {
  allowedDecisions,
  nextRegistrationStatus,
  type RegistrationEvent,
  type RegistrationStatus,
} from '../rules/onboarding.ts';
import { baseColumns, column, coreTable } from './columns.ts';
import { moveRow, type Step } from './moveRow.ts';

/** Lifecycle columns that a step may set beside the status. */
type LifecycleChanges = Partial<
  Pick<
    RegistrationRequest,
    | 'isolation'
    | 'subscriptionPlan'
    | 'reason'
    | 'note'
    | 'reviewedBy'
    | 'reviewedAt'
    | 'expiresAt'
    | 'adminPasswordHash'
    | 'adminUserId'
    | 'activatedAt'
    | 'lastError'
    | 'workflowClosedAt'
  >
>;

/** A company that wants to come in. Its rows belong to the platform. */
export class RegistrationRequest extends Model<
  InferAttributes<RegistrationRequest>,
  InferCreationAttributes<RegistrationRequest>
> {
  static readonly entityType = 'registration';

  declare id: string;
  declare companyId: string;
  declare companyName: string;
  declare businessType: (typeof businessTypes)[number];
  declare companyPhone: string | null;
  declare contactEmail: string;
  declare companyAddress: string | null;
  declare companyLinkedin: string | null;
  declare requestedDomain: string | null;
  declare adminEmail: string;
  declare adminUsername: string;
  declare adminPhone: string | null;
  /** Gone as soon as the administrator's account has it. */
  declare adminPasswordHash: string | null;
  declare defaultCurrency: string;
  declare subscriptionPlan: (typeof subscriptionPlans)[number];
  declare isolation: CreationOptional<Isolation>;
  declare status: RegistrationStatus;
  declare stateVersion: CreationOptional<number>;
  declare reason: CreationOptional<string | null>;
  declare note: CreationOptional<string | null>;
  declare reviewedBy: CreationOptional<string | null>;
  declare reviewedAt: CreationOptional<Date | null>;
  declare expiresAt: Date;
  declare verificationHash: string | null;
  declare verificationExpiresAt: Date | null;
  declare emailVerifiedAt: CreationOptional<Date | null>;
  /** Of the company that provisioning makes; the same in every try. */
  declare newCompanyId: string;
  declare adminUserId: CreationOptional<string | null>;
  declare activatedAt: CreationOptional<Date | null>;
  declare lastError: CreationOptional<string | null>;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    RegistrationRequest.init(
      {
        ...baseColumns,
        companyName: column.text,
        businessType: column.text,
        companyPhone: column.text,
        contactEmail: column.text,
        companyAddress: column.text,
        companyLinkedin: column.text,
        requestedDomain: column.text,
        adminEmail: column.text,
        adminUsername: column.text,
        adminPhone: column.text,
        adminPasswordHash: column.text,
        defaultCurrency: column.text,
        subscriptionPlan: column.text,
        isolation: column.text,
        status: column.text,
        stateVersion: column.integer,
        reason: column.text,
        note: column.text,
        reviewedBy: column.uuid,
        reviewedAt: column.instant,
        expiresAt: column.instant,
        verificationHash: column.text,
        verificationExpiresAt: column.instant,
        emailVerifiedAt: column.instant,
        newCompanyId: column.uuid,
        adminUserId: column.uuid,
        activatedAt: column.instant,
        lastError: column.text,
        workflowClosedAt: column.instant,
      },
      { ...coreTable<RegistrationRequest>(sequelize, 'registration_requests'), timestamps: true },
    );
  }

  /**
   * The only writer of `status` and of what belongs to the lifecycle.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(event: RegistrationEvent, step: Step, changes: LifecycleChanges = {}): Promise<void> {
    const to = nextRegistrationStatus(this.status, event);
    if (!to) throw illegalDecision(this.status, event);
    await moveRow(RegistrationRequest, this, { event, to }, step, changes);
  }
}

export const illegalDecision = (status: RegistrationStatus, event: RegistrationEvent): Conflict =>
  new Conflict('ILLEGAL_TRANSITION', `A registration that is ${status} cannot ${inWords(event)}`, {
    allowed_transitions: allowedDecisions(status),
  });

const inWords = (event: RegistrationEvent): string =>
  event === 'retry' ? 'be tried again' : event.replaceAll('_', ' ');
