import fc from 'fast-check';
import {
  add,
  compare,
  isMoney,
  isPositive,
  maxMoney,
  money,
  multiplyByRatio,
  subtract,
  zero,
} from '../../src/rules/money.ts';
import { premiums } from './property.ts';

describe('money', () => {
  it.each([
    ['120', '120.00'],
    ['120.5', '120.50'],
    ['-3.50', '-3.50'],
    ['007.10', '7.10'],
    ['-0', '0.00'],
    [maxMoney, maxMoney],
  ])('reads %s as %s', (text, amount) => {
    const read = money(text);

    expect(read).toBe(amount);
    expect(isMoney(text)).toBe(true);
  });

  it.each([
    '',
    ' 1',
    '1e3',
    '+1',
    '1.005',
    '.5',
    '1.',
    'NaN',
    '1,00',
    '0x10',
    '1000000000000000000',
  ])('takes no %j', (text) => {
    expect(() => money(text)).toThrow(RangeError);
    expect(isMoney(text)).toBe(false);
  });
});

describe('sums', () => {
  it('stay exact where floats do not', () => {
    expect(add('0.10', '0.20')).toBe('0.30');
    expect(subtract('900719925474099.30', '0.01')).toBe('900719925474099.29');
  });

  it('refuse to leave decimal(20,2)', () => {
    expect(() => add(maxMoney, '0.01')).toThrow(RangeError);
    expect(() => subtract(`-${maxMoney}`, '0.01')).toThrow(RangeError);
  });

  it('undo each other', () => {
    fc.assert(
      fc.property(premiums, premiums, (a, b) => {
        expect(subtract(add(a, b), b)).toBe(a);
      }),
    );
  });
});

describe('multiplyByRatio', () => {
  it.each([
    ['0.01', 1, 2, '0.01'],
    ['0.03', 1, 2, '0.02'],
    ['-0.01', 1, 2, '-0.01'],
    ['1.00', 1, 3, '0.33'],
    ['2.00', 1, 3, '0.67'],
    ['0.01', 1, 3, '0.00'],
    ['-0.01', 1, 3, '0.00'],
    [maxMoney, 1, 1, maxMoney],
    ['120.00', 0, 365, '0.00'],
  ])('makes %s x %i / %i %s, ties going up', (amount, numerator, denominator, result) => {
    expect(multiplyByRatio(amount, numerator, denominator)).toBe(result);
  });

  it.each([
    [1, 0],
    [1, -2],
    [0.5, 1],
    [1, Number.NaN],
  ])('takes no ratio %d/%d', (numerator, denominator) => {
    expect(() => multiplyByRatio('1.00', numerator, denominator)).toThrow(RangeError);
  });

  it('agrees with whole-number arithmetic to the cent', () => {
    const parts = fc.integer({ min: 1, max: 10_000_000 });

    fc.assert(
      fc.property(premiums, parts, parts, (amount, numerator, denominator) => {
        const cents = BigInt(amount.replace('.', '')) * BigInt(numerator);
        const expected = (2n * cents + BigInt(denominator)) / (2n * BigInt(denominator));

        const result = multiplyByRatio(amount, numerator, denominator);

        expect(BigInt(result.replace('.', ''))).toBe(expected);
      }),
    );
  });
});

describe('comparisons', () => {
  it('go by value and not by text', () => {
    expect(compare('9.00', '10.00')).toBe(-1);
    expect(compare('10.00', '10.00')).toBe(0);
    expect(compare('-1.00', '-2.00')).toBe(1);
  });

  it('call only what is above zero positive', () => {
    expect(['0.01', zero, '-0.01'].map(isPositive)).toEqual([true, false, false]);
  });
});
