import { listQuery } from '../listQuery.ts';
import {
  boolean,
  id,
  instant,
  integer,
  nullable,
  object,
  optional,
  partial,
  text,
} from '../schema.ts';

const link = text(2000)
  .pattern(/^https?:\/\/\S+$/)
  .description('Where the document is, https://…');
const sha256 = text(64)
  .pattern(/^[0-9a-f]{64}$/)
  .description('Of the file behind the link; a policy that follows the template needs it');

const fields = {
  description: nullable(text(2000).allow('')).default(null),
  document_link: nullable(link).default(null),
  document_sha256: nullable(sha256).default(null),
  change_log: nullable(text(2000).allow('')).default(null),
};
const name = text(200).description('Of a name that is there it is the next version');
const version = integer(1, 2_147_483_647);

export const templatePath = object({ id: id() });

export const createTemplateBody = object({ name, ...fields }).id('CreateTemplate');
export const replaceTemplateBody = object({ ...fields, version: optional(version) });
export const editTemplateBody = partial({ ...fields, version });

export const templatesQuery = listQuery({
  filters: {
    name: text(200).description('The whole name, in any case: all its versions'),
    is_latest: boolean(),
  },
  sorts: ['name', 'version_number', 'created_at'],
  defaultSort: 'name',
});

export const templateAnswer = object({
  id: id(),
  name: text(200),
  description: nullable(text(2000)),
  document_link: nullable(link),
  document_sha256: nullable(sha256),
  version_number: integer(1, 2_147_483_647),
  is_latest: boolean().description('Exactly one of a name is'),
  is_active: boolean().description('Not archived'),
  change_log: nullable(text(2000)),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Template');

export const templateExample = {
  id: '01998e3a-b150-7f60-8c85-91a314253647',
  name: 'Acceptable use',
  description: 'What company devices may be used for',
  document_link: 'https://files.example/acceptable-use-2.pdf',
  document_sha256: 'a3f5b1c2d4e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80',
  version_number: 2,
  is_latest: true,
  is_active: true,
  change_log: 'Private telephones are named',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;
