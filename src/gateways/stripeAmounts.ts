import { hasCents } from '../rules/currencies.ts';
import { isPositive, type Money } from '../rules/money.ts';

/** Currencies of a thousand parts; Stripe takes tens of them. */
const ofThousand: ReadonlySet<string> = new Set('BHD JOD KWD OMR TND'.split(' '));

/**
 * An amount in the smallest unit of its currency. Undefined for what Stripe cannot move: nothing, parts
 * of a unit that has none, or more than a whole number holds.
 */
export function stripeAmount(amount: Money, currency: string): number | undefined {
  if (!isPositive(amount)) return undefined;
  const [units = '', cents = ''] = amount.split('.');
  const code = currency.toUpperCase();
  if (!hasCents(code) && cents !== '00') return undefined;
  const parts = hasCents(code) ? `${units}${cents}${ofThousand.has(code) ? '0' : ''}` : units;
  const whole = Number(parts);
  return Number.isSafeInteger(whole) ? whole : undefined;
}
