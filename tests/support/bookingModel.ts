import fc from 'fast-check';
import { refundOfStay } from '../../src/rules/bookingRefunds.ts';
import type { BookingStatus, Canceller } from '../../src/rules/bookings.ts';
import { dateAt } from '../../src/rules/calendar.ts';
import { add, compare, isPositive, subtract, zero, type Money } from '../../src/rules/money.ts';
import type { CancellationPolicy } from '../../src/rules/properties.ts';
import type { House, Stay } from '../../src/rules/stays.ts';

export type BookingAct =
  | { readonly kind: 'pay' | 'accept' | 'decline' | 'repeat' }
  | { readonly kind: 'cancel'; readonly as: 'guest' | 'host' | 'operator' }
  /** The next deadline comes. */
  | { readonly kind: 'fire' }
  /** Somebody moves the deadline that may be moved, before all others or behind them. */
  | { readonly kind: 'moveTimer'; readonly to: 'first' | 'last' }
  /** The gateway says what became of the charge, or of the refund, unless it has; the booking hears of it. */
  | { readonly kind: 'charged' | 'refunded'; readonly isDone: boolean }
  /** It says so of the oldest payment under way, and the booking does not hear of it yet. */
  | { readonly kind: 'settled'; readonly isDone: boolean }
  /** The host gives back what was paid, by hand. */
  | { readonly kind: 'giveBack'; readonly amount: Money }
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
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('moveTimer'),
      to: fc.constantFrom('first', 'last'),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constantFrom('charged', 'charged', 'refunded', 'settled'),
      isDone: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('giveBack'),
      amount: fc.constantFrom('40.00', '300.00'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('rival', 'rival', 'rivalLeaves') }) },
) satisfies fc.Arbitrary<BookingAct>;

/** Deadlines that somebody may move; never two at once. */
export const movableTimers = ['hold', 'host_confirmation', 'check_out', 'review_window'];

const reminders: Readonly<Record<string, string>> = {
  host_confirmation: 'host_reminder',
  review_window: 'review_reminder',
};

/** A movement of money, as the gateway has it. */
interface Movement {
  readonly purpose: 'booking' | 'refund';
  readonly amount: Money;
  status: 'pending' | 'completed' | 'failed';
}

/** What table 6.3 says of one booking, in a few sentences of its own. */
export class BookingModel {
  status: BookingStatus = 'pending';
  cancelledBy: Canceller | null = null;
  isPaid = false;
  isAccepted = false;
  isCharging = false;
  isClosed = false;
  refundAmount = zero;
  /** Who has the nights. */
  nights: 'booking' | 'rival' | 'nobody' = 'booking';
  timers: string[] = ['hold'];
  /** What came about that is seldom. */
  readonly seen = new Set<string>();

  readonly #terms;
  /** In the order in which they were opened. */
  readonly #movements: Movement[] = [];
  /** The refund whose end the booking awaits. */
  #awaited: Movement | undefined;
  /** The last one that failed while it was awaited. */
  #failed: Movement | undefined;

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

