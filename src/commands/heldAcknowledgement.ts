import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { Acknowledgement } from '../models/Acknowledgement.ts';
import { AcknowledgementHistory } from '../models/AcknowledgementHistory.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { holdersOfFirst } from '../models/claimStaff.ts';
import { select, together } from '../models/database.ts';
import { Exemption } from '../models/Exemption.ts';
import { columnsOf } from '../models/list.ts';
import { Notification, type TemplateCode } from '../models/Notification.ts';
import { editRow, noSuch } from '../models/rows.ts';
import { clocksOf, nextOf, watchedPolicy, type Watched } from '../models/watchedPolicy.ts';
import { maxDueAheadDays, type Dated } from '../rules/acknowledgements.ts';
import { addDays, compareDates, type CalendarDate } from '../rules/calendar.ts';
import { labelText, type QuizQuestion } from '../rules/compliancePolicies.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';

/** An acknowledgement whose row is held, with what an answer needs. */
export interface Held {
  readonly row: Acknowledgement;
  readonly id: string;
  readonly companyId: string;
  readonly policyId: string;
  readonly policyVersion: number;
  readonly status: Acknowledgement['status'];
  readonly dueDate: CalendarDate;
  /** What it is about, as of the moment at which it was held. */
  readonly watched: Watched;
  readonly employeeId: string;
  readonly userId: string | null;
  readonly email: string;
  readonly name: string;
  readonly title: string;
  readonly label: string;
  readonly contentSha256: string;
  readonly documentSha256: string | null;
  readonly quiz: readonly QuizQuestion[];
  /** Of the answer of the same person before. */
  readonly previousHash: string | null;
  readonly previousAt: Date | null;
  readonly hasExemptionOpen: boolean;
  /** That it belongs to. */
  readonly campaign: {
    readonly id: string;
    readonly allowDecline: boolean;
    readonly allowExemption: boolean;
    readonly pausedOn: CalendarDate | null;
    readonly pausedDays: number;
    readonly movedDays: number;
  } | null;
}

type HeldFacts = Omit<
  Held,
  | 'row'
  | 'id'
  | 'watched'
  | 'label'
  | 'companyId'
  | 'policyId'
  | 'policyVersion'
  | 'status'
  | 'dueDate'
>;

/**
 * Holds the row, and whoever is asked: answers of one person follow each other, so that their evidence
 * is one chain.
 */
export async function heldOf(
  { userId }: Actor,
  id: string,
  { anybodys = false } = {},
): Promise<Held> {
  const [held] = await select<InferAttributes<Acknowledgement> & { heldFor: string | null }>(
    `SELECT ${columnsOf(Acknowledgement, 'a')}, e.user_id AS "heldFor"
     FROM acknowledgements a JOIN employees e ON e.id = a.employee_id
     WHERE a.id = $1 AND a.archived_at IS NULL FOR NO KEY UPDATE OF e, a`,
    [id],
  );
  if (!held || (!anybodys && (userId === null || held.heldFor !== userId))) {
    throw noSuch(Acknowledgement.entityType, id);
  }
  const { heldFor: _, ...values } = held;
  const row = Acknowledgement.build(values, { isNewRecord: false, raw: true });
  const { companyId, policyId, policyVersion, status, dueDate } = row;
  // Read once they are held: what somebody else did meanwhile counts.
  const [[facts], watched] = await together(factsOf(id), watchedPolicy(policyId, new Date()));
  if (!facts) throw noSuch(Acknowledgement.entityType, id);
  const own = { companyId, policyId, policyVersion, status, dueDate };
  return { ...facts, ...own, row, id, watched, label: labelText(facts) };
}

const factsOf = (id: string) =>
  select<HeldFacts & Label>(
    `SELECT e.user_id AS "userId", e.email, e.name, e.id AS "employeeId", p.title, v.major, v.minor,
       v.content_sha256 AS "contentSha256", v.document_sha256 AS "documentSha256", v.quiz,
       last.evidence_hash AS "previousHash", last.acknowledged_at AS "previousAt",
       EXISTS (SELECT 1 FROM exemptions x
         WHERE x.acknowledgement_id = a.id AND x.status = 'open') AS "hasExemptionOpen",
       (SELECT jsonb_build_object('id', c.id, 'allowDecline', c.allow_decline,
            'allowExemption', c.allow_exemption, 'pausedOn', c.paused_on, 'pausedDays', c.paused_days,
            'movedDays', c.moved_days)
        FROM campaigns c WHERE c.id = a.campaign_id) AS campaign
     FROM acknowledgements a
       JOIN employees e ON e.id = a.employee_id
       JOIN compliance_policies p ON p.id = a.policy_id
       JOIN compliance_policy_versions v ON v.policy_id = a.policy_id AND v.number = a.policy_version
       LEFT JOIN LATERAL (SELECT o.evidence_hash, o.acknowledged_at FROM acknowledgements o
         WHERE o.employee_id = e.id AND o.acknowledged_at IS NOT NULL
         ORDER BY o.acknowledged_at DESC, o.id DESC LIMIT 1) last ON true
     WHERE a.id = $1`,
    [id],
  );

