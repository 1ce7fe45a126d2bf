import type { Actor } from '../context.ts';
import { Invalid, invalidField } from '../errors.ts';
import { contractOf, type Contract } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { getRow } from '../models/rows.ts';
import { isTermTimer, Timer } from '../models/Timer.ts';
import { compareDates, startOfDay, type CalendarDate } from '../rules/calendar.ts';
import { resolveLifecycle, type Lifecycle } from '../rules/lifecycle.ts';
import { isLive } from '../rules/subscriptions.ts';
import { forecastTermTimers } from '../rules/termForecast.ts';
import { isBillingTimer, timersOfTerm, type TimerPlan } from '../rules/termTimers.ts';
import { workflowIdOf } from '../rules/workflowIds.ts';
import { isLifecycleConfig, lifecycleFieldProblems } from './plans.ts';
import { consequenceOf, isNotice, titleOf } from './subscriptionWords.ts';
import { dueOf, missingFrom, type Preview } from './workflowPreviews.ts';
import { workflowClosed } from './workflows.ts';

export interface SubscriptionWhatIf {
  readonly id: string;
  readonly startDate?: CalendarDate | undefined;
  /** The first day without cover. */
  readonly endDate?: CalendarDate | undefined;
  /** A `LifecycleConfig`, as if the term had been sold with it. */
  readonly settings?: object | undefined;
}

/** @throws NotFound; Conflict WORKFLOW_CLOSED; Invalid */
export const previewSubscription = (
  actor: Actor,
  { id, ...wish }: SubscriptionWhatIf,
): Promise<Preview> =>
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
  });

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
