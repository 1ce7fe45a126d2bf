import { scopeCodes } from '../../rules/permissions.ts';
import { array, id, instant, integer, nullable, object, oneOf, optional, text } from '../schema.ts';

const scopes = array(oneOf(...scopeCodes), { min: 1, max: 100 });

export const keyPath = object({ id: id() });

export const keysQuery = object({
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
});

export const createKeyBody = object({
  name: text(100),
  scopes: scopes.description('What the key may do; only what you may do yourself'),
  expires_at: optional(instant().description('Within a year; 90 days ahead when left out')),
}).id('CreateApiKey');

export const rotateKeyBody = object({
  overlap_hours: integer(0, 24).default(24).description('How long the old key works on'),
}).id('RotateApiKey');

const fields = {
  id: id(),
  name: text(100),
  prefix: text(40).description('The beginning of the key, to recognise it by'),
  scopes,
  expires_at: instant(),
  last_used_at: nullable(instant()),
  revoked_at: nullable(instant()),
  replaces_id: nullable(id()),
  created_at: instant(),
  created_by: nullable(id()),
};

export const keyAnswer = object(fields).id('ApiKey');
export const newKeyAnswer = object({
  ...fields,
  key: text(100).description('Shown this once; sent in the header X-API-Key'),
}).id('NewApiKey');

export const keyExample = {
  id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  name: 'Nightly export',
  prefix: 'surety_test_0a1b2c3d4e5f',
  scopes: ['policy:read', 'subscription:read_all'],
  expires_at: '2026-05-01T09:30:00.000Z',
  last_used_at: null,
  revoked_at: null,
  replaces_id: null,
  created_at: '2026-01-31T09:30:00.000Z',
  created_by: '01998e3a-0000-7000-8000-000000000001',
} as const;
