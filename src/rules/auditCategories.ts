/** What happened to sign-ins, secrets and access: `category=security` of the audit. */
export const securityActions: readonly string[] = [
  'LOGIN',
  'LOGIN_FAILED',
  'LOGOUT',
  'TOKEN_REUSE',
  'PASSWORD_CHANGE',
  'PASSWORD_CHANGE_FAILED',
  'PASSWORD_RESET_REQUEST',
  'ACCESS_DENIED',
  'COMPANY_ENTERED',
  'EXPORT',
  'ERASE',
];

/** Any change of these decides who may do what: accounts, roles, keys, addresses and settings. */
export const securityEntities: readonly string[] = [
  'api_key',
  'company',
  'domain',
  'membership',
  'user',
];
