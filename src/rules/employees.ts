import { compareDates, type CalendarDate } from './calendar.ts';
import type { Problem } from './problem.ts';

/** Whoever has left is `inactive`; they may come back. */
export const employeeStatuses = ['active', 'inactive'] as const;

export type EmployeeStatus = (typeof employeeStatuses)[number];

/** So many may stand above somebody; a chain of managers that is longer is taken for a circle. */
export const mostLevels = 100;

export interface Employment {
  readonly joinDate: CalendarDate;
  /** The last time that they came back; null for whoever never did. */
  readonly returnDate: CalendarDate | null;
  /** Null while they are there. */
  readonly leaveDate: CalendarDate | null;
}

/** Why nobody can have joined on that day; undefined where they can. */
export function joinProblem({ joinDate, returnDate, leaveDate }: Employment): Problem | undefined {
  const earliest = returnDate ?? leaveDate;
  if (earliest === null || compareDates(joinDate, earliest) <= 0) return undefined;
  return {
    code: 'OUT_OF_RANGE',
    message: `must not be after ${earliest}, when they ${returnDate === null ? 'left' : 'returned'}`,
  };
}

/** Why somebody who is there cannot have left on the day; undefined where they can. */
export const leaveProblem = (
  { joinDate, returnDate }: Employment,
  date: CalendarDate,
  today: CalendarDate,
): Problem | undefined => outside(date, returnDate ?? joinDate, today);

/** Why somebody who has left cannot have come back on the day; undefined where they can. */
export const returnProblem = (
  { leaveDate, joinDate }: Employment,
  date: CalendarDate,
  today: CalendarDate,
): Problem | undefined => outside(date, leaveDate ?? joinDate, today);

function outside(date: CalendarDate, from: CalendarDate, to: CalendarDate): Problem | undefined {
  if (compareDates(date, from) >= 0 && compareDates(date, to) <= 0) return undefined;
  return { code: 'OUT_OF_RANGE', message: `must be from ${from} to ${to}` };
}

/** Whether an import takes all lines of a file or none, or those that are good. */
export const importModes = ['all_or_nothing', 'good_rows'] as const;

export type ImportMode = (typeof importModes)[number];

export const importLimits = {
  lines: 50_000,
  /** Problems that a report tells one by one; it counts the others. */
  problems: 1000,
} as const;

/** What the first line of a file names, in any order; the first two it must. */
export const importColumns = [
  'email',
  'name',
  'role',
  'department',
  'manager_email',
  'join_date',
] as const;

export type ImportColumn = (typeof importColumns)[number];

export const demandedColumns = ['email', 'name'] as const satisfies readonly ImportColumn[];

/** What is wrong with a line that is read well and does not fit to the others. */
export const lineProblems = {
  DUPLICATE_LINE: {
    column: 'email',
    message: 'An earlier line has this address already',
  },
  OTHER_CUSTOMER: {
    column: 'email',
    message: 'The employee of this address belongs to another customer',
  },
  OUT_OF_RANGE: {
    column: 'join_date',
    message: 'The employee of this address had left, or come back, before that day',
  },
  MANAGER_NOT_FOUND: {
    column: 'manager_email',
    message: 'Nobody in the company or in a good line of the file has this address',
  },
  MANAGER_CYCLE: {
    column: 'manager_email',
    message:
      'Whoever follows the managers upwards comes back here, or to a line that is not imported, ' +
      `or passes more than ${mostLevels} people`,
  },
} as const satisfies Readonly<Record<string, { column: ImportColumn; message: string }>>;

export type LineProblem = keyof typeof lineProblems;
