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

/** Where a company's business rows stand: among everybody's, or in a schema of its own. */
export const isolations = ['shared', 'dedicated_schema'] as const;
/** Schemas of companies that one database bears; more is refused. */
export const mostSchemas = 200;
export type Isolation = (typeof isolations)[number];

export const subscriptionPlans = ['free', 'standard', 'premium'] as const;
