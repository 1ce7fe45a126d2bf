import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext, type WorkContext } from '../context.ts';
import { column, coreTable } from './columns.ts';
import { append } from './database.ts';
import { v7 as uuid } from 'uuid';

/** A workflow start that was promised in a committed transaction. */
export interface WorkflowStart {
  readonly companyId: string;
  readonly id: string;
  readonly entityType: string;
  readonly entityId: string;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly input: object;
  /** One line for the Temporal UI, without personal data. */
  readonly summary: string;
  /** Search attributes at the start, by name. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** After a failed or terminated run of the same id; otherwise an ended run counts as started. */
  readonly isRestart?: boolean;
  readonly context: Pick<WorkContext, 'requestId' | 'companyId' | 'actorId' | 'actorType'>;
}

/** Inline dispatch goes first; the relay takes what is left after this. */
const relayAfterMs = 2000;

export class OutboxEntry
  extends Model<InferAttributes<OutboxEntry>, InferCreationAttributes<OutboxEntry>>
  implements WorkflowStart
{
  declare id: string;
  declare companyId: string;
  declare entityType: string;
  declare entityId: string;
  declare workflowType: string;
  declare workflowId: string;
  declare input: object;
  declare summary: string;
  declare attributes: WorkflowStart['attributes'];
  declare context: WorkflowStart['context'];
  declare isRestart: CreationOptional<boolean>;
  declare createdAt: CreationOptional<Date>;
  declare notBefore: Date;
  declare lockedUntil: CreationOptional<Date | null>;
  declare tries: CreationOptional<number>;
  declare lastError: CreationOptional<string | null>;
  declare dispatchedAt: CreationOptional<Date | null>;
  declare parkedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    OutboxEntry.init(
      {
        id: column.id,
        companyId: column.uuid,
        entityType: column.text,
        entityId: column.uuid,
        workflowType: column.text,
        workflowId: column.text,
        input: column.json,
        summary: column.text,
        attributes: column.json,
        context: column.json,
        isRestart: column.flag,
        createdAt: column.instant,
        notBefore: column.instant,
        lockedUntil: column.instant,
        tries: column.integer,
        lastError: column.text,
        dispatchedAt: column.instant,
        parkedAt: column.instant,
      },
      coreTable(sequelize, 'outbox'),
    );
  }

  /**
   * Promises the start; it commits with the rows it is about.
   * @param notBefore from when on the relay takes it
   */
  static promise(
    start: Omit<WorkflowStart, 'id' | 'context'>,
    notBefore = new Date(Date.now() + relayAfterMs),
  ): WorkflowStart {
    const { requestId, actorId, actorType } = currentContext();
    const context = { requestId, companyId: start.companyId, actorId, actorType };
    const entry = { ...start, id: uuid(), context };
    append(OutboxEntry, { ...entry, notBefore });
    return entry;
  }

  /** Somebody is still to start this object's run; a start that was given up is not owed. */
  static async isOwed(entityId: string): Promise<boolean> {
    return (
      (await OutboxEntry.count({ where: { entityId, dispatchedAt: null, parkedAt: null } })) > 0
    );
  }
}
