/** Every role, the strongest first. */
export const roleCodes = [
  'global_admin',
  'tenant_admin',
  'operator',
  'claims_manager',
  'compliance_manager',
  'senior_adjuster',
  'adjuster',
  'call_center',
  'hr',
  'executive',
  'auditor',
  'employee',
  'policyholder',
] as const;

export type Role = (typeof roleCodes)[number];

/** `_own` needs the row's owner as well, which the command checks; `_any` and `_all` do not. */
export type Permission = keyof typeof grants;

const claimStaff = [
  'tenant_admin',
  'claims_manager',
  'senior_adjuster',
  'adjuster',
  'call_center',
] as const;

const complianceStaff = ['tenant_admin', 'compliance_manager'] as const;

/** Who may do what now. Reading the catalogue is public and has no permission. */
const grants = {
  'registration:review': ['global_admin'],
  'registration:retry': ['global_admin', 'operator'],
  'company:manage_all': ['global_admin'],
  'flag:manage': ['global_admin'],
  'global_admin:create': ['global_admin'],
  'company:read': ['global_admin', 'tenant_admin'],
  'company:edit': ['global_admin', 'tenant_admin'],
  'company:manage': ['tenant_admin'],
  'user:manage': ['global_admin', 'tenant_admin'],
  'domain:manage': ['tenant_admin'],
  'apikey:manage': ['tenant_admin'],
  'settings:read': ['tenant_admin', 'auditor'],
  'settings:write': ['tenant_admin'],
  'webhook:manage': ['tenant_admin'],
  'category:write': ['tenant_admin'],
  'plan:write': ['tenant_admin'],
  'subscription:create': roleCodes,
  'subscription:read_own': roleCodes,
  'subscription:read_all': ['tenant_admin', 'claims_manager', 'call_center', 'auditor'],
  'subscription:cancel_own': roleCodes,
  'subscription:cancel_any': ['tenant_admin'],
  'subscription:renew_own': roleCodes,
  'subscription:renew_any': ['tenant_admin', 'call_center'],
  'subscription:pay_own': roleCodes,
  'subscription:pay_any': ['tenant_admin', 'call_center'],
  'subscription:reinstate_own': roleCodes,
  'subscription:reinstate_any': ['tenant_admin'],
  'subscription:endorse': ['tenant_admin', 'call_center'],
  'policy:read': [...claimStaff, 'auditor'],
  'policy:read_own': roleCodes,
  'claim:create': claimStaff,
  'claim:create_own': roleCodes,
  'claim:read': [...claimStaff, 'auditor'],
  'claim:read_own': roleCodes,
  'claim:update': claimStaff,
  'claim:assign': ['tenant_admin', 'claims_manager', 'senior_adjuster'],
  'claim:delete': ['tenant_admin'],
  'claim:process': claimStaff,
  'claim:process_own': roleCodes,
  'claim:approve': ['tenant_admin', 'claims_manager', 'senior_adjuster'],
  'claim:deny': ['tenant_admin', 'claims_manager', 'senior_adjuster'],
  'claim:hold': ['tenant_admin', 'claims_manager'],
  'claim:reopen': ['tenant_admin', 'claims_manager'],
  'claim:timeline': [...claimStaff, 'auditor', 'operator', 'global_admin'],
  'claim:change_timer': ['tenant_admin', 'claims_manager', 'operator'],
  'property:write_own': roleCodes,
  'booking:create': roleCodes,
  'booking:read_own': roleCodes,
  'booking:read_all': ['tenant_admin', 'auditor'],
  'booking:process_own': roleCodes,
  'review:create': roleCodes,
  'review:update_own': roleCodes,
  'review:report': roleCodes,
  'review:moderate': ['tenant_admin'],
  'policy:write': ['tenant_admin', 'call_center'],
  'policy:renew': ['tenant_admin', 'call_center'],
  'policy:delete': ['tenant_admin'],
  'report:read_own': ['tenant_admin', 'claims_manager', 'compliance_manager', 'auditor'],
  'report:read_all': ['tenant_admin', 'claims_manager', 'auditor'],
  'report:write_own': ['tenant_admin', 'claims_manager', 'compliance_manager'],
  'report:write_any': ['tenant_admin', 'claims_manager'],
  'document:read': [...claimStaff, 'auditor'],
  'document:read_own': roleCodes,
  'document:upload': claimStaff,
  'document:upload_own': roleCodes,
  'document:change_own': roleCodes,
  'document:change_any': ['tenant_admin', 'claims_manager'],
  'payment:read_own': roleCodes,
  'payment:read_all': ['tenant_admin', 'claims_manager', 'auditor'],
  'payment:refund_own': roleCodes,
  'payment:refund': ['tenant_admin'],
  'ledger:read': ['tenant_admin', 'auditor'],
  'note:write': claimStaff,
  'note:write_own': roleCodes,
  'note:edit_any': ['tenant_admin', 'claims_manager'],
  'reserve:read': ['tenant_admin', 'claims_manager', 'senior_adjuster', 'adjuster', 'auditor'],
  'reserve:write': ['tenant_admin', 'claims_manager', 'senior_adjuster'],
  'reserve:write_over_limit': ['tenant_admin', 'claims_manager'],
  'recovery:read': ['tenant_admin', 'claims_manager', 'senior_adjuster', 'adjuster', 'auditor'],
  'recovery:write': ['tenant_admin', 'claims_manager', 'senior_adjuster'],
  'fraud:read': ['tenant_admin', 'claims_manager', 'senior_adjuster', 'adjuster', 'auditor'],
  'fraud:write': ['tenant_admin', 'claims_manager', 'senior_adjuster', 'adjuster'],
  'fraud:decide': ['tenant_admin', 'claims_manager'],
  'customer:read': [...complianceStaff, 'hr', 'executive', 'auditor'],
  'customer:write': complianceStaff,
  'employee:read': [...complianceStaff, 'hr', 'executive', 'auditor'],
  'employee:write': [...complianceStaff, 'hr'],
  'compliance:read': [...complianceStaff, 'hr', 'executive', 'auditor'],
  'compliance:write': complianceStaff,
  'compliance_policy:read': [...complianceStaff, 'hr', 'executive', 'auditor'],
  'compliance_policy:write': complianceStaff,
  'compliance_policy:approve': complianceStaff,
  'configuration:approve': complianceStaff,
  'compliance_policy:change_timer': [...complianceStaff, 'operator'],
  'template:read': [...complianceStaff, 'hr', 'executive', 'auditor'],
  'template:write': complianceStaff,
  'ack:read_all': [...complianceStaff, 'hr', 'executive', 'auditor'],
  'ack:read_own': roleCodes,
  'ack:respond_own': roleCodes,
  'ack:write': [...complianceStaff, 'hr'],
  'ack:change_timer': [...complianceStaff, 'operator'],
  'exemption:decide': complianceStaff,
  'campaign:write': complianceStaff,
  'audit:read': ['global_admin', 'tenant_admin', 'auditor'],
  'workflow:read': ['global_admin', 'tenant_admin', 'operator'],
  'workflow:operate': ['global_admin', 'operator'],
  'timer:change': ['tenant_admin', 'operator'],
  'notification:read_own': roleCodes,
  'notification:update_own': roleCodes,
} as const satisfies Readonly<Record<string, readonly Role[]>>;

