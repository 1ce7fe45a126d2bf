import { graceTimers, reinstatementTimer } from './billing.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { TimerName, TimerPlan } from './termTimers.ts';

/** A timer of a subscription as it would come about if nobody acted. */
export interface ForecastTermTimer extends TimerPlan {
  /** What has to be missed for this one to be set; null for what is set already. */
  readonly follows: TimerName | null;
}

interface TermForecast {
  readonly lifecycle: Lifecycle;
  readonly timeZone: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly expiresAt: number;
}

/**
 * The timers by due time, with those that a premium brings about which is never paid: the grace with
 * its reminders, and after its end the time for a reinstatement. What is past by now is due now.
 */
export function forecastTermTimers(
  set: readonly TimerPlan[],
  { lifecycle, timeZone, at, expiresAt }: TermForecast,
): readonly ForecastTermTimer[] {
  const ahead = set.map((timer): ForecastTermTimer => ({
    ...timer,
    dueAt: Math.max(timer.dueAt, at),
    follows: null,
  }));
  const grace = ahead
    .filter(({ name }) => name === 'invoice_due')
    .flatMap(({ dueAt, occurrence }) =>
      graceTimers({ at: dueAt, occurrence, timeZone, lifecycle }).map(following('invoice_due')),
    );
  const reinstatement = [...ahead, ...grace]
    .filter(({ name }) => name === 'grace_end')
    .map(({ dueAt, occurrence }) =>
      following('grace_end')(
        reinstatementTimer({ at: dueAt, occurrence, timeZone, lifecycle, expiresAt }),
      ),
    );
  return [...ahead, ...grace, ...reinstatement].toSorted((a, b) => a.dueAt - b.dueAt);
}

const following =
  (follows: TimerName) =>
  (timer: TimerPlan): ForecastTermTimer => ({ ...timer, follows });