  get isRefunding(): boolean {
    return this.#awaited !== undefined;
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
      movements: this.#movements.map(
        (each) => `${each.purpose} ${this.statusOf(each)} ${each.amount}`,
      ),
    };
  }

  /** What was taken and has not gone back. */
  get kept(): Money {
    return this.charge?.status === 'completed'
      ? subtract(
          this.#terms.total,
          this.sumBack(({ status }) => status === 'completed'),
        )
      : zero;
  }

  /** The latest one. */
  private get charge(): Movement | undefined {
    return this.#movements.findLast(({ purpose }) => purpose === 'booking');
  }

  /** What has not gone back and is not on its way back. */
  private get left(): Money {
    return subtract(
      this.#terms.total,
      this.sumBack(({ status }) => status !== 'failed'),
    );
  }

  private get isAllBack(): boolean {
    return compare(this.left, zero) === 0;
  }

  private sumBack(counts: (movement: Movement) => boolean): Money {
    return this.#movements
      .filter((each) => each.purpose === 'refund' && counts(each))
      .reduce((sum, { amount }) => add(sum, amount), zero);
  }

  /** A charge of which all went back is refunded. */
  private statusOf(movement: Movement): string {
    const isCharge = movement.purpose === 'booking' && movement.status === 'completed';
    return isCharge && compare(this.kept, zero) === 0 ? 'refunded' : movement.status;
  }

  /** @returns 'done', or the code of the refusal */
  do(act: BookingAct, at: number): string {
    switch (act.kind) {
      case 'pay':
        if (this.status !== 'pending') return 'ILLEGAL_TRANSITION';
        if (this.isPaid) return 'ALREADY_PAID';
        if (this.isCharging) return 'PAYMENT_UNDER_WAY';
        this.isCharging = true;
        this.open('booking', this.#terms.total);
        return 'done';
      case 'accept':
        if (this.status !== 'pending') return 'ILLEGAL_TRANSITION';
        if (this.isAccepted) return 'ALREADY_ACCEPTED';
        if (this.isPaid && this.isAllBack) return this.endReturned();
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
        this.fire(at);
        return 'done';
      case 'charged':
        if (this.isCharging) this.charged(act.isDone);
        return 'done';
      case 'refunded':
        if (this.#awaited) this.refunded(this.#awaited, act.isDone);
        return 'done';
      case 'settled':
        settle(this.#movements.find(isPending), act.isDone);
        return 'done';
      case 'giveBack':
        return this.giveBackByHand(act.amount);
      case 'moveTimer':
        return this.moveTimer(act.to);
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

  private fire(at: number): void {
    const name = this.timers.shift();
    if (name === 'hold') this.endHold();
    if (name === 'host_confirmation') this.end('request', this.#terms.total);
    if (name === 'check_out') {
      this.status = 'completed';
      // Left on the day of the arrival, no night was slept.
      const { house, stay } = this.#terms;
      if (dateAt(at, house.timeZone) === stay.startDate) {
        this.nights = 'nobody';
        this.seen.add('left early');
      }
      this.timers = ['review_reminder', 'review_window'];
    }
    if (name === 'review_window') this.close();
    if (name === 'refund_watch' || name === 'refund_escalation') {
      const isLookedInto = this.isRefunding || !this.isMadeUpFor();
      if (isLookedInto && name === 'refund_escalation' && !this.isRefunding) this.close();
    }
  }

  /** Money that has come is taken, though nobody has told of it yet. */
  private endHold(): void {
    const { charge } = this;
    if (!this.isCharging || !charge || this.statusOf(charge) !== 'completed') {
      return this.end('hold', this.#terms.total);
    }
    this.seen.add('paid right before the end of the hold');
    this.charged(true);
  }

  private moveTimer(to: 'first' | 'last'): string {
    const name = this.timers.find((each) => movableTimers.includes(each));
    if (!name) return 'TIMER_NOT_RUNNING';
    this.seen.add(`${name} moved`);
    const reminder = reminders[name];
    if (reminder) {
      // It moves along; what ends at once is not announced any more.
      this.timers = to === 'first' ? [name] : [reminder, name];
      return 'done';
    }
    const others = this.timers.filter((each) => each !== name);
    // A stay that has not begun does not end: its end is moved to behind the reminders of it.
    const isFirst = to === 'first' && name !== 'check_out';
    this.timers = isFirst ? [name, ...others] : [...others, name];
    return 'done';
  }

  private charged(isDone: boolean): void {
    this.isCharging = false;
    if (!this.hear(this.charge, isDone)) {
      if (this.status === 'cancelled') this.close();
      return;
    }
    this.isPaid = true;
    const isReady = this.isAccepted || this.#terms.instantBook;
    const isLate = this.status === 'cancelled';
    if (!isLate && this.isAllBack) return void this.endReturned();
    if (isLate && (this.isAllBack || this.cancelledBy !== 'hold' || this.nights !== 'nobody')) {
      this.seen.add('paid too late');
      return this.giveBack(this.#terms.total);
    }
    if (isLate) this.seen.add('revived');
    this.nights = 'booking';
    this.cancelledBy = null;
    if (isReady) return this.confirm();
    this.status = 'pending';
    this.timers = ['host_reminder', 'host_confirmation'];
  }

  private refunded(awaited: Movement, isDone: boolean): void {
    this.#awaited = undefined;
    if (!this.hear(awaited, isDone)) {
      this.#failed = awaited;
      // Somebody has to hear of one that fails after both of its watches.
      const isWatched = this.timers.length > 0;
      if (!this.isMadeUpFor() && !isWatched) this.timers = ['refund_watch', 'refund_escalation'];
      return;
    }
    this.#awaited = this.refundUnderWay();
    if (!this.#awaited) this.close();
  }

  /** As much as failed went back by hand since, or is on its way. */
  private isMadeUpFor(): boolean {
    const failed = this.#failed;
    if (!failed) return false;
    const later = this.#movements.slice(this.#movements.indexOf(failed) + 1);
    const since = later.filter((each) => each.purpose === 'refund' && each.status !== 'failed');
    const sum = since.reduce((total, { amount }) => add(total, amount), zero);
    if (compare(sum, failed.amount) < 0) return false;
    this.#awaited = since.find(isPending);
    if (!this.#awaited) this.close();
    this.seen.add('a failed refund made up for by hand');
    return true;
  }

  /** @returns whether the money has moved */
  private hear(movement: Movement | undefined, isDone: boolean): boolean {
    settle(movement, isDone);
    return movement?.status === 'completed';
  }

  private giveBackByHand(amount: Money): string {
    const charge = this.charge;
    if (!charge) return 'done';
    if (this.statusOf(charge) !== 'completed') return 'ILLEGAL_TRANSITION';
    if (compare(amount, this.left) > 0) return 'REFUND_TOO_HIGH';
    if (this.status === 'confirmed' && compare(amount, this.left) === 0) {
      this.seen.add('not all given back of what is confirmed');
      return 'BOOKING_RUNNING';
    }
    this.open('refund', amount);
    this.seen.add('given back by hand');
    return 'done';
  }

  private confirm(): void {
    this.status = 'confirmed';
    this.timers = ['stay_reminder_7', 'stay_reminder_1', 'check_out'];
  }

  private endReturned(): string {
    this.seen.add('all given back before it was confirmed');
    this.end('refund', this.#terms.total);
    return 'done';
  }

  private end(by: Canceller, due: string): void {
    this.status = 'cancelled';
    this.cancelledBy = by;
    this.nights = 'nobody';
    this.timers = [];
    if (this.isPaid) this.giveBack(due);
    else if (!this.isCharging) this.close();
  }

  /** Nothing is given back twice: what went by hand is not due any more, what is on its way is awaited. */
  private giveBack(due: Money): void {
    const amount = compare(due, this.left) < 0 ? due : this.left;
    this.#awaited = isPositive(amount) ? this.open('refund', amount) : this.refundUnderWay();
    if (!this.#awaited) return this.close();
    this.refundAmount = this.#awaited.amount;
    this.timers = ['refund_watch', 'refund_escalation'];
  }

  private open(purpose: Movement['purpose'], amount: Money): Movement {
    const movement: Movement = { purpose, amount, status: 'pending' };
    this.#movements.push(movement);
    return movement;
  }

  private refundUnderWay(): Movement | undefined {
    return this.#movements.find((each) => each.purpose === 'refund' && isPending(each));
  }

  private close(): void {
    this.isClosed = true;
    this.timers = [];
  }
}

const isPending = ({ status }: Movement): boolean => status === 'pending';

/** Once, whatever is said later. */
function settle(movement: Movement | undefined, isDone: boolean): void {
  if (movement && isPending(movement)) movement.status = isDone ? 'completed' : 'failed';
}
