import type { AvailabilityCommands } from '../../commands/availability.ts';
import type { Properties } from '../../commands/properties.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentAvailability, presentBlock, presentProperty } from './present.ts';
import {
  availabilityAnswer,
  availabilityExample,
  availabilityQuery,
  blockAnswer,
  blockBodyExample,
  blockExample,
  blockPath,
  blocksQuery,
  createBlockBody,
  createPropertyBody,
  editPropertyBody,
  propertiesQuery,
  propertyAnswer,
  propertyBodyExample,
  propertyExample,
  propertyPath,
  replacePropertyBody,
} from './schema.ts';

const tag = 'Properties';
const all = { path: '/properties', tag } as const;
const one = { path: '/properties/:id', params: propertyPath, tag } as const;
const answersProperty = { answer: presentProperty, answerSchema: propertyAnswer } as const;
const answersBlock = { answer: presentBlock, answerSchema: blockAnswer } as const;
const examples = { body: propertyBodyExample, answer: propertyExample };
const changes = { businessRules: true, ifMatch: true, permission: 'property:write_own' } as const;

export const propertyRoutes = ({
  properties,
  availability,
}: {
  readonly properties: Properties;
  readonly availability: AvailabilityCommands;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'public',
    summary:
      'Properties to stay at; owners see their own. Of what words, a place or free nights find the first 1,000 are shown, and `total` counts no more',
    businessRules: true,
    query: propertiesQuery,
    ...answersProperty,
    handle: ({ company, visitor, query }) => properties.list(company.id, visitor, query),
    ofEach: {
      owner_id: ({ company, visitor }, ids, size) =>
        properties.ofOwners(company.id, visitor, ids, size),
    },
    examples: { answer: propertyExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'property:write_own',
    summary: 'Offer a property of one’s own',
    message: 'Property created',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createPropertyBody,
    ...answersProperty,
    handle: ({ actor, company, body, once }) => properties.create(actor, company, body, once),
    examples,
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'public',
    summary: 'One property; its owner and who has booked it read it even when it is not listed',
    ...answersProperty,
    handle: ({ company, visitor, params }) => properties.get(company.id, visitor, params.id),
    several: ({ company, visitor }, ids) => properties.several(company.id, visitor, ids),
    examples: { answer: propertyExample },
  }),
  route({
    ...one,
    ...changes,
    method: 'PUT',
    summary: 'Replace what a property of one’s own says',
    message: 'Property replaced',
    body: replacePropertyBody,
    ...answersProperty,
    handle: ({ actor, company, params, body, expectedVersion }) =>
      properties.replace(actor, company, params.id, body, expectedVersion),
    examples,
  }),
  route({
    ...one,
    ...changes,
    method: 'PATCH',
    summary: 'Change some fields of a property of one’s own',
    message: 'Property changed',
    body: editPropertyBody,
    ...answersProperty,
    handle: ({ actor, company, params, body, expectedVersion }) =>
      properties.edit(actor, company, params.id, body, expectedVersion),
    examples: { body: { price_per_night: '135.00' }, answer: propertyExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'property:write_own',
    ifMatch: true,
    summary: 'Archive a property of one’s own; nobody finds it any more',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      properties.archive(actor, params.id, expectedVersion),
  }),
  route({
    ...one,
    path: '/properties/:id/restore',
    method: 'POST',
    ...changes,
    summary: 'Bring an archived property back',
    message: 'Property restored',
    ...answersProperty,
    handle: ({ actor, params, expectedVersion }) =>
      properties.restore(actor, params.id, expectedVersion),
    examples: { answer: propertyExample },
  }),
  route({
    ...one,
    path: '/properties/:id/availability',
    method: 'GET',
    permission: 'public',
    summary: 'Which nights are taken and which are free',
    businessRules: true,
    query: availabilityQuery,
    answer: presentAvailability,
    answerSchema: availabilityAnswer,
    handle: ({ company, visitor, params, query }) =>
      availability.show(company.id, visitor, params.id, query),
    examples: { answer: availabilityExample },
  }),
  listRoute({
    path: '/properties/:id/blocks',
    params: propertyPath,
    tag,
    permission: 'public',
    summary: 'Nights that the owner keeps and that are not over, soonest first',
    businessRules: true,
    query: blocksQuery,
    ...answersBlock,
    handle: ({ company, visitor, params, query }) =>
      availability.blocks(company.id, visitor, params.id, query),
    examples: { answer: blockExample },
  }),
  route({
    ...one,
    path: '/properties/:id/blocks',
    method: 'POST',
    permission: 'property:write_own',
    summary: 'Keep nights of a property of one’s own',
    message: 'Nights blocked',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createBlockBody,
    ...answersBlock,
    handle: ({ actor, params, body, once }) => availability.block(actor, params.id, body, once),
    examples: { body: blockBodyExample, answer: blockExample },
  }),
  route({
    method: 'DELETE',
    path: '/properties/:id/blocks/:blockId',
    params: blockPath,
    tag,
    permission: 'property:write_own',
    summary: 'Let others have the nights again',
    status: 204,
    handle: ({ actor, params }) => availability.unblock(actor, params.id, params.blockId),
  }),
];
