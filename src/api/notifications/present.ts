import type { NotificationView } from '../../commands/notifications.ts';

export const presentNotification = (notification: NotificationView) => ({
  id: notification.id,
  channel: notification.channel,
  template: notification.templateCode,
  subject: notification.subject,
  text: notification.text,
  status: notification.status,
  suppressed_because: notification.suppressedBecause,
  role: notification.recipientRole,
  entity_type: notification.entityType,
  entity_id: notification.entityId,
  created_at: notification.createdAt.toISOString(),
  sent_at: notification.sentAt?.toISOString() ?? null,
  read_at: notification.readAt?.toISOString() ?? null,
});
