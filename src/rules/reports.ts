import { addDays, addMonths, type CalendarDate } from './calendar.ts';
import type { businessTypes } from './companies.ts';
import type { Problem } from './problem.ts';

/** What a report can be about, as far as its data are here. */
export const reportTypes = [
  'claims_overview',
  'adjuster_performance',
  'sla_breaches',
  'renewal_pipeline',
  'policy_type_analysis',
  'financial_summary',
  'compliance_status',
  'acknowledgement_overdue',
  'booking_revenue',
] as const;

export type ReportType = (typeof reportTypes)[number];

/** How its file is written unless a download asks for another way. */
export const reportFormats = ['json', 'csv'] as const;

export type ReportFormat = (typeof reportFormats)[number];

export const reportStatuses = ['pending', 'running', 'ready', 'failed'] as const;

export type ReportStatus = (typeof reportStatuses)[number];

export type ReportEvent = (typeof transitions)[number]['event'];

/** Each generation goes from `pending` to `ready` or `failed`; another one begins after that. */
const transitions = [
  { from: 'pending', event: 'begin', to: 'running' },
  { from: 'running', event: 'complete', to: 'ready' },
  { from: 'pending', event: 'fail', to: 'failed' },
  { from: 'running', event: 'fail', to: 'failed' },
  { from: 'ready', event: 'generate', to: 'pending' },
  { from: 'failed', event: 'generate', to: 'pending' },
] as const satisfies readonly { from: ReportStatus; event: string; to: ReportStatus }[];

/** The status after the event; undefined when the event is illegal in this status. */
export const nextReportStatus = (
  status: ReportStatus,
  event: ReportEvent,
): ReportStatus | undefined =>
  transitions.find((row) => row.from === status && row.event === event)?.to;

/** What a person may ask for in this status; a 409 names it. */
export const allowedReportEvents = (status: ReportStatus): readonly ReportEvent[] =>
  nextReportStatus(status, 'generate') ? ['generate'] : [];

/** What the data are narrowed to. Days are the company's; `to` is the first one left out. */
export interface ReportFilters {
  readonly from?: CalendarDate | undefined;
  readonly to?: CalendarDate | undefined;
  readonly policyType?: (typeof businessTypes)[number] | undefined;
}

/** A stretch of days; null has no end on that side. */
export interface ReportPeriod {
  readonly from: CalendarDate | null;
  readonly to: CalendarDate | null;
}

const mostYears = 20;

/** What is wrong with the days asked for; undefined when they may be stored. */
export function periodProblem({ from, to }: ReportFilters): Problem | undefined {
  if (from === undefined || to === undefined) return undefined;
  if (to <= from) return { code: 'OUT_OF_RANGE', message: 'must be after from' };
  if (to > addMonths(from, 12 * mostYears)) {
    return { code: 'OUT_OF_RANGE', message: `must be at most ${mostYears} years after from` };
  }
  return undefined;
}

/** Reports that are about people or stays, and not about policies of some type. */
const withoutPolicies: ReadonlySet<ReportType> = new Set<ReportType>([
  'compliance_status',
  'acknowledgement_overdue',
  'booking_revenue',
]);

/** What is wrong with a type of policy asked for; undefined when the report can follow it. */
export const policyTypeProblem = (
  type: ReportType,
  { policyType }: ReportFilters,
): Problem | undefined =>
  policyType !== undefined && withoutPolicies.has(type)
    ? { code: 'INVALID_VALUE', message: `is not for ${type}` }
    : undefined;

/** The days a generation is about. What is left out moves along with the day it is made on. */
export function periodOf(
  type: ReportType,
  filters: ReportFilters,
  today: CalendarDate,
): ReportPeriod {
  const { from = null, to = null } = filters;
  switch (type) {
    case 'renewal_pipeline': {
      const begin = from ?? (to === null || to > today ? today : addMonths(to, -12));
      return { from: begin, to: to ?? addMonths(begin, 12) };
    }
    case 'claims_overview':
    case 'adjuster_performance':
    case 'financial_summary':
    case 'booking_revenue': {
      const end = to ?? (from === null || from <= today ? addDays(today, 1) : addMonths(from, 12));
      const month = `${end.slice(0, 7)}-01`;
      return { from: from ?? addMonths(month, end === month ? -12 : -11), to: end };
    }
    case 'sla_breaches':
    case 'policy_type_analysis':
    case 'compliance_status':
    case 'acknowledgement_overdue':
      return { from, to };
    default:
      return type satisfies never;
  }
}

export const weekdays = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

/** When a report is generated anew by itself; the hour is one of the company's day. */
export type ReportSchedule =
  | { readonly frequency: 'daily'; readonly hour: number }
  | {
      readonly frequency: 'weekly';
      readonly hour: number;
      readonly dayOfWeek: (typeof weekdays)[number];
    }
  | { readonly frequency: 'monthly'; readonly hour: number; readonly dayOfMonth: number };

export interface WishedSchedule {
  readonly frequency: ReportSchedule['frequency'];
  readonly hour: number;
  readonly dayOfWeek?: (typeof weekdays)[number] | undefined;
  readonly dayOfMonth?: number | undefined;
}

/** A day that its frequency does not have, by field; undefined when the wish makes sense. */
export function scheduleProblem({
  frequency,
  dayOfWeek,
  dayOfMonth,
}: WishedSchedule): (Problem & { readonly field: string }) | undefined {
  if (dayOfWeek !== undefined && frequency !== 'weekly') {
    return { field: 'day_of_week', code: 'INVALID_VALUE', message: 'is for weekly schedules' };
  }
  if (dayOfMonth !== undefined && frequency !== 'monthly') {
    return { field: 'day_of_month', code: 'INVALID_VALUE', message: 'is for monthly schedules' };
  }
  return undefined;
}

/** With the usual day where none is wished: Monday, or the first of the month. */
export function scheduleOf({
  frequency,
  hour,
  dayOfWeek = 'monday',
  dayOfMonth = 1,
}: WishedSchedule): ReportSchedule {
  switch (frequency) {
    case 'daily':
      return { frequency, hour };
    case 'weekly':
      return { frequency, hour, dayOfWeek };
    case 'monthly':
      return { frequency, hour, dayOfMonth };
    default:
      return frequency satisfies never;
  }
}

/** `weekly on monday at 07:00, Europe/Berlin`: different for different schedules. */
export function scheduleInWords(schedule: ReportSchedule, timeZone: string): string {
  const at = `at ${String(schedule.hour).padStart(2, '0')}:00, ${timeZone}`;
  switch (schedule.frequency) {
    case 'daily':
      return `daily ${at}`;
    case 'weekly':
      return `weekly on ${schedule.dayOfWeek} ${at}`;
    case 'monthly':
      return `monthly on day ${schedule.dayOfMonth} ${at}`;
    default:
      return schedule satisfies never;
  }
}
