import type { MovableDeadline } from '../../src/rules/billing.ts';
import { addDays, daysBefore, daysBetween, type CalendarDate } from '../../src/rules/calendar.ts';
import type { SubscriptionStatus } from '../../src/rules/subscriptions.ts';
import { dayMs, hourMs } from './model.ts';
import {
  lateDays,
  TermModel,
  type decidingTimers,
  type ShownTerm,
  type TermFacts,
} from './termModel.ts';

/** What the bank says to every payment from now on; `silent` leaves them under way. */
export type Bank = 'ok' | 'decline' | 'silent';

/** Amounts are cents. */
interface ShownInvoice {
  readonly termNo: number;
  readonly reason: 'term' | 'endorsement' | 'reinstatement';
  readonly amount: number;
  readonly status: 'open' | 'paid' | 'overdue' | 'void' | 'written_off';
}

/** A stretch of cover at one price. */
interface ShownPart {
  readonly termNo: number;
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly premium: number;
}

/** What the product shows after every act. */
export interface Shown extends ShownTerm {
  readonly invoices: readonly ShownInvoice[];
  readonly parts: readonly ShownPart[];
}

const graceDays = 30;
const reinstatementDays = 30;
const dueHours = 72;

type TimerName = (typeof decidingTimers)[number];

/** Those that may be moved, and how far ahead. */
const movable = {
  payment_window: 14 * dayMs,
  invoice_due: 14 * dayMs,
  grace_end: 90 * dayMs,
  reinstatement_close: 180 * dayMs,
} as const satisfies Readonly<Record<MovableDeadline, number>>;

const isDeadline = (name: TimerName): name is MovableDeadline => name in movable;

interface Clock {
  readonly name: TimerName;
  readonly dueAt: number;
  readonly isPaused: boolean;
}

type Part = { -readonly [Key in keyof ShownPart]: ShownPart[Key] };

type Invoice = { -readonly [Key in keyof ShownInvoice]: ShownInvoice[Key] } & {
  readonly from: CalendarDate;
  readonly until: CalendarDate;
  dueAt: number;
  isPaymentUnderWay: boolean;
  isReplaced: boolean;
};

/** The lifecycle with premiums as simply as it can be said; knows no rows and no workflow. */
export class BillingModel extends TermModel {
  /** Of a whole term, as the plan is sold; and as it was last agreed. */
  readonly planPremium: number;
  premium: number;
  bank: Bank;
  status: SubscriptionStatus = 'pending_payment';
  clocks: Clock[];
  readonly invoices: Invoice[] = [];
  readonly parts: Part[];

  constructor({
    premium,
    windowEndsAt,
    bank,
    ...facts
  }: TermFacts & {
    readonly premium: number;
    /** When the time for the first premium is over. */
    readonly windowEndsAt: number;
    readonly bank: Bank;
  }) {
    super(facts);
    const { startDate } = facts;
    this.bank = bank;
    this.planPremium = premium;
    this.premium = premium;
    this.clocks = [{ name: 'payment_window', dueAt: windowEndsAt, isPaused: false }];
    this.parts = [{ termNo: 1, startDate, endDate: this.endDate, premium }];
    this.issue('term', premium, startDate, this.endDate, windowEndsAt);
    this.settle();
  }

  get shown(): Shown {
    return {
      ...this.shownWith(this.running.map(({ name }) => name).toSorted()),
      invoices: this.invoices.map(({ termNo, reason, amount, status }) => ({
        termNo,
        reason,
        amount,
        status,
      })),
      parts: this.parts.map((part) => ({ ...part })),
    };
  }

  /** The bank answers all that is under way. */
  settle(): void {
    if (this.bank === 'silent') return;
    for (const invoice of this.invoices.filter(({ isPaymentUnderWay }) => isPaymentUnderWay)) {
      invoice.isPaymentUnderWay = false;
      const isDue = this.due.includes(invoice);
      if (isDue && this.bank === 'ok') this.takeMoney(invoice);
      const isAsked = invoice.status === 'open' && this.status === 'lapsed';
      if (isDue && this.bank === 'decline' && isAsked) invoice.status = 'void';
    }
  }

  /** The orders below: @returns 'done', or the code of the refusal */
  pay(): string {
    if (!['pending_payment', 'active', 'grace'].includes(this.status)) return 'ILLEGAL_TRANSITION';
    const idle = this.due.find(({ isPaymentUnderWay }) => !isPaymentUnderWay);
    if (!idle) return this.due.length > 0 ? 'PAYMENT_UNDER_WAY' : 'NOTHING_DUE';
    this.version += 1;
    idle.isPaymentUnderWay = true;
    return 'done';
  }

