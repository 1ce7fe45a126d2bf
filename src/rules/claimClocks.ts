import {
  addBusinessDays,
  addWorkingTime,
  workingTime,
  type BusinessCalendar,
} from './businessDays.ts';
import { daysBefore } from './calendar.ts';
import { claimStatuses, type ClaimStatus, type SlaStatus, type Standing } from './claims.ts';
import type { ClaimSettings } from './claimSettings.ts';

/** Deadlines of people: each is announced, and climbs the ladder once it has passed. */
const ladderClocks = [
  'triage',
  'first_review',
  'decision',
  'investigation',
  'documents_final',
  'approval',
  'payment',
] as const;

type LadderClock = (typeof ladderClocks)[number];

/** What is set, stopped and taken back together. */
type Family =
  Exclude<LadderClock, 'documents_final'> | 'documents' | 'acknowledgement' | 'auto_close';

export type ClaimTimerName =
  | LadderClock
  | `${LadderClock}_due_soon`
  | `${LadderClock}_manager`
  | `${LadderClock}_admin`
  | 'acknowledgement'
  | 'status_letter'
  | 'documents'
  | `documents_reminder_${number}`
  | 'auto_close';

/** One deadline; `dueAt` is epoch milliseconds, `occurrence` counts how often a clock was set. */
export interface ClaimTimer {
  readonly name: ClaimTimerName;
  readonly occurrence: number;
  readonly dueAt: number;
  readonly source: 'setting' | 'command';
}

type Due = Omit<ClaimTimer, 'occurrence' | 'source'>;

/** What a timer's name says. */
export type ClaimTimerKind =
  | { readonly step: 'due_soon' | 'breach' | 'manager' | 'admin'; readonly clock: LadderClock }
  | { readonly step: 'reminder' }
  | { readonly step: 'acknowledgement' | 'status_letter' | 'documents' | 'auto_close' };

export function kindOfClaimTimer(name: ClaimTimerName): ClaimTimerKind {
  if (
    name === 'acknowledgement' ||
    name === 'status_letter' ||
    name === 'documents' ||
    name === 'auto_close'
  ) {
    return { step: name };
  }
  for (const clock of ladderClocks) {
    if (name === clock) return { step: 'breach', clock };
    if (name === `${clock}_due_soon`) return { step: 'due_soon', clock };
    if (name === `${clock}_manager`) return { step: 'manager', clock };
    if (name === `${clock}_admin`) return { step: 'admin', clock };
  }
  return { step: 'reminder' };
}

export const isClaimTimer = (name: string): name is ClaimTimerName => claimTimerPattern.test(name);

const claimTimerPattern = new RegExp(
  `^((${ladderClocks.join('|')})(_due_soon|_manager|_admin)?|acknowledgement|status_letter|documents|documents_reminder_\\d+|auto_close)$`,
);

const familyOf = (name: ClaimTimerName): Family => {
  const kind = kindOfClaimTimer(name);
  switch (kind.step) {
    case 'acknowledgement':
    case 'auto_close':
      return kind.step;
    case 'status_letter':
      return 'investigation';
    case 'documents':
    case 'reminder':
      return 'documents';
    default:
      return kind.clock === 'documents_final' ? 'documents' : kind.clock;
  }
};

interface Clocks {
  readonly runs: readonly Family[];
  /** They stand still and keep what is left of them. */
  readonly waits: readonly Family[];
}

/** Which clocks belong to a status. */
function clocksOf(status: ClaimStatus): Clocks {
  switch (status) {
    case 'reported':
      return { runs: ['triage'], waits: [] };
    case 'assigned':
      return { runs: ['first_review'], waits: [] };
    case 'under_review':
      return { runs: ['decision'], waits: [] };
    case 'investigation':
      return { runs: ['decision', 'investigation'], waits: [] };
    case 'documents_requested':
      return { runs: ['documents'], waits: ['decision', 'investigation'] };
    case 'waiting_approval':
      return { runs: ['approval', 'decision'], waits: [] };
    case 'payment_processing':
      return { runs: ['payment'], waits: [] };
    case 'paid':
    case 'denied':
      return { runs: ['auto_close'], waits: [] };
    case 'approved':
    case 'closed':
      return { runs: [], waits: [] };
    default:
      return status satisfies never;
  }
}

