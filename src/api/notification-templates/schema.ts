import { templateCodes } from '../../rules/notices.ts';
import {
  array,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';

const mostVersion = 2_147_483_647;

const code = oneOf(...templateCodes);

const texts = {
  subject: text(200).description('{{policyNumber}} and the like stand for what differs'),
  body: text(5000).description(
    'Plain text, paragraphs divided by an empty line. {{#if x}} … {{else}} … {{/if}} leaves parts out',
  ),
};

export const templatePath = object({ id: id() });

export const templatesQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const createTemplateBody = object({ code, ...texts }).id('CreateNotificationTemplate');

export const editTemplateBody = partial({ ...texts, version: integer(1, mostVersion) });

export const previewBody = partial(texts);

export const templateAnswer = object({
  id: optional(id()).description('Absent where the words are the platform’s'),
  code,
  ...texts,
  placeholders: array(text(100), { max: 50 }).description('What the words may stand for'),
  created_at: nullable(instant()),
  updated_at: nullable(instant()),
  version: integer(0, mostVersion),
}).id('NotificationTemplate');

export const previewAnswer = object({
  subject: text(1000).allow(''),
  text: text(20_000).allow(''),
  html: text(50_000),
}).id('NotificationPreview');

export const templateExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6075',
  code: 'report_ready',
  subject: 'The report "{{reportName}}" is here',
  body: 'Good day {{name}},\n\nyour report "{{reportName}}" waits for you at {{company}}.',
  placeholders: ['company', 'name', 'reportName'],
  created_at: '2027-01-02T00:00:00.000Z',
  updated_at: '2027-01-02T00:00:00.000Z',
  version: 1,
} as const;

export const previewExample = {
  subject: 'The report "Claims of the month" is here',
  text: 'Good day Ada Lovelace,\n\nyour report "Claims of the month" waits for you at Example Insurance.',
  html: '<!doctype html><html lang="en"><body><p>Good day Ada Lovelace,</p></body></html>',
} as const;
