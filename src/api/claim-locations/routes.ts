import type { ClaimLocations } from '../../commands/claimLocations.ts';
import { route, type Route } from '../route.ts';
import { presentLocation } from './present.ts';
import { claimPath, locationAnswer, locationBody, locationExample } from './schema.ts';

const one = { path: '/claims/:id/location', tag: 'Claims', params: claimPath } as const;
const answersLocation = { answer: presentLocation, answerSchema: locationAnswer } as const;
const { latitude, longitude, address, description } = locationExample;

export const claimLocationRoutes = ({
  claimLocations,
}: {
  readonly claimLocations: ClaimLocations;
}): Route[] => [
  route({
    ...one,
    method: 'GET',
    permission: 'claim:read_own',
    summary: 'Where it happened',
    ...answersLocation,
    handle: ({ actor, params }) => claimLocations.get(actor, params.id),
    examples: { answer: locationExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'claim:update',
    ifMatch: true,
    summary: 'Say where it happened; what is left out is not known',
    message: 'Location set',
    body: locationBody,
    ...answersLocation,
    handle: ({ actor, params, body, expectedVersion }) =>
      claimLocations.put(actor, params.id, body, expectedVersion),
    examples: { body: { latitude, longitude, address, description }, answer: locationExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'claim:update',
    ifMatch: true,
    summary: 'Take the location back',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      claimLocations.remove(actor, params.id, expectedVersion),
  }),
];
