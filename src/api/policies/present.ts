import type { PolicyView } from '../../commands/policies.ts';
import { businessTypes } from '../../rules/companies.ts';

export const presentPolicy = ({
  policy,
  isValid,
  coverageUsed,
  coverageRemaining,
}: PolicyView) => ({
  id: policy.id,
  policy_number: policy.policyNumber,
  policy_type: businessTypes.find((type) => type === policy.policyType) ?? 'other',
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
  currency: policy.currency,
  start_date: policy.startDate,
  end_date: policy.endDate,
  insured_property_id: policy.insuredPropertyId ?? null,
  metadata: policy.metadata,
  version: policy.version,
  created_at: policy.createdAt.toISOString(),
  updated_at: policy.updatedAt.toISOString(),
});
