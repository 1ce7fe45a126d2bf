import fc from 'fast-check';
import type { ClaimWish } from '../../src/models/claimStart.ts';
import {
  addBusinessDays,
  addWorkingTime,
  workingTime,
  type BusinessCalendar,
} from '../../src/rules/businessDays.ts';
import { daysBefore } from '../../src/rules/calendar.ts';
import { nextClaimStatus, type ClaimEvent, type ClaimStatus } from '../../src/rules/claims.ts';
import {
  dayMs,
  done,
  hourMs,
  passBoth,
  walkTwins,
  type Outcomes,
  type Twin as AnyTwin,
} from './model.ts';

/** What a person may ask for by name; clocks and payments bring about the rest. */
const askable = [
  'assign',
  'reassign',
  'start_review',
  'investigate',
  'request_documents',
  'complete_documents',
  'submit_for_approval',
  'approve',
  'deny',
  'return',
  'start_payment',
  'pay_by_hand',
  'close',
  'appeal',
  'withdraw',
  'mark_duplicate',
  'reopen',
  'hold',
  'release',
] as const satisfies readonly ClaimEvent[];

export type AskedEvent = (typeof askable)[number];

/** What somebody or time itself may do to a claim. */
export type Act =
  | { readonly kind: 'pass'; readonly hours: number }
  /** One of the events that the table allows now, or any; who gets it, and what becomes of its payment. */
  | {
      readonly kind: 'event';
      readonly pick: number;
      readonly isLegal: boolean;
      readonly who: 0 | 1;
      readonly isPaid: boolean;
    }
  | { readonly kind: 'move'; readonly pick: number; readonly inHours: number }
  /** The last order comes once more. */
  | { readonly kind: 'repeat' };

const event = (isLegal: boolean): fc.Arbitrary<Act> =>
  fc.record({
    kind: fc.constant('event'),
    pick: fc.nat(1000),
    isLegal: fc.constant(isLegal),
    who: fc.constantFrom(0, 1),
    isPaid: fc.boolean(),
  });

