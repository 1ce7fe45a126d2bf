import fc from 'fast-check';
import {
  addDays,
  addMonths,
  dateAt,
  daysBetween,
  startOfDay,
  type CalendarDate,
} from '../../src/rules/calendar.ts';
import { walkBoth } from './model.ts';

/** What a person, an administrator or time itself may do to a subscription. */
export type Act =
  | { readonly kind: 'pass'; readonly days: number }
  | { readonly kind: 'cancel'; readonly inDays: number | null }
  | { readonly kind: 'renew' }
  | { readonly kind: 'move'; readonly inHours: number }
  | { readonly kind: 'autoRenew'; readonly isOn: boolean }
  | { readonly kind: 'sell'; readonly isSold: boolean }
  /** The last order comes once more. */
  | { readonly kind: 'repeat' };

export const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass'), days: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), days: fc.nat(400) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('cancel'),
      inDays: fc.oneof(
        { weight: 1, arbitrary: fc.constant(null) },
        { weight: 6, arbitrary: fc.integer({ min: -1, max: 200 }) },
      ),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('renew') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('move'), inHours: fc.integer({ min: -5, max: 730 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('autoRenew'), isOn: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sell'), isSold: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat') }) },
);

/** What the product shows after every act. */
export interface Shown {
  readonly status: 'active' | 'expired' | 'cancelled';
  readonly version: number;
  readonly termNo: number;
  readonly endDate: CalendarDate;
  readonly expiresAt: number;
  readonly isClosed: boolean;
  readonly policy: 'draft' | 'active' | 'expired' | 'cancelled';
  /** Those that decide; notices come and go with them. */
  readonly deciding: readonly string[];
}

export const decidingTimers = ['cancellation', 'expiry', 'late_renewal_close', 'start'];

const hourMs = 3_600_000;
const lateDays = 30;

/** The lifecycle as simply as it can be said; knows no rows and no workflow. */
export class SubscriptionModel {
  readonly timeZone: string;
  readonly months: number;
  now: number;
  status: Shown['status'] = 'active';
  version = 1;
  termNo = 1;
  termStart: CalendarDate;
  endDate: CalendarDate;
  expiresAt: number;
  hasStarted: boolean;
  readonly firstStart: CalendarDate;
  isClosed = false;
  autoRenew: boolean;
  isSold = true;
  leavesOn: CalendarDate | null = null;
  /** Gone when the expiry was moved before that day. */
  hasCancelTimer = false;

  constructor(facts: {
    timeZone: string;
    months: number;
    now: number;
    startDate: CalendarDate;
    autoRenew: boolean;
  }) {
    this.timeZone = facts.timeZone;
    this.months = facts.months;
    this.now = facts.now;
    this.autoRenew = facts.autoRenew;
    this.firstStart = facts.startDate;
    this.termStart = facts.startDate;
    this.endDate = addMonths(facts.startDate, facts.months);
    this.expiresAt = this.startOf(this.endDate);
    this.hasStarted = this.startOf(facts.startDate) <= facts.now;
  }

  get shown(): Shown {
    const isActive = this.status === 'active';
    const deciding = [
      ...(this.hasCancelTimer ? ['cancellation'] : []),
      ...(isActive ? ['expiry'] : []),
      ...(this.isClosed ? [] : ['late_renewal_close']),
      ...(isActive && !this.hasStarted ? ['start'] : []),
    ];
    const { status, version, termNo, endDate, expiresAt, isClosed } = this;
    const policy = status === 'active' && !this.hasStarted ? 'draft' : status;
    return { status, version, termNo, endDate, expiresAt, isClosed, policy, deciding };
  }

  get today(): CalendarDate {
    return dateAt(this.now, this.timeZone);
  }

  /** @returns 'done', or the code of the refusal */
  cancel(day: CalendarDate | null): string {
    if (this.status !== 'active') return 'ILLEGAL_TRANSITION';
    if (day !== null && (day < this.today || day >= this.endDate)) return 'VALIDATION_ERROR';
    this.version += 1;
    if (day === null || day === this.today) this.end();
    else Object.assign(this, { leavesOn: day, hasCancelTimer: true });
    return 'done';
  }

  renew(): string {
    if (this.status === 'cancelled') return 'ILLEGAL_TRANSITION';
    const opens = addDays(this.endDate, -90);
    const closes = addDays(this.endDate, lateDays);
    if (this.today < opens || this.today >= closes) return 'RENEWAL_WINDOW_CLOSED';
    if (!this.isSold) return 'PLAN_NOT_SOLD';
    this.addTerm(this.today);
    return 'done';
  }

