import type { PlanView } from '../../commands/plans.ts';
import type { LifecycleConfig } from '../../rules/lifecycle.ts';
import type { Quote } from '../../rules/quotes.ts';

export const presentPlan = (plan: PlanView) => ({
  id: plan.id,
  name: plan.name,
  property_category_id: plan.propertyCategoryId,
  property_category_name: plan.categoryName,
  coverage_level: plan.coverageLevel,
  coverage_amount: plan.coverageAmount,
  premium: plan.premium,
  currency: plan.currency,
  duration_months: plan.durationMonths,
  description: plan.description,
  is_active: plan.isActive,
  lifecycle_config: presentLifecycle(plan.lifecycleConfig),
  created_at: plan.createdAt.toISOString(),
  updated_at: plan.updatedAt.toISOString(),
  archived_at: plan.archivedAt?.toISOString() ?? null,
  version: plan.version,
});

export const presentQuote = (quote: Quote & { readonly planId: string }) => ({
  plan_id: quote.planId,
  premium: quote.premium,
  daily_premium: quote.dailyPremium,
  coverage_amount: quote.coverageAmount,
  currency: quote.currency,
  duration_months: quote.durationMonths,
  start_date: quote.startDate,
  end_date: quote.endDate,
  term_days: quote.termDays,
  cooling_off_ends_on: quote.coolingOffEndsOn,
  timers: quote.timers.map(({ name, dueAt, source }) => ({
    name,
    due_at: new Date(dueAt).toISOString(),
    source,
  })),
});

/** What the plan sets; the rest is the company's. */
const presentLifecycle = (config: LifecycleConfig) => ({
  renewal_offer_days: config.renewalOfferDays,
  renewal_reminder_days: config.renewalReminderDays && [...config.renewalReminderDays],
  renewal_call_days: config.renewalCallDays,
  late_renewal_days: config.lateRenewalDays,
  cooling_off_days: config.coolingOffDays,
  short_rate: config.shortRate,
  payment_window_hours: config.paymentWindowHours,
  grace_days: config.graceDays,
  grace_reminder_days: config.graceReminderDays && [...config.graceReminderDays],
  reinstatement_days: config.reinstatementDays,
});
