import { eraseFunctions } from '../eraseInAudit.ts';

/** Those of the first day; later ones are added by later migrations. */
export const firstPersonalNames = [
  'address',
  'adminEmail',
  'adminPhone',
  'adminUsername',
  'contactEmail',
  'contactPhone',
  'email',
  'firstName',
  'fullName',
  'lastName',
  'onboarding.onCall',
  'phone',
  'phoneNumber',
  'policyholderAddress',
  'policyholderEmail',
  'policyholderName',
  'policyholderPhone',
  'recipientAddress',
  'username',
] as const;
export const firstEntityTypes = [
  'user',
  'membership',
  'invitation',
  'subscription',
  'policy',
  'notification',
  'registration',
] as const;

export const { erasedValue, eraseInAudit } = eraseFunctions(firstPersonalNames, firstEntityTypes);

/**
 * A person can be erased: from one company, and where it is their only one the account too. The owner
 * sees the present company's audit, so that its one function can replace personal values there.
 */
const up = `
ALTER TABLE platform.memberships ADD COLUMN erased_at timestamptz;
ALTER TABLE platform.users ADD COLUMN erased_at timestamptz;

CREATE INDEX audit_logs_actor_idx ON core.audit_logs (company_id, actor_id, id);
CREATE INDEX audit_logs_unknown_idx ON core.audit_logs (company_id, request_id)
  WHERE actor_id IS NULL;
CREATE INDEX notifications_address_idx ON core.notifications (company_id, recipient_address)
  WHERE recipient_address IS NOT NULL;

ALTER POLICY company ON core.audit_logs TO app_api, app_worker, app_owner;
ALTER POLICY company ON core.audit_keys TO app_api, app_worker, app_owner;
${erasedValue}${eraseInAudit}`;

/** The policies stay: they give the owner nothing that an owner could not take. */
const down = `
DROP FUNCTION app.erase_in_audit(uuid, uuid[], text[], uuid, integer);
DROP FUNCTION app.erased_value(jsonb, boolean, text);
DROP INDEX core.notifications_address_idx;
DROP INDEX core.audit_logs_unknown_idx;
DROP INDEX core.audit_logs_actor_idx;
ALTER TABLE platform.users DROP COLUMN erased_at;
ALTER TABLE platform.memberships DROP COLUMN erased_at;
`;

export const privacy = { name: '0016-privacy', up, down };
