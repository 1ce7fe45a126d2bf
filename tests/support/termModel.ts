import fc from 'fast-check';
import type { MovableDeadline } from '../../src/rules/billing.ts';
import {
  addDays,
  addMonths,
  dateAt,
  daysBetween,
  startOfDay,
  type CalendarDate,
} from '../../src/rules/calendar.ts';
import type { SubscriptionStatus } from '../../src/rules/subscriptions.ts';
import { dayMs, done, hourMs, type Outcomes, type Twin } from './model.ts';

/** What may be done to a subscription, whether its premiums are invoiced or not. */
export type TermAct =
  | { readonly kind: 'cancel'; readonly inDays: number | null }
  | { readonly kind: 'renew' }
  | { readonly kind: 'move'; readonly inHours: number }
  | { readonly kind: 'autoRenew'; readonly isOn: boolean }
  /** The last order comes once more. */
  | { readonly kind: 'repeat' };

export const termActs = {
  cancel: fc.record({
    kind: fc.constant('cancel'),
    inDays: fc.oneof(
      { weight: 1, arbitrary: fc.constant(null) },
      { weight: 6, arbitrary: fc.integer({ min: -1, max: 200 }) },
    ),
  }),
  renew: fc.record({ kind: fc.constant('renew') }),
  move: fc.record({ kind: fc.constant('move'), inHours: fc.integer({ min: -5, max: 730 }) }),
  autoRenew: fc.record({ kind: fc.constant('autoRenew'), isOn: fc.boolean() }),
  repeat: fc.record({ kind: fc.constant('repeat') }),
} as const;

/** What the product shows after every act. */
export interface ShownTerm {
  readonly status: SubscriptionStatus;
  readonly version: number;
  readonly termNo: number;
  readonly endDate: CalendarDate;
  readonly expiresAt: number;
  readonly isClosed: boolean;
  readonly policy: string;
  /** Those that decide; notices come and go with them. */
  readonly deciding: readonly string[];
}

export const decidingTimers = [
  'cancellation',
  'expiry',
  'grace_end',
  'invoice_due',
  'late_renewal_close',
  'payment_window',
  'reinstatement_close',
  'start',
] as const;

export const lateDays = 30;

export interface TermFacts {
  readonly timeZone: string;
  readonly months: number;
  readonly now: number;
  readonly startDate: CalendarDate;
  readonly autoRenew: boolean;
}

/** What the models of a subscription share: its terms, and the days that they run. */
export abstract class TermModel {
  readonly timeZone: string;
  readonly months: number;
  readonly firstStart: CalendarDate;
  now: number;
  autoRenew: boolean;
  abstract status: SubscriptionStatus;
  version = 1;
  termNo = 1;
  endDate: CalendarDate;
  expiresAt: number;
  isClosed = false;
  hasStarted = false;
  leavesOn: CalendarDate | null = null;

  constructor({ timeZone, months, now, startDate, autoRenew }: TermFacts) {
    this.timeZone = timeZone;
    this.months = months;
    this.now = now;
    this.autoRenew = autoRenew;
    this.firstStart = startDate;
    this.endDate = addMonths(startDate, months);
    this.expiresAt = this.startOf(this.endDate);
  }

  get today(): CalendarDate {
    return dateAt(this.now, this.timeZone);
  }

  /** The orders: @returns 'done', or the code of the refusal */
  abstract cancel(day: CalendarDate | null): string;
  abstract renew(): string;
  abstract moveExpiry(expiresAt: number): string;

  protected get mayRenew(): boolean {
    const opens = addDays(this.endDate, -90);
    return this.today >= opens && this.today < addDays(this.endDate, lateDays);
  }

  protected shownWith(deciding: readonly string[]): ShownTerm {
    const { status, version, termNo, endDate, expiresAt, isClosed } = this;
    const isDraft = status === 'pending_payment' || (status === 'active' && !this.hasStarted);
    const policy = isDraft ? 'draft' : status;
    return { status, version, termNo, endDate, expiresAt, isClosed, policy, deciding };
  }

  /**
   * @param partStart the first day of what is insured at the present price
   * @returns 'done', or the code of the refusal
   */
  protected moveEnd(expiresAt: number, partStart: CalendarDate): string {
    if (this.status !== 'active') return 'ILLEGAL_TRANSITION';
    const isNear = expiresAt >= this.now && expiresAt <= this.now + 30 * dayMs;
    if (!isNear || expiresAt <= this.startOf(partStart)) return 'VALIDATION_ERROR';
    const date = dateAt(expiresAt, this.timeZone);
    const firstEnd = addDays(partStart, 1);
    this.version += 1;
    this.expiresAt = expiresAt;
    this.endDate = date < firstEnd ? firstEnd : date;
    return 'done';
  }

  /** @returns its first day */
  protected addTermFrom(today: CalendarDate): CalendarDate {
    const gap = Math.max(0, daysBetween(this.endDate, today));
    const startDate = addDays(this.endDate, gap);
    this.version += 1;
    this.termNo += 1;
    this.status = 'active';
    this.endDate = addMonths(startDate, this.months);
    this.expiresAt = this.startOf(this.endDate);
    this.leavesOn = null;
    return startDate;
  }

  protected startOf(date: CalendarDate): number {
    return startOfDay(date, this.timeZone);
  }
}

/** What is asked of the product; only where premiums are invoiced: to pay, reinstate and defer. */
export type Wish =
  | { readonly kind: 'cancel'; readonly day: CalendarDate | null }
  | { readonly kind: 'renew' | 'pay' }
  | { readonly kind: 'reinstate'; readonly onCredit: boolean }
  | { readonly kind: 'endorse'; readonly premium: string }
  | { readonly kind: 'move'; readonly expiresAt: number }
  | { readonly kind: 'defer'; readonly name: MovableDeadline; readonly dueAt: number };

export interface TermTwin<Shown> extends Twin {
  /** @returns 'done', or the code of the refusal */
  order(wish: Wish): Promise<string>;
  setAutoRenew(isOn: boolean): Promise<void>;
  setSold(isSold: boolean): Promise<void>;
  shown(): Promise<Shown>;
}

export async function doTermAct(
  model: TermModel,
  twin: TermTwin<unknown>,
  act: TermAct,
): Promise<Outcomes> {
  switch (act.kind) {
    case 'cancel': {
      const day = act.inDays === null ? null : addDays(model.today, act.inDays);
      const outcome = await twin.order({ kind: 'cancel', day });
      return [model.cancel(day), outcome];
    }
    case 'renew': {
      const outcome = await twin.order({ kind: 'renew' });
      return [model.renew(), outcome];
    }
    case 'move': {
      // Half an hour off the full one: no tie with a midnight, and none with the present.
      const expiresAt = model.now + act.inHours * hourMs + hourMs / 2;
      const outcome = await twin.order({ kind: 'move', expiresAt });
      return [model.moveExpiry(expiresAt), outcome];
    }
    case 'autoRenew':
      await twin.setAutoRenew(act.isOn);
      model.autoRenew = act.isOn;
      return done;
    case 'repeat':
      await twin.repeat();
      return done;
    default:
      return act satisfies never;
  }
}
