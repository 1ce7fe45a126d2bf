import { validate, version } from 'uuid';
import type { Notifications } from '../../commands/notifications.ts';
import type { NotificationStreams } from '../../commands/notificationStreams.ts';
import { Refusal, invalidField } from '../../errors.ts';
import { eventStream, listRoute, rawRoute, route, type Route } from '../route.ts';
import { presentNotification } from './present.ts';
import {
  notificationAnswer,
  notificationExample,
  notificationPath,
  notificationsQuery,
  readAllAnswer,
  streamExample,
  unreadAnswer,
} from './schema.ts';

const tag = 'Notifications';
const answersNotification = {
  answer: presentNotification,
  answerSchema: notificationAnswer,
  examples: { answer: notificationExample },
} as const;

export const notificationRoutes = ({
  notifications,
  notificationStreams,
}: {
  readonly notifications: Notifications;
  readonly notificationStreams: Pick<NotificationStreams, 'open'>;
}): Route[] => [
  listRoute({
    path: '/notifications',
    permission: 'notification:read_own',
    summary: 'Messages to me and to the roles I hold, the newest first',
    tag,
    businessRules: true,
    query: notificationsQuery,
    ...answersNotification,
    handle: ({ actor, company, query }) => notifications.list(actor, company, query),
  }),
  route({
    method: 'GET',
    path: '/notifications/unread-count',
    permission: 'notification:read_own',
    summary: 'How many messages in the application I have not read',
    tag,
    answer: ({ unread }: { readonly unread: number }) => ({ unread_count: unread }),
    answerSchema: unreadAnswer,
    handle: ({ actor }) => notifications.unreadCount(actor),
    examples: { answer: { unread_count: 3 } },
  }),
  rawRoute({
    method: 'GET',
    path: '/notifications/stream',
    permission: 'notification:read_own',
    summary: 'Messages in the application as they come, as server-sent events',
    message:
      'Events `notification` with ids, and `unread`; each says how many are unread. With `Last-Event-ID` what came since is told first, and the last half minute before it again. Ends with the access token, the session or a change of roles',
    tag,
    mediaType: eventStream,
    handle({ actor, signedInUntil, header, setHeader }) {
      if (!header('Accept').includes(eventStream)) {
        throw new Refusal(406, 'NOT_ACCEPTABLE', `Accept ${eventStream} to be told what comes`);
      }
      const lastEventId = header('Last-Event-ID').toLowerCase() || undefined;
      if (lastEventId !== undefined && !isEventId(lastEventId)) {
        throw invalidField('Last-Event-ID', 'is the id of no event');
      }
      // Nobody on the way is to compress it or to wait for more of it.
      setHeader('Cache-Control', 'no-store, no-transform');
      setHeader('X-Accel-Buffering', 'no');
      return notificationStreams.open(actor, { lastEventId, endsAt: signedInUntil });
    },
    examples: { answer: streamExample },
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

/** All of ours are UUIDs v7. */
const isEventId = (id: string): boolean => validate(id) && version(id) === 7;
