import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { column, coreTable } from './columns.ts';
import { append, execute } from './database.ts';

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
    append(AuditLog, {
      ...origin(),
      action,
      entityType: entity.type,
      entityId: entity.id,
      before: change.before,
      after: change.after,
      ...(change.companyId !== undefined && { companyId: change.companyId }),
    });
  }

  /**
   * The same for many rows that are changed in one statement.
   * @param changes a SELECT of `audit_id`, `entity_id`, `before` and `after`, whose values are `bind`
   */
  static async recordEach(
    action: 'CREATE' | 'UPDATE',
    entityType: string,
    changes: string,
    bind: readonly unknown[],
  ): Promise<void> {
    const { timestamp, actorId, actorType, requestId, workflowId, ip, userAgent } = origin();
    const place = (index: number): string => `$${bind.length + index}`;
    await execute(
      `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_id, actor_type, action,
         entity_type, entity_id, before, after, request_id, workflow_id, ip, user_agent)
       SELECT (SELECT app.company_id()), c.audit_id, ${place(1)}::timestamptz, ${place(2)}::uuid, ${place(3)},
         ${place(4)}, ${place(5)}, c.entity_id, c.before, c.after, ${place(6)}, ${place(7)}, ${place(8)},
         ${place(9)}
       FROM (${changes}) c`,
      [
        ...bind,
        timestamp,
        actorId,
        actorType,
        action,
        entityType,
        requestId,
        workflowId,
        ip,
        userAgent,
      ],
    );
  }
}

/** Who acts, for which request, and from where. */
function origin() {
  const context = currentContext();
  return {
    timestamp: new Date(),
    actorId: context.actorId ?? null,
    actorType: context.actorType ?? 'system',
    requestId: context.requestId || null,
    workflowId: context.workflowId ?? null,
    ip: context.ip ?? null,
    userAgent: context.userAgent ?? null,
  };
}
