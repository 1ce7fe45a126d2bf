import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type {
  ApprovalStatus,
  Classification,
  CompliancePolicyType,
} from '../rules/compliancePolicies.ts';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { flush, select } from './database.ts';

/** What follows from the course of the versions; people do not set it. */
export type FollowedFields = Pick<
  CompliancePolicy,
  | 'templateId'
  | 'updateAvailable'
  | 'reviewDate'
  | 'reviewOverdue'
  | 'approvalStatus'
  | 'approvalRequestedAt'
  | 'approvedBy'
  | 'approvedAt'
  | 'policyVersion'
  | 'reackVersion'
  | 'archivedAt'
>;

/** A policy whose template has a newer version, and which. */
export interface Updatable {
  readonly id: string;
  readonly title: string;
  readonly ownerId: string | null;
  readonly templateId: string;
  readonly templateVersion: number;
  /** How often the row of that template was changed: counts on when it is archived and restored. */
  readonly templateRowVersion: number;
}

/** A statement has 65,535 values at the most; a policy's lines and messages need some 60. */
export const flushedAtOnce = 200;

/** A document that people must read: whom it concerns. What it says stands in its versions. */
export class CompliancePolicy extends Model<
  InferAttributes<CompliancePolicy>,
  InferCreationAttributes<CompliancePolicy>
> {
  static readonly entityType = 'compliance_policy';

  declare id: string;
  declare companyId: string;
  declare type: CompliancePolicyType;
  declare title: string;
  declare description: CreationOptional<string | null>;
  /** The version of the template that the newest version was made from. */
  declare templateId: CreationOptional<string | null>;
  /** The template has a newer version than that. */
  declare updateAvailable: CreationOptional<boolean>;
  declare customerComplianceId: CreationOptional<string | null>;
  declare ownerId: CreationOptional<string | null>;
  /** Whom it concerns: who works for the customer, in the role, in the department; null: whoever. */
  declare audienceCustomerId: CreationOptional<string | null>;
  declare audienceRole: CreationOptional<string | null>;
  declare audienceDepartment: CreationOptional<string | null>;
  declare classification: CreationOptional<Classification>;
  declare reviewDate: CreationOptional<CalendarDate | null>;
  declare reviewOverdue: CreationOptional<boolean>;
  declare approvalStatus: CreationOptional<ApprovalStatus>;
  declare approvalRequestedAt: CreationOptional<Date | null>;
  declare approvedBy: CreationOptional<string | null>;
  declare approvedAt: CreationOptional<Date | null>;
  /** Number of the version that is published; 0 where none is. */
  declare policyVersion: CreationOptional<number>;
  /** Number of the latest one, up to it, that had to be read again. */
  declare reackVersion: CreationOptional<number>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    CompliancePolicy.init(
      {
        ...baseColumns,
        type: column.text,
        title: column.text,
        description: column.text,
        templateId: column.uuid,
        updateAvailable: column.flag,
        customerComplianceId: column.uuid,
        ownerId: column.uuid,
        audienceCustomerId: column.uuid,
        audienceRole: column.text,
        audienceDepartment: column.text,
        classification: column.text,
        reviewDate: column.date,
        reviewOverdue: column.flag,
        approvalStatus: column.text,
        approvalRequestedAt: column.instant,
        approvedBy: column.uuid,
        approvedAt: column.instant,
        policyVersion: column.integer,
        reackVersion: column.integer,
      },
      businessTable(sequelize, 'compliance_policies'),
    );
  }

  /** Another live policy has the title, in whatever case. */
  static async isTitleTaken(title: string, exceptId: string): Promise<boolean> {
    const found = await select(
      `SELECT 1 FROM compliance_policies
       WHERE lower(title) = lower($1) AND id <> $2 AND archived_at IS NULL`,
      [title, exceptId],
    );
    return found.length > 0;
  }

  /** Steps of the versions of one policy wait for each other until the commit. */
  static async holdOf(versionId: string): Promise<void> {
    await select(
      `SELECT 1 FROM compliance_policies p
       WHERE p.id = (SELECT v.policy_id FROM compliance_policy_versions v WHERE v.id = $1)
       FOR UPDATE`,
      [versionId],
    );
  }

  /**
   * Marks the policies that follow a template of this name by whether it has a newer version than theirs,
   * all in one statement. @returns those that have an update from now on
   */
  static async followTemplate(name: string): Promise<readonly Updatable[]> {
    const changed = await select<Updatable & Pick<CompliancePolicy, 'updateAvailable'>>(
      `UPDATE compliance_policies p
       SET update_available = latest.version_number > own.version_number, updated_at = now()
       FROM templates own, templates latest
       WHERE lower(own.name) = lower($1) AND own.id = p.template_id
         AND lower(latest.name) = lower($1) AND latest.is_latest AND latest.archived_at IS NULL
         AND p.archived_at IS NULL
         AND p.update_available <> (latest.version_number > own.version_number)
       RETURNING p.id, p.title, p.owner_id AS "ownerId", p.update_available AS "updateAvailable",
         latest.id AS "templateId", latest.version_number AS "templateVersion",
         latest.version AS "templateRowVersion"`,
      [name],
    );
    for (const [index, { id, updateAvailable }] of changed.entries()) {
      if (index % flushedAtOnce === 0) await flush();
      AuditLog.record(
        'UPDATE',
        { type: CompliancePolicy.entityType, id },
        {
          before: { updateAvailable: !updateAvailable },
          after: { updateAvailable },
        },
      );
    }
    return changed.filter(({ updateAvailable }) => updateAvailable);
  }

  /** Whoever has seen it before its text changed has seen another version of it. */
  async touch(): Promise<void> {
    await this.update({ version: this.version + 1, updatedBy: currentContext().actorId ?? null });
  }

  /** Brings the row to where its versions stand; whoever edits it meanwhile is not in the way. */
  async follow(changes: Partial<FollowedFields>): Promise<void> {
    const names = Object.keys(changes);
    const before = Object.fromEntries(names.map((name) => [name, this.get(name)]));
    await this.update(changes);
    const after = Object.fromEntries(names.map((name) => [name, this.get(name)]));
    AuditLog.record(
      'UPDATE',
      { type: CompliancePolicy.entityType, id: this.id },
      { before, after },
    );
  }
}
