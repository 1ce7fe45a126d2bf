import { addDays, compareDates, daysBetween, laterDate, type CalendarDate } from './calendar.ts';
import { boundsProblem, type Bounds } from './bounds.ts';
import type { Problem } from './problem.ts';

export const acknowledgementTypes = ['new_joiner', 'periodic', 'manual'] as const;

export type AcknowledgementType = (typeof acknowledgementTypes)[number];

export const acknowledgementStatuses = [
  'pending',
  'acknowledged',
  'declined',
  'exempted',
  'superseded',
  'cancelled',
] as const;

export type AcknowledgementStatus = (typeof acknowledgementStatuses)[number];

export const escalationStatuses = ['none', 'escalated_to_hr', 'escalated_to_cxo'] as const;

export type EscalationStatus = (typeof escalationStatuses)[number];

/** What happens by itself to an acknowledgement; the strongest of one day comes last. */
export const acknowledgementActions = [
  'open_next_cycle',
  'remind',
  'overdue',
  'escalate_hr',
  'escalate_exec',
] as const;

export type AcknowledgementAction = (typeof acknowledgementActions)[number];

/** An action as one step of somebody's course: `remind_7` is the reminder seven days before. */
export type AcknowledgementStepName = Exclude<AcknowledgementAction, 'remind'> | `remind_${number}`;

/** Whom an alert goes to, the lowest rung first. */
export const alertLevels = ['manager', 'hr', 'executive'] as const;

export type AlertLevel = (typeof alertLevels)[number];

/** `watching`: somebody is asked. `idle`: it is in force, and nobody is. `closed`: neither. */
export const keeperStatuses = ['watching', 'idle', 'closed'] as const;

export type KeeperStatus = (typeof keeperStatuses)[number];

/** Days, all of them; a policy's configuration comes before the company's settings. */
export interface AcknowledgementSettings {
  readonly newJoinerDays: number;
  readonly periodicDays: number;
  /** So long before it is due the next cycle is opened. */
  readonly periodicLeadDays: number;
  readonly manualDays: number;
  readonly remindBefore: readonly number[];
  readonly overdueEveryDays: number;
  readonly escalateHrDays: number;
  readonly escalateExecDays: number;
}

export const acknowledgementDefaults: AcknowledgementSettings = {
  newJoinerDays: 30,
  periodicDays: 365,
  periodicLeadDays: 30,
  manualDays: 30,
  remindBefore: [7, 3, 1],
  overdueEveryDays: 1,
  escalateHrDays: 7,
  escalateExecDays: 14,
};

export const acknowledgementBounds = {
  newJoinerDays: { kind: 'whole', min: 1, max: 365 },
  periodicDays: { kind: 'whole', min: 30, max: 1825 },
  periodicLeadDays: { kind: 'whole', min: 1, max: 90 },
  manualDays: { kind: 'whole', min: 1, max: 365 },
  remindBefore: { kind: 'list', min: 0, max: 90 },
  overdueEveryDays: { kind: 'whole', min: 1, max: 30 },
  escalateHrDays: { kind: 'whole', min: 1, max: 90 },
  escalateExecDays: { kind: 'whole', min: 1, max: 180 },
} as const satisfies Readonly<Record<keyof AcknowledgementSettings, Bounds>>;

/** What a policy's configuration says of one of the settings: days, or why it says nothing. */
export type ConfiguredDays =
  | { readonly name: string; readonly days: number | readonly number[] }
  | { readonly name: string; readonly problem: Problem };

/**
 * Of a key such as `new_joiner_days` and its value such as `14 days`; undefined for a key of something else.
 * Another unit would be read wrong, so it is none.
 */
