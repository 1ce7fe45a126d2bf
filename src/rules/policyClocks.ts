import {
  addBusinessDays,
  addWorkingTime,
  workingTime,
  type BusinessCalendar,
} from './businessDays.ts';
import {
  addDays,
  compareDates,
  dateAt,
  daysBefore,
  startOfDay,
  type CalendarDate,
} from './calendar.ts';
import type { ComplianceSettings } from './complianceSettings.ts';

/** The clocks of an approval, of a publication that was planned, and of the next review. */
const plainTimers = [
  'approval_reminder',
  'approval_escalation',
  'approval_admin',
  'publish',
  'review_due',
] as const;

type PlainTimer = (typeof plainTimers)[number];

/** `review_reminder_1` is the first reminder. */
export type PolicyTimerName = PlainTimer | `review_reminder_${number}`;

/** One deadline; `dueAt` is epoch milliseconds, `occurrence` counts how often a clock was set. */
export interface PolicyTimer {
  readonly name: PolicyTimerName;
  readonly occurrence: number;
  readonly dueAt: number;
  readonly source: 'setting' | 'command';
}

export type DuePolicyTimer = Pick<PolicyTimer, 'name' | 'dueAt'>;

/** What a clock is for, whatever its number. */
export type PolicyTimerKind = PlainTimer | 'review_reminder';

export const isPolicyTimer = (name: string): name is PolicyTimerName =>
  isPlain(name) || /^review_reminder_\d+$/.test(name);

const isPlain = (name: string): name is PlainTimer => plainTimers.some((each) => each === name);

export const kindOfPolicyTimer = (name: PolicyTimerName): PolicyTimerKind =>
  isPlain(name) ? name : 'review_reminder';

/** Those of a review follow its date. */
export const isReviewTimer = (name: PolicyTimerName): boolean => name.startsWith('review_');

/** Somebody may give it another time; the others follow a date of the policy. */
export const isMovablePolicyTimer = (name: PolicyTimerName): boolean => !isReviewTimer(name);

/** A timer can be moved so far ahead. */
export const maxPolicyTimerMoveMs = 366 * 86_400_000;

/** What a submission or a review is counted by; `at` is epoch milliseconds. */
export interface PolicyClockFacts {
  readonly settings: ComplianceSettings;
  readonly calendar: BusinessCalendar;
  readonly at: number;
}

/** From the submission on: those who decide are reminded, then their managers hear of it. */
export const approvalClocks = ({
  settings,
  calendar,
  at,
}: PolicyClockFacts): readonly DuePolicyTimer[] => [
  {
    name: 'approval_reminder',
    dueAt: addBusinessDays(at, settings.approvalReminderBd, calendar),
  },
  {
    name: 'approval_escalation',
    dueAt: addBusinessDays(at, settings.approvalEscalateBd, calendar),
  },
];

/** Until when a clock goes on that stood still: what was left of it, of an approval's in working time. */
export function resumedUntil(
  { name, dueAt }: DuePolicyTimer,
  pausedAt: number,
  { calendar, at }: Pick<PolicyClockFacts, 'calendar' | 'at'>,
): number {
  const left = Math.max(dueAt, pausedAt);
  return name === 'publish'
    ? at + left - pausedAt
    : addWorkingTime(at, workingTime(pausedAt, left, calendar), calendar);
}

/** Administrators are told one escalation later, and every week from then on. */
export function clocksAfterPolicyTimer(
  name: PolicyTimerName,
  { settings, calendar, at }: PolicyClockFacts,
): readonly DuePolicyTimer[] {
  switch (kindOfPolicyTimer(name)) {
    case 'approval_escalation':
      return [
        {
          name: 'approval_admin',
          dueAt: addBusinessDays(at, settings.approvalEscalateBd, calendar),
        },
      ];
    case 'approval_admin':
      return [{ name: 'approval_admin', dueAt: daysBefore(at, -7, calendar.timeZone) }];
    default:
      return [];
  }
}

/**
 * When a version that is published now is looked at again: on the day somebody chose, while it lies ahead,
 * else after the company's usual time.
 */
export function reviewDateFor(
  chosen: CalendarDate | null,
  { settings, calendar, at }: PolicyClockFacts,
): CalendarDate {
  const today = dateAt(at, calendar.timeZone);
  if (chosen !== null && compareDates(chosen, today) > 0) return chosen;
  return addDays(today, settings.reviewDays);
}

/** Reminders that still lie ahead, and the day itself. */
export function reviewClocks(
  reviewDate: CalendarDate,
  { settings, calendar, at }: PolicyClockFacts,
): readonly DuePolicyTimer[] {
  const dueAt = startOfDay(reviewDate, calendar.timeZone);
  const reminders = settings.reviewReminderDays
    .filter((days) => days > 0)
    .toSorted((a, b) => b - a)
    .map((days, index): DuePolicyTimer => ({
      name: `review_reminder_${index + 1}`,
      dueAt: daysBefore(dueAt, days, calendar.timeZone),
    }))
    .filter((reminder) => reminder.dueAt > at);
  return [...reminders, { name: 'review_due', dueAt }];
}
