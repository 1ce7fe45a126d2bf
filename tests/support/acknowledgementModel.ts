import fc from 'fast-check';
import type {
  AcknowledgementStatus,
  AcknowledgementType,
} from '../../src/rules/acknowledgements.ts';

/** What somebody does, or time; people are counted from 0, and days from the first. */
export type Act =
  /** `isOff`: nothing runs meanwhile. */
  | { readonly event: 'pass'; readonly days: number; readonly isOff: boolean }
  | { readonly event: 'publish'; readonly requiresReack: boolean }
  | { readonly event: 'take_back' }
  | { readonly event: 'decide'; readonly person: number; readonly granted: boolean }
  | { readonly event: 'move'; readonly person: number; readonly days: number }
  | { readonly event: PersonEvent; readonly person: number };

type PersonEvent =
  'acknowledge' | 'decline' | 'ask_exemption' | 'ask_again' | 'remind' | 'leave' | 'return';

export const people = 2;
/** So long an exemption is asked for. */
export const exemptionDays = 10;
/** Of those who are told when executives are: an executive and a compliance manager. */
const executives = 2;

const person = fc.nat(people - 1);
const often: readonly PersonEvent[] = ['acknowledge', 'decline', 'ask_exemption', 'ask_again'];
const seldom: readonly PersonEvent[] = ['remind', 'leave', 'return'];

const passing = (days: fc.Arbitrary<number>, isOff: boolean) =>
  fc.record({ event: fc.constant('pass' as const), days, isOff: fc.constant(isOff) });

export const acts = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: passing(fc.constantFrom(1, 2, 5, 7, 14, 30), false) },
    {
      weight: 2,
      arbitrary: passing(
        fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 300, max: 340 })),
        true,
      ),
    },
    { weight: 4, arbitrary: fc.record({ event: fc.constantFrom(...often), person }) },
    { weight: 2, arbitrary: fc.record({ event: fc.constantFrom(...seldom), person }) },
    {
      weight: 2,
      arbitrary: fc.record({
        event: fc.constant('decide' as const),
        person,
        granted: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        event: fc.constant('move' as const),
        person,
        days: fc.integer({ min: 0, max: 40 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ event: fc.constant('publish' as const), requiresReack: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ event: fc.constant('take_back' as const) }) },
  ),
  { minLength: 10, maxLength: 30 },
);

interface Row {
  version: number;
  cycle: number;
  readonly type: AcknowledgementType;
  status: AcknowledgementStatus;
  due: number;
  current: boolean;
  escalation: 'none' | 'escalated_to_hr' | 'escalated_to_cxo';
  /** The last day of which everything has been done. */
  seen: number;
  isManagerTold: boolean;
  owed: Set<'manager' | 'hr' | 'executive'>;
  answeredOn: number | null;
  exemptedUntil: number | null;
  /** Until when an exemption is asked for. */
  wish: number | null;
}

interface Person {
  isThere: boolean;
  joinedOn: number;
  readonly rows: Row[];
}

/** Table 5.4, played with numbers: a document, two people who have to read it, and whom they are reported to. */
export class AcknowledgementModel {
  day = 0;
  /** Its versions; what is taken back is not among them. */
  private readonly versions = [{ number: 1, requiresReack: true }];
  private made = 1;
  /** Those that had to be read anew, what was taken back included. */
  private readonly reacks = [1];
  /** Those of a rung are told together. */
  private readonly alertedOn = new Map<'hr' | 'executive', number>();
  private readonly people: Person[] = [
    { isThere: true, joinedOn: -2000, rows: [] },
    { isThere: true, joinedOn: -5, rows: [] },
  ];
  private readonly told = new Map<string, number>();

  constructor() {
    this.look();
  }

  get published(): number | undefined {
    return this.versions.at(-1)?.number;
  }

  private get reack(): number {
    return this.versions.findLast(({ requiresReack }) => requiresReack)?.number ?? 1;
  }

  /** The row that says how they stand. */
  currentOf(of: number): Row | undefined {
    return this.people[of]?.rows.find(({ current }) => current);
  }

