import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { currentContext } from '../context.ts';
import { column, coreTable } from './columns.ts';
import { append, Computed, execute, select } from './database.ts';
import { v7 as uuid } from 'uuid';
import { grouped } from '../rules/grouped.ts';
import {
  mandatoryBecause,
  type PersonalChannel,
  type SuppressionReason,
  type TemplateCode,
} from '../rules/notices.ts';

export type { TemplateCode };

/** To whom: a person by e-mail or in the application, or everybody who holds a role. */
export type Recipient =
  | { readonly channel: 'email'; readonly userId: string }
  | { readonly channel: 'email'; readonly address: string }
  | { readonly channel: 'in_app'; readonly userId: string }
  | { readonly channel: 'in_app'; readonly role: string };

/** One message of many, whatever its channels. */
export interface ManyMessages {
  readonly to: { readonly userId: string } | { readonly address: string };
  readonly template: TemplateCode;
  readonly payload: Readonly<Record<string, unknown>>;
  /** As for one message. */
  readonly key: string;
  readonly about: { readonly type: string; readonly id: string };
}

/** A step tells 200 people of a role at the most, and what an earlier one queued may be under way. */
const mostUnsent = 1000;

/**
 * What an UPDATE sets in a message `n` of somebody who is erased, so that it names nobody and is never sent.
 * The key of one to an address holds the address.
 * @param address SQL of the one that it gets in place of its own
 */
