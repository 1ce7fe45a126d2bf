import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { ApprovalState } from '../rules/compliancePolicies.ts';
import { column, businessTable } from './columns.ts';
import type { CompliancePolicy } from './CompliancePolicy.ts';
import type { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';

type Submitted = Pick<CompliancePolicyVersion, 'id' | 'round'>;

/** What one person decided about one submission of a version; nobody decides twice. */
export class ApprovalStep extends Model<
  InferAttributes<ApprovalStep>,
  InferCreationAttributes<ApprovalStep>
> {
  declare id: string;
  declare companyId: string;
  declare versionId: string;
  declare round: number;
  declare approverId: string;
  declare state: Exclude<ApprovalState, 'pending'>;
  declare reason: CreationOptional<string | null>;
  declare decidedAt: Date;

  static define(sequelize: Sequelize): void {
    ApprovalStep.init(
      {
        id: column.id,
        companyId: column.uuid,
        versionId: column.uuid,
        round: column.integer,
        approverId: column.uuid,
        state: column.text,
        reason: column.text,
        decidedAt: column.instant,
      },
      { ...businessTable<ApprovalStep>(sequelize, 'approval_steps'), timestamps: false },
    );
  }

  /** In the order in which they were made. */
  static ofRound({ id, round }: Submitted): Promise<ApprovalStep[]> {
    return ApprovalStep.findAll({
      where: { versionId: id, round },
      order: [
        ['decidedAt', 'ASC'],
        ['id', 'ASC'],
      ],
    });
  }

  /** Who completed the approval of a version, and when; of none nobody. */
  static async approvalOf(
    version: (Submitted & Pick<CompliancePolicyVersion, 'approvedAt'>) | null,
  ): Promise<Pick<CompliancePolicy, 'approvedBy' | 'approvedAt'>> {
    if (!version) return { approvedBy: null, approvedAt: null };
    const steps = await ApprovalStep.ofRound(version);
    const last = steps.findLast(({ state }) => state === 'approved');
    return { approvedBy: last?.approverId ?? null, approvedAt: version.approvedAt ?? null };
  }

  /** What was approved has changed: no approval of it counts any more. */
  static async voidRound({ id, round }: Submitted): Promise<void> {
    await ApprovalStep.update(
      { state: 'voided' },
      { where: { versionId: id, round, state: 'approved' } },
    );
  }
}
