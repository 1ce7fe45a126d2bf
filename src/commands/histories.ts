import { and, type Model, type ModelStatic } from 'sequelize';
import type { Actor } from '../context.ts';
import { invalidField, NotFound } from '../errors.ts';
import type { AuditLog } from '../models/AuditLog.ts';
import { retiredUntil } from '../models/auditRetention.ts';
import { Campaign } from '../models/Campaign.ts';
import { Claim } from '../models/Claim.ts';
import { Company } from '../models/Company.ts';
import { Compliance } from '../models/Compliance.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import { Customer } from '../models/Customer.ts';
import { CustomerCompliance } from '../models/CustomerCompliance.ts';
import { platformCompanyId, select, withTenant } from '../models/database.ts';
import { Employee } from '../models/Employee.ts';
import { InsurancePlan } from '../models/InsurancePlan.ts';
import { selectPage, type Condition } from '../models/list.ts';
import { Policy } from '../models/Policy.ts';
import { PolicyConfiguration } from '../models/PolicyConfiguration.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { Booking } from '../models/Booking.ts';
import { Property } from '../models/Property.ts';
import { PropertyCategory } from '../models/PropertyCategory.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { Report } from '../models/Report.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { Template } from '../models/Template.ts';
import { resolved } from '../rules/settings.ts';
import type { Facts } from './auditLogs.ts';
import { getPerson } from './people.ts';
import type { Policies } from './policies.ts';
import { visibleBooking } from './bookingViews.ts';
import { visible as visibleReport } from './reports.ts';
import { visible } from './subscriptionViews.ts';

/** A change, or a step of a lifecycle, as whoever may read the object sees it: no addresses. */
export interface HistoryEntry {
  readonly id: string;
  readonly at: Date;
  readonly kind: 'change' | 'transition';
  readonly action: string;
  readonly actorId: string | null;
  readonly actorType: AuditLog['actorType'];
  readonly workflowId: string | null;
  readonly before: Facts | null;
  readonly after: Facts | null;
  readonly fromStatus: string | null;
  readonly toStatus: string | null;
  readonly reason: string | null;
}

/** What can be shown as it was. Of a claim `claimHistories` tells the course. */
export type PastEntity =
  | 'subscription'
  | 'policy'
  | 'plan'
  | 'category'
  | 'property'
  | 'booking'
  | 'report'
  | 'claim'
  | 'customer'
  | 'employee'
  | 'compliance'
  | 'customer_compliance'
  | 'compliance_policy'
  | 'policy_configuration'
  | 'campaign'
  | 'template'
  | 'registration'
  | 'company';

/** Of people there is no past state: their names and address may have changed in another company. */
export type HistoryEntity = Exclude<PastEntity, 'claim'> | 'user';

/** An object as it was. */
export interface PastState {
  readonly entityType: PastEntity;
  readonly entityId: string;
  readonly at: Date;
  readonly state: Facts;
  /** The last change up to then; null where the audit has none of that time. */
  readonly builtFrom: Pick<HistoryEntry, 'id' | 'at' | 'action' | 'actorId' | 'actorType'> | null;
}

/** Both have the index (company_id, entity_type or entity_id, …), which the outer conditions reach. */
const changesAndTransitions = `(
  SELECT id, timestamp AS at, 'change' AS kind, action, actor_id, actor_type, workflow_id,
    before, after, NULL AS from_status, NULL AS to_status, NULL AS reason, entity_type, entity_id
  FROM core.audit_logs WHERE action <> 'ACCESS_DENIED'
  UNION ALL
  SELECT id, at, 'transition', event, actor_id, actor_type, NULL,
    NULL, NULL, from_status, to_status, reason, entity_type, entity_id
  FROM core.transitions) h`;

const entryColumns = `h.id, h.at, h.kind, h.action, h.actor_id AS "actorId",
  h.actor_type AS "actorType", h.workflow_id AS "workflowId", h.before, h.after,
  h.from_status AS "fromStatus", h.to_status AS "toStatus", h.reason`;