  cancel(day: CalendarDate | null): string {
    if (this.status !== 'active' && this.status !== 'grace') return 'ILLEGAL_TRANSITION';
    if (day !== null && (day < this.today || day >= this.endDate)) return 'VALIDATION_ERROR';
    if (day === null || day === this.today) {
      this.end();
      return 'done';
    }
    const isPlanned = this.clocks.some(
      ({ name, isPaused }) => name === 'cancellation' && !isPaused,
    );
    if (isPlanned && this.leavesOn === day) return 'done';
    this.version += 1;
    this.leavesOn = day;
    this.drop('cancellation');
    this.set('cancellation', this.startOf(day));
    return 'done';
  }

  renew(): string {
    if (this.status !== 'active' && this.status !== 'expired') return 'ILLEGAL_TRANSITION';
    if (!this.mayRenew) return 'RENEWAL_WINDOW_CLOSED';
    if (this.today < this.endDate && this.due.length > 0) return 'INVOICE_OPEN';
    this.addTerm(this.today);
    return 'done';
  }

  /** @param premium of a whole term, cents */
  endorse(premium: number): string {
    if (this.status !== 'active') return 'ILLEGAL_TRANSITION';
    const part = this.lastPart;
    const from = this.today > part.startDate ? this.today : part.startDate;
    if (from >= part.endDate) return 'TERM_ENDS';
    if (premium < this.premium && this.due.length > 0) return 'INVOICE_OPEN';
    const termDays = daysBetween(this.firstPart.startDate, part.endDate);
    const days = daysBetween(from, part.endDate);
    const kept = Math.max(0, part.premium - share(this.premium, days, termDays));
    const rest = share(premium, days, termDays);
    this.version += 1;
    this.bill('endorsement', kept + rest - part.premium, from, part.endDate);
    const next = { termNo: this.termNo, startDate: from, endDate: part.endDate, premium: rest };
    if (from === part.startDate) this.parts.pop();
    else Object.assign(part, { endDate: from, premium: kept });
    this.parts.push(next);
    this.premium = premium;
    return 'done';
  }

  moveExpiry(expiresAt: number): string {
    const outcome = this.moveEnd(expiresAt, this.lastPart.startDate);
    if (outcome !== 'done') return outcome;
    this.lastPart.endDate = this.endDate;
    if (this.leavesOn && this.startOf(this.leavesOn) > expiresAt) this.drop('cancellation');
    this.setTermClocks();
    return 'done';
  }

  /** The deadline of a premium that is next; one that is not running where there is none. */
  get nextDeadline(): MovableDeadline {
    const [next] = this.running.map(({ name }) => name).filter(isDeadline);
    return next ?? 'grace_end';
  }

  moveDeadline(name: MovableDeadline, dueAt: number): string {
    if (this.status === 'expired' || this.status === 'cancelled') return 'ILLEGAL_TRANSITION';
    const clock = this.running.find((each) => each.name === name);
    if (!clock) return 'TIMER_NOT_RUNNING';
    const moved = this.due.filter(
      (invoice) => invoice.status === 'open' && invoice.dueAt === clock.dueAt,
    );
    const starts = name === 'invoice_due' ? moved.map(({ from }) => this.startOf(from)) : [];
    const latest = Math.min(this.now + movable[name], this.expiresAt);
    if (dueAt < Math.max(this.now, ...starts) || dueAt > latest) return 'VALIDATION_ERROR';
    this.version += 1;
    this.clocks = this.clocks.map((each) => (each === clock ? { ...clock, dueAt } : each));
    moved.forEach((invoice) => (invoice.dueAt = dueAt));
    return 'done';
  }

  reinstate(onCredit: boolean): string {
    if (this.status !== 'lapsed') return 'ILLEGAL_TRANSITION';
    if (this.reinstatesOn >= this.endDate) return 'TERM_ENDS';
    const { arrears } = this;
    if (onCredit || arrears === 0) {
      this.due.forEach((invoice) => (invoice.status = 'void'));
      const from = this.beginPart();
      this.bill('reinstatement', arrears, from, this.endDate);
      return 'done';
    }
    if (this.due.length > 0) return 'PAYMENT_UNDER_WAY';
    this.version += 1;
    this.issue('reinstatement', arrears, this.reinstatesOn, this.endDate, this.closesAt);
    return 'done';
  }

