import {
  Model,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { column, coreTable } from './columns.ts';
import { append } from './database.ts';

/** One step of a lifecycle. Unique by command and by version: a repeated step has no second effect. */
export class Transition extends Model<
  InferAttributes<Transition>,
  InferCreationAttributes<Transition>
> {
  declare id: string;
  declare companyId: string;
  declare entityType: string;
  declare entityId: string;
  declare stateVersion: number;
  declare event: string;
  declare fromStatus: string | null;
  declare toStatus: string;
  declare commandId: string;
  declare reason: string | null;
  declare facts: Readonly<Record<string, unknown>>;
  declare actorId: string | null;
  declare actorType: string;
  declare at: Date;

  static define(sequelize: Sequelize): void {
    Transition.init(
      {
        id: column.id,
        companyId: column.uuid,
        entityType: column.text,
        entityId: column.uuid,
        stateVersion: column.integer,
        event: column.text,
        fromStatus: column.text,
        toStatus: column.text,
        commandId: column.text,
        reason: column.text,
        facts: column.json,
        actorId: column.uuid,
        actorType: column.text,
        at: column.instant,
      },
      coreTable(sequelize, 'transitions'),
    );
  }

  static record(
    step: Pick<
      Transition,
      | 'entityType'
      | 'entityId'
      | 'stateVersion'
      | 'event'
      | 'fromStatus'
      | 'toStatus'
      | 'commandId'
      | 'at'
    > &
      Partial<Pick<Transition, 'reason' | 'facts'>>,
  ): void {
    const { actorId, actorType } = currentContext();
    append(Transition, {
      reason: null,
      facts: {},
      ...step,
      actorId: actorId ?? null,
      actorType: actorType ?? 'system',
    });
  }

  static async exists(commandId: string): Promise<boolean> {
    return (await Transition.count({ where: { commandId } })) > 0;
  }
}
