import {
  allows,
  getRolePermissions,
  isAdmin,
  mapLegacyRole,
  may,
  permissionCodes,
  roleCodes,
  scopeCodes,
  scopeOf,
  strongestRole,
} from '../../src/rules/permissions.ts';

const everybody = 'GA TA OP CM CP SA AD CC HR EX AU EM PH';

/** Requirements 1.5, as far as it exists. */
const table = {
  'registration:review': 'GA',
  'registration:retry': 'GA OP',
  'company:manage_all': 'GA',
  'flag:manage': 'GA',
  'global_admin:create': 'GA',
  'company:read': 'GA TA',
  'company:edit': 'GA TA',
  'company:manage': 'TA',
  'user:manage': 'TA GA',
  'domain:manage': 'TA',
  'apikey:manage': 'TA',
  'settings:read': 'TA AU',
  'settings:write': 'TA',
  'webhook:manage': 'TA',
  'category:write': 'TA',
  'plan:write': 'TA',
  'subscription:create': everybody,
  'subscription:read_own': everybody,
  'subscription:read_all': 'TA CM CC AU',
  'subscription:cancel_own': everybody,
  'subscription:cancel_any': 'TA',
  'subscription:renew_own': everybody,
  'subscription:renew_any': 'TA CC',
  'subscription:pay_own': everybody,
  'subscription:pay_any': 'TA CC',
  'subscription:reinstate_own': everybody,
  'subscription:reinstate_any': 'TA',
  'subscription:endorse': 'TA CC',
  'policy:read': 'TA CM SA AD CC AU',
  'policy:read_own': everybody,
  'claim:create': 'TA CM SA AD CC',
  'claim:create_own': everybody,
  'claim:read': 'TA CM SA AD CC AU',
  'claim:read_own': everybody,
  'claim:update': 'TA CM SA AD CC',
  'claim:assign': 'TA CM SA',
  'claim:delete': 'TA',
  'claim:process': 'TA CM SA AD CC',
  'claim:process_own': everybody,
  'claim:approve': 'TA CM SA',
  'claim:deny': 'TA CM SA',
  'claim:hold': 'TA CM',
  'claim:reopen': 'TA CM',
  'claim:timeline': 'TA CM SA AD CC AU OP GA',
  'claim:change_timer': 'TA CM OP',
  'property:write_own': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'booking:create': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'booking:read_own': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'booking:read_all': 'TA AU',
  'booking:process_own': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'review:create': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'review:update_own': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'review:report': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'review:moderate': 'TA',
  'policy:write': 'TA CC',
  'policy:renew': 'TA CC',
  'policy:delete': 'TA',
  'report:read_own': 'TA CM CP AU',
  'report:read_all': 'TA CM AU',
  'report:write_own': 'TA CM CP',
  'report:write_any': 'TA CM',
  'document:read': 'TA CM SA AD CC AU',
  'document:read_own': everybody,
  'document:upload': 'TA CM SA AD CC',
  'document:upload_own': everybody,
  'document:change_own': everybody,
  'document:change_any': 'TA CM',
  'payment:read_own': everybody,
  'payment:read_all': 'TA CM AU',
  'payment:refund_own': 'GA OP TA CM SA AD CC CP HR EX EM PH AU',
  'payment:refund': 'TA',
  'ledger:read': 'TA AU',
  'note:write': 'TA CM SA AD CC',
  'note:write_own': everybody,
  'note:edit_any': 'TA CM',
  'reserve:read': 'TA CM SA AD AU',
  'reserve:write': 'TA CM SA',
  'reserve:write_over_limit': 'TA CM',
  'recovery:read': 'TA CM SA AD AU',
  'recovery:write': 'TA CM SA',
  'fraud:read': 'TA CM SA AD AU',
  'fraud:write': 'TA CM SA AD',
  'fraud:decide': 'TA CM',
  'customer:read': 'TA CP HR EX AU',
  'customer:write': 'TA CP',
  'employee:read': 'TA CP HR EX AU',
  'employee:write': 'TA CP HR',
  'compliance:read': 'TA CP HR EX AU',
  'compliance:write': 'TA CP',
  'compliance_policy:read': 'TA CP HR EX AU',
  'compliance_policy:write': 'TA CP',
  'compliance_policy:approve': 'TA CP',
  'configuration:approve': 'TA CP',
  'compliance_policy:change_timer': 'TA CP OP',
  'template:read': 'TA CP HR EX AU',
  'template:write': 'TA CP',
  'ack:read_all': 'HR CP EX TA AU',
  'ack:read_own': everybody,
  'ack:respond_own': everybody,
  'ack:write': 'HR CP TA',
  'ack:change_timer': 'TA CP OP',
  'exemption:decide': 'CP TA',
  'campaign:write': 'CP TA',
  'audit:read': 'TA AU GA',
  'workflow:read': 'OP TA GA',
  'workflow:operate': 'OP GA',
  'timer:change': 'TA OP',
  'notification:read_own': everybody,
  'notification:update_own': everybody,
};

