import { listQuery } from '../listQuery.ts';
import {
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

const segments = ['residential', 'small_commercial'] as const;

const fields = {
  name: text(100).description('Unique in the company'),
  segment: oneOf(...segments),
  description: optional(nullable(text(2000).allow(''))),
};
const version = integer(1, 2_147_483_647);

export const categoryPath = object({ id: id() });

export const createCategoryBody = object(fields).id('CreateCategory');
export const replaceCategoryBody = object({ ...fields, version: optional(version) });
export const editCategoryBody = partial({ ...fields, version });

export const categoriesQuery = listQuery({
  filters: { segment: oneOf(...segments) },
  sorts: ['name', 'segment', 'created_at'],
  defaultSort: 'name',
});

export const categoryAnswer = object({
  id: id(),
  name: text(100),
  segment: oneOf(...segments),
  description: nullable(text(2000).allow('')),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Category');

export const categoryExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  name: 'Detached House',
  segment: 'residential',
  description: 'A house that touches no other',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;
