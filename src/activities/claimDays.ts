import {
  missedDecision,
  setClaimTimers,
  tellClaimant,
  type ClaimFile,
} from '../models/claimFile.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import type { Step } from '../models/moveRow.ts';
import { Notification } from '../models/Notification.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { ClaimTimerName } from '../rules/claimClocks.ts';
import { dayOf } from './claimMoves.ts';

/**
 * Carries a step out and tells the claimant of the days that it changes. A later decision has its reason in
 * a letter, whether or not its day was told; of the other days those are told again that were told before.
 */
export async function tellingOfDays(
  file: ClaimFile,
  step: Step,
  wish: ClaimWish,
  act: () => Promise<void>,
): Promise<void> {
  const reason = whyLater(wish);
  if (reason === undefined) return act();
  const before = await daysOf(file, ['scheduled', 'paused']);
  await act();
  const changed = changesBetween(before, await daysOf(file, ['scheduled'], step.at));
  const decision = changed.get('decision');
  if (decision?.isLater) {
    tellClaimant(file, 'claim_decision_extended', step.commandId, { reason, dueDate: decision.to });
    changed.delete('decision');
  }
  const facts = await toldAgain(file, before, changed);
  if (Object.keys(facts).length > 0) {
    tellClaimant(file, 'claim_days_moved', step.commandId, facts);
  }
}

/** Of a decision, in words for the claimant; undefined for a step whose own letter has the days, or that moves none. */
function whyLater(wish: ClaimWish): string | undefined {
  switch (wish.event) {
    case 'move_timer':
      return wish.reason ?? '';
    case 'reassign':
      return 'Somebody else looks at it now';
    case 'release':
      return 'Our work on it had to rest for a while';
    case 'apply_settings':
      return 'Our deadlines have changed';
    default:
      return undefined;
  }
}

type Days = ReadonlyMap<ClaimTimerName, CalendarDate>;

/** What a changed day is now. */
interface ChangedDay {
  readonly to: CalendarDate;
  readonly isLater: boolean;
}

/** @param after what is due by then comes at once, and speaks for itself */
async function daysOf(
  file: ClaimFile,
  statuses: readonly string[],
  after = new Date(0),
): Promise<Days> {
  const timers = (await setClaimTimers(file.claim.id)).filter(
    ({ status, dueAt }) => statuses.includes(status) && dueAt > after.getTime(),
  );
  const days = new Map(timers.map(({ name, dueAt }) => [name, dayOf(file, new Date(dueAt))]));
  const missed = days.has('decision') ? undefined : await missedDecision(file.claim, 'decision');
  return missed ? days.set('decision', dayOf(file, missed.dueAt)) : days;
}

const changesBetween = (before: Days, after: Days): Map<ClaimTimerName, ChangedDay> =>
  new Map(
    [...after].flatMap(([name, to]) => {
      const from = before.get(name);
      if (from === undefined || from === to) return [];
      return [[name, { to, isLater: to > from }] as const];
    }),
  );

/** The days that a letter has named, by what the claimant is told of them now. */
async function toldAgain(
  { claim }: ClaimFile,
  before: Days,
  changed: ReadonlyMap<ClaimTimerName, ChangedDay>,
): Promise<Readonly<Record<string, string>>> {
  if (changed.size === 0) return {};
  const letters = await Notification.findAll({
    where: {
      entityId: claim.id,
      templateCode: ['claim_decision_extended', 'claim_status_letter'],
    },
    attributes: ['templateCode'],
  });
  const wrote = (code: string): boolean => letters.some((each) => each.templateCode === code);
  const told = [
    { fact: 'assignedBy', name: 'triage', isTold: true },
    { fact: 'dueDate', name: 'documents', isTold: true },
    // The last call has it, once the first day has passed.
    { fact: 'finalDate', name: 'documents_final', isTold: !before.has('documents') },
    { fact: 'decisionBy', name: 'decision', isTold: wrote('claim_decision_extended') },
    { fact: 'nextLetterDate', name: 'status_letter', isTold: wrote('claim_status_letter') },
    { fact: 'appealUntil', name: 'auto_close', isTold: claim.status === 'denied' },
  ] as const;
  return Object.fromEntries(
    told.flatMap(({ fact, name, isTold }) => {
      const day = changed.get(name);
      return day && isTold ? [[fact, day.to]] : [];
    }),
  );
}
