/** What companies insure, and what they pay us for. */
export const businessTypes = [
  'auto',
  'home',
  'life',
  'health',
  'business',
  'travel',
  'other',
] as const;

export type BusinessType = (typeof businessTypes)[number];

/** What a policy of the type is called in letters. */
export const policyTypeTitles: Readonly<Record<BusinessType, string>> = {
  auto: 'Motor insurance',
  home: 'Home insurance',
  life: 'Life insurance',
  health: 'Health insurance',
  business: 'Business insurance',
  travel: 'Travel insurance',
  other: 'Insurance',
};

/** Where a company's business rows stand: among everybody's, or in a schema of its own. */
export const isolations = ['shared', 'dedicated_schema'] as const;
/** Schemas of companies that one database bears; more is refused. */
export const mostSchemas = 200;
export type Isolation = (typeof isolations)[number];

export const subscriptionPlans = ['free', 'standard', 'premium'] as const;
