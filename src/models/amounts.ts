import { invalidField } from '../errors.ts';
import { fractionProblem } from '../rules/currencies.ts';
import type { Money } from '../rules/money.ts';

/**
 * An amount that somebody asked for, if it can be paid.
 * @param field as the request names it
 * @throws Invalid FRACTION_OF_UNIT
 */
export function payable(field: string, amount: Money, currency: string): Money {
  const problem = fractionProblem(amount, currency);
  if (problem) throw invalidField(field, problem.message, problem.code);
  return amount;
}
