import { authRoutes } from './auth/routes.ts';
import { policyRoutes } from './policies/routes.ts';
import type { Route } from './route.ts';
import { subscriptionRoutes } from './subscriptions/routes.ts';
import { workflowRoutes } from './workflows/routes.ts';

/** What the resource folders need, together. */
export type ResourceDependencies = Parameters<typeof authRoutes>[0] &
  Parameters<typeof policyRoutes>[0] &
  Parameters<typeof subscriptionRoutes>[0] &
  Parameters<typeof workflowRoutes>[0];

/** Every resource, in the order in which the documentation shows them. */
export const resourceRoutes = (dependencies: ResourceDependencies): Route[] => [
  ...authRoutes(dependencies),
  ...subscriptionRoutes(dependencies),
  ...policyRoutes(dependencies),
  ...workflowRoutes(dependencies),
];