  /** All that is due until then, each at its time. */
  passUntil(instant: number): void {
    for (;;) {
      const [next] = this.running;
      if (this.isClosed || !next || next.dueAt > instant) break;
      this.now = Math.max(this.now, next.dueAt);
      this.clocks = this.clocks.filter((clock) => clock !== next);
      this.fire(next.name);
      this.settle();
    }
    this.now = Math.max(this.now, instant);
  }

  private fire(name: TimerName): void {
    switch (name) {
      case 'start':
        this.version += 1;
        this.hasStarted = true;
        return undefined;
      case 'cancellation':
        return this.end();
      case 'expiry':
        return this.reachEnd();
      case 'late_renewal_close':
        return this.close();
      case 'payment_window':
        this.version += 1;
        this.status = 'cancelled';
        this.due.forEach((invoice) => (invoice.status = 'void'));
        return this.close();
      case 'invoice_due':
        return this.missPayment();
      case 'grace_end':
        return this.lapse();
      case 'reinstatement_close':
        return this.endReinstatement();
      default:
        return name satisfies never;
    }
  }

  private reachEnd(): void {
    const renews = this.autoRenew && this.status === 'active' && this.leavesOn === null;
    if (renews) return this.addTerm(this.endDate);
    this.version += 1;
    this.status = 'expired';
    this.due.forEach((invoice) => (invoice.status = 'written_off'));
    this.clocks = this.clocks.filter(({ name }) => name === 'late_renewal_close');
    return undefined;
  }

  private missPayment(): void {
    const missed = this.due.filter(({ status, dueAt }) => status === 'open' && dueAt <= this.now);
    missed.forEach((invoice) => (invoice.status = 'overdue'));
    if (missed.length === 0 || this.status !== 'active') return;
    this.version += 1;
    this.status = 'grace';
    this.set('grace_end', daysBefore(this.now, -graceDays, this.timeZone));
  }

  private lapse(): void {
    if (!this.due.some(({ status }) => status === 'overdue')) return this.endGrace();
    const part = this.lastPart;
    const { today } = this;
    const coverEnd = today > part.startDate ? today : addDays(part.startDate, 1);
    this.version += 1;
    this.status = 'lapsed';
    this.due.forEach((invoice) => (invoice.status = 'written_off'));
    if (coverEnd < part.endDate) {
      const days = daysBetween(part.startDate, part.endDate);
      const used = Math.max(0, daysBetween(part.startDate, coverEnd));
      Object.assign(part, { endDate: coverEnd, premium: share(part.premium, used, days) });
    }
    this.drop('invoice_due');
    this.clocks = this.clocks.map((clock) => ({ ...clock, isPaused: true }));
    const closesAt = daysBefore(this.now, -reinstatementDays, this.timeZone);
    this.set('reinstatement_close', Math.min(closesAt, this.expiresAt));
    return undefined;
  }

  private endReinstatement(): void {
    this.due.forEach((invoice) => (invoice.status = 'void'));
    this.version += 1;
    this.status = 'expired';
    this.endDate = this.lastPart.endDate;
    this.expiresAt = this.startOf(this.endDate);
    const closesAt = this.startOf(addDays(this.endDate, lateDays));
    this.clocks = [];
    if (closesAt > this.now) this.set('late_renewal_close', closesAt);
    else this.close();
  }

  private takeMoney(invoice: Invoice): void {
    invoice.status = 'paid';
    switch (this.status) {
      case 'pending_payment':
        return this.takeUp();
      case 'active':
      case 'grace':
        return this.endGrace();
      case 'lapsed':
        // The last day is over: the money goes back.
        if (this.reinstatesOn >= this.endDate) invoice.status = 'void';
        else this.beginPart();
        return undefined;
      default:
        return undefined;
    }
  }

  private takeUp(): void {
    if (this.today > this.firstStart) this.lastPart.startDate = this.today;
    this.version += 1;
    this.status = 'active';
    this.hasStarted = this.firstStart <= this.today;
    this.clocks = [];
    if (!this.hasStarted) this.set('start', this.startOf(this.firstStart));
    this.setTermClocks();
  }

  private endGrace(): void {
    if (this.due.length === 0) this.drop('invoice_due');
    if (this.status !== 'grace') return;
    if (this.due.some(({ status }) => status === 'overdue')) return;
    this.drop('grace_end');
    this.version += 1;
    this.status = 'active';
  }

