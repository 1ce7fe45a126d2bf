import fc from 'fast-check';
import { refundOfStay } from '../../src/rules/bookingRefunds.ts';
import type { BookingStatus, Canceller } from '../../src/rules/bookings.ts';
import { compare, zero } from '../../src/rules/money.ts';
import type { CancellationPolicy } from '../../src/rules/properties.ts';
import type { House, Stay } from '../../src/rules/stays.ts';

export type BookingAct =
  | { readonly kind: 'pay' | 'accept' | 'decline' | 'repeat' }
  | { readonly kind: 'cancel'; readonly as: 'guest' | 'host' | 'operator' }
  /** The next deadline comes. */
  | { readonly kind: 'fire' }
  /** The gateway says what became of the charge, or of the refund. */
  | { readonly kind: 'charged' | 'refunded'; readonly isDone: boolean }
  /** Somebody else wants the nights, or gives them back. */
  | { readonly kind: 'rival' | 'rivalLeaves' };

export const bookingActs: fc.Arbitrary<BookingAct> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('pay', 'accept') }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('decline', 'repeat', 'repeat', 'repeat') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cancel'),
      as: fc.constantFrom('guest', 'guest', 'host', 'operator'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fire') }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('charged', 'charged', 'refunded'),
      isDone: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('rival', 'rival', 'rivalLeaves') }) },
) satisfies fc.Arbitrary<BookingAct>;

/** What table 6.3 says of one booking, in a few sentences of its own. */
export class BookingModel {
  status: BookingStatus = 'pending';
  cancelledBy: Canceller | null = null;
  isPaid = false;
  isAccepted = false;
  isCharging = false;
  isRefunding = false;
  isClosed = false;
  refundAmount = zero;
  /** Who has the nights. */
  nights: 'booking' | 'rival' | 'nobody' = 'booking';
  timers: string[] = ['hold'];
  /** What the gateway has of it in the end. */
  received = 0;
  returned = zero;

  readonly #terms;

  constructor(terms: {
    readonly instantBook: boolean;
    readonly policy: CancellationPolicy;
    readonly stay: Stay;
    readonly house: House;
    readonly total: string;
    readonly pricePerNight: string;
    readonly bookedAt: number;
  }) {
    this.#terms = terms;
  }

  get shown(): object {
    return {
      status: this.status,
      cancelledBy: this.cancelledBy,
      isPaid: this.isPaid,
      isAccepted: this.isAccepted,
      isCharging: this.isCharging,
      isRefunding: this.isRefunding,
      isClosed: this.isClosed,
      refundAmount: this.refundAmount,
      nights: this.nights,
      timers: this.timers,
      received: this.received,
      returned: this.returned,
    };
  }

  /** @returns 'done', or the code of the refusal */
  do(act: BookingAct, at: number): string {
    switch (act.kind) {
      case 'pay':
        if (this.status !== 'pending') return 'ILLEGAL_TRANSITION';
        if (this.isPaid) return 'ALREADY_PAID';
        if (this.isCharging) return 'PAYMENT_UNDER_WAY';
        this.isCharging = true;
        return 'done';
      case 'accept':
        if (this.status !== 'pending') return 'ILLEGAL_TRANSITION';
        if (this.isAccepted) return 'ALREADY_ACCEPTED';
        this.isAccepted = true;
        if (this.isPaid) this.confirm();
        return 'done';
      case 'decline':
        if (this.status !== 'pending') return 'ILLEGAL_TRANSITION';
        this.end('host', this.#terms.total);
        return 'done';
      case 'cancel':
        if (this.status !== 'pending' && this.status !== 'confirmed') return 'ILLEGAL_TRANSITION';
        this.end(
          act.as,
          this.status === 'confirmed' && act.as === 'guest'
            ? refundOfStay({ ...this.#terms, at }).amount
            : this.#terms.total,
        );
        return 'done';
      case 'fire':
        this.fire();
        return 'done';
      case 'charged':
        if (this.isCharging) this.charged(act.isDone);
        return 'done';
      case 'refunded':
        if (this.isRefunding) this.refunded(act.isDone);
        return 'done';
      case 'rival':
        if (this.nights !== 'nobody') return 'DATES_UNAVAILABLE';
        this.nights = 'rival';
        return 'done';
      case 'rivalLeaves':
        if (this.nights === 'rival') this.nights = 'nobody';
        return 'done';
      case 'repeat':
        return 'done';
      default:
        return act satisfies never;
    }
  }

  private fire(): void {
    const name = this.timers.shift();
    if (name === 'hold') this.end('hold', this.#terms.total);
    if (name === 'host_confirmation') this.end('request', this.#terms.total);
    if (name === 'check_out') {
      this.status = 'completed';
      this.timers = ['review_reminder', 'review_window'];
    }
    if (name === 'review_window') this.close();
    if (name === 'refund_escalation' && !this.isRefunding) this.close();
  }

  private charged(isDone: boolean): void {
    this.isCharging = false;
    if (!isDone) {
      if (this.status === 'cancelled') this.close();
      return;
    }
    this.received += 1;
    this.isPaid = true;
    const isReady = this.isAccepted || this.#terms.instantBook;
    const isLate = this.status === 'cancelled';
    if (isLate && (this.cancelledBy !== 'hold' || this.nights !== 'nobody')) {
      return this.giveBack(this.#terms.total);
    }
    this.nights = 'booking';
    this.cancelledBy = null;
    if (isReady) return this.confirm();
    this.status = 'pending';
    this.timers = ['host_reminder', 'host_confirmation'];
  }

  private refunded(isDone: boolean): void {
    this.isRefunding = false;
    if (!isDone) return;
    this.returned = this.refundAmount;
    this.close();
  }

  private confirm(): void {
    this.status = 'confirmed';
    this.timers = ['stay_reminder_7', 'stay_reminder_1', 'check_out'];
  }

  private end(by: Canceller, due: string): void {
    this.status = 'cancelled';
    this.cancelledBy = by;
    this.nights = 'nobody';
    this.timers = [];
    if (this.isPaid) this.giveBack(due);
    else if (!this.isCharging) this.close();
  }

  private giveBack(due: string): void {
    if (compare(due, zero) === 0) return this.close();
    this.refundAmount = due;
    this.isRefunding = true;
    this.timers = ['refund_watch', 'refund_escalation'];
  }

  private close(): void {
    this.isClosed = true;
    this.timers = [];
  }
}
