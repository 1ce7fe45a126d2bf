import type { Notifications } from '../../commands/notifications.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentNotification } from './present.ts';
import {
  notificationAnswer,
  notificationExample,
  notificationPath,
  notificationsQuery,
  readAllAnswer,
} from './schema.ts';

const tag = 'Notifications';
const answersNotification = {
  answer: presentNotification,
  answerSchema: notificationAnswer,
  examples: { answer: notificationExample },
} as const;

export const notificationRoutes = ({
  notifications,
}: {
  readonly notifications: Notifications;
}): Route[] => [
  listRoute({
    path: '/notifications',
    permission: 'notification:read_own',
    summary: 'Messages to me and to the roles I hold, the newest first',
    tag,
    query: notificationsQuery,
    ...answersNotification,
    handle: ({ actor, company, query }) => notifications.list(actor, company, query),
  }),
  route({
    method: 'PATCH',
    path: '/notifications/:id/read',
    permission: 'notification:update_own',
    summary: 'Mark one as read',
    message: 'Read',
    tag,
    params: notificationPath,
    ...answersNotification,
    handle: ({ actor, company, params }) => notifications.read(actor, company, params.id),
  }),
  route({
    method: 'POST',
    path: '/notifications/read-all',
    permission: 'notification:update_own',
    summary: 'Mark all as read',
    message: 'Read',
    tag,
    answer: ({ marked }: { readonly marked: number }) => ({ marked }),
    answerSchema: readAllAnswer,
    handle: ({ actor }) => notifications.readAll(actor),
    examples: { answer: { marked: 3 } },
  }),
];
