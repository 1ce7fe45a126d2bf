/** What a company insures. */
export const businessTypes = [
  'auto',
  'home',
  'life',
  'health',
  'business',
  'travel',
  'other',
] as const;

export const subscriptionPlans = ['free', 'standard', 'premium'] as const;