export function configuredDays(key: string, value: string): ConfiguredDays | undefined {
  const setting = Object.entries(acknowledgementBounds).find(([name]) => snakeCase(name) === key);
  if (!setting) return undefined;
  const [name, bounds] = setting;
  const isList = bounds.kind === 'list';
  const isDays = (isList ? /^\d+(, ?\d+)*( days?)?$/ : /^\d+( days?)?$/).test(value.trim());
  const numbers = isDays ? (value.match(/\d+/g) ?? []).map(Number) : [];
  const days = isList ? numbers : numbers[0];
  const problem = boundsProblem(bounds, days);
  if (isDays && days !== undefined && !problem) return { name, days };
  const message = isList
    ? `must be up to ten different numbers of days from ${bounds.min} to ${bounds.max}, such as 7, 3, 1 days`
    : `must be a number of days from ${bounds.min} to ${bounds.max}, such as 30 days`;
  return { name, problem: { code: isDays ? 'OUT_OF_RANGE' : 'INVALID_VALUE', message } };
}

const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Settings that do not contradict each other, whoever set which of them: the next cycle opens after the
 * answer before, and executives hear no earlier than HR.
 */
export const consistent = (settings: AcknowledgementSettings): AcknowledgementSettings => ({
  ...settings,
  periodicLeadDays: Math.min(settings.periodicLeadDays, settings.periodicDays - 1),
  escalateExecDays: Math.max(settings.escalateExecDays, settings.escalateHrDays),
});

/** An acknowledgement as far as its dates go. */
export interface Dated {
  readonly status: AcknowledgementStatus;
  readonly dueDate: CalendarDate;
  /** The day on which it was answered. */
  readonly answeredOn: CalendarDate | null;
  readonly exemptedUntil: CalendarDate | null;
}

export interface NextAction {
  readonly action: AcknowledgementAction;
  readonly on: CalendarDate;
}

/** When somebody who answered on that day has to answer again. */
export const nextCycleDue = (
  answeredOn: CalendarDate,
  { periodicDays }: AcknowledgementSettings,
): CalendarDate => addDays(answeredOn, periodicDays);

/** Until when whoever is asked once more on that day has to answer. */
export const nextCycleUntil = (
  { answeredOn }: Pick<Dated, 'answeredOn'>,
  settings: AcknowledgementSettings,
  on: CalendarDate,
): CalendarDate =>
  laterDate(
    answeredOn ? nextCycleDue(answeredOn, settings) : addDays(on, settings.manualDays),
    addDays(on, leastDays),
  );

/**
 * What happens next, on a day after `after`; null where nothing does. On a day with several things the
 * strongest is named; `actionsBetween` has them all.
 */
export function nextAction(
  dated: Dated,
  settings: AcknowledgementSettings,
  after: CalendarDate,
): NextAction | null {
  const { status, dueDate, answeredOn, exemptedUntil } = dated;
  if (status === 'acknowledged' && answeredOn) {
    const on = addDays(nextCycleDue(answeredOn, settings), -settings.periodicLeadDays);
    return { action: 'open_next_cycle', on: laterDate(on, addDays(after, 1)) };
  }
  if (status === 'exempted' && exemptedUntil) {
    return {
      action: 'open_next_cycle',
      on: laterDate(addDays(exemptedUntil, 1), addDays(after, 1)),
    };
  }
  if (status !== 'pending') return null;
  return stepsAhead(dueDate, settings, after)[0] ?? null;
}

/**
 * What happens on days after `after` to somebody who never answers, the first first; of the notices that
 * it is overdue, which come again and again, only the next. Of one day the strongest comes first.
 */
export const stepsAhead = (
  dueDate: CalendarDate,
  settings: AcknowledgementSettings,
  after: CalendarDate,
): readonly NextAction[] =>
  [
    ...settings.remindBefore.map((days) => step('remind', addDays(dueDate, -days))),
    step('overdue', nextOverdue(dueDate, settings, after)),
    step('escalate_hr', addDays(dueDate, settings.escalateHrDays)),
    step('escalate_exec', addDays(dueDate, settings.escalateExecDays)),
  ]
    .filter(({ on }) => compareDates(on, after) > 0)
    .toSorted((a, b) => compareDates(a.on, b.on) || strength(b.action) - strength(a.action));

export const stepName = (
  { action, on }: NextAction,
  dueDate: CalendarDate,
): AcknowledgementStepName => (action === 'remind' ? `remind_${daysBetween(on, dueDate)}` : action);

/**
 * Everything that a day brings about which comes late or together: each kind once, so that nobody gets
 * a heap of reminders after days without a worker.
 * @param from the day that the row was to be looked at
 */