const undecided: ReadonlySet<ClaimStatus> = new Set<ClaimStatus>([
  'reported',
  'assigned',
  'under_review',
  'investigation',
  'documents_requested',
  'waiting_approval',
]);

/** A timer as its row has it. */
export interface SetTimer extends Due {
  readonly occurrence: number;
  readonly status: 'scheduled' | 'paused';
  /** Epoch milliseconds; since when it stands still. */
  readonly pausedAt: number | null;
}

/** What a step does to the timers that are set, and which it sets anew. */
export interface ClockChange<T extends SetTimer = SetTimer> {
  readonly cancelled: readonly T[];
  readonly paused: readonly T[];
  /** With their new times. */
  readonly resumed: readonly { readonly timer: T; readonly dueAt: number }[];
  readonly added: readonly Due[];
}

export interface ClockFacts {
  readonly settings: ClaimSettings;
  readonly calendar: BusinessCalendar;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The clocks of a claim that was just reported. */
export const firstClaimClocks = (facts: ClockFacts): readonly Due[] => [
  ...clocksFor('triage', 'reported', facts),
  {
    name: 'acknowledgement',
    dueAt: addBusinessDays(facts.at, facts.settings.acknowledgementBd, facts.calendar),
  },
];

/**
 * What a change of status does to the clocks: those of the old status alone end, those that wait get
 * what was left of them back, new ones begin.
 */
export function clocksAfterMove<T extends SetTimer>(
  { from, to }: { readonly from: ClaimStatus; readonly to: ClaimStatus },
  set: readonly T[],
  facts: ClockFacts,
): ClockChange<T> {
  const [before, after] = [clocksOf(from), clocksOf(to)];
  const known = [...before.runs, ...before.waits];
  const becomes = ({ name }: T): 'runs' | 'waits' | 'ends' => {
    const family = familyOf(name);
    if (family === 'acknowledgement') return undecided.has(to) ? 'runs' : 'ends';
    if (after.runs.includes(family)) return 'runs';
    return after.waits.includes(family) ? 'waits' : 'ends';
  };
  return {
    cancelled: set.filter((timer) => becomes(timer) === 'ends'),
    paused: set.filter((timer) => becomes(timer) === 'waits' && timer.status === 'scheduled'),
    resumed: set
      .filter((timer) => becomes(timer) === 'runs' && timer.status === 'paused')
      .map((timer) => ({ timer, dueAt: resumedAt(timer, facts) })),
    added: after.runs
      .filter((family) => !known.includes(family))
      .flatMap((family) => clocksFor(family, to, facts)),
  };
}

/**
 * Somebody else has the claim: the status' own clock begins again. Of the claimant's none does, nor once
 * it is decided: the payment and the days of an appeal do not depend on who has it.
 */
export function clocksAfterReassignment<T extends SetTimer>(
  status: ClaimStatus,
  set: readonly T[],
  facts: ClockFacts,
): ClockChange<T> {
  const own = status === 'investigation' ? 'investigation' : clocksOf(status).runs[0];
  if (!own || own === 'documents' || !undecided.has(status)) return nothing();
  const isOwn = ({ name }: { readonly name: ClaimTimerName }): boolean =>
    familyOf(name) === own && name !== 'status_letter';
  return {
    ...nothing(),
    cancelled: set.filter(isOwn),
    added: clocksFor(own, status, facts).filter(isOwn),
  };
}

/** All clocks stand still. */
export const clocksOnHold = <T extends SetTimer>(set: readonly T[]): ClockChange<T> => ({
  ...nothing(),
  paused: set.filter(({ status }) => status === 'scheduled'),
});

/** All clocks go on but those that the status itself stops. */
export const clocksAfterRelease = <T extends SetTimer>(
  status: ClaimStatus,
  set: readonly T[],
  facts: ClockFacts,
): ClockChange<T> => ({
  ...nothing(),
  resumed: set
    .filter(
      (timer) =>
        timer.status === 'paused' && !clocksOf(status).waits.includes(familyOf(timer.name)),
    )
    .map((timer) => ({ timer, dueAt: resumedAt(timer, facts) })),
});

/** What follows when a timer has fired: the next rung of the ladder, or the next letter. */
export function clocksAfterFiring(name: ClaimTimerName, facts: ClockFacts): readonly Due[] {
  const { settings, calendar, at } = facts;
  const kind = kindOfClaimTimer(name);
  if (kind.step === 'status_letter') return [letter(facts)];
  if (kind.step !== 'breach') return [];
  return [
    { name: `${kind.clock}_manager`, dueAt: addBusinessDays(at, settings.managerBd, calendar) },
    { name: `${kind.clock}_admin`, dueAt: addBusinessDays(at, settings.adminBd, calendar) },
  ];
}

/**
 * How the claim keeps its deadlines.
 * @param latest of each name the one that was set last
 */
export function slaStatusOf(
  { status, previousStatus }: { readonly status: ClaimStatus } & Pick<Standing, 'previousStatus'>,
  latest: readonly { readonly name: ClaimTimerName; readonly hasFired: boolean }[],
): SlaStatus {
  const { runs, waits } = clocksOf(status);
  // What waits is what ran before: an investigation that was over by then is not late any more.
  const before = previousStatus === null ? waits : clocksOf(previousStatus).runs;
  const counted = [...runs, ...waits.filter((family) => before.includes(family))];
  const steps = latest
    .filter(({ name, hasFired }) => hasFired && counted.includes(familyOf(name)))
    .map(({ name }) => kindOfClaimTimer(name).step);
  if (steps.includes('breach')) return 'breached';
  return steps.includes('due_soon') ? 'due_soon' : 'on_track';
}

/** A timer with what tells whether other settings reach it. */
export interface MigratedTimer {
  /** Epoch milliseconds. */
  readonly setAt: number;
  /** Somebody gave it the time that it has. */
  readonly isMoved: boolean;
}

/** What other settings do to the timers that are set. */
export interface SettingsChange<T extends SetTimer = SetTimer> {
  readonly moved: readonly { readonly timer: T; readonly dueAt: number }[];
  readonly cancelled: readonly T[];
  readonly added: readonly Due[];
}

/**
 * The clocks of a running claim under other settings: each is due by as much later or earlier as it
 * would have been set, and at the earliest now. What somebody moved stays, with its announcement, and so
 * does what has fired. Reminders that the settings no longer have are taken back, new ones are added
 * where their day is ahead.
 */
export function clocksUnder<T extends SetTimer & MigratedTimer>(
  status: ClaimStatus,
  set: readonly T[],
  before: ClaimSettings,
  facts: ClockFacts,
): SettingsChange<T> {
  const { calendar, at, settings } = facts;
  // An announcement that was made again has another number than its deadline.
  const movedByHand = new Set<string>(set.filter(({ isMoved }) => isMoved).map(({ name }) => name));
  const stays = ({ name }: T): boolean => movedByHand.has(name.replace(/_due_soon$/, ''));
  const shiftOf = ({ name, setAt }: T): number | undefined => {
    const was = dueWhenSet(name, status, { settings: before, calendar, at: setAt });
    const would = dueWhenSet(name, status, { settings, calendar, at: setAt });
    return would === undefined ? undefined : would - (was ?? would);
  };
  const reached = set.filter((timer) => !stays(timer));
  return {
    moved: reached.flatMap((timer) => {
      const shift = shiftOf(timer);
      if (!shift) return [];
      return [{ timer, dueAt: Math.max(timer.pausedAt ?? at, timer.dueAt + shift) }];
    }),
    cancelled: reached.filter((timer) => shiftOf(timer) === undefined),
    added: newReminders(set, before, facts),
  };
}

/** Those of a request for documents that runs. */
function newReminders<T extends SetTimer & MigratedTimer>(
  set: readonly T[],
  before: ClaimSettings,
  { settings, calendar, at }: ClockFacts,
): readonly Due[] {
  const end = set.find(({ name, status }) => name === 'documents' && status === 'scheduled');
  if (!end) return [];
  const under = (held: ClaimSettings) =>
    documentClocks({ settings: held, calendar, at: end.setAt });
  // As long as it stood still meanwhile.
  const later = end.dueAt - (dueOf(end.name, under(before)) ?? end.dueAt);
  const known = under(before).map(({ name }) => name);
  return under(settings)
    .filter(({ name }) => kindOfClaimTimer(name).step === 'reminder' && !known.includes(name))
    .map(({ name, dueAt }) => ({ name, dueAt: dueAt + later }))
    .filter(({ dueAt }) => dueAt > at);
}

/** When a clock that is set at an instant is due; undefined for one that the settings do not have. */
function dueWhenSet(
  name: ClaimTimerName,
  status: ClaimStatus,
  facts: ClockFacts,
): number | undefined {
  const kind = kindOfClaimTimer(name);
  switch (kind.step) {
    case 'acknowledgement':
      return addBusinessDays(facts.at, facts.settings.acknowledgementBd, facts.calendar);
    case 'manager':
    case 'admin':
      return dueOf(name, clocksAfterFiring(kind.clock, facts));
    default:
      return dueOf(name, clocksFor(familyOf(name), status, facts));
  }
}

const dueOf = (name: ClaimTimerName, clocks: readonly Due[]): number | undefined =>
  clocks.find((clock) => clock.name === name)?.dueAt;

/** Whether a clock is one of those that run in a status. */
export const runsIn = (status: ClaimStatus, name: ClaimTimerName): boolean =>
  clocksOf(status).runs.includes(familyOf(name));

/** The last rung of each ladder, with every status in which it can still be climbed. */
export const lastRungs: readonly {
  readonly status: ClaimStatus;
  readonly clock: ClaimTimerName;
  readonly rung: ClaimTimerName;
}[] = claimStatuses.flatMap((status) =>
  ladderClocks
    .filter((clock) => runsIn(status, clock))
    .map((clock) => ({ status, clock, rung: `${clock}_admin` as const })),
);

/** Which of a claim's timers may be moved: the deadlines themselves. Their announcements follow. */
export const isMovableClaimTimer = (name: ClaimTimerName): boolean => {
  const { step } = kindOfClaimTimer(name);
  return (
    step === 'breach' || step === 'documents' || step === 'auto_close' || step === 'status_letter'
  );
};

/** Not further than so long from now. */
export const maxClaimTimerMoveMs = 120 * 86_400_000;

/** A deadline at its new time, with what goes with it. */
export interface MovedDeadline {
  /** In the order of time; what does not run is set anew. */
  readonly due: readonly Due[];
  readonly cancelled: readonly ClaimTimerName[];
}

/**
 * What moving a deadline does to the clocks. It is announced after its share of the time that is left, and
 * again for a later time where it was announced before.
 */
export function clocksAfterDeadlineMove(
  name: ClaimTimerName,
  change: { readonly from: number; readonly to: number },
  set: readonly Due[],
  facts: ClockFacts,
): MovedDeadline {
  if (name === 'documents') return movedDocuments(change, set, facts);
  const soon = announcementAfterMove(name, change, set, facts);
  return { due: [...(soon ? [soon] : []), { name, dueAt: change.to }], cancelled: [] };
}

/**
 * Reminders and the last day keep their distance from the day of the documents: those that are ahead by
 * then come, also again, and those whose day would be past do not.
 */
function movedDocuments(
  { from, to }: { readonly from: number; readonly to: number },
  set: readonly Due[],
  { settings, calendar, at }: ClockFacts,
): MovedDeadline {
  const { documentsDays } = settings;
  const reminders = reminderDays(settings)
    .map((days): Due => ({
      name: `documents_reminder_${days}`,
      dueAt: daysBefore(to, documentsDays - days, calendar.timeZone),
    }))
    .filter(({ dueAt }) => dueAt > at);
  const comes = ({ name }: Due): boolean => reminders.some((each) => each.name === name);
  return {
    due: [
      ...reminders,
      { name: 'documents', dueAt: to },
      ...set
        .filter(({ name }) => name === 'documents_final')
        .map(({ name, dueAt }) => ({ name, dueAt: Math.max(to, dueAt + to - from) })),
    ],
    cancelled: set
      .filter((timer) => kindOfClaimTimer(timer.name).step === 'reminder' && !comes(timer))
      .map(({ name }) => name),
  };
}

/** Undefined where nothing announces the deadline. */
function announcementAfterMove(
  name: ClaimTimerName,
  { from, to }: { readonly from: number; readonly to: number },
  set: readonly Due[],
  { settings, at }: ClockFacts,
): Due | undefined {
  const kind = kindOfClaimTimer(name);
  // The last call for documents has had its reminders.
  if (kind.step !== 'breach' || kind.clock === 'documents_final') return undefined;
  const announcement = `${kind.clock}_due_soon` as const;
  if (to <= from && !set.some((each) => each.name === announcement)) return undefined;
  const share = settings.dueSoonPercent / 100;
  return { name: announcement, dueAt: at + Math.max(0, Math.round((to - at) * share)) };
}

const nothing = <T extends SetTimer>(): ClockChange<T> => ({
  cancelled: [],
  paused: [],
  resumed: [],
  added: [],
});

function clocksFor(family: Family, status: ClaimStatus, facts: ClockFacts): readonly Due[] {
  const { settings, calendar, at } = facts;
  switch (family) {
    case 'triage':
      return announced(family, at + settings.triageHours * hourMs, facts);
    case 'first_review':
      return announced(family, addBusinessDays(at, settings.firstReviewBd, calendar), facts);
    case 'decision':
      return announced(family, addBusinessDays(at, settings.decisionBd, calendar), facts);
    case 'approval':
      return announced(family, addBusinessDays(at, settings.approvalBd, calendar), facts);
    case 'payment':
      return announced(family, inDays(settings.paymentDays, facts), facts);
    case 'investigation':
      return [
        ...announced(family, inDays(settings.investigationDays, facts), facts),
        letter(facts),
      ];
    case 'documents':
      return documentClocks(facts);
    case 'auto_close':
      return [{ name: family, dueAt: inDays(closeDays(status, settings), facts) }];
    case 'acknowledgement':
      return [];
    default:
      return family satisfies never;
  }
}

const closeDays = (status: ClaimStatus, settings: ClaimSettings): number =>
  status === 'paid' ? settings.paidCloseDays : settings.deniedCloseDays;

/** Of a request for documents: reminders, the last call, and the end. */
export function documentClocks(facts: ClockFacts): readonly Due[] {
  const { documentsDays, documentsFinalDays } = facts.settings;
  return [
    ...reminderDays(facts.settings).map((days): Due => ({
      name: `documents_reminder_${days}`,
      dueAt: inDays(days, facts),
    })),
    { name: 'documents', dueAt: inDays(documentsDays, facts) },
    { name: 'documents_final', dueAt: inDays(documentsDays + documentsFinalDays, facts) },
  ];
}

const reminderDays = ({ documentReminderDays, documentsDays }: ClaimSettings): readonly number[] =>
  documentReminderDays.filter((days) => days < documentsDays);

const letter = (facts: ClockFacts): Due => ({
  name: 'status_letter',
  dueAt: inDays(facts.settings.statusLetterDays, facts),
});

/** A deadline with its announcement; what is counted in business days is announced in them too. */
function announced(clock: LadderClock, dueAt: number, facts: ClockFacts): readonly Due[] {
  const { settings, calendar, at } = facts;
  const share = settings.dueSoonPercent / 100;
  const soon = isBusiness(clock)
    ? addWorkingTime(at, Math.round(workingTime(at, dueAt, calendar) * share), calendar)
    : at + Math.round((dueAt - at) * share);
  return [
    { name: `${clock}_due_soon`, dueAt: soon },
    { name: clock, dueAt },
  ];
}

/** What was left of it when it was stopped, from now on. */
function resumedAt({ name, dueAt, pausedAt }: SetTimer, { calendar, at }: ClockFacts): number {
  if (pausedAt === null) return dueAt;
  if (!isBusiness(name)) return at + Math.max(0, dueAt - pausedAt);
  return addWorkingTime(at, workingTime(pausedAt, dueAt, calendar), calendar);
}

const isBusiness = (name: ClaimTimerName): boolean =>
  /^(first_review|decision|approval|acknowledgement)|_(manager|admin)$/.test(name);

const inDays = (days: number, { at, calendar }: ClockFacts): number =>
  daysBefore(at, -days, calendar.timeZone);

const hourMs = 3_600_000;
