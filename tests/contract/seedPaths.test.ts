import { registry } from '../wall/registry.ts';

/** Each path that clients of the claims and compliance platforms know, as they call it, with what it is now. */
const seedPaths = [
  ['POST', '/users/login', '/auth/login'],
  ['GET', '/users', '/users'],
  ['POST', '/users/add-user', '/users'],
  ['POST', '/users/update-email', '/users/update-email'],
  ['POST', '/users/update-password', '/users/update-password'],
  ['GET', '/users/:id', '/users/:id'],
  ['PUT', '/users/:id', '/users/:id'],
  ['DELETE', '/users/:id', '/users/:id'],
  ['GET', '/users/:id/claims', '/users/:id/claims'],
  ['POST', '/users/generate-reset-token', '/auth/password-reset'],
  ['GET', '/policies', '/policies'],
  ['POST', '/policies', '/policies'],
  ['GET', '/policies/:id', '/policies/:id'],
  ['PUT', '/policies/:id', '/policies/:id'],
  ['DELETE', '/policies/:id', '/policies/:id'],
  ['PUT', '/policies/:id/renew', '/policies/:id/renew'],
  ['GET', '/policies/search', '/policies/search'],
  ['GET', '/policy/:id/claims', '/policies/:id/claims'],
  ['POST', '/policy/:id/claims', '/policies/:id/claims'],
  ['GET', '/policy/:id/claims/:claimId', '/policies/:id/claims/:claimId'],
  ['PUT', '/policy/:id/claims/:claimId', '/policies/:id/claims/:claimId'],
  ['DELETE', '/policy/:id/claims/:claimId', '/policies/:id/claims/:claimId'],
  ['POST', '/claims/:id/assign', '/claims/:id/assign'],
  ['PUT', '/claims/:id/update-status', '/claims/:id/update-status'],
  ['POST', '/claims/:id/add-note', '/claims/:id/add-note'],
  ['POST', '/claims/:id/add-document', '/claims/:id/add-document'],
  ['GET', '/notes/:id', '/notes/:id'],
  ['PUT', '/notes/:id', '/notes/:id'],
  ['DELETE', '/notes/:id', '/notes/:id'],
  ['GET', '/documents/:id', '/documents/:id'],
  ['PUT', '/documents/:id', '/documents/:id'],
  ['DELETE', '/documents/:id', '/documents/:id'],
  ['GET', '/reports', '/reports'],
  ['POST', '/reports', '/reports'],
  ['GET', '/reports/:id', '/reports/:id'],
  ['PUT', '/reports/:id', '/reports/:id'],
  ['DELETE', '/reports/:id', '/reports/:id'],
  ['POST', '/register', '/register'],
  ['POST', '/api/register', '/register'],
  ['GET', '/administration/registration-requests', '/administration/registration-requests'],
  ['GET', '/administration/registration-requests/:id', '/administration/registration-requests/:id'],
  [
    'POST',
    '/administration/registration-requests/:id/approve',
    '/administration/registration-requests/:id/approve',
  ],
  [
    'DELETE',
    '/administration/registration-requests/:id/reject',
    '/administration/registration-requests/:id/reject',
  ],
  ['GET', '/customers', '/customers'],
  ['POST', '/customers', '/customers'],
  ['GET', '/customers/:id', '/customers/:id'],
  ['PUT', '/customers/:id', '/customers/:id'],
  ['PATCH', '/customers/:id', '/customers/:id'],
  ['DELETE', '/customers/:id', '/customers/:id'],
  ['GET', '/employees', '/employees'],
  ['POST', '/employees', '/employees'],
  ['GET', '/employees/:id', '/employees/:id'],
  ['PUT', '/employees/:id', '/employees/:id'],
  ['PATCH', '/employees/:id', '/employees/:id'],
  ['DELETE', '/employees/:id', '/employees/:id'],
  ['POST', '/administration/add-global-admin', '/administration/global-admins'],
] as const;

describe('an older path', () => {
  const places = registry();

  it.each(seedPaths)('%s %s leads to %s', (method, older, path) => {
    const found = places.filter((place) => place.path === older && place.route.method === method);

    expect(found.map(({ route }) => route.path)).toEqual([path]);
  });
});
