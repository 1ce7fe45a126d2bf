import Big from 'big.js';

/** A decimal string with exactly two places, `120.00` or `-3.50`; never a float. */
export type Money = string;

export const zero: Money = '0.00';

/** The largest amount a decimal(20,2) column holds. */
export const maxMoney: Money = '999999999999999999.99';

/** Whether `money` would take the text: digits, at most two places, inside decimal(20,2). */
export const isMoney = (text: string): boolean =>
  amountPattern.test(text) && decimal(text).abs().lte(maxMoney);

/**
 * The amount a text such as `120`, `120.5` or `-120.50` stands for. RangeError for anything else; a
 * third decimal place is an error too, because whoever sent it means more than we would keep.
 */
export const money = (text: string): Money => {
  if (!amountPattern.test(text)) throw new RangeError(`Not an amount of money: ${text}`);
  return written(decimal(text));
};

/** RangeError when the sum leaves decimal(20,2). */
export const add = (a: Money, b: Money): Money => written(decimal(a).plus(b));

/** May be negative. RangeError when the difference leaves decimal(20,2). */
export const subtract = (a: Money, b: Money): Money => written(decimal(a).minus(b));

/**
 * `amount x numerator / denominator`, rounded once, at the end, half up to two places. Both parts are
 * whole numbers (days, ten-thousandths), so that no float comes near the amount.
 */
export const multiplyByRatio = (amount: Money, numerator: number, denominator: number): Money => {
  if (!Number.isSafeInteger(numerator) || !Number.isSafeInteger(denominator) || denominator <= 0) {
    throw new RangeError(`Not a ratio of whole numbers: ${numerator}/${denominator}`);
  }
  return written(decimal(amount).times(String(numerator)).div(String(denominator)));
};

/** To whole units, half up. */
export const roundToWhole = (amount: Money): Money => written(decimal(amount).round(0, halfUp));

/** -1, 0 or 1: how `a` stands to `b`. */
export const compare = (a: Money, b: Money): -1 | 0 | 1 => decimal(a).cmp(b);

export const isPositive = (amount: Money): boolean => compare(amount, zero) > 0;

/**
 * Half up (a tie goes away from zero) and not half even: it is what invoices and customers reckon
 * with, and what Postgres `round(numeric, 2)` does, so a sum made in SQL and one made here agree.
 */
const halfUp = 1;

/** Our own constructor: its settings stay away from any other user of big.js. */
const Decimal = Big();
Decimal.strict = true;
Decimal.DP = 2;
Decimal.RM = halfUp;

const amountPattern = /^-?\d{1,18}(\.\d{1,2})?$/;

const decimal = (text: string): Big => new Decimal(text);

const written = (value: Big): Money => {
  if (value.abs().gt(maxMoney)) throw new RangeError('The amount does not fit decimal(20,2)');
  return value.toFixed(2, halfUp);
};
