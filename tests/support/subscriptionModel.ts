import fc from 'fast-check';
import { addDays, type CalendarDate } from '../../src/rules/calendar.ts';
import type { SubscriptionStatus } from '../../src/rules/subscriptions.ts';
import { dayMs, done, passBoth, walkTwins, type Outcomes } from './model.ts';
import {
  doTermAct,
  lateDays,
  termActs,
  TermModel,
  type ShownTerm,
  type TermAct,
  type TermFacts,
  type TermTwin,
} from './termModel.ts';

/** What a person, an administrator or time itself may do to a subscription. */
export type Act =
  | TermAct
  | { readonly kind: 'pass'; readonly days: number }
  | { readonly kind: 'endorse' }
  | { readonly kind: 'sell'; readonly isSold: boolean };

export const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass'), days: fc.nat(60) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), days: fc.nat(400) }) },
  { weight: 2, arbitrary: termActs.cancel },
  { weight: 4, arbitrary: termActs.renew },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('endorse') }) },
  { weight: 4, arbitrary: termActs.move },
  { weight: 1, arbitrary: termActs.autoRenew },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sell'), isSold: fc.boolean() }) },
  { weight: 2, arbitrary: termActs.repeat },
);

/** The lifecycle as simply as it can be said; knows no rows and no workflow. */
export class SubscriptionModel extends TermModel {
  status: SubscriptionStatus = 'active';
  /** An endorsement begins a new part of the term. */
  partStart: CalendarDate;
  isSold = true;
  /** Gone when the expiry was moved before that day. */
  hasCancelTimer = false;

  constructor(facts: TermFacts) {
    super(facts);
    this.partStart = facts.startDate;
    this.hasStarted = this.startOf(facts.startDate) <= facts.now;
  }

  get shown(): ShownTerm {
    const isActive = this.status === 'active';
    return this.shownWith([
      ...(this.hasCancelTimer ? ['cancellation'] : []),
      ...(isActive ? ['expiry'] : []),
      ...(this.isClosed ? [] : ['late_renewal_close']),
      ...(isActive && !this.hasStarted ? ['start'] : []),
    ]);
  }

  cancel(day: CalendarDate | null): string {
    if (this.status !== 'active') return 'ILLEGAL_TRANSITION';
    if (day !== null && (day < this.today || day >= this.endDate)) return 'VALIDATION_ERROR';
    if (day !== null && day === this.leavesOn && this.hasCancelTimer) return 'done';
    this.version += 1;
    if (day === null || day === this.today) this.end();
    else Object.assign(this, { leavesOn: day, hasCancelTimer: true });
    return 'done';
  }

  renew(): string {
    if (this.status === 'cancelled') return 'ILLEGAL_TRANSITION';
    if (!this.mayRenew) return 'RENEWAL_WINDOW_CLOSED';
    if (!this.isSold) return 'PLAN_NOT_SOLD';
    this.addTerm(this.today);
    return 'done';
  }

  /** Another premium each time; dates and deadlines stay. */
  endorse(): string {
    if (this.status !== 'active') return 'ILLEGAL_TRANSITION';
    if (this.today >= this.endDate) return 'TERM_ENDS';
    if (this.today > this.partStart) this.partStart = this.today;
    this.version += 1;
    return 'done';
  }

  moveExpiry(expiresAt: number): string {
    const outcome = this.moveEnd(expiresAt, this.partStart);
    if (outcome !== 'done') return outcome;
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
    this.partStart = this.addTermFrom(today);
    this.hasCancelTimer = false;
  }

  private end(): void {
    this.status = 'cancelled';
    this.isClosed = true;
    this.hasCancelTimer = false;
  }
}

/** Does the same to both; an error names the acts so far. */
export const walk = (
  model: SubscriptionModel,
  twin: TermTwin<ShownTerm>,
  steps: readonly Act[],
): Promise<void> =>
  walkTwins(
    model,
    twin,
    steps,
    (act) => doBoth(model, twin, act),
    () => model.isClosed,
  );

async function doBoth(
  model: SubscriptionModel,
  twin: TermTwin<ShownTerm>,
  act: Act,
): Promise<Outcomes> {
  switch (act.kind) {
    case 'pass':
      return passBoth(model, twin, model.now + act.days * dayMs);
    case 'endorse': {
      const premium = `${1000 + model.version}.00`;
      const outcome = await twin.order({ kind: 'endorse', premium });
      return [model.endorse(), outcome];
    }
    case 'sell':
      await twin.setSold(act.isSold);
      model.isSold = act.isSold;
      return done;
    default:
      return doTermAct(model, twin, act);
  }
}
