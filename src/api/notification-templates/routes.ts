import type { NotificationTemplates } from '../../commands/notificationTemplates.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentPreview, presentTemplate } from './present.ts';
import {
  createTemplateBody,
  editTemplateBody,
  previewAnswer,
  previewBody,
  previewExample,
  templateAnswer,
  templateExample,
  templatePath,
  templatesQuery,
} from './schema.ts';

const tag = 'Notifications';
const reads = { tag, permission: 'settings:read' } as const;
const writes = { tag, permission: 'settings:write' } as const;
const all = { path: '/notification-templates' } as const;
const one = { path: '/notification-templates/:id', params: templatePath } as const;
const answersTemplate = { answer: presentTemplate, answerSchema: templateAnswer } as const;

const { code, subject, body: words } = templateExample;

export const notificationTemplateRoutes = ({
  notificationTemplates,
}: {
  readonly notificationTemplates: NotificationTemplates;
}): Route[] => [
  listRoute({
    ...reads,
    ...all,
    summary: 'The words of every message: the company’s own, and else the platform’s',
    query: templatesQuery,
    ...answersTemplate,
    handle: ({ actor, query }) => notificationTemplates.list(actor, query),
    examples: { answer: templateExample },
  }),
  route({
    ...writes,
    ...all,
    method: 'POST',
    summary: 'Say something in other words than the platform',
    message: 'Template created',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createTemplateBody,
    ...answersTemplate,
    handle: ({ body, once }) => notificationTemplates.create(body, once),
    examples: { body: { code, subject, body: words }, answer: templateExample },
  }),
  route({
    ...reads,
    ...one,
    method: 'GET',
    summary: 'The company’s own words for one message',
    ...answersTemplate,
    handle: ({ actor, params }) => notificationTemplates.get(actor, params.id),
    examples: { answer: templateExample },
  }),
  route({
    ...writes,
    ...one,
    method: 'PATCH',
    ifMatch: true,
    summary: 'Change the words, for messages that are sent or read from then on',
    message: 'Template changed',
    businessRules: true,
    body: editTemplateBody,
    ...answersTemplate,
    handle: ({ actor, params, body, expectedVersion }) =>
      notificationTemplates.edit(actor, params.id, body, expectedVersion),
    examples: { body: { body: 'Dear {{name}}, look it up.' }, answer: templateExample },
  }),
  route({
    ...writes,
    ...one,
    method: 'DELETE',
    ifMatch: true,
    summary: 'Go back to the platform’s words',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      notificationTemplates.remove(actor, params.id, expectedVersion),
  }),
  route({
    ...reads,
    method: 'POST',
    path: '/notification-templates/:id/preview',
    params: templatePath,
    summary: 'The message as it would be sent, of nobody and to nobody; other words are not kept',
    businessRules: true,
    body: previewBody,
    answer: presentPreview,
    answerSchema: previewAnswer,
    handle: ({ actor, params, body }) => notificationTemplates.preview(actor, params.id, body),
    examples: { body: { subject: 'Look: {{reportName}}' }, answer: previewExample },
  }),
];
