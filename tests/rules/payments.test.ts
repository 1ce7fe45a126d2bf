import fc from 'fast-check';
import { add, zero } from '../../src/rules/money.ts';
import {
  isDeclinedForADay,
  isRefundable,
  nextPaymentStatus,
  paymentPurposes,
  postingOf,
  retryAfter,
} from '../../src/rules/payments.ts';
import { premiums } from './property.ts';

describe('a payment', () => {
  it('ends completed or failed, and only a completed one is given back', () => {
    expect(nextPaymentStatus('none', 'open')).toBe('pending');
    expect(nextPaymentStatus('pending', 'postpone')).toBe('pending');
    expect(nextPaymentStatus('pending', 'move_retry')).toBe('pending');
    expect(nextPaymentStatus('completed', 'move_retry')).toBeUndefined();
    expect(nextPaymentStatus('pending', 'complete')).toBe('completed');
    expect(nextPaymentStatus('pending', 'fail')).toBe('failed');
    expect(nextPaymentStatus('pending', 'refund')).toBeUndefined();
    expect(nextPaymentStatus('failed', 'complete')).toBeUndefined();
    expect(nextPaymentStatus('completed', 'complete')).toBeUndefined();
    expect(nextPaymentStatus('completed', 'refund_in_part')).toBe('completed');
    expect(nextPaymentStatus('completed', 'refund')).toBe('refunded');
  });

  it('is tried again an hour, a day and three days after a decline, and then no more', () => {
    const hours = [1, 2, 3, 4].map((attempt) => {
      const timer = retryAfter(attempt, 1000);
      return timer && [timer.occurrence, (timer.dueAt - 1000) / 3_600_000];
    });

    expect(hours).toEqual([[1, 1], [2, 24], [3, 72], undefined]);
  });

  it('that goes back is late from the third decline on, which is said once', () => {
    expect([1, 2, 3, 4].filter(isDeclinedForADay)).toEqual([3]);
  });

  it('can be given back where the money came in', () => {
    expect(paymentPurposes.filter(isRefundable)).toEqual(['booking', 'premium']);
  });
});

describe('a posting', () => {
  it('adds up to zero on two accounts, whatever was paid', () => {
    fc.assert(
      fc.property(fc.constantFrom(...paymentPurposes), premiums, (purpose, amount) => {
        const lines = postingOf(purpose, amount);
        expect(lines.reduce((sum, line) => add(sum, line.amount), zero)).toBe(zero);
        expect(new Set(lines.map(({ account }) => account)).size).toBe(2);
      }),
    );
  });
});
