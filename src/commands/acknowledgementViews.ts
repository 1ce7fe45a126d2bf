import type { Actor } from '../context.ts';
import type { AcknowledgementHistory } from '../models/AcknowledgementHistory.ts';
import { Acknowledgement } from '../models/Acknowledgement.ts';
import { select } from '../models/database.ts';
import type { Exemption } from '../models/Exemption.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { noSuch } from '../models/rows.ts';
import { isOverdue, standsStill } from '../models/watchedPolicy.ts';
import {
  statementOf,
  type AcknowledgementStatus,
  type AcknowledgementType,
  type EscalationStatus,
} from '../rules/acknowledgements.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { labelText, type QuizQuestion } from '../rules/compliancePolicies.ts';
import { allows } from '../rules/permissions.ts';
import type { InferAttributes } from 'sequelize';

export interface AcknowledgementFilters extends ListAsked<keyof typeof sortColumns> {
  readonly policyId?: string | undefined;
  readonly campaignId?: string | undefined;
  readonly employeeId?: string | undefined;
  readonly customerId?: string | undefined;
  readonly department?: string | undefined;
  readonly status?: AcknowledgementStatus | undefined;
  readonly type?: AcknowledgementType | undefined;
  readonly escalationStatus?: EscalationStatus | undefined;
  /** Not answered, and the day has passed. */
  readonly overdue?: boolean | undefined;
}

const sortColumns = {
  dueDate: 'a.due_date',
  createdAt: 'a.created_at',
  acknowledgedAt: 'a.acknowledged_at',
} as const;

/** An acknowledgement with who is asked and about what. */
export interface AcknowledgementView extends Omit<InferAttributes<Acknowledgement>, 'evidence'> {
  readonly policyTitle: string;
  readonly employeeName: string;
  readonly employeeEmail: string;
  readonly major: number;
  readonly minor: number;
  readonly isOverdue: boolean;
  /** An exemption is asked for, and nobody has decided. */
  readonly exemptionOpen: boolean;
}

/** What there is to read, and to answer. */
export interface DocumentToRead {
  readonly content: string | null;
  readonly documentLink: string | null;
  readonly statement: string;
  /** Without the right answers. */
  readonly quiz: readonly Pick<QuizQuestion, 'question' | 'options'>[];
}

/** What is asked for by whoever need not read it, they think. */
export interface ExemptionAsked {
  readonly reason: string;
  readonly validUntil: CalendarDate;
  readonly status: Exemption['status'];
  readonly decisionReason: string | null;
}

export type AcknowledgementDetail = AcknowledgementView & {
  readonly document: DocumentToRead;
  /** The latest one. */
  readonly exemption: ExemptionAsked | null;
};

const from = `acknowledgements a
  JOIN employees e ON e.id = a.employee_id
  JOIN compliance_policies p ON p.id = a.policy_id
  JOIN compliance_policy_versions v ON v.policy_id = a.policy_id AND v.number = a.policy_version`;

/** By the company's clocks. */
const today = `(now() AT TIME ZONE (SELECT c.time_zone FROM platform.companies c
  WHERE c.id = (SELECT app.company_id())))::date`;

const isLate = isOverdue(today);

const columns = (): string => `${columnsOf(Acknowledgement, 'a', [
  'evidence',
  'nextAction',
  'nextActionAt',
])}, p.title AS "policyTitle",
  e.name AS "employeeName", e.email AS "employeeEmail", v.major, v.minor,
  CASE WHEN NOT ${standsStill} THEN a.next_action END AS "nextAction",
  CASE WHEN NOT ${standsStill} THEN a.next_action_at END AS "nextActionAt",
  ${isLate} AS "isOverdue",
  EXISTS (SELECT 1 FROM exemptions x
    WHERE x.acknowledgement_id = a.id AND x.status = 'open') AS "exemptionOpen"`;

export const acknowledgementPage = (
  filters: AcknowledgementFilters,
  more: readonly Condition[] = [],
) =>
  selectPage<AcknowledgementView>(
    columns(),
    from,
    [...conditionsOf(filters), ...more],
    sortedBy(sortColumns, filters, 'a.id'),
  );

function conditionsOf(filters: AcknowledgementFilters): readonly Condition[] {
  const { policyId, employeeId, customerId, department, status, type, search } = filters;
  const { escalationStatus, overdue, campaignId } = filters;
  return [
    ...(policyId ? [['a.policy_id = $', policyId] as const] : []),
    ...(campaignId ? [['a.campaign_id = $', campaignId] as const] : []),
    ...(employeeId ? [['a.employee_id = $', employeeId] as const] : []),
    ...(customerId ? [['a.customer_id = $', customerId] as const] : []),
    ...(department ? [['lower(a.department) = lower($)', department] as const] : []),
    ...(status ? [['a.status = $', status] as const] : []),
    ...(type ? [['a.acknowledgement_type = $', type] as const] : []),
    ...(escalationStatus ? [['a.escalation_status = $', escalationStatus] as const] : []),
    ...(overdue === undefined ? [] : [[overdue ? isLate : `NOT ${isLate}`] as const]),
    ...(search
      ? [['(e.name ILIKE $ OR e.email ILIKE $ OR p.title ILIKE $)', containing(search)] as const]
      : []),
    ...madeWithin('a', filters),
  ];
}

/** Those of the person themselves, whatever company's customer they work for. */
export const ofPerson = ({ userId }: Actor): Condition => ['e.user_id = $', userId];

/** In the open transaction. @throws NotFound also for whom it is none of their business */
export async function acknowledgementView(
  actor: Actor,
  id: string,
): Promise<AcknowledgementDetail> {
  const [found] = await selectFirst<AcknowledgementView & Document>(
    `${columns()}, v.content, v.document_link AS "documentLink", v.quiz,
     (SELECT jsonb_build_object('reason', x.reason, 'validUntil', x.valid_until, 'status', x.status,
        'decisionReason', x.decision_reason) FROM exemptions x WHERE x.acknowledgement_id = a.id
      ORDER BY x.created_at DESC, x.id DESC LIMIT 1) AS exemption`,
    from,
    [['a.id = $', id], ...(allows(actor, 'ack:read_all') ? [] : [ofPerson(actor)])],
    { by: 'a.created_at', id: 'a.id', order: 'desc', size: 1 },
  );
  if (!found) throw noSuch(Acknowledgement.entityType, id);
  const { content, documentLink, quiz, ...view } = found;
  return {
    ...view,
    document: {
      content,
      documentLink,
      statement: statementOf(view.policyTitle, labelText(view)),
      quiz: quiz.map(({ question, options }) => ({ question, options })),
    },
  };
}

interface Document {
  readonly exemption: ExemptionAsked | null;
  readonly content: string | null;
  readonly documentLink: string | null;
  readonly quiz: readonly QuizQuestion[];
}

/** What has changed about it, the first first. */
export const historyOf = (id: string) =>
  select<InferAttributes<AcknowledgementHistory>>(
    `SELECT id, company_id AS "companyId", acknowledgement_id AS "acknowledgementId", field,
       old_value AS "oldValue", new_value AS "newValue", reason, actor_id AS "actorId",
       actor_type AS "actorType", updated_at AS "updatedAt"
     FROM acknowledgement_history WHERE acknowledgement_id = $1 ORDER BY updated_at, id LIMIT 1000`,
    [id],
  );
