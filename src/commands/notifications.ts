import type { Actor } from '../context.ts';
import { Conflict, Forbidden } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { execute, select, withTenant } from '../models/database.ts';
import { selectFirst, type Condition } from '../models/list.ts';
import type { Notification, TemplateCode } from '../models/Notification.ts';
import { NotificationTemplate, type OwnTexts } from '../models/NotificationTemplate.ts';
import { noSuch } from '../models/rows.ts';
import { User } from '../models/User.ts';
import { mandatoryBecause, templateCodes, type SuppressionReason } from '../rules/notices.ts';
import type { KnownCompany } from './companies.ts';
import { readOf, type CursorAsked, type Cursors } from './cursors.ts';

export interface NotificationFilters {
  readonly status?: Notification['status'] | undefined;
  readonly channel?: Notification['channel'] | undefined;
  /** Of the messages in the application; an e-mail is neither. */
  readonly unread?: boolean | undefined;
}

type Found = Pick<Notification, 'id' | 'channel' | 'templateCode' | 'payload' | 'status'> & {
  readonly suppressedBecause: SuppressionReason | null;
  readonly digestId: string | null;
  readonly recipientRole: string | null;
  readonly entityType: string | null;
  readonly entityId: string | null;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  readonly readAt: Date | null;
};

/** A message with its words, which are made when it is read and stored nowhere. */
export interface NotificationView extends Omit<Found, 'payload'> {
  readonly subject: string;
  readonly text: string;
}

/** The words of a message; throws where the payload lacks what they need. */
export type Render = (
  code: TemplateCode,
  values: Readonly<Record<string, unknown>>,
) => { readonly subject: string; readonly text: string };

const columns = `n.id, n.channel, n.template_code AS "templateCode", n.payload, n.status,
  n.suppressed_because AS "suppressedBecause", n.digest_id AS "digestId",
  n.recipient_role AS "recipientRole", n.entity_type AS "entityType", n.entity_id AS "entityId",
  n.created_at AS "createdAt", n.sent_at AS "sentAt", n.read_at AS "readAt"`;

const messages = 'core.notifications n';

const newestFirst = { by: 'n.created_at', id: 'n.id', order: 'desc' } as const;

/** Messages to a person, and to the roles they hold; one member of a role reads for all. */
export const createNotifications = ({
  cursors,
  rendering,
}: {
  readonly cursors: Cursors;
  /** With a company's own words, where it has some. */
  readonly rendering: (own: OwnTexts) => Render;
}) => ({
  list: (actor: Actor, company: KnownCompany, asked: NotificationFilters & CursorAsked) =>
    withTenant(company.id, async () => {
      const { status, channel, unread } = asked;
      const conditions: readonly Condition[] = [
        mineOf(actor),
        status ? ['n.status = $', status] : [isShown],
        ...(channel ? [['n.channel = $', channel] as const] : []),
        ...(unread === true ? [[isUnread] as const] : []),
        ...(unread === false ? [['n.read_at IS NOT NULL'] as const] : []),
      ];
      const scope = ['notifications', company.id, actor.userId, status, channel, unread];
      const { items, ...place } = await cursors.walk<Found>(
        { scope, ...readOf(columns, messages, conditions, newestFirst, asked) },
        asked,
      );
      const values = await addressed(actor, company);
      const codes = items.map(({ templateCode }) => templateCode);
      const render = rendering(await NotificationTemplate.ownTexts(codes));
      return { ...place, items: items.map((found) => inWords(render, found, values)) };
    }),

  /** Reading it again changes nothing. */
  read: (actor: Actor, company: KnownCompany, id: string): Promise<NotificationView> =>
    withTenant(company.id, async () => {
      const found = await findMine(actor, id);
      if (found.channel !== 'in_app') {
        throw new Conflict('NOT_IN_APP', `The notification ${id} is an e-mail`);
      }
      const marked = await execute(
        `UPDATE core.notifications n SET status = 'read', read_at = now()
         WHERE n.id = $1 AND ${isUnread}`,
        [id],
      );
      if (marked > 0) AuditLog.record('UPDATE', about(id), { after: { status: 'read' } });
      const render = rendering(await NotificationTemplate.ownTexts([found.templateCode]));
      return inWords(render, await findMine(actor, id), await addressed(actor, company));
    }),

  unreadCount: (actor: Actor): Promise<{ readonly unread: number }> =>
    withTenant(actor.companyId, async () => {
      const [mine, ...values] = mineOf(actor);
      const [counted] = await select<{ unread: number }>(
        `SELECT count(*)::int AS unread FROM (
           SELECT FROM core.notifications n WHERE ${isUnread} AND ${mine} LIMIT ${mostCounted}) AS few`,
        values,
      );
      return { unread: counted?.unread ?? 0 };
    }),

  /** @returns how many were unread */
  readAll: (actor: Actor): Promise<{ readonly marked: number }> =>
    withTenant(actor.companyId, async () => {
      const [mine, ...values] = mineOf(actor);
      const marked = await execute(
        `UPDATE core.notifications n SET status = 'read', read_at = now()
         WHERE ${mine} AND ${isUnread}`,
        values,
      );
      if (marked > 0) AuditLog.record('UPDATE', about(null), { after: { status: 'read', marked } });
      return { marked };
    }),
});

