import type { Actor } from '../context.ts';
import { Conflict, Invalid, invalidField, NotFound, type FieldProblem } from '../errors.ts';
import { Calendar } from '../models/Calendar.ts';
import { asSetClaimTimers, type SetClaimTimer } from '../models/claimFile.ts';
import { contractOf, type Contract } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow } from '../models/rows.ts';
import { isTermTimer, Timer, type TimerName } from '../models/Timer.ts';
import type { LifecycleStatus } from '../models/workflowRows.ts';
import { boundsProblem, type Bounds } from '../rules/bounds.ts';
import { compareDates, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import {
  clocksAfterMove,
  clocksUnder,
  dueSoonAfterMove,
  isMovableClaimTimer,
  kindOfClaimTimer,
  type ClaimTimerName,
  type ClockFacts,
  type SetTimer,
} from '../rules/claimClocks.ts';
import {
  forecastClaimClocks,
  timersAfterSettings,
  timersAfterStep,
} from '../rules/claimForecast.ts';
import type { ClaimStatus } from '../rules/claims.ts';
import { claimBounds, type ClaimSettings } from '../rules/claimSettings.ts';
import { resolveLifecycle, type Lifecycle } from '../rules/lifecycle.ts';
import { isLive } from '../rules/subscriptions.ts';
import { forecastTermTimers } from '../rules/termForecast.ts';
import { isBillingTimer, timersOfTerm, type TimerPlan } from '../rules/termTimers.ts';
import { wireName } from '../rules/wireNames.ts';
import { workflowIdOf } from '../rules/workflowIds.ts';
import { watchedClaim } from './claimTimelines.ts';
import { claimTimerConsequence, claimTimerTitle } from './claimWords.ts';
import { isLifecycleConfig, lifecycleFieldProblems } from './plans.ts';
import { consequenceOf, isNotice, titleOf } from './subscriptionWords.ts';
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

export interface SubscriptionWhatIf {
  readonly id: string;
  readonly startDate?: CalendarDate | undefined;
  /** The first day without cover. */
  readonly endDate?: CalendarDate | undefined;
  /** A `LifecycleConfig`, as if the term had been sold with it. */
  readonly settings?: object | undefined;
}

export interface PreviewedTimer {
  readonly name: TimerName;
  readonly title: string;
  readonly kind: 'notice' | 'deadline' | 'escalation';
  readonly dueAt: Date;
  /** When the running one is due; null for one that does not run yet. */
  readonly runsUntil: Date | null;
  readonly consequence: string;
  /** The timer that has to pass first, with nobody acting; null for what is set from the beginning. */
  readonly follows: TimerName | null;
}

/** What would happen from now on while nobody acts. */
export interface Preview {
  readonly workflowId: string;
  readonly status: LifecycleStatus;
  readonly timers: readonly PreviewedTimer[];
  /** They stand still. */
  readonly paused: readonly TimerName[];
  /** Running now, and not any more. */
  readonly cancelled: readonly TimerName[];
}

/** What is further ahead is not shown. */
const claimHorizonMs = 366 * 86_400_000;

/** What-if by the rules that the workflows themselves go by. Nothing is stored. */
export const createWorkflowPreviews = () => ({
  /** @throws NotFound; Conflict WORKFLOW_CLOSED; Invalid */
  claim: (actor: Actor, { id, ...wish }: ClaimWhatIf): Promise<Preview> =>
    withTenant(actor.companyId, async () => {
      const claim = await watchedClaim(actor, id);
      if (claim.workflowClosedAt) throw workflowClosed('claim', id);
      const settings = claimSettingsUnder(claim.config, wish.settings ?? {});
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
    }),

  /** @throws NotFound; Conflict WORKFLOW_CLOSED; Invalid */
  subscription: (actor: Actor, { id, ...wish }: SubscriptionWhatIf): Promise<Preview> =>
    withTenant(actor.companyId, async () => {
      const subscription = await getRow(PolicySubscription, id);
      if (subscription.workflowClosedAt) throw workflowClosed('subscription', id);
      const contract = await contractOf(subscription);
      const running = (await Timer.scheduledFor(id)).flatMap(asPlan);
      const at = Date.now();
      const term = termUnder(contract, wish);
      const set = Object.values(wish).some((change) => change !== undefined)
        ? await timersUnder(contract, { term, running, at })
        : running;
      const { timeZone } = contract.company;
      const forecast = forecastTermTimers(set, {
        ...term,
        timeZone,
        at,
        expiresAt: startOfDay(term.endDate, timeZone),
      });
      return {
        workflowId: workflowIdOf('subscription', actor.companyId, id),
        status: subscription.status,
        timers: forecast.map(({ name, dueAt, follows }) => ({
          name,
          title: titleOf(name),
          kind: isNotice(name) ? 'notice' : 'deadline',
          dueAt: new Date(dueAt),
          runsUntil: follows === null ? dueOf(running, name) : null,
          consequence: consequenceOf(name, subscription),
          follows,
        })),
        paused: [],
        cancelled: missingFrom(set, running),
      };
    }),
});

export type WorkflowPreviews = ReturnType<typeof createWorkflowPreviews>;

interface WishedTerm {
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly lifecycle: Lifecycle;
}

function termUnder(
  { subscription, terms, lifecycle }: Contract,
  { startDate, endDate, settings = {} }: Omit<SubscriptionWhatIf, 'id'>,
): WishedTerm {
  const first = terms.find(({ termNo }) => termNo === subscription.termNo);
  const term = {
    startDate: startDate ?? first?.startDate ?? subscription.startDate,
    endDate: endDate ?? subscription.endDate,
  };
  if (compareDates(term.startDate, term.endDate) >= 0) {
    throw invalidField('end_date', 'A term ends after it has begun', 'DATE_BEFORE_START');
  }
  return { ...term, lifecycle: { ...lifecycle, ...wishedLifecycle(settings) } };
}

/** The wished numbers alone. @throws Invalid */
function wishedLifecycle(settings: object): Partial<Lifecycle> {
  if (!isLifecycleConfig(settings)) {
    throw new Invalid(lifecycleFieldProblems(settings));
  }
  const resolved = resolveLifecycle(settings, {});
  return Object.fromEntries(
    Object.entries(resolved).filter(([key]) => Object.hasOwn(settings, key)),
  );
}

/** The term's own timers are set as a sale sets them; what was sent or asked for stays so. */
async function timersUnder(
  { subscription, terms, company }: Contract,
  {
    term,
    running,
    at,
  }: { readonly term: WishedTerm; readonly running: readonly TimerPlan[]; readonly at: number },
): Promise<readonly TimerPlan[]> {
  const { termNo, status } = subscription;
  const fired = await Timer.findAll({
    where: { entityId: subscription.id, occurrence: termNo, status: 'fired' },
  });
  const sold = terms.find((each) => each.termNo === termNo) ?? subscription;
  const isKept = ({ name }: TimerPlan): boolean => isBillingTimer(name) || name === 'cancellation';
  const runs = ({ name }: TimerPlan): boolean => running.some((timer) => timer.name === name);
  const set = timersOfTerm({
    ...term,
    termNo,
    purchasedAt: sold.createdAt.getTime(),
    timeZone: company.timeZone,
  })
    .filter(({ name }) => !fired.some((timer) => timer.name === name))
    .filter((timer) => (timer.dueAt > at && isLive(status)) || runs(timer));
  return [...running.filter(isKept), ...set];
}

const asPlan = ({ name, occurrence, dueAt, source }: Timer): TimerPlan[] =>
  isTermTimer(name) ? [{ name, occurrence, dueAt: dueAt.getTime(), source }] : [];

/** @throws Invalid */
function claimSettingsUnder(config: ClaimSettings, wished: object): ClaimSettings {
  if (!isClockSettings(wished)) throw new Invalid(clockProblems(wished));
  return { ...config, ...wished };
}

const isClockSettings = (wished: object): wished is Partial<ClaimSettings> =>
  clockProblems(wished).length === 0;

const clockProblems = (wished: object): readonly FieldProblem[] => {
  const bounds = new Map<string, Bounds>(Object.entries(claimBounds));
  return Object.entries(wished).flatMap(([name, value]: [string, unknown]) => {
    const field = `claim_settings.${wireName(name)}`;
    const known = bounds.get(name);
    if (!known) return [{ field, message: 'There is no such setting', code: 'UNKNOWN_FIELD' }];
    const problem = boundsProblem(known, value);
    return problem ? [{ field, ...problem }] : [];
  });
};

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
  const wished = new Map<ClaimTimerName, number>();
  for (const { name, dueAt } of deadlines) {
    const timer = set.find((each) => each.name === name && each.status === 'scheduled');
    if (!timer) throw new NotFound(`There would be no running timer ${name}`);
    if (!isMovableClaimTimer(timer.name)) {
      throw new Conflict('TIMER_NOT_MOVABLE', `The timer ${name} follows another one`);
    }
    if (dueAt.getTime() < facts.at) {
      throw invalidField('deadlines', 'A deadline is moved to a time ahead', 'DEADLINE_PAST');
    }
    wished.set(timer.name, dueAt.getTime());
    const kind = kindOfClaimTimer(timer.name);
    if (kind.step !== 'breach') continue;
    wished.set(`${kind.clock}_due_soon`, dueSoonAfterMove(dueAt.getTime(), facts));
  }
  return set.map((timer) => ({ ...timer, dueAt: wished.get(timer.name) ?? timer.dueAt }));
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

type Named = Pick<TimerPlan | SetTimer, 'name'>;

const dueOf = (
  running: readonly (Named & { readonly dueAt: number })[],
  name: TimerName,
): Date | null => {
  const due = running.find((timer) => timer.name === name)?.dueAt;
  return due === undefined ? null : new Date(due);
};

const missingFrom = (set: readonly Named[], running: readonly Named[]): TimerName[] =>
  running.map(({ name }) => name).filter((name) => !set.some((timer) => timer.name === name));
