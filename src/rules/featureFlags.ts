/** What can be switched on, for the platform or for one company, and what each switch gates. */
const gates = {
  enable_advanced_analytics:
    'Reports with forecasts and comparisons beside the plain figures; there are none yet.',
  enable_ai_pricing:
    'Prices proposed by a model; off, or while none is set up, the standard pricing applies.',
  enable_document_ai:
    'Reading of uploaded documents by a model before a person looks at them; none is set up yet.',
} as const;

export type FeatureFlag = keyof typeof gates;

export const featureFlags: readonly FeatureFlag[] = [
  'enable_advanced_analytics',
  'enable_ai_pricing',
  'enable_document_ai',
];

/** What somebody has set; undefined where nobody has. */
export interface FlagsSet {
  readonly platform: Readonly<Partial<Record<FeatureFlag, boolean>>>;
  readonly company: Readonly<Partial<Record<FeatureFlag, boolean>>>;
}

/** A flag as it holds, and who set it. */
export interface FlagInForce {
  readonly flag: FeatureFlag;
  readonly enabled: boolean;
  readonly source: 'company' | 'platform' | 'default';
  readonly gates: string;
}

/** Every flag: the company's own, else the platform's, else off. */
export const flagsInForce = (set: FlagsSet): readonly FlagInForce[] =>
  featureFlags.map((flag) => flagInForce(set, flag));

export function flagInForce({ platform, company }: FlagsSet, flag: FeatureFlag): FlagInForce {
  const own = company[flag];
  const about = { flag, gates: gates[flag] };
  if (own !== undefined) return { ...about, enabled: own, source: 'company' };
  const ofPlatform = platform[flag];
  if (ofPlatform !== undefined) return { ...about, enabled: ofPlatform, source: 'platform' };
  return { ...about, enabled: false, source: 'default' };
}