export const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass'), hours: fc.nat(100) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), hours: fc.nat(2000) }) },
  { weight: 10, arbitrary: event(true) },
  { weight: 3, arbitrary: event(false) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('move'),
      pick: fc.nat(1000),
      inHours: fc.integer({ min: 1, max: 1500 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat') }) },
);

/** What the product shows after every act. */
export interface Shown {
  readonly status: ClaimStatus;
  readonly version: number;
  readonly isOnHold: boolean;
  readonly assignee: 0 | 1 | null;
  readonly isBreached: boolean;
  readonly outcome: string | null;
  /** Deadlines that run, with their instants, and those that stand still; their announcements follow. */
  readonly running: readonly string[];
  readonly waiting: readonly string[];
}

/** A deadline as `Shown` has it. @param exactly whether the clocks of both sides agree to the second */
export const shownClock = (name: string, dueAt: number, exactly: boolean): string =>
  exactly ? `${name} ${new Date(Math.round(dueAt / 1000) * 1000).toISOString()}` : name;

/** Of a status the clocks that run and those that wait. */
const clocks: Readonly<Record<ClaimStatus, { runs: readonly string[]; waits: readonly string[] }>> =
  {
    reported: { runs: ['triage'], waits: [] },
    assigned: { runs: ['first_review'], waits: [] },
    under_review: { runs: ['decision'], waits: [] },
    investigation: { runs: ['decision', 'investigation', 'status_letter'], waits: [] },
    documents_requested: {
      runs: ['documents', 'documents_final'],
      waits: ['decision', 'investigation', 'status_letter'],
    },
    waiting_approval: { runs: ['approval', 'decision'], waits: [] },
    approved: { runs: [], waits: [] },
    payment_processing: { runs: ['payment'], waits: [] },
    paid: { runs: ['auto_close'], waits: [] },
    denied: { runs: ['auto_close'], waits: [] },
    closed: { runs: [], waits: [] },
  };

export const decidingClocks = [
  ...new Set([...Object.values(clocks).flatMap(({ runs }) => runs), 'acknowledgement']),
];

/** What begins again when somebody else gets the claim. */
const ownClocks: Readonly<Partial<Record<ClaimStatus, readonly string[]>>> = {
  assigned: ['first_review'],
  under_review: ['decision'],
  investigation: ['investigation'],
  waiting_approval: ['approval'],
};

const businessDays: Readonly<Record<string, number>> = {
  first_review: 3,
  decision: 15,
  approval: 2,
  acknowledgement: 10,
};
const days: Readonly<Record<string, number>> = {
  investigation: 30,
  status_letter: 30,
  documents: 14,
  documents_final: 21,
  payment: 5,
};
const silent = ['status_letter', 'documents', 'auto_close', 'acknowledgement'];
const movable = (name: string): boolean => name !== 'acknowledgement';
const undecided = ['reported', 'assigned', 'under_review', 'investigation', 'documents_requested'];

const reopenMs = 365 * dayMs;

interface Clock {
  dueAt: number;
  /** Since when it stands still. */
  pausedAt: number | null;
  hasFired: boolean;
}

/** A claim as simply as it can be said; asks the table of its course, knows no rows and no workflow. */
export class ClaimModel {
  readonly calendar: BusinessCalendar;
  /** Whether `Shown` says when a clock is due. */
  readonly isExact: boolean;
  now: number;
  status: ClaimStatus = 'reported';
  previousStatus: 'under_review' | 'investigation' | null = null;
  version = 1;
  isOnHold = false;
  assignee: 0 | 1 | null = null;
  /** Who had it at any time, and before an appeal that is not decided yet. */
  readonly had = new Set<0 | 1>();
  hadBeforeAppeal: ReadonlySet<0 | 1> = new Set();
  outcome: string | null = null;
  closedAt = 0;
  readonly clocks = new Map<string, Clock>();

  constructor(facts: { calendar: BusinessCalendar; now: number; isExact: boolean }) {
    this.calendar = facts.calendar;
    this.isExact = facts.isExact;
    this.now = facts.now;
    this.set('triage');
    this.set('acknowledgement');
  }

  get shown(): Shown {
    const { status, version, isOnHold, assignee, outcome } = this;
    const { runs, waits } = clocks[status];
    const set = [...this.clocks].filter(([, { hasFired }]) => !hasFired);
    return {
      status,
      version,
      isOnHold,
      assignee,
      isBreached: [...runs, ...waits].some(
        (name) => !silent.includes(name) && this.clocks.get(name)?.hasFired,
      ),
      outcome,
      running: set
        .filter(([, { pausedAt }]) => pausedAt === null)
        .map(([name, { dueAt }]) => shownClock(name, dueAt, this.isExact))
        .toSorted(),
      waiting: set
        .filter(([, { pausedAt }]) => pausedAt !== null)
        .map(([name]) => name)
        .toSorted(),
    };
  }

  /** The event that an act stands for as the claim stands now. */
  eventOf({ pick, isLegal }: Extract<Act, { kind: 'event' }>): AskedEvent {
    const legal = askable.filter((each) => this.nextStatus(each) !== undefined);
    const among = isLegal && legal.length > 0 ? legal : askable;
    return among[pick % among.length] ?? 'hold';
  }

  /** A deadline that may be moved, if any runs. */
  movableClock(pick: number): string | undefined {
    if (this.isOnHold) return undefined;
    const running = [...this.clocks]
      .filter(([name, { hasFired, pausedAt }]) => !hasFired && pausedAt === null && movable(name))
      .map(([name]) => name)
      .toSorted();
    return running[pick % Math.max(1, running.length)];
  }

  nextStatus(asked: AskedEvent): ClaimStatus | undefined {
    const { status, previousStatus, isOnHold: onHold } = this;
    return nextClaimStatus({ status, previousStatus, onHold }, asked);
  }

  /** @returns 'done', or the code of the refusal */
  order(asked: AskedEvent, { who, isPaid }: { who: 0 | 1; isPaid: boolean }): string {
    const to = this.nextStatus(asked);
    if (!to) return 'ILLEGAL_TRANSITION';
    if (asked === 'reopen' && this.now - this.closedAt > reopenMs) return 'REOPEN_WINDOW_CLOSED';
    if (asked === 'assign' || asked === 'reassign') {
      if (this.hadBeforeAppeal.has(who)) return 'NEW_ASSIGNEE_REQUIRED';
      if (this.assignee === who) return 'ALREADY_ASSIGNED';
    }
    this.carryOut(asked, to, who, isPaid);
    return 'done';
  }

  moveClock(name: string, dueAt: number): void {
    const clock = this.clocks.get(name);
    if (!clock) throw new Error(`${name} does not run`);
    const last = this.clocks.get('documents_final');
    if (name === 'documents' && last && !last.hasFired) {
      last.dueAt = Math.max(dueAt, last.dueAt + dueAt - clock.dueAt);
    }
    clock.dueAt = dueAt;
    this.version += 1;
  }

  /** All that is due until then, each at its time. */
  passUntil(instant: number): void {
    for (;;) {
      const [next] = [...this.clocks]
        .filter(([, { hasFired, pausedAt }]) => !hasFired && pausedAt === null)
        .toSorted(([, a], [, b]) => a.dueAt - b.dueAt);
      if (!next || next[1].dueAt > instant) break;
      const [name, clock] = next;
      this.now = Math.max(this.now, clock.dueAt);
      clock.hasFired = true;
      if (name === 'status_letter') this.set(name);
      if (name === 'auto_close') this.close(this.status === 'paid' ? 'completed' : 'denied');
    }
    this.now = Math.max(this.now, instant);
  }

  private carryOut(asked: AskedEvent, to: ClaimStatus, who: 0 | 1, isPaid: boolean): void {
    switch (asked) {
      case 'hold':
        this.version += 1;
        this.isOnHold = true;
        for (const clock of this.clocks.values()) this.stop(clock);
        return;
      case 'release':
        this.version += 1;
        this.isOnHold = false;
        for (const [name, clock] of this.clocks) {
          if (!clocks[this.status].waits.includes(name)) this.resume(name, clock);
        }
        return;
      case 'assign':
      case 'reassign':
        this.assignee = who;
        this.had.add(who);
        if (asked === 'assign') return this.move(to);
        this.version += 1;
        for (const name of ownClocks[this.status] ?? []) this.set(name);
        return;
      case 'request_documents':
        this.previousStatus = this.status === 'investigation' ? 'investigation' : 'under_review';
        return this.move(to);
      case 'complete_documents':
      case 'submit_for_approval':
        this.previousStatus = null;
        return this.move(to);
      case 'appeal':
        this.hadBeforeAppeal = new Set(this.had);
        return this.move(to);
      case 'approve':
        this.hadBeforeAppeal = new Set();
        this.move(to);
        return this.pay(isPaid);
      case 'deny':
        this.hadBeforeAppeal = new Set();
        return this.move(to);
      case 'start_payment':
        return this.pay(isPaid);
      case 'withdraw':
        return this.close('withdrawn');
      case 'mark_duplicate':
        return this.close('duplicate');
      case 'close':
        return this.close(this.status === 'paid' ? 'completed' : 'denied');
      case 'reopen':
        Object.assign(this, { outcome: null, previousStatus: null, hadBeforeAppeal: new Set() });
        return this.move(to);
      default:
        return this.move(to);
    }
  }

  private pay(isPaid: boolean): void {
    this.move('payment_processing');
    this.move(isPaid ? 'paid' : 'approved');
  }

  private close(outcome: string): void {
    this.outcome = outcome;
    this.isOnHold = false;
    this.closedAt = this.now;
    this.move('closed');
  }

  private move(to: ClaimStatus): void {
    const [before, after] = [clocks[this.status], clocks[to]];
    const known = [...before.runs, ...before.waits];
    this.version += 1;
    this.status = to;
    for (const [name, clock] of this.clocks) {
      const isKept =
        name === 'acknowledgement'
          ? undecided.includes(to) || to === 'waiting_approval'
          : after.runs.includes(name) || after.waits.includes(name);
      if (!isKept) this.clocks.delete(name);
      else if (after.waits.includes(name)) this.stop(clock);
      else this.resume(name, clock);
    }
    for (const name of after.runs) if (!known.includes(name)) this.set(name);
  }

  private set(name: string): void {
    this.clocks.set(name, { dueAt: this.dueAfter(name), pausedAt: null, hasFired: false });
  }

  private dueAfter(name: string): number {
    const { now, calendar } = this;
    if (name === 'triage') return now + 24 * hourMs;
    const working = businessDays[name];
    if (working !== undefined) return addBusinessDays(now, working, calendar);
    const count = name === 'auto_close' ? (this.status === 'paid' ? 14 : 30) : (days[name] ?? 0);
    return daysBefore(now, -count, calendar.timeZone);
  }

  private stop(clock: Clock): void {
    if (!clock.hasFired) clock.pausedAt ??= this.now;
  }

  private resume(name: string, clock: Clock): void {
    const { dueAt, pausedAt } = clock;
    if (pausedAt === null) return;
    clock.dueAt =
      name in businessDays
        ? addWorkingTime(this.now, workingTime(pausedAt, dueAt, this.calendar), this.calendar)
        : this.now + dueAt - pausedAt;
    clock.pausedAt = null;
  }
}

/** The wish that an event is sent as; the manager decides and has no other part in it. */
export function wishOf(
  asked: Exclude<AskedEvent, 'reopen'>,
  { manager, assignedTo }: { manager: string; assignedTo: string },
): ClaimWish {
  const isDecision = asked === 'approve' || asked === 'deny' || asked === 'return';
  const who = { by: isDecision ? manager : assignedTo, reason: 'For a reason' };
  switch (asked) {
    case 'assign':
    case 'reassign':
      return { ...who, event: asked, assignedTo };
    case 'request_documents':
      return { ...who, event: asked, items: ['Invoice'] };
    case 'submit_for_approval':
      return { ...who, event: asked, amount: '10.00', rationale: 'The estimate' };
    case 'approve':
      return { ...who, event: asked, amount: '10.00' };
    case 'deny':
      return { ...who, event: asked, code: 'exclusion' };
    case 'mark_duplicate':
      return { ...who, event: asked, duplicateOf: null };
    case 'pay_by_hand':
      return { ...who, event: asked, reference: 'By cheque' };
    default:
      return { ...who, event: asked };
  }
}

export interface Twin extends AnyTwin {
  /**
   * @param isPaid what becomes of the payment that it starts; null where it starts none
   * @returns 'done', or the code of the refusal
   */
  order(asked: AskedEvent, who: 0 | 1, isPaid: boolean | null): Promise<string>;
  moveClock(name: string, dueAt: number): Promise<void>;
  shown(): Promise<Shown>;
}

/** Does the same to both; an error names the acts so far. */
export const walk = (model: ClaimModel, twin: Twin, steps: readonly Act[]): Promise<void> =>
  walkTwins(model, twin, steps, (act) => doBoth(model, twin, act));

/** Off the full hour, so that a clock and what passes do not meet. */
const offMs = 17 * 60_000;

async function doBoth(model: ClaimModel, twin: Twin, act: Act): Promise<Outcomes> {
  switch (act.kind) {
    case 'pass':
      return passBoth(model, twin, model.now + act.hours * hourMs + offMs);
    case 'event': {
      const asked = model.eventOf(act);
      const pays = asked === 'approve' || asked === 'start_payment';
      const isPaid = pays && model.nextStatus(asked) ? act.isPaid : null;
      const outcome = await twin.order(asked, act.who, isPaid);
      return [`${asked} ${model.order(asked, act)}`, `${asked} ${outcome}`];
    }
    case 'move': {
      const name = model.movableClock(act.pick);
      if (name === undefined) return done;
      const dueAt = model.now + act.inHours * hourMs + offMs;
      await twin.moveClock(name, dueAt);
      model.moveClock(name, dueAt);
      return done;
    }
    case 'repeat':
      await twin.repeat();
      return done;
    default:
      return act satisfies never;
  }
}
