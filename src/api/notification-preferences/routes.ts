import type { NotificationPreferences } from '../../commands/notificationPreferences.ts';
import { route, type Route } from '../route.ts';
import { presentPreferences } from './present.ts';
import { preferencesAnswer, preferencesExample, replacePreferencesBody } from './schema.ts';

const preferences = {
  path: '/notification-preferences',
  tag: 'Notifications',
  answer: presentPreferences,
  answerSchema: preferencesAnswer,
} as const;

export const notificationPreferenceRoutes = ({
  notificationPreferences,
}: {
  readonly notificationPreferences: NotificationPreferences;
}): Route[] => [
  route({
    ...preferences,
    method: 'GET',
    permission: 'notification:read_own',
    summary: 'What I am told by which channel, and what cannot be muted',
    handle: ({ actor }) => notificationPreferences.get(actor),
    examples: { answer: preferencesExample },
  }),
  route({
    ...preferences,
    method: 'PUT',
    permission: 'notification:update_own',
    ifMatch: true,
    summary: 'Choose what I am told by which channel, from the next message on',
    message: 'Preferences set',
    businessRules: true,
    body: replacePreferencesBody,
    handle: ({ actor, body, expectedVersion }) =>
      notificationPreferences.replace(
        actor,
        body.preferences.map(({ event, email, inApp }) => ({ event, email, in_app: inApp })),
        expectedVersion,
      ),
    examples: {
      body: { preferences: [{ event: 'report_ready', email: false, in_app: true }] },
      answer: preferencesExample,
    },
  }),
];
