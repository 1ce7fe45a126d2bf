import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { businessTable, column } from './columns.ts';
import { append } from './database.ts';

/** One changed field of an acknowledgement; answering is plain SQL and has no transitions. */
export class AcknowledgementHistory extends Model<
  InferAttributes<AcknowledgementHistory>,
  InferCreationAttributes<AcknowledgementHistory>
> {
  declare id: string;
  declare companyId: string;
  declare acknowledgementId: string;
  declare field: string;
  declare oldValue: string | null;
  declare newValue: string | null;
  declare reason: CreationOptional<string | null>;
  declare actorId: string | null;
  declare actorType: string;
  declare updatedAt: Date;

  static define(sequelize: Sequelize): void {
    AcknowledgementHistory.init(
      {
        id: column.id,
        companyId: column.uuid,
        acknowledgementId: column.uuid,
        field: column.text,
        oldValue: column.text,
        newValue: column.text,
        reason: column.text,
        actorId: column.uuid,
        actorType: column.text,
        updatedAt: column.instant,
      },
      {
        ...businessTable<AcknowledgementHistory>(sequelize, 'acknowledgement_history'),
        timestamps: false,
      },
    );
  }

  static record(
    acknowledgementId: string,
    field: string,
    change: { readonly from: string | null; readonly to: string | null },
    reason: string | null = null,
  ): void {
    const { actorId, actorType } = currentContext();
    append(AcknowledgementHistory, {
      acknowledgementId,
      field,
      oldValue: change.from,
      newValue: change.to,
      reason,
      actorId: actorId ?? null,
      actorType: actorType ?? 'system',
      updatedAt: new Date(),
    });
  }
}
