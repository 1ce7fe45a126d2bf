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
  /** So long, after a mail about documents, others of its kind wait to go to the person together; 0 is never. */
  readonly gatherHours: number;
}

export const mailTimesDefaults: MailTimes = {
  quietFromHour: 0,
  quietUntilHour: 0,
  digest: 'off',
  digestHour: 8,
  gatherHours: 4,
};

const hour: Bounds = { kind: 'whole', min: 0, max: 23 };

export const mailTimesBounds = {
  quietFromHour: hour,
  quietUntilHour: hour,
  digestHour: hour,
  gatherHours: { kind: 'whole', min: 0, max: 24 },
} as const satisfies Partial<Record<keyof MailTimes, Bounds>>;

/**
 * What is told of documents that people must read, kind by kind: a document, or a person, can bring up
 * hundreds in a day, and their deadlines are counted in days. What takes a message back is of its kind, so
 * that it does not come before it.
 */
const gatheredKinds: readonly (readonly TemplateCode[])[] = [
  ['acknowledgement_assigned', 'acknowledgement_withdrawn'],
  ['acknowledgement_reminder'],
  ['acknowledgement_overdue'],
  ['acknowledgement_alert'],
  ['acknowledgement_confirmed'],
  ['acknowledgement_declined', 'exemption_asked'],
  ['exemption_decided'],
];

/** With what a mail about a document goes together; undefined for any other. */
export const gatheredWith = (code: TemplateCode): readonly TemplateCode[] | undefined =>
  gatheredKinds.find((kind) => kind.includes(code));

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
