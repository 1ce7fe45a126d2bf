import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { baseColumns, businessTable, column } from './columns.ts';

export const segments = ['residential', 'small_commercial'] as const;

/** What kind of property a plan insures. */
export class PropertyCategory extends Model<
  InferAttributes<PropertyCategory>,
  InferCreationAttributes<PropertyCategory>
> {
  static readonly entityType = 'category';

  declare id: string;
  declare companyId: string;
  declare name: string;
  declare segment: (typeof segments)[number];
  declare description: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    PropertyCategory.init(
      { ...baseColumns, name: column.text, segment: column.text, description: column.text },
      businessTable(sequelize, 'property_categories'),
    );
  }
}
