import type { Bounds } from './bounds.ts';
import { addDays, dateAt, hourOfDay } from './calendar.ts';
import { mandatoryBecause, type TemplateCode } from './notices.ts';

export const digestRhythms = ['off', 'daily'] as const;

/** When a company's mails that can wait go out; full hours of its own day. */
export interface MailTimes {
  /** The same as the end where no hours are quiet. */
  readonly quietFromHour: number;
  readonly quietUntilHour: number;
  /** Whether all that waits for a person goes in one mail. */
  readonly digest: (typeof digestRhythms)[number];
  readonly digestHour: number;
}

export const mailTimesDefaults: MailTimes = {
  quietFromHour: 0,
  quietUntilHour: 0,
  digest: 'off',
  digestHour: 8,
};

const hour: Bounds = { kind: 'whole', min: 0, max: 23 };

export const mailTimesBounds = {
  quietFromHour: hour,
  quietUntilHour: hour,
  digestHour: hour,
} as const satisfies Partial<Record<keyof MailTimes, Bounds>>;

/** What somebody may do without can also wait; what binds, or waits for somebody to act, does not. */
export const canWait = (code: TemplateCode): boolean => mandatoryBecause(code) === null;

/**
 * The instant from which a mail that can wait may go, not before `at`: with the next digest after it was
 * queued, and after the hours that are quiet then.
 */
export function mayGoAt(
  { queuedAt, at, isCollected }: { queuedAt: number; at: number; isCollected: boolean },
  { quietFromHour, quietUntilHour, digestHour }: MailTimes,
  timeZone: string,
): number {
  const due = isCollected ? Math.max(at, nextHour(queuedAt, digestHour, timeZone)) : at;
  if (quietFromHour === quietUntilHour) return due;
  const end = nextHour(due, quietUntilHour, timeZone);
  return end < nextHour(due, quietFromHour, timeZone) ? end : due;
}

/** The first moment after `at` at which the hour begins. */
function nextHour(at: number, hourOfTheDay: number, timeZone: string): number {
  const date = dateAt(at, timeZone);
  const today = hourOfDay(date, hourOfTheDay, timeZone);
  return today > at ? today : hourOfDay(addDays(date, 1), hourOfTheDay, timeZone);
}
