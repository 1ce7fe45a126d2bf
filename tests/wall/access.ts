import { roleCodes, type Role } from '../../src/rules/permissions.ts';

const everyone = roleCodes;
const readers: readonly Role[] = ['tenant_admin', 'claims_manager', 'call_center', 'auditor'];
const policyReaders: readonly Role[] = [...readers, 'senior_adjuster', 'adjuster'];

/**
 * Who gets past the route's permission, written down apart from the code: `open` routes do not even
 * look at a token, `public` ones take a good one or none. A route that is missing here fails.
 */
export const access: Readonly<Record<string, 'open' | 'public' | readonly Role[]>> = {
  'GET /': 'open',
  'GET /version': 'open',
  'GET /status': 'open',
  'GET /health/live': 'open',
  'GET /health/ready': 'open',
  'GET /metrics': 'open',
  'GET /api/openapi.json': 'open',
  'GET /api/docs': 'open',
  'GET /api/docs/': 'open',
  'GET /api/docs/start.js': 'open',
  'GET /api/docs/swagger-ui.css': 'open',
  'GET /api/docs/swagger-ui-bundle.js': 'open',
  'GET /api/docs/swagger-ui-standalone-preset.js': 'open',
  'GET /api/docs/favicon-16x16.png': 'open',
  'GET /api/docs/favicon-32x32.png': 'open',
  'GET /dev/mail': 'open',
  'GET /dev/mails': 'open',
  'GET /set-password': 'open',
  'POST /auth/register': 'public',
  'POST /auth/login': 'open',
  'POST /auth/refresh': 'open',
  'POST /auth/password-reset/confirm': 'open',
  'POST /auth/logout': everyone,
  'GET /auth/me': everyone,
  'GET /auth/logins': everyone,
  'GET /categories': 'public',
  'POST /categories': ['tenant_admin'],
  'GET /categories/:id': 'public',
  'PUT /categories/:id': ['tenant_admin'],
  'PATCH /categories/:id': ['tenant_admin'],
  'DELETE /categories/:id': ['tenant_admin'],
  'POST /categories/:id/restore': ['tenant_admin'],
  'GET /categories/:id/history': ['global_admin', 'tenant_admin', 'auditor'],
  'GET /plans': 'public',
  'POST /plans': ['tenant_admin'],
  'GET /plans/:id': 'public',
  'PUT /plans/:id': ['tenant_admin'],
  'PATCH /plans/:id': ['tenant_admin'],
  'DELETE /plans/:id': ['tenant_admin'],
  'POST /plans/:id/restore': ['tenant_admin'],
  'POST /plans/:id/quote': 'public',
  'GET /plans/:id/history': ['global_admin', 'tenant_admin', 'auditor'],
  'POST /subscriptions': everyone,
  'GET /subscriptions': everyone,
  'GET /subscriptions/:id': everyone,
  'PATCH /subscriptions/:id/cancel': everyone,
  'POST /subscriptions/:id/cancel/preview': everyone,
  'POST /subscriptions/:id/renew': everyone,
  'PATCH /subscriptions/:id/auto-renew': everyone,
  'GET /subscriptions/:id/timeline': everyone,
  'GET /subscriptions/:id/history': everyone,
  'GET /policies': everyone,
  'GET /policies/:id': everyone,
  'GET /policies/search': everyone,
  'GET /policies/:id/timeline': everyone,
  'GET /policies/:id/history': everyone,
  'GET /notifications': everyone,
  'PATCH /notifications/:id/read': everyone,
  'POST /notifications/read-all': everyone,
  'GET /workflows/subscription/:id/timeline': ['global_admin', 'tenant_admin', 'operator'],
  'GET /workflows/subscription/:id/explain': ['global_admin', 'tenant_admin', 'operator'],
  'PATCH /workflows/subscription/:id/timers/:name': ['tenant_admin', 'operator'],
  'GET /audit-logs': ['global_admin', 'tenant_admin', 'auditor'],
};

/** Who, not being the owner, reaches somebody's object in their company, and who is told 403. */
export const ownership: Readonly<
  Record<string, { readonly reach: readonly Role[]; readonly told?: readonly Role[] }>
> = {
  'GET /subscriptions/:id': { reach: readers },
  'PATCH /subscriptions/:id/cancel': {
    reach: ['tenant_admin'],
    told: ['claims_manager', 'call_center', 'auditor'],
  },
  'POST /subscriptions/:id/cancel/preview': { reach: readers },
  'POST /subscriptions/:id/renew': {
    reach: ['tenant_admin', 'call_center'],
    told: ['claims_manager', 'auditor'],
  },
  'PATCH /subscriptions/:id/auto-renew': {
    reach: ['tenant_admin', 'call_center'],
    told: ['claims_manager', 'auditor'],
  },
  'GET /subscriptions/:id/timeline': { reach: [...readers, 'operator', 'global_admin'] },
  'GET /subscriptions/:id/history': { reach: readers },
  'GET /policies/:id': { reach: policyReaders },
  'GET /policies/:id/timeline': { reach: policyReaders },
  'GET /policies/:id/history': { reach: policyReaders },
  'PATCH /notifications/:id/read': { reach: [] },
  'GET /workflows/subscription/:id/timeline': {
    reach: ['global_admin', 'tenant_admin', 'operator'],
  },
  'GET /workflows/subscription/:id/explain': {
    reach: ['global_admin', 'tenant_admin', 'operator'],
  },
  'PATCH /workflows/subscription/:id/timers/:name': { reach: ['tenant_admin', 'operator'] },
};