const personal: ReadonlySet<string> = new Set([
  'registration:review',
  'registration:retry',
  'company:manage_all',
  'flag:manage',
  'global_admin:create',
  'apikey:manage',
  'user:manage',
  'subscription:create',
  'booking:create',
  'review:create',
  'review:report',
  'claim:assign',
  'claim:process',
  'claim:approve',
  'claim:deny',
  'claim:hold',
  'claim:reopen',
  'compliance_policy:approve',
  'configuration:approve',
  'exemption:decide',
]);

/** The permission over everybody's rows beside the one over one's own. */
const overAll: { readonly [Code in Permission]?: Permission } = {
  'subscription:read_own': 'subscription:read_all',
  'subscription:cancel_own': 'subscription:cancel_any',
  'subscription:renew_own': 'subscription:renew_any',
  'policy:read_own': 'policy:read',
  'claim:create_own': 'claim:create',
  'claim:read_own': 'claim:read',
  'claim:process_own': 'claim:process',
  'report:read_own': 'report:read_all',
  'report:write_own': 'report:write_any',
  'document:read_own': 'document:read',
  'document:upload_own': 'document:upload',
  'document:change_own': 'document:change_any',
  'booking:read_own': 'booking:read_all',
  'payment:read_own': 'payment:read_all',
  'payment:refund_own': 'payment:refund',
  'note:write_own': 'note:write',
  'ack:read_own': 'ack:read_all',
};