export type Notifications = ReturnType<typeof createNotifications>;

/** What its recipient muted in the application is there for whoever asks for it. */
const isShown = `NOT (n.channel = 'in_app' AND n.status = 'suppressed')`;

/** Of `n`, like everything here; a partial index has the same words. */
export const isUnread = `n.channel = 'in_app' AND n.read_at IS NULL AND n.status <> 'suppressed'`;

const about = (id: string | null) => ({ type: 'notification', id });

/** More unread messages are not counted. */
export const mostCounted = 1000;

/** What somebody may have muted before it could not be muted any more. */
const mandatory = `'{${templateCodes.filter(mandatoryBecause).join(',')}}'::text[]`;

/**
 * To a person, or to one of the roles they hold. What is told a role is there for its other members,
 * whoever of them mutes it.
 * @param userId an SQL expression, like `roles`, which is an array
 */
export const isTo = (userId: string, roles: string): string =>
  `(n.recipient_user_id = ${userId} OR (n.recipient_role = ANY (${roles})
    AND n.template_code <> ALL (ARRAY(
      SELECT code FROM core.notification_preferences p,
        jsonb_array_elements_text(p.muted -> 'in_app') AS code
      WHERE p.user_id = ${userId} AND code <> ALL (${mandatory})))))`;

/** `$1` and `$2` in any statement. */
function mineOf({ userId, roles }: Actor): Condition {
  if (!userId) throw new Forbidden('Only a person gets messages');
  return [isTo('$1', '$2::text[]'), userId, [...roles]];
}

/** @throws NotFound also for somebody else's */
async function findMine(actor: Actor, id: string): Promise<Found> {
  const [found] = await selectFirst<Found>(columns, messages, [['n.id = $', id], mineOf(actor)], {
    ...newestFirst,
    size: 1,
  });
  if (!found) throw noSuch('notification', id);
  return found;
}

/** What templates say beside the payload. */
async function addressed({ userId }: Actor, { name }: KnownCompany) {
  const user = userId === null ? null : await User.findOne({ where: { id: userId } });
  return { name: user ? user.fullName() : 'Sir or Madam', company: name };
}

function inWords(
  render: Render,
  { payload, ...found }: Found,
  values: Readonly<Record<string, unknown>>,
): NotificationView {
  try {
    const { subject, text } = render(found.templateCode, { ...payload, ...values });
    return { ...found, subject, text };
  } catch {
    // A payload older than its template: the rest of the list is still to be read.
    return { ...found, subject: found.templateCode.replaceAll('_', ' '), text: '' };
  }
}
