import { fractionProblem, roundToUnit } from '../../src/rules/currencies.ts';

describe('an amount of a currency', () => {
  it.each([
    ['50.50', 'JPY', '51.00'],
    ['50.49', 'JPY', '50.00'],
    ['101.00', 'JPY', '101.00'],
    ['50.50', 'EUR', '50.50'],
    ['50.55', 'KWD', '50.55'],
  ])('of %s %s is moved as %s', (amount, currency, moved) => {
    expect(roundToUnit(amount, currency)).toBe(moved);
    expect(fractionProblem(amount, currency) === undefined).toBe(amount === moved);
  });
});
