import type { RegistrationView } from '../../commands/registrationViews.ts';

/** To reviewers; the password's hash and the link's stay inside. */
export const presentRegistration = ({ registration, workflow }: RegistrationView) => ({
  id: registration.id,
  company_name: registration.companyName,
  business_type: registration.businessType,
  company_phone: registration.companyPhone,
  contact_email: registration.contactEmail,
  company_address: registration.companyAddress,
  company_linkedin: registration.companyLinkedin,
  requested_domain: registration.requestedDomain,
  admin_email: registration.adminEmail,
  admin_username: registration.adminUsername,
  admin_phone: registration.adminPhone,
  default_currency: registration.defaultCurrency,
  subscription_plan: registration.subscriptionPlan,
  isolation: registration.isolation,
  status: registration.status,
  reason: registration.reason,
  note: registration.note,
  reviewed_by: registration.reviewedBy,
  reviewed_at: registration.reviewedAt?.toISOString() ?? null,
  expires_at: registration.expiresAt.toISOString(),
  email_verified_at: registration.emailVerifiedAt?.toISOString() ?? null,
  company_id: registration.status === 'active' ? registration.newCompanyId : null,
  activated_at: registration.activatedAt?.toISOString() ?? null,
  last_error: registration.lastError,
  workflow: { id: workflow.id, state: workflow.state },
  version: registration.version,
  state_version: registration.stateVersion,
  created_at: registration.createdAt.toISOString(),
  updated_at: registration.updatedAt.toISOString(),
});

/** To whoever registers, and to operators: without the people of it. */
export const presentSubmitted = ({ registration, workflow }: RegistrationView) => ({
  id: registration.id,
  company_name: registration.companyName,
  requested_domain: registration.requestedDomain,
  status: registration.status,
  expires_at: registration.expiresAt.toISOString(),
  workflow: { id: workflow.id, state: workflow.state },
});
