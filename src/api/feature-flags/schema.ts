import { featureFlags } from '../../rules/featureFlags.ts';
import { array, boolean, id, nullable, object, oneOf, optional, text } from '../schema.ts';

export const flagPath = object({ flag: oneOf(...featureFlags) });

export const setFlagBody = object({
  enabled: nullable(boolean()).description('Null: what was set here no longer holds'),
  company_id: optional(id().description('For this company alone; else for the platform')),
}).id('SetFlag');

export const flagAnswer = object({
  flag: oneOf(...featureFlags),
  enabled: boolean(),
  source: oneOf('company', 'platform', 'default'),
  gates: text(200),
}).id('FeatureFlag');

export const flagsAnswer = object({ flags: array(flagAnswer, { max: 100 }) });

export const flagExample = {
  flag: 'enable_ai_pricing',
  enabled: true,
  source: 'platform',
  gates: 'Prices proposed by a model; off, or while none is set up, the standard pricing applies.',
} as const;