/** Every permission, in the order of the table. */
export const permissionCodes: readonly Permission[] = Object.keys(grants).filter(isPermission);

/** What a role may do, in the order of the table. */
export const getRolePermissions = (role: Role): readonly Permission[] =>
  permissionCodes.filter((permission) => isGranted(role, permission));

/** Whether one of the roles carries the permission. No roles, no permission. */
export const may = (held: readonly Role[], permission: Permission): boolean =>
  held.some((role) => isGranted(role, permission));

/**
 * Whether somebody who manages people may give the role, or take part in giving it on. Operators see
 * the runs of a company from outside; the platform's own administrators are made by their own command.
 */
export const mayGrant = (held: readonly Role[], role: Role): boolean =>
  may(held, 'user:manage') &&
  role !== 'global_admin' &&
  (role !== 'operator' || held.includes('global_admin'));

/**
 * Whether somebody may bring a person in who then has the role. Whoever administers the platform invites
 * others to that where they are at home, because an account of elsewhere is its owner's to decide about.
 */
export const mayInvite = (
  held: readonly Role[],
  role: Role,
  { isPlatform }: { readonly isPlatform: boolean },
): boolean =>
  role === 'global_admin' ? isPlatform && may(held, 'global_admin:create') : mayGrant(held, role);

/** Whether somebody may let a colleague act in the role for a while: the platform's roles stay there. */
export const mayDelegate = (held: readonly Role[], role: Role): boolean =>
  held.includes('global_admin') || (role !== 'global_admin' && role !== 'operator');

/**
 * Permissions that a key can be given. The others are personal: what is one's own, buying for oneself,
 * deciding with four eyes, handing out rights, and what is the platform's.
 */
export const scopeCodes: readonly Permission[] = permissionCodes.filter(
  (code) => !code.endsWith('_own') && !personal.has(code),
);

/** Who asks: a person by roles, or a key by the permissions it was given. */
export interface Holder {
  readonly roles: readonly Role[];
  readonly key?: { readonly scopes: readonly Permission[] } | undefined;
}

/**
 * Whether somebody may, as far as that does not depend on the row. A key owns no rows; where a
 * route asks for `_own`, it needs the permission over everybody's.
 */
export const allows = ({ roles, key }: Holder, permission: Permission): boolean =>
  key ? scopesFor(permission).some((scope) => key.scopes.includes(scope)) : may(roles, permission);

/** Each of these lets a key do it; none where only people may. */
export const scopesFor = (permission: Permission): readonly Permission[] =>
  scopeCodes.filter((code) => code === permission || code === overAll[permission]);

/** The role shown on the user; undefined without any. */
export const strongestRole = (held: readonly Role[]): Role | undefined =>
  roleCodes.find((role) => held.includes(role));

/** Derived `is_admin` of the user resource. */
export const isAdmin = (held: readonly Role[]): boolean =>
  held.includes('global_admin') || held.includes('tenant_admin');

/** `global` for whoever acts on the platform and enters a company by name; else `tenant`. */
export const scopeOf = (held: readonly Role[]): 'global' | 'tenant' =>
  held.includes('global_admin') ? 'global' : 'tenant';

/** The role a code from outside means: one of ours, or an old one; undefined for any other text. */
export function mapLegacyRole(code: RoleCode): Role;
export function mapLegacyRole(code: string): Role | undefined;
export function mapLegacyRole(code: string): Role | undefined {
  return roleCodes.find((role) => role === code) ?? legacyRoles.get(code);
}

/** Every code that `mapLegacyRole` knows. */
export const acceptedRoleCodes = [...roleCodes, 'ADMIN', 'admin', 'manager', 'USER'] as const;

export type RoleCode = (typeof acceptedRoleCodes)[number];

const legacyRoles: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['ADMIN', 'tenant_admin'],
  ['admin', 'tenant_admin'],
  ['manager', 'claims_manager'],
  ['USER', 'policyholder'],
]);

function isPermission(code: string): code is Permission {
  return Object.hasOwn(grants, code);
}

const isGranted = (role: Role, permission: Permission): boolean => {
  const granted: readonly Role[] = grants[permission];
  return granted.includes(role);
};
