import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Muted } from '../rules/notices.ts';
import { baseColumns, column, coreTable } from './columns.ts';

/** What a person does not want to be told in one company; none for whoever wants to be told all. */
export class NotificationPreference extends Model<
  InferAttributes<NotificationPreference>,
  InferCreationAttributes<NotificationPreference>
> {
  static readonly entityType = 'notification_preference';

  declare id: string;
  declare companyId: string;
  declare userId: string;
  declare muted: Muted;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    NotificationPreference.init(
      { ...baseColumns, userId: column.uuid, muted: column.json },
      {
        ...coreTable<NotificationPreference>(sequelize, 'notification_preferences'),
        timestamps: true,
      },
    );
  }
}
