import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { CalendarDate } from '../rules/calendar.ts';
import type { CampaignSettings, CampaignStatus } from '../rules/campaigns.ts';
import { baseColumns, businessTable, column } from './columns.ts';

/** Many people are asked once more to read a policy; their acknowledgements belong to it. */
export class Campaign extends Model<InferAttributes<Campaign>, InferCreationAttributes<Campaign>> {
  static readonly entityType = 'campaign';

  declare id: string;
  declare companyId: string;
  declare policyId: string;
  declare name: string;
  /** Whom it asks, among those whom the policy concerns; null: whoever. */
  declare audienceCustomerId: CreationOptional<string | null>;
  declare audienceRole: CreationOptional<string | null>;
  declare audienceDepartment: CreationOptional<string | null>;
  declare dueDays: number;
  declare allowDecline: CreationOptional<boolean>;
  declare allowExemption: CreationOptional<boolean>;
  declare settings: CreationOptional<CampaignSettings>;
  declare status: CreationOptional<CampaignStatus>;
  declare launchedAt: CreationOptional<Date | null>;
  /** The last employee who was looked at; null once all were, and before the launch. */
  declare askedAfter: CreationOptional<string | null>;
  /** Its clocks stand still since that day. */
  declare pausedOn: CreationOptional<CalendarDate | null>;
  /** Days of all pauses that are over; each of its acknowledgements says how many it was moved by. */
  declare pausedDays: CreationOptional<number>;
  /** Days by which what it asks is due later since it was launched; each says how many it was moved by. */
  declare movedDays: CreationOptional<number>;
  /** Its days or settings were changed while it ran: dates may be those of before. */
  declare isChanged: CreationOptional<boolean>;
  declare endedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Campaign.init(
      {
        ...baseColumns,
        policyId: column.uuid,
        name: column.text,
        audienceCustomerId: column.uuid,
        audienceRole: column.text,
        audienceDepartment: column.text,
        dueDays: column.integer,
        allowDecline: column.flag,
        allowExemption: column.flag,
        settings: column.json,
        status: column.text,
        launchedAt: column.instant,
        askedAfter: column.uuid,
        pausedOn: column.date,
        pausedDays: column.integer,
        movedDays: column.integer,
        isChanged: column.flag,
        endedAt: column.instant,
      },
      businessTable(sequelize, 'campaigns'),
    );
  }
}
