import type { News, StreamEvent } from '../../commands/notificationStreams.ts';
import type { NotificationView } from '../../commands/notifications.ts';

export const presentNotification = (notification: NotificationView) => ({
  id: notification.id,
  channel: notification.channel,
  template: notification.templateCode,
  subject: notification.subject,
  text: notification.text,
  status: notification.status,
  suppressed_because: notification.suppressedBecause,
  digest_id: notification.digestId,
  role: notification.recipientRole,
  entity_type: notification.entityType,
  entity_id: notification.entityId,
  created_at: notification.createdAt.toISOString(),
  sent_at: notification.sentAt?.toISOString() ?? null,
  read_at: notification.readAt?.toISOString() ?? null,
});

/** As server-sent events are written. */
export function eventText(event: StreamEvent): string {
  const { kind, unread } = event;
  const id = kind === 'notification' ? event.news.id : event.position;
  const data = { ...(kind === 'notification' && presentNews(event.news)), unread_count: unread };
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

const presentNews = (news: News) => ({
  id: news.id,
  template: news.templateCode,
  entity_type: news.entityType,
  entity_id: news.entityId,
  created_at: news.createdAt.toISOString(),
});