export function actionsBetween(
  dated: Dated,
  settings: AcknowledgementSettings,
  from: CalendarDate,
  today: CalendarDate,
): ReadonlySet<AcknowledgementAction> {
  const found = new Set<AcknowledgementAction>();
  if (dated.status === 'pending') {
    const isIn = (on: CalendarDate): boolean =>
      compareDates(on, from) >= 0 && compareDates(on, today) <= 0;
    const overdueBy = daysBetween(dated.dueDate, today);
    const told = nextOverdue(dated.dueDate, settings, addDays(from, -1));
    if (overdueBy > 0 && compareDates(told, today) <= 0) found.add('overdue');
    else if (settings.remindBefore.some((days) => isIn(addDays(dated.dueDate, -days)))) {
      found.add('remind');
    }
    if (overdueBy >= settings.escalateHrDays) found.add('escalate_hr');
    if (overdueBy >= settings.escalateExecDays) found.add('escalate_exec');
    return found;
  }
  const next = nextAction(dated, settings, addDays(from, -1));
  if (next && compareDates(next.on, today) <= 0) found.add(next.action);
  return found;
}

/** The next day from `after` on, on which somebody who is late is told again. */
function nextOverdue(
  dueDate: CalendarDate,
  { overdueEveryDays }: AcknowledgementSettings,
  after: CalendarDate,
): CalendarDate {
  const past = Math.max(0, daysBetween(dueDate, after));
  const turns = Math.floor(Math.max(0, past - 1) / overdueEveryDays) + (past > 0 ? 1 : 0);
  return addDays(dueDate, 1 + turns * overdueEveryDays);
}

const step = (action: AcknowledgementAction, on: CalendarDate): NextAction => ({ action, on });

const strength = (action: AcknowledgementAction): number => acknowledgementActions.indexOf(action);

/** Whoever comes late to a document still has a week for it. */
export const leastDays = 7;

/** When somebody who joined, or came back, has to have answered. */
export const joinerDue = (
  joinedOn: CalendarDate,
  today: CalendarDate,
  { newJoinerDays }: AcknowledgementSettings,
): CalendarDate => laterDate(addDays(joinedOn, newJoinerDays), addDays(today, leastDays));

/** Somebody as far as it matters whom a policy concerns. */
export interface Member {
  readonly isThere: boolean;
  readonly customerId: string;
  readonly role: string | null;
  readonly department: string | null;
}

/** Null stands for everybody. */
export interface Audience {
  readonly customerId: string | null;
  readonly role: string | null;
  readonly department: string | null;
}

/** Whether a policy concerns somebody; roles and departments are compared without regard to case. */
export const concerns = (audience: Audience, member: Member): boolean =>
  member.isThere &&
  (audience.customerId === null || audience.customerId === member.customerId) &&
  matches(audience.role, member.role) &&
  matches(audience.department, member.department);

const matches = (wanted: string | null, has: string | null): boolean =>
  wanted === null || (has !== null && has.trim().toLowerCase() === wanted.trim().toLowerCase());

/** What is published; undefined while nothing is. */
export interface Published {
  readonly version: number;
  /** The last one that had to be read anew: who has answered that one, or a later one, is done. */
  readonly reackVersion: number;
  /** The first one after it that has to be read anew, published before or not yet; null without one. */
  readonly nextReackVersion: number | null;
  readonly publishedOn: CalendarDate;
}

/** A row of somebody, as far as their standing goes. */
export interface StandingRow {
  readonly id: string;
  readonly status: AcknowledgementStatus;
  readonly policyVersion: number;
  readonly isCurrent: boolean;
  /** They answered the version before it was taken back and changed, so that it has to be read anew. */
  readonly isOfOtherText?: boolean;
}

/** What is to be done so that somebody stands as they should. */
export interface Settlement {
  /** What the open row becomes; undefined where it stays. */
  readonly close?: 'superseded' | 'cancelled';
  /** It is for the text that is published now; what was asked stays as it is. */
  readonly follow?: true;
  /** It no longer says how they stand: they have left, or are not concerned. */
  readonly leave?: true;
  /** Where they stood when they were last concerned. */
  readonly restore?: string;
  readonly open?: true;
}

