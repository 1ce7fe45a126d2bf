import { acknowledgementRoutes } from './acknowledgements/routes.ts';
import { apiKeyRoutes } from './api-keys/routes.ts';
import { auditLogRoutes } from './audit-logs/routes.ts';
import { authRoutes } from './auth/routes.ts';
import { bookingRoutes } from './bookings/routes.ts';
import { campaignRoutes } from './campaigns/routes.ts';
import { categoryRoutes } from './categories/routes.ts';
import { claimRoutes } from './claims/routes.ts';
import { claimLocationRoutes } from './claim-locations/routes.ts';
import { companyAdministrationRoutes } from './companies/administration.ts';
import { domainRoutes } from './companies/domains.ts';
import { companyRoutes } from './companies/routes.ts';
import { compliancePolicyRoutes } from './compliance-policies/routes.ts';
import { complianceRoutes } from './compliances/routes.ts';
import { complianceProgressRoutes } from './compliance-progress/routes.ts';
import { customerComplianceRoutes } from './customer-compliance/routes.ts';
import { customerRoutes } from './customers/routes.ts';
import { devRoutes } from './dev/routes.ts';
import { documentRoutes } from './documents/routes.ts';
import { employeeRoutes } from './employees/routes.ts';
import { evidencePackRoutes } from './evidence-packs/routes.ts';
import { flagRoutes } from './feature-flags/routes.ts';
import { fraudFlagRoutes } from './fraud-flags/routes.ts';
import { invitationRoutes } from './invitations/routes.ts';
import { noteRoutes } from './notes/routes.ts';
import { notificationPreferenceRoutes } from './notification-preferences/routes.ts';
import { notificationTemplateRoutes } from './notification-templates/routes.ts';
import { notificationRoutes } from './notifications/routes.ts';
import { paymentRoutes } from './payments/routes.ts';
import { planRoutes } from './plans/routes.ts';
import { policyConfigurationRoutes } from './policy-configurations/routes.ts';
import { policyRoutes } from './policies/routes.ts';
import { privacyRoutes } from './privacy/routes.ts';
import { propertyRoutes } from './properties/routes.ts';
import { recoveryRoutes } from './recoveries/routes.ts';
import { registrationRoutes } from './registrations/routes.ts';
import { reportRoutes } from './reports/routes.ts';
import { reserveRoutes } from './reserves/routes.ts';
import { reviewRoutes } from './reviews/routes.ts';
import type { Route } from './route.ts';
import { subscriptionRoutes } from './subscriptions/routes.ts';
import { templateRoutes } from './templates/routes.ts';
import { userRoutes } from './users/routes.ts';
import { webhookEndpointRoutes } from './webhook-endpoints/routes.ts';
import { wellKnownRoutes } from './well-known/routes.ts';
import { alertRoutes } from './workflow-alerts/routes.ts';
import { workflowRoutes } from './workflows/routes.ts';