/** What happened to one object, and how it was. */
export const createHistories = ({ policies }: { readonly policies: Pick<Policies, 'get'> }) => {
  /** Whoever may read the object; where all of a company may, the route asks for more. */
  const mayRead: Readonly<
    Record<HistoryEntity | PastEntity, (actor: Actor, id: string) => Promise<unknown>>
  > = {
    subscription: visible,
    policy: policies.get,
    plan: (_, id) => getRow(InsurancePlan, id, { archived: true }),
    category: (_, id) => getRow(PropertyCategory, id, { archived: true }),
    booking: visibleBooking,
    property: (_, id) => getRow(Property, id, { archived: true }),
    report: visibleReport,
    claim: (_, id) => getRow(Claim, id, { archived: true }),
    customer: (_, id) => getRow(Customer, id, { archived: true }),
    employee: (_, id) => getRow(Employee, id, { archived: true }),
    compliance: (_, id) => getRow(Compliance, id, { archived: true }),
    customer_compliance: (_, id) => getRow(CustomerCompliance, id, { archived: true }),
    compliance_policy: (_, id) => getRow(CompliancePolicy, id, { archived: true }),
    policy_configuration: (_, id) => getRow(PolicyConfiguration, id, { archived: true }),
    campaign: (_, id) => getRow(Campaign, id, { archived: true }),
    template: (_, id) => getRow(Template, id, { archived: true }),
    registration: (_, id) => getRow(RegistrationRequest, id, { archived: true }),
    async company({ companyId }, id) {
      if (id !== companyId) throw noSuch(Company.entityType, id);
    },
    user: (_, id) => getPerson(id),
  };

  return {
    /** From its beginning on. */
    history: (
      actor: Actor,
      entity: HistoryEntity,
      id: string,
      { page, size }: { readonly page: number; readonly size: number },
    ) =>
      withTenant(actor.companyId, async () => {
        await mayRead[entity](actor, id);
        return selectPage<HistoryEntry>(
          entryColumns,
          changesAndTransitions,
          conditionsOf(entity, id),
          { by: 'h.at', id: 'h.id', order: 'asc', page, size },
        );
      }),

    /**
     * As it was at a time, by taking back what the audit says of later changes.
     * @throws NotFound also before it was made
     */
    asOf: (actor: Actor, entity: PastEntity, id: string, at: Date): Promise<PastState> => {
      if (at.getTime() > Date.now()) {
        throw invalidField('at', 'must not be in the future', 'OUT_OF_RANGE');
      }
      return withTenant(actor.companyId, async () => {
        await mayRead[entity](actor, id);
        const until = await retiredUntil();
        if (until !== undefined && at.getTime() <= until * 1000) {
          throw invalidField('at', 'The audit of that time is past its retention', 'OUT_OF_RANGE');
        }
        const row = await presentOf(entity, id);
        const { createdAt } = row;
        if (!(createdAt instanceof Date) || createdAt > at) {
          throw new NotFound(`There was no ${entity} ${id} at ${at.toISOString()}`);
        }
        const names = [...told[entity], ...Object.keys(row).filter((name) => name.includes('.'))];
        const changed = await select<{ name: string; value: unknown }>(valuesBefore, [
          entity,
          id,
          at,
          names,
        ]);
        const earlier = new Map(changed.map(({ name, value }) => [name, value]));
        const state = Object.fromEntries(
          names.map((name) => [name, earlier.has(name) ? earlier.get(name) : row[name]]),
        );
        const [builtFrom = null] = await select<NonNullable<PastState['builtFrom']>>(lastChange, [
          entity,
          id,
          at,
        ]);
        // Instants as the audit has them, wherever a value comes from.
        return {
          entityType: entity,
          entityId: id,
          at,
          state: JSON.parse(JSON.stringify(state)),
          builtFrom,
        };
      });
    },
  };
};

export type Histories = ReturnType<typeof createHistories>;

function conditionsOf(entity: HistoryEntity, id: string): Condition[] {
  if (entity === 'user') return ofPerson(id);
  return entity === 'compliance_policy' ? ofCompliancePolicy(id) : ofObject(entity, id);
}

const ofObject = (entity: HistoryEntity, id: string): Condition[] => [
  ['h.entity_type = $', entity],
  ['h.entity_id = $', id],
];

/** With the roles that they had in this company. */
const ofPerson = (id: string): Condition[] => [
  ["h.entity_type IN ('user', 'membership')"],
  [
    // One list of ids: with OR every line about people would be read.
    `h.entity_id = ANY (ARRAY(SELECT $::uuid UNION ALL
       SELECT m.id FROM platform.memberships m WHERE m.user_id = $))`,
    id,
  ],
];