/**
 * How somebody's rows have to change, given whether the policy concerns them and what is published.
 * @param rows theirs with this policy, the newest first
 * @param retiredVersion the last one that was ended with nothing in its place
 */
export function settle(
  rows: readonly StandingRow[],
  isConcerned: boolean,
  published: Published | undefined,
  retiredVersion: number | null = null,
): Settlement | undefined {
  const current = rows.find(({ isCurrent }) => isCurrent);
  if (!isConcerned || !published) {
    if (!current) return undefined;
    if (current.status !== 'pending') return { leave: true };
    const isRetired =
      !published && retiredVersion !== null && current.policyVersion <= retiredVersion;
    return { close: isRetired ? 'superseded' : 'cancelled' };
  }
  const isOfText = ({ policyVersion }: StandingRow): boolean =>
    policyVersion >= published.reackVersion && policyVersion <= published.version;
  const isSettled = (row: StandingRow): boolean =>
    !row.isOfOtherText && (isOfText(row) || (isAnswered(row) && isSmallStepBack(row, published)));
  if (current && isSettled(current)) {
    const lagsBehind = current.status === 'pending' && current.policyVersion < published.version;
    return lagsBehind ? { follow: true } : undefined;
  }
  if (current?.status === 'pending' && isSmallStepBack(current, published)) return { follow: true };
  const latest = rows.find(isSettled);
  const close = current && isTakenBack(current, published) ? 'cancelled' : 'superseded';
  const stepBack: Settlement = current
    ? current.status === 'pending'
      ? { close }
      : { leave: true }
    : {};
  return latest && isAnswered(latest)
    ? { ...stepBack, restore: latest.id }
    : { ...stepBack, open: true };
}

/**
 * What is taken back are small changes alone: whoever was asked before them would be asked still, and
 * whoever has answered need not read anew what nobody else has to.
 */
const isSmallStepBack = (
  { policyVersion }: StandingRow,
  { version, nextReackVersion }: Published,
): boolean =>
  policyVersion > version && (nextReackVersion === null || policyVersion < nextReackVersion);

const isAnswered = ({ status }: StandingRow): boolean =>
  status === 'acknowledged' || status === 'declined' || status === 'exempted';

/** Whether what a row asks about is not published any more, and nothing newer is. */
export const isTakenBack = (
  { policyVersion }: Pick<StandingRow, 'policyVersion'>,
  published: Published | undefined,
): boolean => !published || policyVersion > published.version;

/** Share of those who have to answer and did, in percent with two places; none of it where nobody has to. */
export function compliancePercentage(counts: {
  readonly pending: number;
  readonly acknowledged: number;
  readonly declined: number;
}): string {
  const required = counts.pending + counts.acknowledged + counts.declined;
  if (required === 0) return '0.00';
  // Rounded down, so that only all of them are a hundred.
  return (Math.floor((counts.acknowledged * 10_000) / required) / 100).toFixed(2);
}

/** `pending` while nobody has ever answered, `completed` once all have; a new text or person opens it again. */
export function complianceStatusOf(counts: {
  readonly pending: number;
  readonly acknowledged: number;
  readonly declined: number;
  /** Answers of any time, those to earlier texts too. */
  readonly answered: number;
}): 'pending' | 'in_progress' | 'completed' {
  const owed = counts.pending + counts.declined;
  if (counts.acknowledged > 0) return owed === 0 ? 'completed' : 'in_progress';
  return counts.answered > 0 && owed > 0 ? 'in_progress' : 'pending';
}

/** What somebody confirms. */
export const statementOf = (title: string, label: string): string =>
  `I have read and understood "${title}", version ${label}, and will act by it.`;

/** Whether all questions were answered as the document says. */
export const isPassed = (
  quiz: readonly { readonly correct: number }[],
  answers: readonly number[],
): boolean =>
  answers.length === quiz.length && quiz.every(({ correct }, index) => answers[index] === correct);

/** A deadline may be moved so many days ahead. */
export const maxDueAheadDays = 365;
