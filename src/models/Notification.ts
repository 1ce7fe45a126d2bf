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
import { v7 as uuid } from 'uuid';

/** To whom: a person by e-mail or in the application, or everybody who holds a role. */
export type Recipient =
  | { readonly channel: 'email'; readonly userId: string }
  | { readonly channel: 'email'; readonly address: string }
  | { readonly channel: 'in_app'; readonly userId: string }
  | { readonly channel: 'in_app'; readonly role: string };

/** Every message there is; the texts stand in `activities/templates.ts`. */
export type TemplateCode =
  | 'welcome'
  | 'account_exists'
  | 'session_revoked'
  | 'password_reset'
  | 'password_changed'
  | 'subscription_confirmed'
  | 'subscription_cancel_pending'
  | 'subscription_cancelled'
  | 'subscription_expired'
  | 'subscription_expired_plan_gone'
  | 'subscription_renewed'
  | 'renewal_reminder'
  | 'renewal_reminder_auto'
  | 'renewal_call'
  | 'renewal_digest'
  | 'registration_received'
  | 'registration_verify'
  | 'registration_waiting'
  | 'registration_overdue'
  | 'registration_rejected'
  | 'registration_expired'
  | 'provisioning_failed'
  | 'company_ready'
  | 'activation_reminder'
  | 'activation_link'
  | 'activation_stalled'
  | 'company_activated'
  | 'email_change'
  | 'email_change_notice'
  | 'invitation'
  | 'account_created'
  | 'membership_granted'
  | 'delivery_failed';

/** One message to one recipient. The row is exactly once by `dedupeKey`; delivery at least once. */
export class Notification extends Model<
  InferAttributes<Notification>,
  InferCreationAttributes<Notification>
> {
  declare id: string;
  declare companyId: string;
  declare recipientUserId: CreationOptional<string | null>;
  declare recipientRole: CreationOptional<string | null>;
  declare recipientAddress: CreationOptional<string | null>;
  declare channel: 'email' | 'in_app';
  declare templateCode: TemplateCode;
  declare locale: CreationOptional<string>;
  declare payload: Readonly<Record<string, unknown>>;
  declare status: 'queued' | 'sent' | 'failed' | 'suppressed' | 'read';
  declare attempts: CreationOptional<number>;
  declare lastError: CreationOptional<string | null>;
  declare dedupeKey: string;
  declare workflowId: CreationOptional<string | null>;
  declare entityType: CreationOptional<string | null>;
  declare entityId: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare sentAt: CreationOptional<Date | null>;
  declare readAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    Notification.init(
      {
        id: column.id,
        companyId: column.uuid,
        recipientUserId: column.uuid,
        recipientRole: column.text,
        recipientAddress: column.text,
        channel: column.text,
        templateCode: column.text,
        locale: column.text,
        payload: column.json,
        status: column.text,
        attempts: column.integer,
        lastError: column.text,
        dedupeKey: column.text,
        workflowId: column.text,
        entityType: column.text,
        entityId: column.uuid,
        createdAt: column.instant,
        sentAt: column.instant,
        readAt: column.instant,
      },
      coreTable(sequelize, 'notifications'),
    );
  }

  /**
   * Queues one message with the change that causes it. In-app messages are thereby delivered.
   * @param key `{entity}/{id}/{effect}/{n}`; the recipient is added to it
   * @returns its id; an e-mail is still to be delivered
   */
  static queue({
    to,
    template,
    payload,
    key,
    about,
  }: {
    readonly to: Recipient;
    readonly template: TemplateCode;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly key: string;
    readonly about: { readonly type: string; readonly id: string };
  }): string {
    const id = uuid();
    const whom = 'userId' in to ? to.userId : 'role' in to ? to.role : to.address;
    append(Notification, {
      id,
      recipientUserId: 'userId' in to ? to.userId : null,
      recipientRole: 'role' in to ? to.role : null,
      recipientAddress: 'address' in to ? to.address : null,
      channel: to.channel,
      templateCode: template,
      payload,
      status: to.channel === 'in_app' ? 'sent' : 'queued',
      sentAt: to.channel === 'in_app' ? new Date() : null,
      dedupeKey: `${key}/${to.channel}/${whom}`,
      workflowId: currentContext().workflowId ?? null,
      entityType: about.type,
      entityId: about.id,
    });
    return id;
  }

  /** E-mails about an entity that nobody has delivered; delivering one twice has no effect. */
  static async unsentAbout(entityId: string): Promise<string[]> {
    const rows = await Notification.findAll({
      attributes: ['id'],
      where: { entityId, channel: 'email', status: 'queued' },
      order: [['id', 'ASC']],
      limit: 100,
    });
    return rows.map(({ id }) => id);
  }
}
