import type { Actor } from '../../context.ts';
import { AuditLog } from '../../models/AuditLog.ts';
import { ownCompany } from '../../models/contract.ts';
import { platformCompanyId, withIdentity, withTenant } from '../../models/database.ts';
import { partOf, type ExportedPart, type ExportedTable } from '../exportedParts.ts';
import { getPerson, refuseStranger, type PersonView } from '../people.ts';
import { objectsOf } from './erasedRows.ts';

export interface PersonExport {
  readonly person: PersonView;
  readonly company: { readonly id: string; readonly code: string; readonly name: string };
  readonly parts: readonly ExportedPart[];
}

/**
 * Everything about a person in the actor's company. Of what others did to them it leaves out from where,
 * of what they did to others what that was: both are about somebody else.
 */
export const exporting = async (actor: Actor, id: string): Promise<PersonExport> => {
  refuseStranger(actor, id);
  const { companyId } = actor;
  return withTenant(companyId, async () => {
    const person = await getPerson(id);
    const { code, name } = await ownCompany();
    AuditLog.record('EXPORT', { type: 'user', id });
    const parts = tables.map(({ door = withTenant, ...table }) =>
      partOf(
        { ...table, where: `${named} AND ${table.where}` },
        [id, companyId, person.email],
        (read) => door(companyId, read),
      ),
    );
    return { person, company: { id: companyId, code, name }, parts };
  });
};

interface Table extends ExportedTable {
  /** `$1` is the person, `$2` the company, `$3` their address. */
  readonly where: string;
  readonly door?: typeof withTenant;
}

/** Whether or not a table asks for it. */
const named = '($1::uuid, $2::uuid, $3::text) IS NOT NULL';

/** Of an audit line: it tells nothing of somebody else. */
const isOwn = '(t.entity_id IS NULL OR t.entity_id = $1)';

/** What a claimant sees of a claim: how it is judged is the company's own. */
const ofClaimToldToThem = `'{claimNumber,policyId,title,description,status,event,priority,incidentDate,claimAmount,
  approvedAmount,paidAmount,currency,claimantName,claimantEmail,claimantPhone,denialCode,denialReason,closedOutcome,
  closedAt,archivedAt}'::text[]`;

/** Of the facts of an audit line, without who else was part of it and why a review was reported. */
const toldToThem = (facts: string): string => `CASE WHEN t.entity_type = 'claim'
  THEN (SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(${facts}) AS f
    WHERE f.key = ANY (${ofClaimToldToThem}))
  ELSE ${facts} - '{guestId,hostId,reviewerId,reportedBy,reportReason}'::text[] END`;

const ofSubscription = `entity_type = 'subscription'
  AND t.entity_id IN (SELECT id FROM policy_subscriptions WHERE user_id = $1)`;

const heldClaims = `SELECT c.id FROM claims c JOIN policies p ON p.id = c.policy_id
  WHERE p.user_id = $1`;

const ofClaim = `claim_id IN (${heldClaims})`;

const ofEmployment = (employeeId: string): string =>
  `${employeeId} IN (SELECT id FROM employees WHERE user_id = $1 OR email = $3)`;

