import { Conflict } from '../errors.ts';

/** Unique and exclusion constraints that a request can break, and the conflict each one is: code and sentence. */
export const duplicates: Readonly<Record<string, readonly [code: string, message: string]>> = {
  // Two requests with one key at the same moment: the later one was too early to see the other.
  idempotency_keys_pkey: [
    'IDEMPOTENCY_IN_PROGRESS',
    'A request with this Idempotency-Key is being carried out',
  ],
  api_keys_replaces_key: [
    'KEY_ROTATED',
    'This key has been rotated; rotate the one that follows it',
  ],
  property_categories_name_key: ['CATEGORY_EXISTS', 'There is already a category of this name'],
  insurance_plans_name_key: ['PLAN_EXISTS', 'There is already a plan of this name'],
  policy_subscriptions_live_key: [
    'ALREADY_SUBSCRIBED',
    'There is already a live subscription to this plan for this property',
  ],
  policies_number_key: ['POLICY_NUMBER_TAKEN', 'There is already a policy of this number'],
  payments_idempotency_key: ['PAYMENT_EXISTS', 'There is already a payment under this key'],
  registration_requests_name_key: [
    'COMPANY_EXISTS',
    'A company of this name has registered already',
  ],
  registration_requests_domain_key: [
    'DOMAIN_TAKEN',
    'Another registration has asked for this domain',
  ],
  registration_requests_admin_key: [
    'ADMIN_EXISTS',
    'There is already a registration with the address admin_email',
  ],
  companies_name_key: ['COMPANY_EXISTS', 'There is already a company of this name'],
  domains_domain_key: ['DOMAIN_TAKEN', 'This domain belongs to another company'],
  domains_claim_key: ['DOMAIN_TAKEN', 'The company has this domain, or has claimed it, already'],
  domains_primary_key: ['VERSION_CONFLICT', 'Another domain became the primary one meanwhile'],
  calendars_company_key: ['VERSION_CONFLICT', 'The calendar was set meanwhile'],
  invitations_pending_key: ['INVITATION_EXISTS', 'There is already an invitation for this address'],
  memberships_company_id_user_id_role_key: [
    'MEMBERSHIP_EXISTS',
    'The person has this role already',
  ],
  employees_email_key: ['EMPLOYEE_EXISTS', 'There is already an employee of this address'],
  employees_user_key: ['EMPLOYEE_EXISTS', 'This account is that of another employee'],
  compliances_title_key: ['COMPLIANCE_EXISTS', 'There is already a compliance of this title'],
  customer_compliances_pair_key: [
    'CUSTOMER_COMPLIANCE_EXISTS',
    'The customer has to comply with this already',
  ],
  compliance_policies_title_key: [
    'COMPLIANCE_POLICY_EXISTS',
    'There is already a compliance policy of this title',
  ],
  compliance_policy_versions_open_key: [
    'VERSION_OPEN',
    'Another version of the policy is on its way: publish or discard it first',
  ],
  compliance_policy_versions_number_key: [
    'VERSION_CONFLICT',
    'The policy got another version meanwhile',
  ],
  compliance_policy_versions_published_key: [
    'VERSION_CONFLICT',
    'Another version of the policy was published meanwhile',
  ],
  policy_configurations_active_key: [
    'VERSION_CONFLICT',
    'Another value of this key was approved meanwhile',
  ],
  approval_steps_company_id_version_id_round_approver_id_key: [
    'ALREADY_DECIDED',
    'You have decided about this submission already',
  ],
  customers_name_key: ['CUSTOMER_EXISTS', 'There is already a customer of this name'],
  alert_rules_kind_key: [
    'ALERT_RULE_EXISTS',
    'The company has a rule for alerts of this kind already',
  ],
  notification_preferences_user_key: ['VERSION_CONFLICT', 'The preferences were set meanwhile'],
  notification_templates_code_key: [
    'TEMPLATE_EXISTS',
    'The company has words of its own for this message already',
  ],
  reviews_booking_key: ['ALREADY_REVIEWED', 'This stay has been reviewed already'],
  reservations_nights_key: [
    'DATES_UNAVAILABLE',
    'Some of these nights are taken; see the availability of the property',
  ],
  claim_locations_live_key: ['VERSION_CONFLICT', 'The location was set meanwhile'],
  fraud_flags_rule_key: [
    'VERSION_CONFLICT',
    'The claim was looked at by the fraud rules meanwhile',
  ],
  users_email_key: ['EMAIL_TAKEN', 'This e-mail address belongs to another account'],
  users_username_key: ['USERNAME_TAKEN', 'This username is taken'],
  users_phone_number_key: ['PHONE_TAKEN', 'This phone number belongs to another account'],
  acknowledgements_current_key: ['VERSION_CONFLICT', 'Somebody of them was asked meanwhile'],
  acknowledgements_cycle_key: ['VERSION_CONFLICT', 'Somebody of them was asked meanwhile'],
  exemptions_open_key: [
    'EXEMPTION_OPEN',
    'An exemption is asked for already, and nobody has decided yet',
  ],
};

/** @param constraint one of the above */
export function conflictOf(constraint: string): Conflict {
  const duplicate = duplicates[constraint];
  if (!duplicate) throw new Error(`No conflict is known for ${constraint}`);
  return new Conflict(...duplicate);
}
