/**
 * Why somebody cannot do without a message. `account`: who may sign in, and how. `security`: what
 * endangers the company's data. `money`: what is owed or could not be paid. `deadline`: a time that
 * binds. `contract`: what one is covered for, or was granted. `escalation`: what is overdue or has
 * failed, and waits for somebody to act. `digest`: nothing but what one has not muted.
 */
export const mandatoryReasons = [
  'account',
  'security',
  'money',
  'deadline',
  'contract',
  'escalation',
  'digest',
] as const;

export type MandatoryReason = (typeof mandatoryReasons)[number];

/** Every message there is, and why it cannot be muted; the texts stand in `activities/templates.ts`. */
const notices = {
  welcome: 'account',
  account_exists: 'account',
  session_revoked: 'account',
  password_reset: 'account',
  password_changed: 'account',
  subscription_confirmed: 'contract',
  subscription_cancel_pending: 'contract',
  subscription_cancelled: 'contract',
  subscription_expired: 'contract',
  subscription_expired_plan_gone: 'contract',
  subscription_renewed: 'contract',
  subscription_endorsed: 'contract',
  premium_due: 'money',
  premium_due_moved: 'money',
  subscription_not_taken_up: 'contract',
  subscription_grace: 'money',
  grace_reminder: 'money',
  subscription_lapsed: 'contract',
  subscription_reinstated: 'contract',
  premium_unpaid: null,
  premium_overdue: null,
  premium_not_taken_up: null,
  renewal_offer: 'deadline',
  renewal_reminder: 'deadline',
  renewal_reminder_auto: 'deadline',
  renewal_call: null,
  renewal_digest: null,
  registration_received: 'account',
  registration_verify: 'account',
  registration_waiting: null,
  registration_overdue: 'escalation',
  registration_rejected: 'contract',
  registration_expired: 'deadline',
  provisioning_failed: null,
  company_ready: 'account',
  activation_reminder: 'account',
  activation_link: 'account',
  activation_stalled: null,
  company_activated: null,
  document_infected: 'security',
  document_added: null,
  email_change: 'account',
  email_change_notice: 'account',
  invitation: 'account',
  account_created: 'account',
  address_unconfirmed: 'account',
  membership_granted: 'account',
  claim_received: 'contract',
  claim_in_hands: null,
  claim_documents_wanted: 'deadline',
  claim_documents_reminder: 'deadline',
  claim_documents_final: 'deadline',
  claim_status_letter: null,
  claim_decision_extended: 'deadline',
  claim_days_moved: 'deadline',
  claim_approved: 'contract',
  claim_denied: 'contract',
  claim_paid: 'contract',
  claim_closed: 'contract',
  claim_reported: null,
  claim_assigned: null,
  claim_due_soon: null,
  claim_overdue: 'escalation',
  claim_approval_wanted: null,
  claim_approval_overdue: 'escalation',
  claim_returned: null,
  claim_appealed: null,
  claim_withdrawn: null,
  claim_documents_missing: 'escalation',
  claim_unacknowledged: 'escalation',
  claim_payment_failed: 'money',
  claim_reopened: 'contract',
  compliance_policy_submitted: null,
  compliance_policy_reminder: null,
  compliance_policy_overdue: 'escalation',
  compliance_policy_approved: null,
  compliance_policy_rejected: null,
  compliance_policy_published: null,
  compliance_policy_review_due: 'deadline',
  compliance_policy_update_available: null,
  acknowledgement_assigned: 'deadline',
  acknowledgement_reminder: 'deadline',
  acknowledgement_overdue: 'deadline',
  acknowledgement_alert: 'deadline',
  compliance_digest: 'escalation',
  acknowledgement_withdrawn: null,
  acknowledgement_confirmed: null,
  acknowledgement_declined: null,
  exemption_asked: null,
  exemption_decided: 'deadline',
  report_ready: null,
  report_failed: null,
  payment_received: null,
  payment_sent: null,
  payment_failed: 'money',
  refund_late: 'money',
  booking_placed: 'money',
  booking_request: 'deadline',
  booking_request_reminder: 'deadline',
  booking_request_expired: 'contract',
  booking_confirmed: 'contract',
  booking_confirmed_host: 'contract',
  booking_declined: 'contract',
  booking_hold_expired: 'contract',
  booking_revived: 'contract',
  booking_payment_late: 'money',
  booking_cancelled: 'contract',
  booking_reminder: null,
  booking_completed: null,
  review_invitation: null,
  review_published: null,
  review_reply: null,
  review_reported: 'escalation',
  booking_refund_stuck: 'escalation',
  note_mention: null,
  fraud_suspected: null,
  delivery_failed: 'escalation',
  webhook_failed: 'escalation',
  webhook_gone: 'escalation',
  alert_raised: 'escalation',
  notification_digest: 'digest',
} as const satisfies Readonly<Record<string, MandatoryReason | null>>;

/** What a message tells of. */
export type TemplateCode = keyof typeof notices;

/** In the order of the table. */
export const templateCodes: readonly TemplateCode[] = Object.keys(notices).filter(isTemplateCode);

/** null for what somebody may do without. */
export const mandatoryBecause = (code: TemplateCode): MandatoryReason | null => notices[code];

/** The words of a message, with places such as `{{policyNumber}}` for what differs. */
export interface Texts {
  readonly subject: string;
  /** Plain text, paragraphs divided by an empty line; the HTML part is made from it. */
  readonly body: string;
}

/** How a person can be told. */
export const personalChannels = ['email', 'in_app'] as const;

export type PersonalChannel = (typeof personalChannels)[number];

/** What somebody does not want to be told, by channel. */
export type Muted = Readonly<Record<PersonalChannel, readonly TemplateCode[]>>;

export const nothingMuted: Muted = { email: [], in_app: [] };

/** Why a message was not sent: to whoever muted it, was erased, or is outside of a suspended company. */
export const suppressionReasons = ['muted', 'erased', 'company_suspended'] as const;

export type SuppressionReason = (typeof suppressionReasons)[number];

function isTemplateCode(code: string): code is TemplateCode {
  return Object.hasOwn(notices, code);
}
