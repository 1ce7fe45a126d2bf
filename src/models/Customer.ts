import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { baseColumns, businessTable, column } from './columns.ts';

/** An organisation whose workforce a company looks after; `isSelf` is the company's own staff. */
export class Customer extends Model<InferAttributes<Customer>, InferCreationAttributes<Customer>> {
  static readonly entityType = 'customer';

  declare id: string;
  declare companyId: string;
  declare name: string;
  declare subscriptionType: CreationOptional<'free' | 'standard' | 'premium'>;
  declare isSelf: CreationOptional<boolean>;
  declare contactEmail: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Customer.init(
      {
        ...baseColumns,
        name: column.text,
        subscriptionType: column.text,
        isSelf: column.flag,
        contactEmail: column.text,
      },
      businessTable(sequelize, 'customers'),
    );
  }
}
