import type { Actor } from '../context.ts';
import { Conflict, invalidField, NotFound } from '../errors.ts';
import { Calendar } from '../models/Calendar.ts';
import { asSetClaimTimers, type SetClaimTimer } from '../models/claimFile.ts';
import { withTenant } from '../models/database.ts';
import { Timer } from '../models/Timer.ts';
import {
  clocksAfterMove,
  clocksUnder,
  clocksAfterDeadlineMove,
  isMovableClaimTimer,
  kindOfClaimTimer,
  type ClaimTimerName,
  type ClockFacts,
  type MovedDeadline,
  type SetTimer,
} from '../rules/claimClocks.ts';
import {
  forecastClaimClocks,
  timersAfterSettings,
  timersAfterStep,
} from '../rules/claimForecast.ts';
import type { ClaimStatus } from '../rules/claims.ts';
import { claimBounds, type ClaimSettings } from '../rules/claimSettings.ts';
import { workflowIdOf } from '../rules/workflowIds.ts';
import { watchedClaim } from './claimTimelines.ts';
import { claimTimerConsequence, claimTimerTitle } from './claimWords.ts';
import {
  dueOf,
  missingFrom,
  settingsUnder,
  type Preview,
  type PreviewedTimer,
} from './workflowPreviews.ts';
import { workflowClosed } from './workflows.ts';

export interface ClaimWhatIf {
  readonly id: string;
  /** It goes there now. */
  readonly status?: ClaimStatus | undefined;
  /** Some of `ClaimSettings`, as if they were applied to it. */
  readonly settings?: object | undefined;
  /** Deadlines that somebody moves. */
  readonly deadlines?: readonly { readonly name: string; readonly dueAt: Date }[] | undefined;
}

/** What is further ahead is not shown. */
const claimHorizonMs = 366 * 86_400_000;

/** @throws NotFound; Conflict WORKFLOW_CLOSED; Invalid */
export const previewClaim = (actor: Actor, { id, ...wish }: ClaimWhatIf): Promise<Preview> =>
  withTenant(actor.companyId, async () => {
    const claim = await watchedClaim(actor, id);
    if (claim.workflowClosedAt) throw workflowClosed('claim', id);
    const settings = settingsUnder(
      claim.config,
      wish.settings ?? {},
      claimBounds,
      'claim_settings',
    );
    const calendar = await Calendar.ofCompany();
    const facts: ClockFacts = { settings, calendar, at: Date.now() };
    const running = asSetClaimTimers(await Timer.setFor(id));
    const status = wish.status ?? claim.status;
    const kept = wish.settings ? afterSettings(running, claim, facts) : running;
    const step = { from: claim.status, to: status };
    const arrived =
      step.from === step.to
        ? kept
        : timersAfterStep(kept, clocksAfterMove(step, kept, facts), facts.at);
    const set = moved(arrived, wish.deadlines ?? [], facts);
    const scheduled = set.filter((timer) => timer.status === 'scheduled');
    const forecast = forecastClaimClocks(scheduled, facts, facts.at + claimHorizonMs);
    return {
      workflowId: workflowIdOf('claim', actor.companyId, id),
      status,
      timers: forecast.map(({ name, dueAt, follows }) => ({
        name,
        title: claimTimerTitle(name),
        kind: claimTimerKind(name),
        dueAt: new Date(dueAt),
        runsUntil: follows === null ? dueOf(running, name) : null,
        consequence: claimTimerConsequence(name),
        follows,
      })),
      paused: set.filter((timer) => timer.status === 'paused').map(({ name }) => name),
      cancelled: missingFrom(set, running),
    };
  });

/** As applying changed settings to running claims would leave it. */
function afterSettings(
  running: readonly SetClaimTimer[],
  { status, config }: { readonly status: ClaimStatus; readonly config: ClaimSettings },
  facts: ClockFacts,
): readonly SetTimer[] {
  const set = running.map((timer) => ({
    ...timer,
    setAt: timer.row.createdAt.getTime(),
    isMoved: timer.row.source === 'command',
  }));
  return timersAfterSettings(set, clocksUnder(status, set, config, facts));
}

/** @throws NotFound, Conflict TIMER_NOT_MOVABLE, Invalid */
function moved(
  set: readonly SetTimer[],
  deadlines: NonNullable<ClaimWhatIf['deadlines']>,
  facts: ClockFacts,
): readonly SetTimer[] {
  return deadlines.reduce((timers, { name, dueAt }) => {
    const timer = timers.find((each) => each.name === name && each.status === 'scheduled');
    if (!timer) throw new NotFound(`There would be no running timer ${name}`);
    if (!isMovableClaimTimer(timer.name)) {
      throw new Conflict('TIMER_NOT_MOVABLE', `The timer ${name} follows another one`);
    }
    if (dueAt.getTime() < facts.at) {
      throw invalidField('deadlines', 'A deadline is moved to a time ahead', 'DEADLINE_PAST');
    }
    const change = { from: timer.dueAt, to: dueAt.getTime() };
    return afterDeadlineMove(timers, clocksAfterDeadlineMove(timer.name, change, timers, facts));
  }, set);
}

function afterDeadlineMove(
  timers: readonly SetTimer[],
  { due, cancelled }: MovedDeadline,
): readonly SetTimer[] {
  return timersAfterSettings(timers, {
    moved: due.flatMap(({ name, dueAt }) =>
      timers.filter((timer) => timer.name === name).map((timer) => ({ timer, dueAt })),
    ),
    cancelled: timers.filter(({ name }) => cancelled.includes(name)),
    added: due.filter(({ name }) => timers.every((timer) => timer.name !== name)),
  });
}

function claimTimerKind(name: ClaimTimerName): PreviewedTimer['kind'] {
  const { step } = kindOfClaimTimer(name);
  switch (step) {
    case 'due_soon':
    case 'reminder':
    case 'status_letter':
      return 'notice';
    case 'manager':
    case 'admin':
      return 'escalation';
    case 'breach':
    case 'acknowledgement':
    case 'documents':
    case 'auto_close':
      return 'deadline';
    default:
      return step satisfies never;
  }
}
