import { maxMoney } from '../../src/rules/money.ts';
import { mostFor } from '../../src/rules/reserves.ts';

describe('mostFor', () => {
  const loss = { category: 'loss', amount: '1000.00' } as const;
  const expense = { category: 'expense', amount: '250.50' } as const;

  it('is the limit without what the other category has', () => {
    expect(mostFor('loss', [], '5000.00')).toBe('5000.00');
    expect(mostFor('loss', [loss], '5000.00')).toBe('5000.00');
    expect(mostFor('expense', [loss], '5000.00')).toBe('4000.00');
    expect(mostFor('loss', [loss, expense], '5000.00')).toBe('4749.50');
  });

  it('is negative where the other category passes the limit, however large it is', () => {
    expect(mostFor('expense', [{ ...loss, amount: maxMoney }], '0.00')).toBe(`-${maxMoney}`);
  });
});
