import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import {
  alertKinds,
  usualAlerts,
  type AlertChannel,
  type AlertKind,
  type AlertRole,
  type AlertSettings,
} from '../rules/alerts.ts';
import { baseColumns, column, coreTable } from './columns.ts';

/** When a company hears of what kind of alert; the usual settings hold for kinds without one. */
export class AlertRule
  extends Model<InferAttributes<AlertRule>, InferCreationAttributes<AlertRule>>
  implements AlertSettings
{
  static readonly entityType = 'alert_rule';

  declare id: string;
  declare companyId: string;
  declare kind: AlertKind;
  declare isEnabled: boolean;
  declare attempts: number | null;
  declare minutes: number | null;
  declare channels: readonly AlertChannel[];
  declare roles: readonly AlertRole[];
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    AlertRule.init(
      {
        ...baseColumns,
        kind: column.text,
        isEnabled: column.flag,
        attempts: column.integer,
        minutes: column.integer,
        channels: column.json,
        roles: column.json,
      },
      { ...coreTable<AlertRule>(sequelize, 'alert_rules'), timestamps: true },
    );
  }

  /** What holds in the present company, of every kind. */
  static async inForce(): Promise<Readonly<Record<AlertKind, AlertSettings>>> {
    const rules: Record<AlertKind, AlertSettings> = { ...usualAlerts };
    for (const rule of await AlertRule.live()) rules[rule.kind] = rule;
    return rules;
  }

  /** One of a kind at the most. */
  static live(): Promise<AlertRule[]> {
    return AlertRule.findAll({ where: { archivedAt: null }, limit: alertKinds.length });
  }
}
