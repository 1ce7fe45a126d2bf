import Joi from 'joi';
import { id, instant, integer, nullable, object, optional, text } from '../schema.ts';

const version = integer(1, 2_147_483_647);
const latitude = Joi.number().min(-90).max(90).description('Degrees, kept to eight places');
const longitude = Joi.number().min(-180).max(180).description('Degrees, kept to eight places');

export const claimPath = object({ id: id() });

/** Also inside the report of a claim. */
export const locationBody = object({
  latitude: optional(latitude),
  longitude: optional(longitude),
  address: optional(text(500)),
  description: optional(text(1000)),
})
  .min(1)
  .id('PutClaimLocation');

export const locationAnswer = object({
  id: id(),
  claim_id: id(),
  latitude: nullable(latitude),
  longitude: nullable(longitude),
  coordinates: nullable(
    object({ latitude, longitude }).description('null unless both of them are known'),
  ),
  address: nullable(text(500)),
  description: nullable(text(1000)),
  created_at: instant(),
  updated_at: instant(),
  version,
}).id('ClaimLocation');

export const locationExample = {
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  claim_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  latitude: 52.52000659,
  longitude: 13.404954,
  coordinates: { latitude: 52.52000659, longitude: 13.404954 },
  address: 'Alexanderplatz 1, Berlin',
  description: 'In the garage',
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  version: 1,
} as const;