  private addTerm(today: CalendarDate): void {
    const startDate = this.addTermFrom(today);
    this.premium = this.planPremium;
    this.drop('cancellation');
    this.setTermClocks();
    const { termNo, endDate, premium } = this;
    this.parts.push({ termNo, startDate, endDate, premium });
    this.bill('term', premium, startDate, endDate);
  }

  /** @returns its first day */
  private beginPart(): CalendarDate {
    const { termNo, endDate } = this;
    const startDate = this.reinstatesOn;
    const first = this.firstPart.startDate;
    const days = daysBetween(startDate, endDate);
    const premium = share(this.premium, days, daysBetween(first, endDate));
    this.version += 1;
    this.status = 'active';
    this.parts.push({ termNo, startDate, endDate, premium });
    this.writtenOff.forEach((invoice) => (invoice.isReplaced = true));
    this.drop('reinstatement_close');
    this.clocks = this.clocks.map(({ name, dueAt }) => ({
      name,
      dueAt: Math.max(this.now, dueAt),
      isPaused: false,
    }));
    return startDate;
  }

  private end(): void {
    this.version += 1;
    this.status = 'cancelled';
    this.due.forEach((invoice) => (invoice.status = 'void'));
    this.close();
  }

  private close(): void {
    this.isClosed = true;
    this.clocks = [];
  }

  private bill(
    reason: ShownInvoice['reason'],
    amount: number,
    from: CalendarDate,
    until: CalendarDate,
  ): void {
    if (amount <= 0) return;
    const dueAt = Math.max(this.now + dueHours * hourMs, this.startOf(from));
    this.issue(reason, amount, from, until, dueAt);
    this.set('invoice_due', dueAt);
  }

  private issue(
    reason: ShownInvoice['reason'],
    amount: number,
    from: CalendarDate,
    until: CalendarDate,
    dueAt: number,
  ): void {
    const { termNo } = this;
    const fresh = { isPaymentUnderWay: true, isReplaced: false, status: 'open' as const };
    this.invoices.push({ ...fresh, termNo, reason, amount, from, until, dueAt });
  }

  /** Soonest first; at the same instant by name. */
  private get running(): Clock[] {
    return this.clocks
      .filter(({ isPaused }) => !isPaused)
      .toSorted((a, b) => a.dueAt - b.dueAt || (a.name < b.name ? -1 : 1));
  }

  private get closesAt(): number {
    return this.clocks.find(({ name }) => name === 'reinstatement_close')?.dueAt ?? this.now;
  }

  private get due(): Invoice[] {
    return this.invoices.filter(({ status }) => status === 'open' || status === 'overdue');
  }

  private get writtenOff(): Invoice[] {
    return this.invoices.filter(
      ({ termNo, status, isReplaced }) =>
        termNo === this.termNo && status === 'written_off' && !isReplaced,
    );
  }

  /** What was written off, less its days without cover. */
  private get arrears(): number {
    const gapStart = this.lastPart.endDate;
    return this.writtenOff.reduce((sum, { amount, from, until }) => {
      const days = daysBetween(from, until);
      const first = gapStart > from ? gapStart : from;
      const last = this.reinstatesOn < until ? this.reinstatesOn : until;
      return sum + share(amount, days - Math.max(0, daysBetween(first, last)), days);
    }, 0);
  }

  private get reinstatesOn(): CalendarDate {
    const { endDate } = this.lastPart;
    return this.today > endDate ? this.today : endDate;
  }

  private get firstPart(): Part {
    return this.parts.find(({ termNo }) => termNo === this.termNo) ?? this.lastPart;
  }

  private get lastPart(): Part {
    const part = this.parts.at(-1);
    if (!part) throw new Error('A subscription has a term');
    return part;
  }

  private setTermClocks(): void {
    this.drop('expiry');
    this.drop('late_renewal_close');
    this.set('expiry', this.expiresAt);
    this.set('late_renewal_close', this.startOf(addDays(this.endDate, lateDays)));
  }

  private set(name: TimerName, dueAt: number): void {
    this.clocks.push({ name, dueAt, isPaused: false });
  }

  private drop(dropped: TimerName): void {
    this.clocks = this.clocks.filter(({ name }) => name !== dropped);
  }
}

/** Of cents, by days, half up. */
const share = (amount: number, days: number, ofDays: number): number =>
  Math.round((amount * days) / ofDays);
