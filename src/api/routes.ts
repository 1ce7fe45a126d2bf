import { apiKeyRoutes } from './api-keys/routes.ts';
import { auditLogRoutes } from './audit-logs/routes.ts';
import { authRoutes } from './auth/routes.ts';
import { categoryRoutes } from './categories/routes.ts';
import { companyAdministrationRoutes } from './companies/administration.ts';
import { domainRoutes } from './companies/domains.ts';
import { companyRoutes } from './companies/routes.ts';
import { devRoutes } from './dev/routes.ts';
import { flagRoutes } from './feature-flags/routes.ts';
import { invitationRoutes } from './invitations/routes.ts';
import { notificationRoutes } from './notifications/routes.ts';
import { planRoutes } from './plans/routes.ts';
import { policyRoutes } from './policies/routes.ts';
import { privacyRoutes } from './privacy/routes.ts';
import { registrationRoutes } from './registrations/routes.ts';
import type { Route } from './route.ts';
import { subscriptionRoutes } from './subscriptions/routes.ts';
import { userRoutes } from './users/routes.ts';
import { wellKnownRoutes } from './well-known/routes.ts';
import { workflowRoutes } from './workflows/routes.ts';

/** What the resource folders need, together. */
export type ResourceDependencies = Parameters<typeof authRoutes>[0] &
  Parameters<typeof categoryRoutes>[0] &
  Parameters<typeof planRoutes>[0] &
  Parameters<typeof subscriptionRoutes>[0] &
  Parameters<typeof policyRoutes>[0] &
  Parameters<typeof notificationRoutes>[0] &
  Parameters<typeof workflowRoutes>[0] &
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
  ...notificationRoutes(dependencies),
  ...workflowRoutes(dependencies),
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
