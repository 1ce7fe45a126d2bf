import type { Categories } from '../../commands/categories.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentCategory } from './present.ts';
import {
  categoriesQuery,
  categoryAnswer,
  categoryExample,
  categoryPath,
  createCategoryBody,
  editCategoryBody,
  replaceCategoryBody,
} from './schema.ts';

const all = { path: '/categories', aliases: ['/api/categories'], tag: 'Catalogue' } as const;
const one = {
  path: '/categories/:id',
  aliases: ['/api/categories/:id'],
  tag: 'Catalogue',
  params: categoryPath,
} as const;
const answersCategory = { answer: presentCategory, answerSchema: categoryAnswer } as const;

const { name, segment, description } = categoryExample;
const examples = { body: { name, segment, description }, answer: categoryExample };

export const categoryRoutes = ({ categories }: { readonly categories: Categories }): Route[] => [
  listRoute({
    ...all,
    permission: 'public',
    summary:
      'Kinds of property this company insures; administrators and auditors also archived ones',
    businessRules: true,
    query: categoriesQuery,
    ...answersCategory,
    handle: ({ company, visitor, query }) => categories.list(company.id, visitor, query),
    examples: { answer: categoryExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'category:write',
    summary: 'Add a category',
    businessRules: true,
    message: 'Category created',
    status: 201,
    idempotency: 'optional',
    body: createCategoryBody,
    ...answersCategory,
    handle: ({ body, once }) => categories.create(body, once),
    examples,
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'public',
    summary: 'One category',
    ...answersCategory,
    handle: ({ company, visitor, params }) => categories.get(company.id, visitor, params.id),
    several: ({ company, visitor }, ids) => categories.several(company.id, visitor, ids),
    examples: { answer: categoryExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'category:write',
    ifMatch: true,
    summary: 'Replace a category',
    message: 'Category replaced',
    body: replaceCategoryBody,
    ...answersCategory,
    handle: ({ actor, params, body, expectedVersion }) =>
      categories.edit(actor, params.id, { description: null, ...body }, expectedVersion),
    examples,
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'category:write',
    ifMatch: true,
    summary: 'Change some fields of a category',
    message: 'Category changed',
    body: editCategoryBody,
    ...answersCategory,
    handle: ({ actor, params, body, expectedVersion }) =>
      categories.edit(actor, params.id, body, expectedVersion),
    examples: { body: { name }, answer: categoryExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'category:write',
    ifMatch: true,
    summary: 'Archive a category that no active plan uses',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      categories.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/categories/:id/restore',
    permission: 'category:write',
    ifMatch: true,
    summary: 'Bring an archived category back',
    message: 'Category restored',
    tag: 'Catalogue',
    params: categoryPath,
    ...answersCategory,
    handle: ({ actor, params, expectedVersion }) =>
      categories.restore(actor, params.id, expectedVersion),
    examples: { answer: categoryExample },
  }),
];
