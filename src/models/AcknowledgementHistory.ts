import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { businessTable, column } from './columns.ts';
import { append, execute } from './database.ts';

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

  /**
   * The same for many acknowledgements, in one statement.
   * @param changes SQL of rows history_id, acknowledgement_id, old_value, new_value; `$1` is `json`
   */
  static async recordEach(
    field: string,
    changes: string,
    json: string,
    { at, reason = null }: { readonly at: Date; readonly reason?: string | null },
  ): Promise<void> {
    const { actorId, actorType } = currentContext();
    await execute(
      `INSERT INTO acknowledgement_history (company_id, id, acknowledgement_id, field, old_value,
         new_value, reason, actor_id, actor_type, updated_at)
       SELECT (SELECT app.company_id()), c.history_id, c.acknowledgement_id, $2, c.old_value,
         c.new_value, $3, $4, $5, $6
       FROM (${changes}) c`,
      [json, field, reason, actorId ?? null, actorType ?? 'system', at],
    );
  }
}
