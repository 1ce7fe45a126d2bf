import { subtract, type Money } from './money.ts';

/** What money is set aside for: the loss itself, and what it costs to handle it. */
export const reserveCategories = ['loss', 'expense'] as const;

export type ReserveCategory = (typeof reserveCategories)[number];

/**
 * How much a category may be set to so that the claim's reserves together stay within a limit; negative
 * where the others alone pass it. Setting a category replaces what it had.
 * @param current the latest of each category
 */
export const mostFor = (
  category: ReserveCategory,
  current: readonly { readonly category: ReserveCategory; readonly amount: Money }[],
  limit: Money,
): Money =>
  current
    .filter((reserve) => reserve.category !== category)
    .reduce((left, { amount }) => subtract(left, amount), limit);