interface Label {
  readonly major: number;
  readonly minor: number;
}

export function refuseUnlessPending({ status }: Held): void {
  if (status === 'pending') return;
  throw new Conflict('NOT_PENDING', `Nothing is asked any more: it is ${status}`, {
    current_status: status,
  });
}

type Ending = Partial<InferAttributes<Acknowledgement>> & Pick<Acknowledgement, 'status'>;

/**
 * Nobody is asked any more; what comes after it, and an exemption that was asked for, follow.
 * @param reason as the history tells it; never in the audit, where it could not be erased
 */
export async function end(asked: Held, changes: Ending, reason?: string): Promise<void> {
  const { row, id, watched } = asked;
  const next = nextOf(
    watched,
    {
      status: changes.status,
      dueDate: asked.dueDate,
      answeredOn: changes.status === 'acknowledged' ? watched.today : null,
      exemptedUntil: changes.exemptedUntil ?? null,
    },
    watched.today,
  );
  const { status: from } = row;
  await row.update({ ...changes, ...next, owedAlerts: [], version: row.version + 1 });
  AcknowledgementHistory.record(id, 'status', { from, to: changes.status }, reason);
  AuditLog.record(
    'STATUS_CHANGE',
    { type: Acknowledgement.entityType, id },
    {
      before: { status: from },
      after: {
        status: changes.status,
        ...(changes.evidenceHash && { evidenceHash: changes.evidenceHash }),
        ...(changes.exemptedUntil && { exemptedUntil: changes.exemptedUntil }),
      },
    },
  );
  if (asked.hasExemptionOpen && changes.status !== 'exempted') {
    await Exemption.update(
      { status: 'lapsed' },
      { where: { acknowledgementId: id, status: 'open' } },
    );
  }
}

/** Its clock begins anew from the other day; who was told that it is late is not told again for that. */
export async function moveDue(
  { row, id, dueDate: from, campaign, watched }: Held,
  dueDate: CalendarDate,
  reason: string,
): Promise<void> {
  const isLate = compareDates(dueDate, watched.today) < 0;
  const clocks = clocksOf(watched, campaign?.id ?? null);
  const next = nextOf(clocks, pendingUntil(dueDate), addDays(watched.today, -1));
  await editRow(
    Acknowledgement,
    row,
    {
      dueDate,
      ...next,
      // What was told is the day: neither a pause that is over nor other days of the campaign move it.
      ...(campaign && { pausedDays: campaign.pausedDays, movedDays: campaign.movedDays }),
      ...(!isLate && { escalationStatus: 'none', owedAlerts: [], managerTold: false }),
    },
    undefined,
  );
  AcknowledgementHistory.record(id, 'due_date', { from, to: dueDate }, reason);
}

export const pendingUntil = (dueDate: CalendarDate): Dated => ({
  status: 'pending',
  dueDate,
  answeredOn: null,
  exemptedUntil: null,
});

export function refuseDue({ today }: Watched, date: CalendarDate, field = 'due_date'): void {
  const last = addDays(today, maxDueAheadDays);
  if (compareDates(date, today) >= 0 && compareDates(date, last) <= 0) return;
  throw invalidField(field, `must be from ${today} to ${last}`, 'DEADLINE_OUT_OF_RANGE');
}

const keeperOf = ({ companyId, policyId }: Pick<Held, 'companyId' | 'policyId'>): string =>
  acknowledgementWorkflowId(companyId, policyId);

/** By e-mail, which the keeper sends, and in the application. */
export function tellPerson(
  asked: Held,
  template: TemplateCode,
  key: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  const { userId, email: address, id, policyId, title } = asked;
  const message = {
    template,
    payload: { policyId, title, ...facts },
    key,
    about: { type: Acknowledgement.entityType, id },
    workflowId: keeperOf(asked),
  };
  Notification.queue({
    ...message,
    to: userId ? { channel: 'email', userId } : { channel: 'email', address },
  });
  if (userId) Notification.queue({ ...message, to: { channel: 'in_app', userId } });
}

/** Those who manage compliance, each by e-mail and in the application. */
export async function tellCompliance(
  asked: Held,
  template: TemplateCode,
  facts: Readonly<Record<string, unknown>>,
  of = asked.id,
): Promise<void> {
  const told = await holdersOfFirst([['compliance_manager'], ['tenant_admin']]);
  await Notification.queueMany(
    told.map((userId) => ({
      to: { userId },
      template,
      payload: {
        policyId: asked.policyId,
        title: asked.title,
        employee: asked.name,
        ...facts,
      },
      key: `acknowledgement/${of}/${template}`,
      about: { type: Acknowledgement.entityType, id: asked.id },
    })),
    keeperOf(asked),
  );
}
