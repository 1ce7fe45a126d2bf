import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import type { ConfigurationStatus } from '../rules/compliancePolicies.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import type { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';

/** A number or word that a compliance policy is carried out by: `vulnerability_sla` is `7 days`. */
export class PolicyConfiguration extends Model<
  InferAttributes<PolicyConfiguration>,
  InferCreationAttributes<PolicyConfiguration>
> {
  static readonly entityType = 'policy_configuration';

  declare id: string;
  declare companyId: string;
  declare policyId: string;
  declare key: string;
  declare value: string;
  declare status: CreationOptional<ConfigurationStatus>;
  /** Of the decision. */
  declare reason: CreationOptional<string | null>;
  declare decidedBy: CreationOptional<string | null>;
  declare decidedAt: CreationOptional<Date | null>;
  /** Number of the version that its approval made. */
  declare policyVersion: CreationOptional<number | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    PolicyConfiguration.init(
      {
        ...baseColumns,
        policyId: column.uuid,
        key: column.text,
        value: column.text,
        status: column.text,
        reason: column.text,
        decidedBy: column.uuid,
        decidedAt: column.instant,
        policyVersion: column.integer,
      },
      businessTable(sequelize, 'policy_configurations'),
    );
  }

  /**
   * For what would leave a value active whose version is not in force.
   * @throws Conflict CONFIGURED_VERSION
   */
  static async refuseConfigured({
    policyId,
    number,
  }: Pick<CompliancePolicyVersion, 'policyId' | 'number'>): Promise<void> {
    const made = await PolicyConfiguration.findOne({ where: { policyId, policyVersion: number } });
    if (!made) return;
    throw new Conflict(
      'CONFIGURED_VERSION',
      `Version ${number} was made by the configuration ${made.key}; have another configuration approved instead`,
      { configuration_id: made.id },
    );
  }
}
