import { dateAt, type CalendarDate } from './calendar.ts';
import type { PolicyVersionStatus } from './policyApproval.ts';
import {
  approvalClocks,
  clocksAfterPolicyTimer,
  isReviewTimer,
  reviewClocks,
  reviewDateFor,
  type DuePolicyTimer,
  type PolicyClockFacts,
  type PolicyTimerName,
} from './policyClocks.ts';

/** `reviewDate` is the day that somebody chose; null where the settings say it. */
export interface PolicyForecast extends PolicyClockFacts {
  readonly reviewDate: CalendarDate | null;
}

/** A timer of a version as it would come about if nobody acted. */
export interface ForecastPolicyTimer extends DuePolicyTimer {
  /** What has to pass for this one to be set; null for what is set already. */
  readonly follows: PolicyTimerName | null;
}

/**
 * The timers by due time, with those that each brings about; of what comes again and again what lies before
 * `until`. What is past by now is due now.
 */
export function forecastPolicyClocks(
  set: readonly DuePolicyTimer[],
  facts: PolicyForecast,
  until: number,
): readonly ForecastPolicyTimer[] {
  const found = set.map((timer): ForecastPolicyTimer => ({
    ...timer,
    dueAt: Math.max(timer.dueAt, facts.at),
    follows: null,
  }));
  // It grows on the way: what follows is followed.
  for (const { name, dueAt } of found) {
    const then = { ...facts, at: dueAt };
    const next =
      name === 'publish'
        ? reviewClocks(reviewDateFor(facts.reviewDate, then), then)
        : clocksAfterPolicyTimer(name, then).filter((timer) => timer.dueAt <= until);
    found.push(...next.map((timer) => ({ ...timer, follows: name })));
  }
  return found.toSorted((a, b) => a.dueAt - b.dueAt);
}

/** What a version that goes to a status now has set there. */
export function policyClocksIn(
  status: PolicyVersionStatus,
  facts: PolicyForecast,
): readonly DuePolicyTimer[] {
  switch (status) {
    case 'pending_approval':
      return approvalClocks(facts);
    case 'published':
      return reviewClocks(reviewDateFor(facts.reviewDate, facts), facts);
    case 'draft':
    case 'approved':
    case 'superseded':
    case 'retired':
      return [];
    default:
      return status satisfies never;
  }
}

/** A clock that runs; `isMoved`: somebody chose its time. */
export interface RunningPolicyTimer extends DuePolicyTimer {
  readonly isMoved: boolean;
}

/** Epoch milliseconds; null for what has not been. */
export interface VersionSince {
  readonly submittedAt: number | null;
  readonly publishedAt: number | null;
}

/**
 * What runs as if it had been submitted, or published, under other settings: what somebody moved stays, the
 * reminders of a review follow its day, and what is past does not come again.
 */
export function policyClocksUnder(
  running: readonly RunningPolicyTimer[],
  { submittedAt, publishedAt }: VersionSince,
  facts: PolicyForecast,
): readonly DuePolicyTimer[] {
  const asked = submittedAt === null ? [] : approvalClocks({ ...facts, at: submittedAt });
  const review = running.find(({ name }) => name === 'review_due');
  if (!review || publishedAt === null) {
    return running.map(
      (timer) =>
        (timer.isMoved ? undefined : asked.find(({ name }) => name === timer.name)) ?? timer,
    );
  }
  const reviewDate = review.isMoved
    ? dateAt(review.dueAt, facts.calendar.timeZone)
    : reviewDateFor(facts.reviewDate, { ...facts, at: publishedAt });
  return [
    ...running.filter(({ name }) => !isReviewTimer(name)),
    ...reviewClocks(reviewDate, facts),
  ];
}
