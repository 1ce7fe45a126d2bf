import type { CarriedPolicy, RenewedPolicy } from '../../commands/policyChanges.ts';
import type { PolicyVersion, PolicyView } from '../../commands/policies.ts';
import type { ProposedPremium } from '../../commands/premiums.ts';
import { businessTypes, type BusinessType } from '../../rules/companies.ts';

export const presentPolicy = ({
  policy,
  isValid,
  coverageUsed,
  coverageRemaining,
  premiumPaidTo,
  subscriptionId,
}: PolicyView) => ({
  id: policy.id,
  policy_number: policy.policyNumber,
  policy_type: typeOf(policy),
  product_type: typeOf(policy),
  status: policy.status,
  is_active: !policy.archivedAt,
  is_valid: isValid,
  user_id: policy.userId,
  policyholder_name: policy.policyholderName,
  policyholder_email: policy.policyholderEmail,
  policyholder_phone: policy.policyholderPhone ?? null,
  coverage_amount: policy.coverageAmount,
  coverage_used: coverageUsed,
  coverage_remaining: coverageRemaining,
  premium: policy.premium,
  premium_paid_to: premiumPaidTo,
  currency: policy.currency,
  start_date: policy.startDate,
  end_date: policy.endDate,
  insured_property_id: policy.insuredPropertyId ?? null,
  metadata: policy.metadata,
  subscription_id: subscriptionId,
  version: policy.version,
  created_at: policy.createdAt.toISOString(),
  updated_at: policy.updatedAt.toISOString(),
});

const typeOf = ({ policyType }: PolicyView['policy']): BusinessType =>
  businessTypes.find((type) => type === policyType) ?? 'other';

export const presentIssued = ({ workflow, ...view }: CarriedPolicy) => ({
  ...presentPolicy(view),
  workflow: { id: workflow.id, state: workflow.state },
});

export const presentRenewed = ({ term, ...policy }: RenewedPolicy) => ({
  ...presentIssued(policy),
  term: {
    term_no: term.termNo,
    start_date: term.startDate,
    end_date: term.endDate,
    premium: term.premium,
    coverage_amount: term.coverageAmount,
    gap_days: term.gapDays,
  },
});

export const presentVersion = (made: PolicyVersion) => ({
  number: made.number,
  start_date: made.startDate,
  end_date: made.endDate,
  premium: made.premium,
  coverage_amount: made.coverageAmount,
  origin: made.origin,
  gap_days: made.gapDays,
  made_at: made.madeAt.toISOString(),
  made_by: made.madeBy,
});

export const presentPremium = (proposed: ProposedPremium) => ({
  premium: proposed.premium,
  yearly_premium: proposed.yearlyPremium,
  term_days: proposed.termDays,
  factors: proposed.factors.map(({ name, percent }) => ({ name, percent })),
  is_least: proposed.isLeast,
  currency: proposed.currency,
  pricing: {
    asked: proposed.pricing.asked,
    used: proposed.pricing.used,
    note: proposed.pricing.note,
  },
});
