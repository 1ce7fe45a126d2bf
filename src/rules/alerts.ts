import type { Role } from './permissions.ts';

/**
 * What somebody has to hear of. `activity_failing`: a step is tried again and again, or was given up.
 * `workflow_task_failing`: a run's own code fails. `timers_overdue`: a timer is due and does not fire.
 * `outbox_late`: a run is owed its start and does not get it. `outbox_parked`: a start was given up.
 * `no_worker`: nobody asks a task queue for work. `drift`: a row and its run differ, or counts and what
 * they count.
 */
export const alertKinds = [
  'activity_failing',
  'workflow_task_failing',
  'timers_overdue',
  'outbox_late',
  'outbox_parked',
  'no_worker',
  'drift',
] as const;

export type AlertKind = (typeof alertKinds)[number];

export const alertStatuses = ['open', 'acknowledged', 'resolved'] as const;

export type AlertStatus = (typeof alertStatuses)[number];

/** How people are told, and by `webhook` the company's own programs. */
export const alertChannels = ['email', 'in_app', 'webhook'] as const;

export type AlertChannel = (typeof alertChannels)[number];

/** Who can be told: those who may look into it. */
export const alertRoles = [
  'operator',
  'tenant_admin',
  'global_admin',
] as const satisfies readonly Role[];

export type AlertRole = (typeof alertRoles)[number];

/** When an alert of a kind is raised, and who hears of it. */
export interface AlertSettings {
  readonly isEnabled: boolean;
  /** More failures of one step than these; null where the kind does not count. */
  readonly attempts: number | null;
  /** Longer than this; null where the kind does not measure. */
  readonly minutes: number | null;
  readonly channels: readonly AlertChannel[];
  readonly roles: readonly AlertRole[];
}

/** A step that has failed less often is not worth a note. */
export const leastAttempts = 2;

const told = {
  isEnabled: true,
  channels: ['email', 'in_app'],
  roles: ['operator', 'global_admin'],
} as const;

/** What holds without a rule of one's own. */
export const usualAlerts: Readonly<Record<AlertKind, AlertSettings>> = {
  activity_failing: { ...told, attempts: 10, minutes: 30 },
  workflow_task_failing: { ...told, attempts: null, minutes: null },
  timers_overdue: { ...told, attempts: null, minutes: 10 },
  outbox_late: { ...told, attempts: null, minutes: 1 },
  outbox_parked: { ...told, attempts: null, minutes: null },
  no_worker: { ...told, attempts: null, minutes: 3 },
  drift: { ...told, attempts: null, minutes: null },
};

export type Threshold = 'attempts' | 'minutes';

/** Whether rules of the kind have it. */
export const hasThreshold = (kind: AlertKind, threshold: Threshold): boolean =>
  usualAlerts[kind][threshold] !== null;

/** Queues belong to the platform, not to a company. */
export const kindsOf = (isPlatform: boolean): readonly AlertKind[] =>
  isPlatform ? alertKinds : alertKinds.filter((kind) => kind !== 'no_worker');

/** Whether a step that is still tried has failed more often, or longer, than the rule bears. */
export const isFailing = (
  { attempts, minutes }: Pick<AlertSettings, Threshold>,
  { failures, since }: { readonly failures: number; readonly since: Date },
  at: Date,
): boolean =>
  (attempts !== null && failures > attempts) ||
  (minutes !== null && failures > 0 && isLongAgo(since, minutes, at));

/** Whether that was more than so many minutes ago. */
export const isLongAgo = (since: Date, minutes: number, at: Date): boolean =>
  at.getTime() - since.getTime() > minutes * 60_000;

/** What a message says, in a sentence's end. */
export const alertWords: Readonly<Record<AlertKind, string>> = {
  activity_failing: 'a step fails again and again, or was given up',
  workflow_task_failing: "a run's own code fails",
  timers_overdue: 'a timer is due and does not fire',
  outbox_late: 'a run that was promised is not started',
  outbox_parked: 'the start of a run was given up',
  no_worker: 'no worker asks for work',
  drift: 'a row and its run differ, or counts and what they count',
};

/**
 * From this attempt of a workflow task on it is the run's own code that fails: the task before was tried
 * again. A worker that was killed makes for one more attempt, not for two.
 */
export const codeFailsFrom = 3;
