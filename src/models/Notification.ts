import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { column, coreTable } from './columns.ts';
import { append, select } from './database.ts';
import { v7 as uuid } from 'uuid';
import { grouped } from '../rules/grouped.ts';

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
  | 'subscription_endorsed'
  | 'premium_due'
  | 'premium_due_moved'
  | 'subscription_not_taken_up'
  | 'subscription_grace'
  | 'grace_reminder'
  | 'subscription_lapsed'
  | 'subscription_reinstated'
  | 'premium_unpaid'
  | 'premium_overdue'
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
  | 'document_infected'
  | 'document_added'
  | 'email_change'
  | 'email_change_notice'
  | 'invitation'
  | 'account_created'
  | 'address_unconfirmed'
  | 'membership_granted'
  | 'claim_received'
  | 'claim_in_hands'
  | 'claim_documents_wanted'
  | 'claim_documents_reminder'
  | 'claim_documents_final'
  | 'claim_status_letter'
  | 'claim_decision_extended'
  | 'claim_approved'
  | 'claim_denied'
  | 'claim_paid'
  | 'claim_closed'
  | 'claim_reported'
  | 'claim_assigned'
  | 'claim_due_soon'
  | 'claim_overdue'
  | 'claim_approval_wanted'
  | 'claim_approval_overdue'
  | 'claim_returned'
  | 'claim_appealed'
  | 'claim_withdrawn'
  | 'claim_documents_missing'
  | 'claim_unacknowledged'
  | 'claim_payment_failed'
  | 'claim_reopened'
  | 'compliance_policy_submitted'
  | 'compliance_policy_reminder'
  | 'compliance_policy_overdue'
  | 'compliance_policy_approved'
  | 'compliance_policy_rejected'
  | 'compliance_policy_published'
  | 'compliance_policy_review_due'
  | 'compliance_policy_update_available'
  | 'report_ready'
  | 'report_failed'
  | 'payment_received'
  | 'payment_sent'
  | 'payment_failed'
  | 'refund_late'
  | 'note_mention'
  | 'fraud_suspected'
  | 'delivery_failed'
  | 'alert_raised';

/** A step tells 200 people of a role at the most, and what an earlier one queued may be under way. */
const mostUnsent = 1000;

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

  /**
   * E-mails about an entity that nobody has delivered, in their order; delivering one twice has no
   * effect. The latest of very many, so that whoever has just queued some gets all of those.
   */
  static async unsentAbout(entityId: string): Promise<readonly string[]> {
    return (await Notification.unsentAboutAll([entityId])).of(entityId);
  }

  /** The same of several entities at once. */
  static async unsentAboutAll(entityIds: readonly string[]) {
    const rows = await select<{ id: string; entityId: string }>(
      `SELECT id, entity_id AS "entityId" FROM (
         SELECT id, entity_id, row_number() OVER (PARTITION BY entity_id ORDER BY id DESC) AS place
         FROM core.notifications
         WHERE entity_id = ANY ($1::uuid[]) AND channel = 'email' AND status = 'queued') AS unsent
       WHERE place <= ${mostUnsent} ORDER BY id`,
      [entityIds],
    );
    return grouped(rows.map(({ id, entityId }) => [entityId, id] as const));
  }
}