export const erasedMessage = (address: string): string => `payload = '{}', last_error = NULL,
  status = CASE WHEN n.status = 'queued' THEN 'suppressed' ELSE n.status END,
  suppressed_because = CASE WHEN n.status = 'queued' THEN 'erased' ELSE n.suppressed_because END,
  recipient_address = CASE WHEN n.recipient_address IS NOT NULL THEN ${address} END,
  dedupe_key = CASE WHEN n.recipient_address IS NULL THEN n.dedupe_key ELSE 'erased/' || n.id END`;

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
  declare channel: PersonalChannel;
  declare templateCode: TemplateCode;
  declare locale: CreationOptional<string>;
  declare payload: Readonly<Record<string, unknown>>;
  declare status: 'queued' | 'sent' | 'failed' | 'suppressed' | 'read';
  declare suppressedBecause: CreationOptional<SuppressionReason | null>;
  declare attempts: CreationOptional<number>;
  declare lastError: CreationOptional<string | null>;
  declare dedupeKey: string;
  /** The same for every recipient of one event. */
  declare eventKey: CreationOptional<string | null>;
  declare workflowId: CreationOptional<string | null>;
  /** The mail in which it went with others. */
  declare digestId: CreationOptional<string | null>;
  /** When it was, where others of its kind wait behind it. */
  declare letGoAt: CreationOptional<Date | null>;
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
        suppressedBecause: column.text,
        attempts: column.integer,
        lastError: column.text,
        dedupeKey: column.text,
        eventKey: column.text,
        workflowId: column.text,
        digestId: column.uuid,
        letGoAt: column.instant,
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
   * Queues one message with the change that causes it. In-app messages are thereby delivered. What
   * its recipient has muted, and in-app what a suspended company tells an outsider, is written down and
   * goes nowhere; an e-mail to an outsider is held back when it would be sent.
   * @param key `{entity}/{id}/{effect}/{n}`; the recipient is added to it
   * @returns its id; an e-mail is still to be delivered
   */
  static queue({
    id = uuid(),
    to,
    template,
    payload,
    key,
    about,
    workflowId = currentContext().workflowId,
  }: {
    readonly id?: string;
    readonly to: Recipient;
    readonly template: TemplateCode;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly key: string;
    readonly about: { readonly type: string; readonly id: string };
    /** The run that sends it; of what a run queues itself it is that run. */
    readonly workflowId?: string | undefined;
  }): string {
    const written =
      to.channel === 'in_app'
        ? { status: 'sent', sentAt: new Date() }
        : { status: 'queued', sentAt: null };
    const whom = 'userId' in to ? to.userId : 'role' in to ? to.role : to.address;
    append(Notification, {
      id,
      recipientUserId: 'userId' in to ? to.userId : null,
      recipientRole: 'role' in to ? to.role : null,
      recipientAddress: 'address' in to ? to.address : null,
      channel: to.channel,
      templateCode: template,
      payload,
      ...unlessHeldBack(to, { template, about }, written),
      dedupeKey: `${key}/${to.channel}/${whom}`,
      eventKey: key,
      workflowId: workflowId ?? null,
      entityType: about.type,
      entityId: about.id,
    });
    return id;
  }

  /**
   * The same for many people at once, by e-mail and, where they have an account, in the application; in
   * one statement. What was told before is not told again.
   * @param workflowId the run that sends them
   */
  static async queueMany(messages: readonly ManyMessages[], workflowId: string): Promise<void> {
    if (messages.length === 0) return;
    const rows = messages.flatMap(({ to, about, key, ...message }) => {
      const [userId, address] = 'userId' in to ? [to.userId, null] : [null, to.address];
      const isMutable = !mandatoryBecause(message.template);
      const row = {
        ...message,
        userId,
        address,
        type: about.type,
        about: about.id,
        key,
        isMutable,
      };
      const email = { ...row, id: uuid(), channel: 'email' };
      return userId === null ? [email] : [email, { ...row, id: uuid(), channel: 'in_app' }];
    });
    await execute(
      `INSERT INTO core.notifications (company_id, id, recipient_user_id, recipient_address, channel,
         template_code, payload, status, sent_at, suppressed_because, dedupe_key, event_key,
         workflow_id, entity_type, entity_id)
       SELECT (SELECT app.company_id()), r.id, r."userId", r.address, r.channel, r.template, r.payload,
         CASE WHEN held.because IS NOT NULL THEN 'suppressed'
           WHEN r.channel = 'in_app' THEN 'sent' ELSE 'queued' END,
         CASE WHEN held.because IS NULL AND r.channel = 'in_app' THEN now() END,
         held.because,
         concat_ws('/', r.key, r.channel, coalesce(r."userId"::text, r.address)), r.key, $2, r.type,
         r.about
       FROM jsonb_to_recordset($1) AS r (id uuid, "userId" uuid, address text, channel text,
         template text, payload jsonb, key text, type text, about uuid, "isMutable" boolean)
         LEFT JOIN core.notification_preferences p ON r."isMutable" AND p.user_id = r."userId"
           AND jsonb_exists(p.muted -> r.channel, r.template)
         CROSS JOIN LATERAL (SELECT CASE WHEN p.user_id IS NOT NULL THEN 'muted'
           WHEN r.channel = 'in_app' AND r.type <> 'company' AND app.is_cut_off(r."userId")
             THEN 'company_suspended' END AS because) AS held
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(rows), workflowId],
    );
  }

  /** The first e-mails that a workflow has queued and that may be tried at that time. */
  static async deliverable(
    workflowId: string,
    { at, most }: { readonly at: Date; readonly most: number },
  ): Promise<string[]> {
    const rows = await select<{ id: string }>(
      `SELECT id FROM core.notifications
       WHERE workflow_id = $1 AND status = 'queued' AND channel = 'email'
         AND (next_try_at IS NULL OR next_try_at <= $2) ORDER BY id LIMIT $3`,
      [workflowId, at, most],
    );
    return rows.map(({ id }) => id);
  }

  /** When the next e-mail of a workflow may be tried, in the past for one that waits; undefined without any. */
  static async nextTryOf(workflowId: string): Promise<Date | undefined> {
    const [next] = await select<{ at: Date | null }>(
      `SELECT min(coalesce(next_try_at, created_at)) AS at FROM core.notifications
       WHERE workflow_id = $1 AND status = 'queued' AND channel = 'email'`,
      [workflowId],
    );
    return next?.at ?? undefined;
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

/**
 * Found out by the statement that writes the row, so that it costs no round trip. What is about the
 * company is about the person's own account, and told all the same.
 */
function unlessHeldBack(
  to: Recipient,
  {
    template,
    about,
  }: { readonly template: TemplateCode; readonly about: { readonly type: string } },
  written: { readonly status: string; readonly sentAt: Date | null },
) {
  const isMutable = !mandatoryBecause(template);
  const mayBeCutOff = to.channel === 'in_app' && about.type !== 'company';
  if (!('userId' in to) || !(isMutable || mayBeCutOff)) {
    return { ...written, suppressedBecause: null };
  }
  const isMuted = `WHEN EXISTS (SELECT 1 FROM core.notification_preferences p
    WHERE p.user_id = $1::uuid AND jsonb_exists(p.muted -> $2::text, $3::text)) THEN 'muted'`;
  const isCutOff = `WHEN app.is_cut_off($1::uuid) THEN 'company_suspended'`;
  const because = `CASE ${isMutable ? isMuted : ''} ${mayBeCutOff ? isCutOff : ''} END`;
  const asked = isMutable ? [to.userId, to.channel, template] : [to.userId];
  const last = `$${asked.length + 1}`;
  return {
    status: new Computed(
      `CASE WHEN (${because}) IS NULL THEN ${last}::text ELSE 'suppressed' END`,
      [...asked, written.status],
    ),
    sentAt: new Computed(`CASE WHEN (${because}) IS NULL THEN ${last}::timestamptz END`, [
      ...asked,
      written.sentAt,
    ]),
    suppressedBecause: new Computed(because, asked),
  };
}
