import { daysBetween, startOfDay, type CalendarDate } from './calendar.ts';
import type { Lifecycle } from './lifecycle.ts';
import { timersOfTerm, type TimerPlan } from './termTimers.ts';
import { multiplyByRatio, type Money } from './money.ts';
import { coolingOffEnd } from './refunds.ts';
import { endDate } from './terms.ts';

export interface QuotedPlan {
  readonly premium: Money;
  readonly coverageAmount: Money;
  readonly currency: string;
  readonly durationMonths: number;
}

/** `dailyPremium` is the premium by day, rounded; `coolingOffEndsOn` the first day after it. */
export interface Quote extends QuotedPlan {
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly termDays: number;
  readonly dailyPremium: Money;
  readonly coolingOffEndsOn: CalendarDate;
  readonly timers: readonly TimerPlan[];
}

/**
 * What buying the plan today would mean; `startDate` was checked by `startDateProblem`. The timers
 * are those a purchase at any time of today gets.
 */
export const quote = ({
  plan,
  startDate,
  today,
  timeZone,
  lifecycle,
}: {
  readonly plan: QuotedPlan;
  readonly startDate: CalendarDate;
  readonly today: CalendarDate;
  readonly timeZone: string;
  readonly lifecycle: Lifecycle;
}): Quote => {
  const { premium, coverageAmount, currency, durationMonths } = plan;
  const endsOn = endDate(startDate, durationMonths);
  const termDays = daysBetween(startDate, endsOn);
  return {
    premium,
    coverageAmount,
    currency,
    durationMonths,
    startDate,
    endDate: endsOn,
    termDays,
    dailyPremium: multiplyByRatio(premium, 1, termDays),
    coolingOffEndsOn: coolingOffEnd({
      purchasedOn: today,
      termStart: startDate,
      coolingOffDays: lifecycle.coolingOffDays.value,
    }),
    timers: timersOfTerm({
      termNo: 1,
      startDate,
      endDate: endsOn,
      purchasedAt: startOfDay(today, timeZone),
      timeZone,
      lifecycle,
    }),
  };
};
