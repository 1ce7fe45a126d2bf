import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext, runInContext } from '../context.ts';
import type { Role } from '../rules/permissions.ts';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, column, coreTable } from './columns.ts';
import { execute, select } from './database.ts';
import type { SecretLink } from './secretLinks.ts';

export const invitationStatuses = ['pending', 'accepted', 'expired', 'revoked'] as const;

/** An address that may become a person of the company with a role, by the code that is sent there. */
export class Invitation extends Model<
  InferAttributes<Invitation>,
  InferCreationAttributes<Invitation>
> {
  static readonly entityType = 'invitation';

  declare id: string;
  declare companyId: string;
  declare email: string;
  declare role: Role;
  declare tokenHash: string;
  declare status: (typeof invitationStatuses)[number];
  declare expiresAt: Date;
  declare resentCount: CreationOptional<number>;
  declare acceptedBy: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Invitation.init(
      {
        ...baseColumns,
        email: column.text,
        role: column.text,
        tokenHash: column.text,
        status: column.text,
        expiresAt: column.instant,
        resentCount: column.integer,
        acceptedBy: column.uuid,
      },
      coreTable(sequelize, 'invitations'),
    );
  }

  /** Whoever looks late finds it expired: no clock runs for an invitation. */
  static async expireDue(): Promise<void> {
    const expired = await select<{ id: string }>(
      `UPDATE core.invitations SET status = 'expired', updated_at = now(), version = version + 1
       WHERE company_id = (SELECT app.company_id()) AND status = 'pending' AND expires_at <= now()
       RETURNING id`,
    );
    // Nobody did it, least of all who looks.
    runInContext({ ...currentContext(), actorId: null, actorType: 'system' }, () => {
      for (const { id } of expired) {
        AuditLog.record(
          'STATUS_CHANGE',
          { type: Invitation.entityType, id },
          { before: { status: 'pending' }, after: { status: 'expired' } },
        );
      }
    });
  }

  /** Behind `withIdentity`. @returns false when it was used, taken back or ran out meanwhile */
  static async accept(tokenHash: string, acceptedBy: string): Promise<boolean> {
    const accepted = await execute(
      `UPDATE core.invitations SET status = 'accepted', accepted_by = $2, updated_at = now(),
         version = version + 1
       WHERE token_hash = $1 AND status = 'pending' AND expires_at > now()`,
      [tokenHash, acceptedBy],
    );
    return accepted === 1;
  }
}

/** The link of an invitation; each time it is sent anew it is another one. */
export const invitationLink = (id: string, resentCount: number): SecretLink => ({
  kind: 'invitation',
  id: `${id}/${resentCount}`,
});
