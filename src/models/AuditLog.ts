import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { column, coreTable } from './columns.ts';
import { append } from './database.ts';

export type AuditAction =
  | 'CREATE'
  | 'UPDATE'
  | 'DELETE'
  | 'ARCHIVE'
  | 'RESTORE'
  | 'STATUS_CHANGE'
  | 'TIMER_CHANGE'
  | 'OPERATE'
  | 'LOGIN'
  | 'LOGIN_FAILED'
  | 'LOGOUT'
  | 'TOKEN_REUSE'
  | 'PASSWORD_CHANGE'
  | 'PASSWORD_CHANGE_FAILED'
  | 'PASSWORD_RESET_REQUEST'
  | 'MFA_ENABLE'
  | 'MFA_DISABLE'
  | 'MFA_FAILED'
  | 'EMAIL_CHANGE'
  | 'EMAIL_CHANGE_FAILED'
  | 'EMAIL_CHANGE_REQUEST'
  | 'ACCESS_DENIED'
  | 'COMPANY_ENTERED'
  | 'DELEGATION'
  | 'KEY_ROTATED'
  | 'KEY_REVOKED'
  | 'EXPORT'
  | 'ERASE';

type Facts = Readonly<Record<string, unknown>>;

export interface AuditedChange {
  readonly before?: Facts;
  readonly after?: Facts;
  readonly companyId?: string;
}

/** What happened, by whom, through what. Append-only: the runtime may neither change nor delete. */
export class AuditLog extends Model<InferAttributes<AuditLog>, InferCreationAttributes<AuditLog>> {
  declare id: string;
  declare companyId: string;
  declare timestamp: Date;
  declare actorId: string | null;
  declare actorType: 'user' | 'api_key' | 'workflow' | 'system';
  declare action: AuditAction;
  declare entityType: string;
  declare entityId: string | null;
  declare before: CreationOptional<Facts | null>;
  declare after: CreationOptional<Facts | null>;
  declare requestId: string | null;
  declare workflowId: string | null;
  declare ip: string | null;
  declare userAgent: string | null;

  static define(sequelize: Sequelize): void {
    AuditLog.init(
      {
        id: column.id,
        companyId: column.uuid,
        timestamp: column.instant,
        actorId: column.uuid,
        actorType: column.text,
        action: column.text,
        entityType: column.text,
        entityId: column.uuid,
        before: column.json,
        after: column.json,
        requestId: column.text,
        workflowId: column.text,
        ip: column.text,
        userAgent: column.text,
      },
      coreTable(sequelize, 'audit_logs'),
    );
  }

  /**
   * Commits with the change it tells of. `before` and `after` hold changed fields, no secrets. What
   * the platform does to a company names it by `companyId`; else the transaction's company is told.
   */
  static record(
    action: AuditAction,
    entity: { readonly type: string; readonly id: string | null },
    change: AuditedChange = {},
  ): void {
    const context = currentContext();
    append(AuditLog, {
      timestamp: new Date(),
      actorId: context.actorId ?? null,
      actorType: context.actorType ?? 'system',
      action,
      entityType: entity.type,
      entityId: entity.id,
      before: change.before,
      after: change.after,
      ...(change.companyId !== undefined && { companyId: change.companyId }),
      requestId: context.requestId || null,
      workflowId: context.workflowId ?? null,
      ip: context.ip ?? null,
      userAgent: context.userAgent ?? null,
    });
  }
}
