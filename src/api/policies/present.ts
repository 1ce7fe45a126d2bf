import type { Policy } from '../../models/Policy.ts';
import { policyTypes } from './schema.ts';

export const presentPolicy = (policy: Policy) => ({
  id: policy.id,
  policy_number: policy.policyNumber,
  policy_type: policyTypes.find((type) => type === policy.policyType) ?? 'other',
  status: policy.status,
  user_id: policy.userId,
  policyholder_name: policy.policyholderName,
  policyholder_email: policy.policyholderEmail,
  coverage_amount: policy.coverageAmount,
  premium: policy.premium,
  currency: policy.currency,
  start_date: policy.startDate,
  end_date: policy.endDate,
  insured_property_id: policy.insuredPropertyId ?? null,
  version: policy.version,
  created_at: policy.createdAt.toISOString(),
  updated_at: policy.updatedAt.toISOString(),
});
