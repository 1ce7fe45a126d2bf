import type { Templates } from '../../commands/templates.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentTemplate } from './present.ts';
import {
  createTemplateBody,
  editTemplateBody,
  replaceTemplateBody,
  templateAnswer,
  templateExample,
  templatePath,
  templatesQuery,
} from './schema.ts';

const all = { path: '/templates', aliases: ['/templates'], tag: 'Compliance' } as const;
const one = {
  path: '/templates/:id',
  aliases: ['/templates/:id'],
  tag: 'Compliance',
  params: templatePath,
} as const;
const answersTemplate = { answer: presentTemplate, answerSchema: templateAnswer } as const;

const { name, description, document_link, document_sha256, change_log } = templateExample;
const contents = { description, document_link, document_sha256, change_log };

export const templateRoutes = ({ templates }: { readonly templates: Templates }): Route[] => [
  listRoute({
    ...all,
    permission: 'template:read',
    summary: 'Documents that policies are made from, each version by itself',
    businessRules: true,
    query: templatesQuery,
    ...answersTemplate,
    handle: ({ actor, query }) => templates.list(actor, query),
    examples: { answer: templateExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'template:write',
    summary: 'Add a template, or the next version of one that is there',
    businessRules: true,
    message: 'Template created',
    status: 201,
    idempotency: 'optional',
    body: createTemplateBody,
    ...answersTemplate,
    handle: ({ actor, body, once }) => templates.create(actor, body, once),
    examples: { body: { name, ...contents }, answer: templateExample },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'template:read',
    summary: 'One version of a template',
    ...answersTemplate,
    handle: ({ actor, params }) => templates.get(actor, params.id),
    examples: { answer: templateExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'template:write',
    ifMatch: true,
    summary: 'Replace what the latest version of a template says',
    businessRules: true,
    message: 'Template replaced',
    body: replaceTemplateBody,
    ...answersTemplate,
    handle: ({ actor, params, body, expectedVersion }) =>
      templates.edit(actor, params.id, body, expectedVersion),
    examples: { body: contents, answer: templateExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'template:write',
    ifMatch: true,
    summary: 'Change some of what the latest version of a template says',
    businessRules: true,
    message: 'Template changed',
    body: editTemplateBody,
    ...answersTemplate,
    handle: ({ actor, params, body, expectedVersion }) =>
      templates.edit(actor, params.id, body, expectedVersion),
    examples: { body: { description }, answer: templateExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'template:write',
    ifMatch: true,
    summary: 'Archive a version; the newest one that is left becomes the latest',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      templates.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/templates/:id/restore',
    permission: 'template:write',
    ifMatch: true,
    summary: 'Bring an archived version back',
    message: 'Template restored',
    tag: 'Compliance',
    params: templatePath,
    ...answersTemplate,
    handle: ({ actor, params, expectedVersion }) =>
      templates.restore(actor, params.id, expectedVersion),
    examples: { answer: templateExample },
  }),
];