/** With its versions. */
const ofCompliancePolicy = (id: string): Condition[] => [
  ["h.entity_type IN ('compliance_policy', 'compliance_policy_version')"],
  [
    `h.entity_id = ANY (ARRAY(SELECT $::uuid UNION ALL
       SELECT v.id FROM compliance_policy_versions v WHERE v.policy_id = $))`,
    id,
  ],
];

/**
 * What an answer shows: fields that never change, and those whose every change is in the audit.
 * Versions, `updated_at` and what is computed are neither. Of a company come its settings on top.
 */
const told: Readonly<Record<PastEntity, readonly string[]>> = {
  category: ['name', 'segment', 'description', 'createdAt', 'archivedAt'],
  booking: [
    'propertyId',
    'guestId',
    'hostId',
    'startDate',
    'endDate',
    'nights',
    'guests',
    'pricePerNight',
    'totalAmount',
    'currency',
    'status',
    'acceptedAt',
    'paidAt',
    'confirmedAt',
    'cancelledAt',
    'cancelledBy',
    'hostStrike',
    'refundAmount',
    'completedAt',
    'createdAt',
  ],
  property: [
    'ownerId',
    'categoryId',
    'name',
    'description',
    'address',
    'latitude',
    'longitude',
    'pricePerNight',
    'currency',
    'timeZone',
    'checkInTime',
    'checkOutTime',
    'maxGuests',
    'minNights',
    'maxNights',
    'instantBook',
    'cancellationPolicy',
    'holdMinutes',
    'hostConfirmationHours',
    'status',
    'createdAt',
    'archivedAt',
  ],
  report: ['name', 'reportType', 'filters', 'format', 'schedule', 'status', 'createdAt'],
  plan: [
    'name',
    'propertyCategoryId',
    'coverageLevel',
    'coverageAmount',
    'premium',
    'currency',
    'durationMonths',
    'description',
    'isActive',
    'lifecycleConfig',
    'createdAt',
    'archivedAt',
  ],
  subscription: [
    'userId',
    'insurancePlanId',
    'policyId',
    'insuredPropertyId',
    'source',
    'status',
    'startDate',
    'endDate',
    'expiresAt',
    'termNo',
    'priceSnapshot',
    'autoRenew',
    'cancelReason',
    'cancelEffectiveDate',
    'refundAmount',
    'createdAt',
  ],
  policy: [
    'policyNumber',
    'policyType',
    'userId',
    'policyholderName',
    'policyholderEmail',
    'policyholderPhone',
    'coverageAmount',
    'premium',
    'currency',
    'startDate',
    'endDate',
    'status',
    'insuredPropertyId',
    'metadata',
    'createdAt',
    'archivedAt',
  ],
  claim: [
    'claimNumber',
    'policyId',
    'title',
    'description',
    'status',
    'previousStatus',
    'priority',
    'incidentDate',
    'claimAmount',
    'proposedAmount',
    'approvedAmount',
    'paidAmount',
    'currency',
    'rationale',
    'assignedTo',
    'reportedBy',
    'proposedBy',
    'decidedBy',
    'claimantName',
    'claimantEmail',
    'claimantPhone',
    'denialCode',
    'denialReason',
    'closedOutcome',
    'closedAt',
    'duplicateOf',
    'onHold',
    'holdKind',
    'holdReason',
    'paymentReference',
    'createdAt',
  ],
  customer: ['name', 'subscriptionType', 'isSelf', 'contactEmail', 'createdAt', 'archivedAt'],
  employee: [
    'customerId',
    'userId',
    'fullName',
    'email',
    'role',
    'department',
    'managerId',
    'status',
    'joinDate',
    'leaveDate',
    'returnDate',
    'createdAt',
    'archivedAt',
  ],
  compliance: ['complianceType', 'complianceTitle', 'requirements', 'createdAt', 'archivedAt'],
  customer_compliance: ['customerId', 'complianceId', 'auditDate', 'auditStatus', 'createdAt'],
  compliance_policy: [
    'type',
    'title',
    'description',
    'templateId',
    'customerComplianceId',
    'ownerId',
    'audienceCustomerId',
    'audienceRole',
    'audienceDepartment',
    'classification',
    'reviewDate',
    'approvalStatus',
    'approvedBy',
    'approvedAt',
    'policyVersion',
    'createdAt',
    'archivedAt',
  ],
  policy_configuration: [
    'policyId',
    'key',
    'value',
    'status',
    'reason',
    'decidedBy',
    'decidedAt',
    'policyVersion',
    'createdAt',
    'archivedAt',
  ],
  campaign: [
    'policyId',
    'name',
    'audienceCustomerId',
    'audienceRole',
    'audienceDepartment',
    'dueDays',
    'allowDecline',
    'allowExemption',
    'settings',
    'status',
    'launchedAt',
    'pausedOn',
    'pausedDays',
    'endedAt',
    'createdAt',
    'archivedAt',
  ],
  template: [
    'name',
    'description',
    'documentLink',
    'documentSha256',
    'versionNumber',
    'isLatest',
    'changeLog',
    'createdAt',
    'archivedAt',
  ],
  registration: [
    'companyName',
    'businessType',
    'companyPhone',
    'contactEmail',
    'companyAddress',
    'companyLinkedin',
    'requestedDomain',
    'adminEmail',
    'adminUsername',
    'adminPhone',
    'defaultCurrency',
    'subscriptionPlan',
    'isolation',
    'status',
    'reason',
    'note',
    'reviewedBy',
    'reviewedAt',
    'expiresAt',
    'activatedAt',
    'lastError',
    'createdAt',
  ],
  company: [
    'name',
    'code',
    'businessType',
    'status',
    'subscriptionPlan',
    'contactEmail',
    'contactPhone',
    'address',
    'linkedin',
    'logoUrl',
    'defaultCurrency',
    'timeZone',
    'createdAt',
  ],
};

