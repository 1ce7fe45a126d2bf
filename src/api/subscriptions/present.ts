import type { InvoiceView } from '../../commands/premiumInvoices.ts';
import type { SubscriptionView } from '../../commands/subscriptionViews.ts';
import type { Cancellation } from '../../models/contract.ts';
import type { Endorsement } from '../../models/endorsement.ts';

export function presentSubscription({ subscription, policyNumber, workflow }: SubscriptionView) {
  const { priceSnapshot: price } = subscription;
  return {
    id: subscription.id,
    user_id: subscription.userId,
    insurance_plan_id: subscription.insurancePlanId,
    policy_id: subscription.policyId,
    policy_number: policyNumber,
    insured_property_id: subscription.insuredPropertyId ?? null,
    source: subscription.source,
    status: subscription.status,
    cancel_pending:
      (subscription.status === 'active' || subscription.status === 'grace') &&
      Boolean(subscription.cancelEffectiveDate),
    start_date: subscription.startDate,
    end_date: subscription.endDate,
    expires_at: subscription.expiresAt.toISOString(),
    term_no: subscription.termNo,
    price_snapshot: {
      plan_name: price.planName,
      plan_version: price.planVersion,
      premium: price.premium,
      coverage_amount: price.coverageAmount,
      currency: price.currency,
      duration_months: price.durationMonths,
    },
    auto_renew: subscription.autoRenew,
    cancel_reason: subscription.cancelReason ?? null,
    cancel_effective_date: subscription.cancelEffectiveDate ?? null,
    refund_amount: subscription.refundAmount ?? null,
    workflow: { id: workflow.id, state: workflow.state },
    version: subscription.version,
    state_version: subscription.stateVersion,
    created_at: subscription.createdAt.toISOString(),
    updated_at: subscription.updatedAt.toISOString(),
  };
}

export const presentCancellation = (cancellation: Cancellation) => ({
  effective_date: cancellation.effectiveDate,
  is_immediate: cancellation.isImmediate,
  refund_amount: cancellation.refund,
  would_refund: cancellation.wouldRefund,
  cooling_off_ends_on: cancellation.coolingOffEndsOn,
  terms: cancellation.terms.map((term) => ({
    term_no: term.termNo,
    amount: term.amount,
    rule: term.rule,
    unused_days: term.unusedDays,
    term_days: term.termDays,
  })),
});

export const presentEndorsement = (endorsement: Endorsement) => ({
  effective_on: endorsement.effectiveOn,
  premium: endorsement.premium,
  coverage_amount: endorsement.coverageAmount,
  currency: endorsement.currency,
  remaining_days: endorsement.remainingDays,
  term_days: endorsement.termDays,
  delta: endorsement.delta,
});

export const presentInvoice = (invoice: InvoiceView) => ({
  id: invoice.id,
  subscription_id: invoice.subscriptionId,
  term_no: invoice.termNo,
  reason: invoice.reason,
  amount: invoice.amount,
  currency: invoice.currency,
  period_start: invoice.periodStart,
  period_end: invoice.periodEnd,
  due_date: invoice.dueDate,
  status: invoice.status,
  paid_at: invoice.paidAt?.toISOString() ?? null,
  payment_id: invoice.paymentId ?? null,
  created_at: invoice.createdAt.toISOString(),
  updated_at: invoice.updatedAt.toISOString(),
});