const short = {
  global_admin: 'GA',
  operator: 'OP',
  tenant_admin: 'TA',
  claims_manager: 'CM',
  senior_adjuster: 'SA',
  adjuster: 'AD',
  call_center: 'CC',
  compliance_manager: 'CP',
  hr: 'HR',
  executive: 'EX',
  employee: 'EM',
  policyholder: 'PH',
  auditor: 'AU',
};

const everyGrant = roleCodes.flatMap((role) =>
  permissionCodes.map((permission) => ({
    role,
    permission,
    granted: table[permission].split(' ').includes(short[role]),
  })),
);

describe('the permission table', () => {
  it.each(everyGrant)('$role has $permission: $granted', ({ role, permission, granted }) => {
    expect(may([role], permission)).toBe(granted);
    expect(getRolePermissions(role).includes(permission)).toBe(granted);
  });

  it('has the thirteen roles and these permissions', () => {
    expect([...roleCodes].sort()).toEqual(Object.keys(short).sort());
    expect(permissionCodes).toEqual(Object.keys(table));
  });
});

describe('several roles', () => {
  it('may what any of them may', () => {
    expect(may(['policyholder', 'call_center'], 'subscription:renew_any')).toBe(true);
    expect(may(['policyholder', 'call_center'], 'plan:write')).toBe(false);
  });

  it('may nothing when there are none', () => {
    expect(permissionCodes.filter((permission) => may([], permission))).toEqual([]);
  });

  it('show the strongest', () => {
    expect(strongestRole(['policyholder', 'auditor', 'claims_manager'])).toBe('claims_manager');
    expect(strongestRole(['operator', 'tenant_admin'])).toBe('tenant_admin');
    expect(strongestRole([])).toBeUndefined();
  });

  it('are global with a global administrator among them', () => {
    expect(scopeOf(['policyholder', 'global_admin'])).toBe('global');
    expect(scopeOf(['tenant_admin', 'operator'])).toBe('tenant');
    expect(scopeOf([])).toBe('tenant');
  });

  it('are administrators by a tenant or global administrator', () => {
    expect(roleCodes.filter((role) => isAdmin([role]))).toEqual(['global_admin', 'tenant_admin']);
  });
});

describe('mapLegacyRole', () => {
  it.each([
    ['ADMIN', 'tenant_admin'],
    ['admin', 'tenant_admin'],
    ['manager', 'claims_manager'],
    ['USER', 'policyholder'],
    ['call_center', 'call_center'],
    ['root', undefined],
    ['toString', undefined],
    ['', undefined],
  ])('reads %j as %s', (code, role) => {
    expect(mapLegacyRole(code)).toBe(role);
  });
});

describe('a key', () => {
  const keyWith = (...scopes: (typeof permissionCodes)[number][]) => ({
    roles: [],
    key: { scopes },
  });

  it('does what it was given, whatever roles could do', () => {
    expect(allows(keyWith('plan:write'), 'plan:write')).toBe(true);
    expect(allows(keyWith('plan:write'), 'category:write')).toBe(false);
    expect(allows({ ...keyWith(), roles: ['tenant_admin'] }, 'plan:write')).toBe(false);
    expect(allows({ roles: ['tenant_admin'] }, 'plan:write')).toBe(true);
  });

  it("owns nothing, but may do with everybody else's what it was given for that", () => {
    expect(allows(keyWith('subscription:read_own'), 'subscription:read_own')).toBe(false);
    expect(allows(keyWith('subscription:read_all'), 'subscription:read_own')).toBe(true);
    expect(allows(keyWith('subscription:read_all'), 'subscription:cancel_own')).toBe(false);
  });

  it('never buys, decides with four eyes, manages people, keys or the platform, even where it was given that', () => {
    for (const code of [
      'apikey:manage',
      'user:manage',
      'subscription:create',
      'registration:review',
      'registration:retry',
      'company:manage_all',
      'flag:manage',
      'global_admin:create',
      'claim:approve',
      'claim:deny',
      'compliance_policy:approve',
      'configuration:approve',
      'exemption:decide',
    ] as const) {
      expect(scopeCodes).not.toContain(code);
      expect(allows(keyWith(code), code)).toBe(false);
    }
    expect(scopeCodes.filter((code) => code.endsWith('_own'))).toEqual([]);
    expect(scopeCodes).toContain('policy:read');
  });
});