  get shown() {
    return {
      rows: this.people.flatMap(({ rows }, of) =>
        rows
          .toSorted((a, b) => a.version - b.version || a.cycle - b.cycle)
          .map((row) => ({
            person: of,
            version: row.version,
            cycle: row.cycle,
            type: row.type,
            status: row.status,
            due: row.due,
            current: row.current,
            escalation: row.escalation,
            asksExemption: row.wish !== null,
            next: row.current ? nextOf(row) : null,
          })),
      ),
      told: Object.fromEntries([...this.told].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** @returns 'done' or the code of the refusal; undefined where there is nothing to do it with */
  carryOut(act: Act): string | undefined {
    const outcome = this.act(act);
    this.look();
    return outcome;
  }

  private act(act: Act): string | undefined {
    switch (act.event) {
      case 'pass':
        for (let day = 1; day <= act.days; day += 1) {
          this.day += 1;
          if (!act.isOff || day === act.days) this.look();
        }
        return 'done';
      case 'publish':
        this.made += 1;
        this.versions.push({
          number: this.made,
          requiresReack: act.requiresReack || this.published === undefined,
        });
        if (this.versions.at(-1)?.requiresReack) this.reacks.push(this.made);
        return 'done';
      case 'take_back':
        return this.versions.pop() && 'done';
      default:
        return this.actOf(act);
    }
  }

  private actOf(act: Extract<Act, { readonly person: number }>): string | undefined {
    const who = this.people[act.person];
    if (!who) throw new Error('Nobody');
    const row = this.currentOf(act.person);
    if (act.event === 'leave' || act.event === 'return') {
      const isThere = act.event === 'return';
      if (who.isThere === isThere) return undefined;
      who.isThere = isThere;
      if (isThere) who.joinedOn = this.day;
      return 'done';
    }
    if (act.event === 'ask_again') return this.askAgain(who, row);
    if (!row) return undefined;
    if (act.event === 'acknowledge' && row.status === 'acknowledged') return 'done';
    if (act.event === 'decline' && row.status === 'declined') return 'done';
    if (row.status !== 'pending') return 'NOT_PENDING';
    switch (act.event) {
      case 'acknowledge':
        this.end(row, 'acknowledged', 'acknowledgement_confirmed');
        row.answeredOn = this.day;
        return 'done';
      case 'decline':
        this.end(row, 'declined', 'acknowledgement_declined');
        return 'done';
      case 'ask_exemption':
        if (row.wish !== null) return 'EXEMPTION_OPEN';
        row.wish = this.day + exemptionDays;
        this.tell('exemption_asked');
        return 'done';
      case 'decide': {
        if (row.wish === null) return 'NO_EXEMPTION';
        const until = row.wish;
        if (act.granted) {
          this.end(row, 'exempted', 'exemption_decided');
          row.exemptedUntil = until;
        } else {
          row.wish = null;
          this.tell('exemption_decided');
          this.move(row, Math.max(row.due, this.day + 7));
        }
        return 'done';
      }
      case 'move':
        this.move(row, this.day + act.days);
        return 'done';
      default:
        if (this.remindedBy.get(row) !== this.day) this.tell('acknowledgement_reminder');
        this.remindedBy.set(row, this.day);
        return 'done';
    }
  }

  /** By itself, once a day, wherever its date is moved on that day. */
  private readonly remindedOn = new Map<Row, number>();

  /** By hand, once a day. */
  private readonly remindedBy = new Map<Row, number>();

  private askAgain(who: Person, row: Row | undefined): string {
    if (this.published === undefined) return 'NOT_PUBLISHED';
    if (!who.isThere) return 'VALIDATION_ERROR';
    if (row?.status === 'pending') return 'done';
    if (row) row.current = false;
    this.open(who, 'manual', this.day + 30);
    return 'done';
  }

  private end(row: Row, status: AcknowledgementStatus, template: string): void {
    row.status = status;
    row.seen = this.day;
    row.wish = null;
    row.owed.clear();
    this.tell(template);
  }

  /** Its clock begins anew. */
  private move(row: Row, due: number): void {
    row.due = due;
    row.seen = this.day - 1;
    row.escalation = 'none';
    row.isManagerTold = false;
    row.owed.clear();
  }

  private open(who: Person, type: AcknowledgementType, due: number): void {
    const version = this.published ?? 0;
    who.rows.push({
      version,
      cycle: cycleAfter(who, version),
      type,
      status: 'pending',
      due,
      current: true,
      escalation: 'none',
      seen: this.day,
      isManagerTold: false,
      owed: new Set(),
      answeredOn: null,
      exemptedUntil: null,
      wish: null,
    });
    this.tell('acknowledgement_assigned');
  }

  /** What the keeper does whenever it is woken up, or a day begins. */
  private look(): void {
    for (const who of this.people) this.settle(who);
    for (const who of this.people) for (const row of who.rows.slice()) this.wave(who, row);
    this.alert();
  }

  private settle(who: Person): void {
    const { published, reack } = this;
    const current = who.rows.find((row) => row.current);
    const isValid = ({ version }: Row): boolean =>
      published !== undefined && version >= reack && version <= published;
    const isSmallStepBack = ({ version }: Row): boolean =>
      published !== undefined &&
      version > published &&
      !this.reacks.some((number) => number > published && number <= version);
    const isAnswered = ({ status }: Row): boolean =>
      ['acknowledged', 'declined', 'exempted'].includes(status);
    if (current && who.isThere && (isValid(current) || isSmallStepBack(current))) {
      if (current.status !== 'pending' || current.version === published) return;
      current.cycle = cycleAfter(who, published ?? 0);
      current.version = published ?? 0;
      return;
    }
    if (current) this.close(current, who.isThere);
    if (!who.isThere || published === undefined) return;
    const latest = who.rows.findLast(
      (row) => isValid(row) || (isAnswered(row) && isSmallStepBack(row)),
    );
    if (latest && isAnswered(latest)) {
      latest.current = true;
      latest.seen = this.day - 1;
    } else if (who.joinedOn > this.day - 30) {
      this.open(who, 'new_joiner', Math.max(who.joinedOn + 30, this.day + 7));
    } else {
      this.open(who, 'manual', this.day + 30);
    }
  }

  private close(row: Row, isThere: boolean): void {
    row.current = false;
    if (row.status !== 'pending') return;
    const isTakenBack = this.published === undefined || row.version > this.published;
    const isReplaced = isThere && !isTakenBack;
    row.status = isReplaced ? 'superseded' : 'cancelled';
    row.wish = null;
    row.owed.clear();
    if (isThere && isTakenBack) this.tell('acknowledgement_withdrawn');
  }

  private wave(who: Person, row: Row): void {
    const next = row.current ? nextOf(row) : null;
    if (next === null || next > this.day) return;
    const from = row.seen;
    row.seen = this.day;
    if (row.status !== 'pending') {
      row.current = false;
      if (row.answeredOn !== null) {
        this.open(who, 'periodic', Math.max(row.answeredOn + 365, this.day + 7));
      } else {
        this.open(who, 'manual', this.day + 30);
      }
      return;
    }
    const late = this.day - row.due;
    if (late <= 0) {
      if (remindersOf(row).some((day) => day > from && day <= this.day)) {
        if (this.remindedOn.get(row) !== this.day) this.tell('acknowledgement_reminder');
        this.remindedOn.set(row, this.day);
      }
      return;
    }
    this.tell('acknowledgement_overdue');
    if (!row.isManagerTold) row.owed.add('manager');
    row.isManagerTold = true;
    if (late >= 7 && row.escalation === 'none') row.owed.add('hr');
    if (late >= 14 && row.escalation !== 'escalated_to_cxo') row.owed.add('executive');
    if (late >= 14) row.escalation = 'escalated_to_cxo';
    else if (late >= 7) row.escalation = 'escalated_to_hr';
  }

  /** One for one recipient and day; nobody has a manager here, so HR is told in their place. */
  private alert(): void {
    this.alertRung('hr', ['manager', 'hr'], 1);
    this.alertRung('executive', ['executive'], executives);
  }

  private alertRung(
    rung: 'hr' | 'executive',
    levels: readonly ('manager' | 'hr' | 'executive')[],
    recipients: number,
  ): void {
    const owing = this.people.flatMap(({ rows }) =>
      rows.filter(({ owed }) => levels.some((level) => owed.has(level))),
    );
    if (owing.length === 0 || this.alertedOn.get(rung) === this.day) return;
    this.alertedOn.set(rung, this.day);
    this.tell('acknowledgement_alert', recipients);
    for (const { owed } of owing) for (const level of levels) owed.delete(level);
  }

  private tell(template: string, count = 1): void {
    this.told.set(template, (this.told.get(template) ?? 0) + count);
  }
}

const cycleAfter = ({ rows }: Person, of: number): number =>
  1 + Math.max(0, ...rows.filter(({ version }) => version === of).map(({ cycle }) => cycle));

const remindersOf = ({ due }: Row): readonly number[] => [due - 7, due - 3, due - 1];

/** The next day on which something happens; null where nothing does. */
function nextOf(row: Row): number | null {
  const { status, due, seen, answeredOn, exemptedUntil } = row;
  if (status === 'acknowledged') return Math.max((answeredOn ?? 0) + 365 - 30, seen + 1);
  if (status === 'exempted') return Math.max((exemptedUntil ?? 0) + 1, seen + 1);
  if (status !== 'pending') return null;
  const ahead = [...remindersOf(row), Math.max(due + 1, seen + 1)].filter((day) => day > seen);
  return Math.min(...ahead);
}