/** In the order of the document. */
const tables: readonly Table[] = [
  {
    name: 'memberships',
    columns: `t.id, t.role, t.valid_from, t.valid_to, t.is_active, t.archived_at, t.erased_at,
      t.delegate_user_id, t.delegate_until, t.created_at`,
    from: 'platform.memberships t',
    where: 't.user_id = $1',
  },
  {
    name: 'delegations_received',
    columns: 't.id, t.role, t.user_id AS for_user_id, t.delegate_until',
    from: 'platform.memberships t',
    where: 't.delegate_user_id = $1',
  },
  {
    name: 'sessions',
    columns: `t.family_id AS session_id, t.created_at, t.expires_at, t.rotated_at, t.revoked_at, t.ip,
      t.user_agent`,
    from: 'platform.refresh_tokens t',
    where: 't.user_id = $1 AND t.company_id = $2',
    door: withIdentity,
  },
  {
    name: 'api_keys',
    columns: `t.id, t.name, t.prefix, t.scopes, t.created_at, t.expires_at, t.last_used_at,
      t.revoked_at`,
    from: 'core.api_keys t',
    where: 't.created_by = $1',
  },
  {
    name: 'invitations',
    columns: 't.id, t.email, t.role, t.status, t.created_at, t.expires_at, t.resent_count',
    from: 'core.invitations t',
    where: '(t.accepted_by = $1 OR t.email = $3)',
  },
  {
    name: 'registrations',
    columns: `t.id, t.company_name, t.business_type, t.company_phone, t.contact_email, t.company_address,
      t.company_linkedin, t.requested_domain, t.admin_email, t.admin_username, t.admin_phone,
      t.default_currency, t.subscription_plan, t.status, t.email_verified_at, t.reviewed_at,
      t.activated_at, t.created_at`,
    from: 'core.registration_requests t',
    where: 't.admin_user_id = $1 AND t.new_company_id = $2',
    door: (_companyId, read) => withTenant(platformCompanyId, read),
  },
  {
    name: 'policies',
    columns: `t.id, t.policy_number, t.policy_type, t.policyholder_name, t.policyholder_email,
      t.policyholder_phone, t.coverage_amount::text, t.premium::text, t.currency, t.start_date::text,
      t.end_date::text, t.status, t.insured_property_id, t.metadata, t.created_at, t.archived_at`,
    from: 'policies t',
    where: 't.user_id = $1',
  },
  {
    name: 'subscriptions',
    columns: `t.id, t.source, t.insurance_plan_id, t.policy_id, t.insured_property_id, t.status,
      t.start_date::text, t.end_date::text, t.expires_at, t.term_no, t.price_snapshot, t.auto_renew,
      t.cancel_reason, t.cancel_effective_date::text, t.refund_amount::text, t.created_at, t.archived_at`,
    from: 'policy_subscriptions t',
    where: 't.user_id = $1',
  },
  {
    name: 'terms',
    columns: `t.id, t.subscription_id, t.term_no, t.part_no, t.start_date::text, t.end_date::text, t.premium::text,
      t.coverage_amount::text, t.origin, t.gap_days, t.created_at`,
    from: 'subscription_terms t',
    where: 't.subscription_id IN (SELECT id FROM policy_subscriptions WHERE user_id = $1)',
  },
  {
    name: 'invoices',
    columns: `t.id, t.subscription_id, t.term_no, t.reason, t.amount::text, t.currency,
      t.period_start::text, t.period_end::text, t.due_date::text, t.status, t.paid_at, t.created_at`,
    from: 'premium_invoices t',
    where: 't.subscription_id IN (SELECT id FROM policy_subscriptions WHERE user_id = $1)',
  },
  {
    name: 'payments',
    columns: `t.id, t.purpose, t.claim_id, t.invoice_id, t.booking_id, t.parent_payment_id,
      t.payee_name, t.payee_email, t.amount::text, t.currency, t.status, t.payment_date::text,
      t.refunded_amount::text, t.reason, t.created_at`,
    from: 'payments t',
    where: '(t.user_id = $1 OR t.payee_email = $3)',
  },
  {
    name: 'properties',
    columns: `t.id, t.category_id, t.name, t.description, t.address, t.latitude::text, t.longitude::text,
      t.price_per_night::text, t.currency, t.time_zone, t.check_in_time, t.check_out_time, t.max_guests,
      t.min_nights, t.max_nights, t.instant_book, t.cancellation_policy, t.status, t.created_at,
      t.archived_at`,
    from: 'properties t',
    where: 't.owner_id = $1',
  },
  {
    name: 'availability_blocks',
    columns: `t.id, t.property_id, t.start_date::text, t.end_date::text, t.reason, t.created_at,
      t.archived_at`,
    from: 'reservations t',
    where: 't.created_by = $1 AND t.booking_id IS NULL',
  },
  {
    name: 'bookings',
    columns: `t.id, t.property_id, CASE WHEN t.guest_id = $1 THEN 'guest' ELSE 'host' END AS as,
      t.start_date::text, t.end_date::text, t.guests, t.total_amount::text, t.currency, t.status,
      t.paid_at, t.confirmed_at, t.cancelled_at, t.cancelled_by, t.cancellation_reason,
      t.refund_amount::text, t.completed_at, t.created_at`,
    from: 'bookings t',
    where: '(t.guest_id = $1 OR t.host_id = $1)',
  },
  {
    name: 'reviews',
    columns: `t.id, t.property_id, t.booking_id, t.rating, t.comment, t.host_reply, t.status,
      t.created_at`,
    from: 'reviews t',
    where: 't.reviewer_id = $1',
  },
  {
    name: 'claims',
    columns: `t.id, t.claim_number, t.policy_id, t.title, t.description, t.status,
      t.incident_date::text, t.claim_amount::text, t.approved_amount::text, t.paid_amount::text,
      t.claimant_name, t.claimant_email, t.claimant_phone, t.denial_code, t.denial_reason,
      t.closed_outcome, t.created_at, t.archived_at`,
    from: 'claims t',
    where: `(t.claimant_email = $3 OR t.policy_id IN (SELECT id FROM policies WHERE user_id = $1))`,
  },
  {
    name: 'documents',
    columns: `t.id, t.policy_id, t.claim_id, t.document_type, t.file_name, t.mime, t.size, t.sha256,
      t.description, t.uploaded_at, t.archived_at`,
    from: 'documents t',
    where: `(t.uploaded_by = $1 OR t.${ofClaim}
      OR t.policy_id IN (SELECT id FROM policies WHERE user_id = $1))`,
  },
  {
    name: 'employments',
    columns: `t.id, t.customer_id, t.name, t.email, t.role, t.department, t.manager_id, t.status,
      t.join_date::text, t.leave_date::text, t.return_date::text, t.created_at, t.archived_at`,
    from: 'employees t',
    where: '(t.user_id = $1 OR t.email = $3)',
  },
  {
    name: 'acknowledgements',
    columns: `t.id, t.policy_id, t.policy_version, t.acknowledgement_type, t.cycle, t.status,
      t.due_date::text, t.escalation_status, t.acknowledged_at, t.on_time, t.reason,
      t.exempted_until::text, t.evidence, t.evidence_hash, t.created_at`,
    from: 'acknowledgements t',
    where: ofEmployment('t.employee_id'),
  },
  {
    name: 'exemptions',
    columns: `t.id, t.acknowledgement_id, t.reason, t.valid_until::text, t.status, t.decided_at,
      t.decision_reason, t.created_at`,
    from: 'exemptions t',
    where: `t.acknowledgement_id IN (
      SELECT id FROM acknowledgements WHERE ${ofEmployment('employee_id')})`,
  },
  {
    name: 'claim_history',
    columns: 't.id, t.entity_id AS claim_id, t.event, t.from_status, t.to_status, t.at',
    from: 'core.transitions t',
    where: `t.entity_type = 'claim' AND t.entity_id IN (${heldClaims})`,
  },
  {
    name: 'booking_history',
    columns: 't.id, t.entity_id AS booking_id, t.event, t.from_status, t.to_status, t.at',
    from: 'core.transitions t',
    where: `t.entity_type = 'booking' AND t.entity_id IN (
      SELECT id FROM bookings WHERE guest_id = $1 OR host_id = $1)`,
  },
  {
    name: 'payment_history',
    columns: 't.id, t.entity_id AS payment_id, t.event, t.from_status, t.to_status, t.at',
    from: 'core.transitions t',
    where: `t.entity_type = 'payment' AND t.entity_id IN (
      SELECT id FROM payments WHERE user_id = $1 OR payee_email = $3)`,
  },
  {
    name: 'document_requests',
    columns: 't.id, t.claim_id, t.items, t.due_at, t.final_due_at, t.fulfilled_at, t.created_at',
    from: 'document_requests t',
    where: `t.${ofClaim}`,
  },
  {
    name: 'claim_notes',
    columns: 't.id, t.claim_id, t.author_id, t.note, t.created_at, t.edited_at, t.archived_at',
    from: 'claim_notes t',
    where: `NOT t.is_internal AND t.${ofClaim}`,
  },
  {
    name: 'claim_locations',
    columns: `t.id, t.claim_id, t.latitude::text, t.longitude::text, t.address, t.description,
      t.created_at, t.archived_at`,
    from: 'claim_locations t',
    where: `t.${ofClaim}`,
  },
  {
    name: 'timers',
    columns: `t.id, t.entity_id AS subscription_id, t.name, t.occurrence, t.due_at, t.original_due_at,
      t.source, t.status, t.fired_at, t.reason`,
    from: 'core.timers t',
    where: `t.${ofSubscription}`,
  },
  {
    name: 'transitions',
    columns: `t.id, t.entity_id AS subscription_id, t.event, t.from_status, t.to_status, t.reason, t.at`,
    from: 'core.transitions t',
    where: `t.${ofSubscription}`,
  },
  {
    name: 'notifications',
    columns: `t.id, t.channel, t.template_code AS template, t.recipient_address, t.locale,
      t.payload - 'link' AS payload, t.status, t.suppressed_because, t.created_at, t.sent_at,
      t.read_at`,
    from: 'core.notifications t',
    where: '(t.recipient_user_id = $1 OR t.recipient_address = $3)',
  },
  {
    name: 'notification_preferences',
    columns: 't.id, t.muted, t.created_at, t.updated_at',
    from: 'core.notification_preferences t',
    where: 't.user_id = $1',
  },
  {
    name: 'audit_of_their_acts',
    columns: `t.id, t.timestamp, t.action, t.entity_type, t.entity_id, t.ip, t.user_agent,
      CASE WHEN ${isOwn} THEN t.before END AS before, CASE WHEN ${isOwn} THEN t.after END AS after`,
    from: 'core.audit_logs t',
    where: 't.actor_id = $1',
  },
  {
    name: 'audit_about_them',
    columns: `t.id, t.timestamp, t.actor_type, t.action, t.entity_type, t.entity_id,
      ${toldToThem('t.before')} AS before, ${toldToThem('t.after')} AS after`,
    from: 'core.audit_logs t',
    where: `t.actor_id IS DISTINCT FROM $1 AND (t.entity_type, t.entity_id) IN (
      SELECT 'user', $1 UNION ALL ${objectsOf((address) => `${address} = $3`)})`,
  },
];
