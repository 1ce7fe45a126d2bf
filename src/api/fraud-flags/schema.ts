import { fraudRules, fraudStates, holdsFrom } from '../../rules/fraud.ts';
import { listQuery } from '../listQuery.ts';
import {
  freeForm,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

const rule = oneOf(...fraudRules);
const state = oneOf(...fraudStates);
const score = integer(1, 100);
const version = integer(1, 2_147_483_647);

export const flagPath = object({ id: id() });

export const raiseFlagBody = object({
  reason: text(500),
  score: score
    .default(holdsFrom)
    .description(`Open scores of ${holdsFrom} together hold the approval of the claim`),
}).id('RaiseFraudFlag');

export const decideFlagBody = object({
  state: oneOf('cleared', 'confirmed'),
  reason: text(500),
  version: optional(version),
}).id('DecideFraudFlag');

export const flagsQuery = listQuery({
  filters: { state, rule },
  sorts: ['created_at', 'score'],
  defaultSort: '-created_at',
  takes: ['created_after', 'created_before'],
});

export const flagAnswer = object({
  id: id(),
  claim_id: id(),
  rule,
  score,
  evidence: freeForm(),
  state,
  reason: nullable(text(500)).description('Why it was cleared or confirmed'),
  decided_by: nullable(id()),
  decided_at: nullable(instant()),
  created_by: nullable(id()),
  created_at: instant(),
  version,
}).id('FraudFlag');

export const flagExample = {
  id: '01998e3a-6c00-7a11-9b22-0c33d44e55f6',
  claim_id: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  rule: 'early_loss',
  score: 30,
  evidence: { days_after_start: 4 },
  state: 'open',
  reason: null,
  decided_by: null,
  decided_at: null,
  created_by: '01998e3a-4a00-7b11-8c22-0d33e44f55a6',
  created_at: '2026-01-31T09:30:00.000Z',
  version: 1,
} as const;