async function presentOf(entity: PastEntity, id: string): Promise<Facts> {
  const found = async <M extends Model>(model: ModelStatic<M>): Promise<Facts> => {
    const row = await model.findOne({ where: and({ id }), rejectOnEmpty: true });
    return row.get();
  };
  switch (entity) {
    case 'category':
      return found(PropertyCategory);
    case 'property':
      return found(Property);
    case 'booking':
      return found(Booking);
    case 'plan':
      return found(InsurancePlan);
    case 'subscription':
      return found(PolicySubscription);
    case 'policy':
      return found(Policy);
    case 'report':
      return found(Report);
    case 'claim':
      return found(Claim);
    case 'customer':
      return found(Customer);
    case 'employee':
      return found(Employee);
    case 'compliance':
      return found(Compliance);
    case 'customer_compliance':
      return found(CustomerCompliance);
    case 'compliance_policy':
      return found(CompliancePolicy);
    case 'policy_configuration':
      return found(PolicyConfiguration);
    case 'campaign':
      return found(Campaign);
    case 'template':
      return found(Template);
    case 'registration':
      return found(RegistrationRequest);
    case 'company': {
      const company = await getRow(Company, id, { archived: true });
      return { ...company.get(), ...settingsOf(company) };
    }
    default:
      return entity satisfies never;
  }
}

/** What holds, under the names that the audit has for it: `audit.retentionYears`. */
const settingsOf = ({ id, settings }: Company): Facts =>
  Object.fromEntries(
    resolved(settings, { isPlatform: id === platformCompanyId }).map(({ section, key, value }) => [
      `${section}.${key}`,
      value,
    ]),
  );

/** The first change of a field after a time says what it was until then. */
const valuesBefore = `SELECT DISTINCT ON (name) name, a.before -> name AS value
  FROM core.audit_logs a, jsonb_object_keys(
    coalesce(a.before, '{}') || coalesce(a.after, '{}')) AS name
  WHERE a.entity_type = $1 AND a.entity_id = $2 AND a.timestamp > $3
    AND a.action NOT IN ('CREATE', 'ACCESS_DENIED') AND name = ANY ($4)
  ORDER BY name, a.timestamp, a.id`;

const lastChange = `SELECT a.id, a.timestamp AS at, a.action, a.actor_id AS "actorId",
    a.actor_type AS "actorType"
  FROM core.audit_logs a
  WHERE a.entity_type = $1 AND a.entity_id = $2 AND a.timestamp <= $3 AND a.action <> 'ACCESS_DENIED'
  ORDER BY a.timestamp DESC, a.id DESC LIMIT 1`;