  moveExpiry(expiresAt: number): string {
    if (this.status !== 'active') return 'ILLEGAL_TRANSITION';
    const isNear = expiresAt >= this.now && expiresAt <= this.now + 30 * 24 * hourMs;
    if (!isNear || expiresAt <= this.startOf(this.termStart)) return 'VALIDATION_ERROR';
    const date = dateAt(expiresAt, this.timeZone);
    const firstEnd = addDays(this.termStart, 1);
    this.version += 1;
    this.expiresAt = expiresAt;
    this.endDate = date < firstEnd ? firstEnd : date;
    if (this.leavesOn && this.startOf(this.leavesOn) > expiresAt) this.hasCancelTimer = false;
    return 'done';
  }

  /** All that is due until then, each at its time. */
  passUntil(instant: number): void {
    for (;;) {
      const [next] = this.ahead().toSorted((a, b) => a.dueAt - b.dueAt);
      if (!next || next.dueAt > instant) break;
      this.now = Math.max(this.now, next.dueAt);
      next.act();
    }
    this.now = Math.max(this.now, instant);
  }

  private ahead(): { dueAt: number; act: () => void }[] {
    if (this.isClosed) return [];
    if (this.status === 'expired') {
      const dueAt = this.startOf(addDays(this.endDate, lateDays));
      return [{ dueAt, act: () => (this.isClosed = true) }];
    }
    // At one instant in this order: what is cancelled on the day of its start never begins.
    return [
      ...(this.hasCancelTimer && this.leavesOn
        ? [{ dueAt: this.startOf(this.leavesOn), act: () => ((this.version += 1), this.end()) }]
        : []),
      ...(this.hasStarted
        ? []
        : [{ dueAt: this.startOf(this.firstStart), act: () => this.begin() }]),
      { dueAt: this.expiresAt, act: () => this.reachEnd() },
    ];
  }

  private begin(): void {
    this.version += 1;
    this.hasStarted = true;
  }

  private reachEnd(): void {
    if (this.autoRenew && this.isSold && !this.leavesOn) return this.addTerm(this.endDate);
    this.version += 1;
    this.status = 'expired';
    return undefined;
  }

  private addTerm(today: CalendarDate): void {
    const gap = Math.max(0, daysBetween(this.endDate, today));
    this.version += 1;
    this.termNo += 1;
    this.status = 'active';
    this.termStart = addDays(this.endDate, gap);
    this.endDate = addMonths(this.termStart, this.months);
    this.expiresAt = this.startOf(this.endDate);
    this.leavesOn = null;
    this.hasCancelTimer = false;
  }

  private end(): void {
    this.status = 'cancelled';
    this.isClosed = true;
    this.hasCancelTimer = false;
  }

  private startOf(date: CalendarDate): number {
    return startOfDay(date, this.timeZone);
  }
}

/** The product as the model's twin: carries out one act at a time. */
export interface Twin {
  /** Epoch milliseconds; the model's time follows it. */
  now(): number;
  passUntil(instant: number): Promise<void>;
  /** @returns 'done', or the code of the refusal */
  order(
    wish:
      | { readonly kind: 'cancel'; readonly day: CalendarDate | null }
      | { readonly kind: 'renew' }
      | { readonly kind: 'move'; readonly expiresAt: number },
  ): Promise<string>;
  /** Sends the last order under the same id again. */
  repeat(): Promise<void>;
  setAutoRenew(isOn: boolean): Promise<void>;
  setSold(isSold: boolean): Promise<void>;
  shown(): Promise<Shown>;
}

/** Does the same to both; an error names the acts so far. */
export const walk = (model: SubscriptionModel, twin: Twin, steps: readonly Act[]): Promise<void> =>
  walkBoth(
    steps,
    async (act) => {
      model.now = Math.max(model.now, twin.now());
      const [expected, outcome] = await doBoth(model, twin, act);
      const shown = await twin.shown();
      return [
        { outcome: expected, shown: model.shown },
        { outcome, shown },
      ];
    },
    () => model.isClosed,
  );

async function doBoth(
  model: SubscriptionModel,
  twin: Twin,
  act: Act,
): Promise<readonly [expected: string, outcome: string]> {
  switch (act.kind) {
    case 'pass': {
      const instant = model.now + act.days * 24 * hourMs;
      await twin.passUntil(instant);
      model.passUntil(instant);
      return ['done', 'done'];
    }
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
      return ['done', 'done'];
    case 'sell':
      await twin.setSold(act.isSold);
      model.isSold = act.isSold;
      return ['done', 'done'];
    case 'repeat':
      await twin.repeat();
      return ['done', 'done'];
    default:
      return act satisfies never;
  }
}
