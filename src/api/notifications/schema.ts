import { cursor } from '../listQuery.ts';
import { mostCounted } from '../../commands/notifications.ts';
import { personalChannels, suppressionReasons } from '../../rules/notices.ts';
import {
  boolean,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

const statuses = ['queued', 'sent', 'failed', 'suppressed', 'read'] as const;

export const notificationPath = object({ id: id() });

export const notificationsQuery = object({
  status: optional(oneOf(...statuses)),
  channel: optional(oneOf(...personalChannels)),
  unread: optional(boolean().description('Of the messages in the application')),
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
  cursor,
});

export const notificationAnswer = object({
  id: id(),
  channel: oneOf(...personalChannels),
  template: text(50),
  subject: text(500),
  text: text(10_000).allow(''),
  status: oneOf(...statuses),
  suppressed_because: nullable(oneOf(...suppressionReasons)).description(
    'Why it was not sent: its recipient muted it or was erased, or the company is suspended',
  ),
  digest_id: nullable(id()).description('The mail in which it went with others'),
  role: nullable(text(50)).description('To everybody who holds this role'),
  entity_type: nullable(text(50)),
  entity_id: nullable(id()),
  created_at: instant(),
  sent_at: nullable(instant()),
  read_at: nullable(instant()),
}).id('Notification');

export const unreadAnswer = object({
  unread_count: integer(0, mostCounted).description(`No more than ${mostCounted} are counted`),
});

export const readAllAnswer = object({
  marked: integer(0, 2_147_483_647).description('How many were unread'),
});

export const notificationExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6071',
  channel: 'in_app',
  template: 'renewal_reminder',
  subject: 'Policy POL-DEMO-2026-000001 ends on 2027-02-01',
  text: 'Dear Ada Lovelace,\n\npolicy POL-DEMO-2026-000001 (Home Standard) ends on 2027-02-01.',
  status: 'sent',
  suppressed_because: null,
  digest_id: null,
  role: null,
  entity_type: 'subscription',
  entity_id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  created_at: '2027-01-02T00:00:00.000Z',
  sent_at: '2027-01-02T00:00:00.000Z',
  read_at: null,
} as const;

/** What a stream says: how it begins, and one message. */
export const streamExample = `retry: 3000

id: 01998e3a-7c00-7d44-9e55-3f66a77b8c92
event: unread
data: {"unread_count":0}

id: ${notificationExample.id}
event: notification
data: {"id":"${notificationExample.id}","template":"renewal_reminder","entity_type":"subscription","entity_id":"${notificationExample.entity_id}","created_at":"${notificationExample.created_at}","unread_count":1}

`;
