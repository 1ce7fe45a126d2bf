import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { column, platformTable } from './columns.ts';

/** A person, global to the platform. What is secret about one stays behind `withIdentity`. */
export class User extends Model<InferAttributes<User>, InferCreationAttributes<User>> {
  declare id: string;
  declare username: string;
  declare email: string;
  declare firstName: CreationOptional<string>;
  declare lastName: CreationOptional<string>;
  declare phoneNumber: CreationOptional<string | null>;
  declare isActive: CreationOptional<boolean>;
  declare dateJoined: CreationOptional<Date>;
  declare lastLoginAt: CreationOptional<Date | null>;
  declare mfaEnabled: CreationOptional<boolean>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    User.init(
      {
        id: column.id,
        username: column.text,
        email: column.text,
        firstName: column.text,
        lastName: column.text,
        phoneNumber: column.text,
        isActive: column.flag,
        dateJoined: column.instant,
        lastLoginAt: column.instant,
        mfaEnabled: column.flag,
        createdAt: column.instant,
        updatedAt: column.instant,
        createdBy: column.uuid,
        updatedBy: column.uuid,
        archivedAt: column.instant,
        version: column.integer,
      },
      platformTable(sequelize, 'users'),
    );
  }

  fullName(): string {
    return fullNameOf(this);
  }
}

export const fullNameOf = (user: Pick<User, 'firstName' | 'lastName' | 'username'>): string =>
  `${user.firstName} ${user.lastName}`.trim() || user.username;