/** What the resource folders need, together. */
export type ResourceDependencies = Parameters<typeof authRoutes>[0] &
  Parameters<typeof categoryRoutes>[0] &
  Parameters<typeof planRoutes>[0] &
  Parameters<typeof subscriptionRoutes>[0] &
  Parameters<typeof policyRoutes>[0] &
  Parameters<typeof claimRoutes>[0] &
  Parameters<typeof reportRoutes>[0] &
  Parameters<typeof documentRoutes>[0] &
  Parameters<typeof paymentRoutes>[0] &
  Parameters<typeof propertyRoutes>[0] &
  Parameters<typeof bookingRoutes>[0] &
  Parameters<typeof reviewRoutes>[0] &
  Parameters<typeof noteRoutes>[0] &
  Parameters<typeof reserveRoutes>[0] &
  Parameters<typeof recoveryRoutes>[0] &
  Parameters<typeof fraudFlagRoutes>[0] &
  Parameters<typeof claimLocationRoutes>[0] &
  Parameters<typeof customerRoutes>[0] &
  Parameters<typeof employeeRoutes>[0] &
  Parameters<typeof complianceRoutes>[0] &
  Parameters<typeof acknowledgementRoutes>[0] &
  Parameters<typeof campaignRoutes>[0] &
  Parameters<typeof complianceProgressRoutes>[0] &
  Parameters<typeof evidencePackRoutes>[0] &
  Parameters<typeof customerComplianceRoutes>[0] &
  Parameters<typeof templateRoutes>[0] &
  Parameters<typeof compliancePolicyRoutes>[0] &
  Parameters<typeof policyConfigurationRoutes>[0] &
  Parameters<typeof notificationRoutes>[0] &
  Parameters<typeof notificationPreferenceRoutes>[0] &
  Parameters<typeof notificationTemplateRoutes>[0] &
  Parameters<typeof webhookEndpointRoutes>[0] &
  Parameters<typeof workflowRoutes>[0] &
  Parameters<typeof alertRoutes>[0] &
  Parameters<typeof registrationRoutes>[0] &
  Parameters<typeof companyRoutes>[0] &
  Parameters<typeof userRoutes>[0] &
  Parameters<typeof privacyRoutes>[0] &
  Parameters<typeof domainRoutes>[0] &
  Parameters<typeof companyAdministrationRoutes>[0] &
  Parameters<typeof flagRoutes>[0] &
  Parameters<typeof invitationRoutes>[0] &
  Parameters<typeof auditLogRoutes>[0] &
  Parameters<typeof wellKnownRoutes>[0] &
  Parameters<typeof apiKeyRoutes>[0] &
  Parameters<typeof devRoutes>[0];

/** Every resource, in the order in which the documentation shows them. */
export const resourceRoutes = (dependencies: ResourceDependencies): Route[] => [
  ...authRoutes(dependencies),
  ...categoryRoutes(dependencies),
  ...planRoutes(dependencies),
  ...subscriptionRoutes(dependencies),
  ...policyRoutes(dependencies),
  ...claimRoutes(dependencies),
  ...reportRoutes(dependencies),
  ...documentRoutes(dependencies),
  ...paymentRoutes(dependencies),
  ...propertyRoutes(dependencies),
  ...bookingRoutes(dependencies),
  ...reviewRoutes(dependencies),
  ...noteRoutes(dependencies),
  ...reserveRoutes(dependencies),
  ...recoveryRoutes(dependencies),
  ...fraudFlagRoutes(dependencies),
  ...claimLocationRoutes(dependencies),
  ...customerRoutes(dependencies),
  ...employeeRoutes(dependencies),
  ...complianceRoutes(dependencies),
  ...customerComplianceRoutes(dependencies),
  ...acknowledgementRoutes(dependencies),
  ...campaignRoutes(dependencies),
  ...complianceProgressRoutes(dependencies),
  ...evidencePackRoutes(dependencies),
  ...templateRoutes(dependencies),
  ...compliancePolicyRoutes(dependencies),
  ...policyConfigurationRoutes(dependencies),
  ...notificationRoutes(dependencies),
  ...notificationPreferenceRoutes(dependencies),
  ...notificationTemplateRoutes(dependencies),
  ...webhookEndpointRoutes(dependencies),
  ...workflowRoutes(dependencies),
  ...alertRoutes(dependencies),
  ...registrationRoutes(dependencies),
  ...companyRoutes(dependencies),
  ...userRoutes(dependencies),
  ...privacyRoutes(dependencies),
  ...domainRoutes(dependencies),
  ...companyAdministrationRoutes(dependencies),
  ...flagRoutes(dependencies),
  ...invitationRoutes(dependencies),
  ...auditLogRoutes(dependencies),
  ...wellKnownRoutes(dependencies),
  ...apiKeyRoutes(dependencies),
  ...devRoutes(dependencies),
];
