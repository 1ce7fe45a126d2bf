import {
  clocksAfterFiring,
  type ClaimTimerName,
  type ClockChange,
  type ClockFacts,
  type SettingsChange,
  type SetTimer,
} from './claimClocks.ts';

/** A timer of a claim as it would come about if nobody acted; `dueAt` is epoch milliseconds. */
export interface ForecastClaimTimer {
  readonly name: ClaimTimerName;
  readonly dueAt: number;
  /** What has to be missed, or sent, for this one to be set; null for what is set already. */
  readonly follows: ClaimTimerName | null;
}

/** Letters go on for ever; a forecast does not. */
const mostTimers = 200;

/**
 * All that the clocks do until an instant while nobody acts, by due time: each fires, and sets what
 * follows it. It ends where the claim closes by itself. What is past by now is due now.
 */
export function forecastClaimClocks(
  set: readonly { readonly name: ClaimTimerName; readonly dueAt: number }[],
  facts: ClockFacts,
  until: number,
): readonly ForecastClaimTimer[] {
  const ahead = set.map(({ name, dueAt }): ForecastClaimTimer => ({
    name,
    dueAt: Math.max(dueAt, facts.at),
    follows: null,
  }));
  const forecast: ForecastClaimTimer[] = [];
  while (forecast.length < mostTimers) {
    const next = earliest(ahead);
    if (!next || next.dueAt > until) break;
    ahead.splice(ahead.indexOf(next), 1);
    forecast.push(next);
    if (next.name === 'auto_close') break;
    const follows = next.name;
    const added = clocksAfterFiring(follows, { ...facts, at: next.dueAt });
    ahead.push(...added.map(({ name, dueAt }) => ({ name, dueAt, follows })));
  }
  return forecast;
}

const earliest = (timers: readonly ForecastClaimTimer[]): ForecastClaimTimer | undefined =>
  timers.reduce<ForecastClaimTimer | undefined>(
    (first, timer) => (first && first.dueAt <= timer.dueAt ? first : timer),
    undefined,
  );

/** The timers as a step leaves them; `at` is epoch milliseconds. */
export const timersAfterStep = <T extends SetTimer>(
  set: readonly T[],
  { cancelled, paused, resumed, added }: ClockChange<T>,
  at: number,
): readonly SetTimer[] => [
  ...set
    .filter((timer) => !cancelled.includes(timer))
    .map((timer): SetTimer => {
      const again = resumed.find((each) => each.timer === timer);
      if (again) return { ...timer, dueAt: again.dueAt, status: 'scheduled', pausedAt: null };
      return paused.includes(timer) ? { ...timer, status: 'paused', pausedAt: at } : timer;
    }),
  ...added.map(newTimer),
];

/** The timers as other settings leave them: what stands still goes on standing. */
export const timersAfterSettings = <T extends SetTimer>(
  set: readonly T[],
  { moved, cancelled, added }: SettingsChange<T>,
): readonly SetTimer[] => [
  ...set
    .filter((timer) => !cancelled.includes(timer))
    .map((timer): SetTimer => {
      const dueAt = moved.find((each) => each.timer === timer)?.dueAt ?? timer.dueAt;
      return { ...timer, dueAt };
    }),
  ...added.map(newTimer),
];

const newTimer = ({ name, dueAt }: Pick<SetTimer, 'name' | 'dueAt'>): SetTimer => ({
  name,
  dueAt,
  occurrence: 0,
  status: 'scheduled',
  pausedAt: null,
});
