import { v7 as uuid } from 'uuid';
import { currentContext } from '../context.ts';
import {
  isTakenBack,
  joinerDue,
  settle,
  type AcknowledgementStatus,
  type AcknowledgementType,
  type Published,
  type Settlement,
  type StandingRow,
} from '../rules/acknowledgements.ts';
import { addDays, compareDates, dateAt, type CalendarDate } from '../rules/calendar.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import { Acknowledgement } from './Acknowledgement.ts';
import { AcknowledgementHistory } from './AcknowledgementHistory.ts';
import { AuditLog } from './AuditLog.ts';
import { withKeptProgress } from './customerProgress.ts';
import { execute, select } from './database.ts';
import { Notification, type ManyMessages, type TemplateCode } from './Notification.ts';
import { among, batchSize, clocksOf, nextOf, worksThere, type Watched } from './watchedPolicy.ts';

/** Somebody who may have to be asked, with their rows, the newest first. */
interface Candidate {
  readonly id: string;
  readonly userId: string | null;
  readonly email: string;
  readonly customerId: string;
  readonly department: string | null;
  readonly joinedOn: CalendarDate;
  readonly isThere: boolean;
  readonly isConcerned: boolean;
  readonly rows: readonly CandidateRow[];
}

type CandidateRow = StandingRow & {
  readonly cycle: number;
  readonly dueDate: CalendarDate;
  readonly acknowledgedAt: string | null;
  readonly exemptedUntil: CalendarDate | null;
  readonly isWithdrawn: boolean;
};

/** `$1` policy, `$2` customer, `$3` role, `$4` department, `$5` version, `$6` today. */
const concerned = `($5::integer IS NOT NULL AND ${among('$2', '$3', '$4', '$6')})`;

/** That an acknowledgement `a` was taken back with its campaign: it says nothing of how somebody stood. */
const isWithdrawn = `(a.status = 'cancelled' AND EXISTS (SELECT 1 FROM campaigns w
  WHERE w.company_id = a.company_id AND w.id = a.campaign_id AND w.status = 'cancelled'))`;

/** That what an acknowledgement `a` confirms is no longer the text that has to be read. */
const isOfOtherText = `(a.evidence IS NOT NULL AND EXISTS (SELECT 1 FROM compliance_policy_versions t
  WHERE t.policy_id = a.policy_id AND t.number = a.policy_version AND t.requires_reack
    AND (t.content_sha256, t.document_sha256) IS DISTINCT FROM
      (a.evidence ->> 'contentSha256', a.evidence ->> 'documentSha256')))`;

/** Somebody moved while their row was written. */
const isElsewhere = `(a.customer_id, a.department) <> (e.customer_id, coalesce(e.department, ''))`;

/**
 * Lets the next people after `after` stand as they should: whom the policy concerns is asked once about
 * what is published, whom it does not concern any more is not. Nothing where they do already.
 * @returns the last of them; undefined when nobody is left
 */
export async function settleBatch(watched: Watched, after: string): Promise<string | undefined> {
  // Looked up person by person: without statistics the planner would compare everybody with everybody.
  const held = await select<{ id: string }>(
    `SELECT e.id FROM employees e LEFT JOIN LATERAL (
       SELECT c.id, c.status, c.policy_version, c.customer_id, c.department FROM acknowledgements c
       WHERE c.policy_id = $1 AND c.employee_id = e.id AND c.is_current OFFSET 0) a ON true
     WHERE e.id > $8 AND CASE WHEN coalesce(${concerned}, false)
       THEN a.id IS NULL OR a.policy_version < $7
         OR (a.policy_version > $5 AND (a.status = 'pending' OR a.policy_version >= $9))
         OR (a.status = 'pending' AND a.policy_version < $5) OR ${isElsewhere}
       ELSE a.id IS NOT NULL END
     ORDER BY e.id LIMIT ${batchSize} FOR NO KEY UPDATE OF e`,
    [
      ...factsOf(watched),
      watched.published?.reackVersion ?? null,
      after,
      watched.published?.nextReackVersion ?? null,
    ],
  );
  await settleHeld(
    watched,
    held.map(({ id }) => id),
  );
  return held.at(-1)?.id;
}

/**
 * The same for these people, who are held: nobody else asks them meanwhile, and their rows are those that
 * count.
 */
export async function settleHeld(watched: Watched, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const { published, retiredVersion, policyId } = watched;
  const candidates = await select<Candidate>(
    `SELECT e.id, e.user_id AS "userId", e.email, e.customer_id AS "customerId", e.department,
       coalesce(e.return_date, e.join_date) AS "joinedOn",
       ${worksThere('$6')} AS "isThere",
       coalesce(${concerned}, false) AS "isConcerned",
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'status', a.status,
            'policyVersion', a.policy_version, 'isCurrent', a.is_current, 'cycle', a.cycle,
            'dueDate', a.due_date, 'acknowledgedAt', a.acknowledged_at,
            'exemptedUntil', a.exempted_until, 'isWithdrawn', ${isWithdrawn},
            'isOfOtherText', ${isOfOtherText})
          ORDER BY a.id DESC), '[]')
        FROM acknowledgements a WHERE a.policy_id = $1 AND a.employee_id = e.id) AS rows
     FROM employees e WHERE e.id = ANY ($7::uuid[]) ORDER BY e.id`,
    [...factsOf(watched), ids],
  );
  const settlements = candidates.flatMap((candidate): Settled[] => {
    const rows = candidate.rows.filter((row) => !row.isWithdrawn);
    const settlement = settle(rows, candidate.isConcerned, published, retiredVersion);
    return settlement ? [{ candidate, settlement }] : [];
  });
  await stepBack(watched, settlements);
  await execute(
    `UPDATE acknowledgements a SET customer_id = e.customer_id, department = coalesce(e.department, '')
     FROM employees e WHERE e.id = ANY ($2::uuid[]) AND a.policy_id = $1 AND a.employee_id = e.id
       AND ${isElsewhere}`,
    [policyId, ids],
  );
  if (published) {
    await follow(watched, settlements, published);
    await restore(watched, settlements);
    await open(watched, published, settlements);
  }
}

/** What `concerned` is bound to. */
const factsOf = ({ policyId, audience, published, today }: Watched): readonly unknown[] => [
  policyId,
  audience.customerId,
  audience.role,
  audience.department,
  published?.version ?? null,
  today,
];

/** When the next of those whom it concerns joins; null where nobody is still to. */
export async function nextJoining(watched: Watched): Promise<CalendarDate | null> {
  const { policyId, audience, published, today } = watched;
  if (!published) return null;
  const [next] = await select<{ on: CalendarDate | null }>(
    `SELECT min(e.join_date)::text AS "on" FROM employees e
     WHERE e.join_date >= $5::date AND ${among('$2', '$3', '$4', "'infinity'")}
       AND NOT EXISTS (SELECT FROM acknowledgements a
         WHERE a.policy_id = $1 AND a.employee_id = e.id AND a.is_current)`,
    [policyId, audience.customerId, audience.role, audience.department, today],
  );
  return next?.on ?? null;
}

interface Settled {
  readonly candidate: Candidate;
  readonly settlement: Settlement;
}

/** Whoever stands otherwise from now on: what is open is closed, what was answered no longer counts. */
async function stepBack(watched: Watched, settlements: readonly Settled[]): Promise<void> {
  const changes = settlements.flatMap(({ candidate, settlement: { close, leave } }) => {
    const current = candidate.rows.find(({ isCurrent }) => isCurrent);
    return current && (close || leave) ? [{ id: current.id, to: close ?? current.status }] : [];
  });
  await changeStatus(changes, watched.at, whyClosed(watched));
  await tellAll(
    watched,
    'acknowledgement_withdrawn',
    settlements.flatMap(({ candidate, settlement: { close } }) => {
      const current = candidate.rows.find(({ isCurrent }) => isCurrent);
      return close && candidate.isThere && current && isTakenBack(current, watched.published)
        ? [{ ...candidate, id: current.id, dueDate: current.dueDate }]
        : [];
    }),
    'withdrawn',
  );
}

const whyClosed = ({ published }: Watched): string =>
  published ? 'Another version is published, or the policy does not concern them' : 'Not published';

/**
 * Closes rows or takes them out of what counts, with history and audit; one statement each.
 * @param changes the status that each has then; one that keeps its own only counts no longer
 */
export async function changeStatus(
  changes: readonly { readonly id: string; readonly to: string }[],
  at: Date,
  reason: string,
): Promise<void> {
  if (changes.length === 0) return;
  const rows = JSON.stringify(changes.map((change) => ({ ...change, h: uuid(), audit: uuid() })));
  const from = `jsonb_to_recordset($1) AS c (id uuid, "to" text, h uuid, audit uuid)`;
  await AuditLog.recordEach(
    'UPDATE',
    Acknowledgement.entityType,
    `SELECT c.audit AS audit_id, c.id AS entity_id,
       jsonb_build_object('status', a.status, 'isCurrent', a.is_current) AS before,
       jsonb_build_object('status', c."to", 'isCurrent', false, 'reason', $2::text) AS after
     FROM ${from} JOIN acknowledgements a ON a.id = c.id`,
    [rows, reason],
  );
  await AcknowledgementHistory.recordEach(
    'status',
    `SELECT c.h AS history_id, a.id AS acknowledgement_id, a.status AS old_value, c."to" AS new_value
     FROM ${from} JOIN acknowledgements a ON a.id = c.id WHERE a.status <> c."to"`,
    rows,
    { at, reason },
  );
  await AcknowledgementHistory.recordEach(
    'is_current',
    `SELECT c.h AS history_id, a.id AS acknowledgement_id, 'true' AS old_value, 'false' AS new_value
     FROM ${from} JOIN acknowledgements a ON a.id = c.id WHERE a.status = c."to"`,
    rows,
    { at, reason },
  );
  await execute(
    `UPDATE exemptions SET status = 'lapsed', updated_at = now()
     WHERE status = 'open' AND acknowledgement_id = ANY ($1::uuid[])`,
    [changes.map(({ id }) => id)],
  );
  await execute(
    `UPDATE acknowledgements a SET status = c."to", is_current = false, next_action = NULL,
       next_action_at = NULL, owed_alerts = '{}', updated_at = now(),
       reason = CASE WHEN a.status = c."to" THEN a.reason ELSE $2 END
     FROM ${from} WHERE a.id = c.id`,
    [rows, reason],
  );
}

/** A small change of the text, made or taken back, asks nobody anew who has not answered yet. */
async function follow(
  { at }: Watched,
  settlements: readonly Settled[],
  { version }: Published,
): Promise<void> {
  const changes = settlements.flatMap(({ candidate: { rows }, settlement }) => {
    const current = rows.find(({ isCurrent }) => isCurrent);
    return current && settlement.follow
      ? [{ id: current.id, cycle: cycleAfter(rows, version), h: uuid(), audit: uuid() }]
      : [];
  });
  if (changes.length === 0) return;
  const json = JSON.stringify(changes);
  const from = `jsonb_to_recordset($1) AS c (id uuid, cycle integer, h uuid, audit uuid)
    JOIN acknowledgements a ON a.id = c.id`;
  await AuditLog.recordEach(
    'UPDATE',
    Acknowledgement.entityType,
    `SELECT c.audit AS audit_id, a.id AS entity_id,
       jsonb_build_object('policyVersion', a.policy_version, 'cycle', a.cycle) AS before,
       jsonb_build_object('policyVersion', $2::integer, 'cycle', c.cycle) AS after FROM ${from}`,
    [json, version],
  );
  await AcknowledgementHistory.recordEach(
    'policy_version',
    `SELECT c.h AS history_id, a.id AS acknowledgement_id, a.policy_version::text AS old_value,
       '${version}' AS new_value FROM ${from}`,
    json,
    { at, reason: 'A small change of the text' },
  );
  await execute(
    `UPDATE acknowledgements SET policy_version = $2, cycle = c.cycle, updated_at = now()
     FROM jsonb_to_recordset($1) AS c (id uuid, cycle integer) WHERE acknowledgements.id = c.id`,
    [json, version],
  );
}

/** Where they stood before says how they stand, until the next cycle. */
async function restore(watched: Watched, settlements: readonly Settled[]): Promise<void> {
  const changes = settlements.flatMap(({ candidate: { rows }, settlement }) => {
    const row = rows.find(({ id }) => id === settlement.restore);
    if (!row) return [];
    const { status, acknowledgedAt, exemptedUntil } = row;
    const answeredOn = acknowledgedAt && dateAt(Date.parse(acknowledgedAt), watched.timeZone);
    const dated = { status, dueDate: watched.today, answeredOn, exemptedUntil };
    const next = nextOf(watched, dated, addDays(watched.today, -1));
    return [{ id: row.id, ...next, h: uuid(), audit: uuid() }];
  });
  if (changes.length === 0) return;
  const json = JSON.stringify(changes);
  const from = `jsonb_to_recordset($1) AS c (id uuid, h uuid, audit uuid)`;
  await AuditLog.recordEach(
    'UPDATE',
    Acknowledgement.entityType,
    `SELECT c.audit AS audit_id, c.id AS entity_id, jsonb_build_object('isCurrent', false) AS before,
       jsonb_build_object('isCurrent', true) AS after FROM ${from}`,
    [json],
  );
  await AcknowledgementHistory.recordEach(
    'is_current',
    `SELECT c.h AS history_id, c.id AS acknowledgement_id, 'false' AS old_value, 'true' AS new_value
     FROM ${from}`,
    json,
    { at: watched.at, reason: 'They are concerned again by what they have answered' },
  );
  await execute(
    `UPDATE acknowledgements a SET is_current = true, next_action = c."nextAction",
       next_action_at = c."nextActionAt", updated_at = now()
     FROM jsonb_to_recordset($1) AS c (id uuid, "nextAction" text, "nextActionAt" timestamptz)
     WHERE a.id = c.id`,
    [json],
  );
}

/** The next one of that version. */
const cycleAfter = (rows: readonly CandidateRow[], version: number): number =>
  1 +
  Math.max(
    0,
    ...rows.filter(({ policyVersion }) => policyVersion === version).map(({ cycle }) => cycle),
  );

/** Asks them. */
async function open(
  watched: Watched,
  { version }: Published,
  settlements: readonly Settled[],
): Promise<void> {
  const asked = settlements
    .filter(({ settlement }) => settlement.open)
    .map(({ candidate }): Asked => {
      return {
        employee: candidate,
        cycle: cycleAfter(candidate.rows, version),
        ...firstDue(watched, candidate.joinedOn),
      };
    });
  await noteNewcomers(watched, asked);
  await ask(watched, version, asked);
}

/** What a customer had completed is open again; called before they are asked. */
async function noteNewcomers({ policyId, at }: Watched, asked: readonly Asked[]): Promise<void> {
  if (asked.length === 0) return;
  await execute(
    `UPDATE customer_compliances SET compliance_updated = $2, updated_at = now()
     WHERE id IN (SELECT k.id FROM ${withKeptProgress}
       WHERE k.id = (SELECT customer_compliance_id FROM compliance_policies WHERE id = $1)
         AND k.customer_id = ANY ($3::uuid[]) AND n.status = 'completed')`,
    [policyId, at, [...new Set(asked.map(({ employee }) => employee.customerId))]],
  );
}

/** Whoever is new has the time of new people; the others that of a request. */
function firstDue(
  { settings, today }: Watched,
  joinedOn: CalendarDate,
): Pick<Asked, 'type' | 'dueDate'> {
  const isNew = compareDates(joinedOn, addDays(today, -settings.newJoinerDays)) > 0;
  return isNew
    ? { type: 'new_joiner', dueDate: joinerDue(joinedOn, today, settings) }
    : { type: 'manual', dueDate: addDays(today, settings.manualDays) };
}

/** Somebody who is asked. */
export interface Asked {
  readonly employee: Pick<Candidate, 'id' | 'userId' | 'email' | 'customerId' | 'department'>;
  readonly cycle: number;
  readonly type: AcknowledgementType;
  readonly dueDate: CalendarDate;
}

/** A campaign, as far as what it asks for shows it. */
export interface AskingCampaign {
  readonly id: string;
  readonly pausedDays: number;
  readonly movedDays: number;
}

/** Somebody who may be asked once more. */
export interface Askable {
  readonly id: string;
  readonly userId: string | null;
  readonly email: string;
  readonly customerId: string;
  readonly department: string | null;
  readonly role: string | null;
  readonly isThere: boolean;
  /** Null for whoever was not asked yet, or need not have been. */
  readonly standing: AcknowledgementStatus | null;
  /** The last one of what is published; 0 before the first. */
  readonly cycle: number;
}

/** These people, held so that nobody else asks them meanwhile. */
export async function askable(
  { policyId, published, today }: Watched,
  ids: readonly string[],
): Promise<readonly Askable[]> {
  // Held first: who was asked meanwhile is seen by the next statement.
  await select(
    'SELECT 1 FROM employees WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE',
    [ids],
  );
  return select<Askable>(
    `SELECT e.id, e.user_id AS "userId", e.email, e.customer_id AS "customerId", e.department, e.role,
       ${worksThere('$4')} AS "isThere",
       (SELECT a.status FROM acknowledgements a WHERE a.policy_id = $2 AND a.employee_id = e.id
         AND a.is_current) AS standing,
       coalesce((SELECT max(a.cycle) FROM acknowledgements a WHERE a.policy_id = $2
         AND a.policy_version = $3 AND a.employee_id = e.id), 0) AS cycle
     FROM employees e WHERE e.id = ANY ($1::uuid[]) ORDER BY e.id`,
    [ids, policyId, published?.version, today],
  );
}

/** Asks people once more who are not being asked; what they stood by says so no longer. */
export async function askAgain(
  watched: Watched,
  { version }: Published,
  people: readonly Askable[],
  dueDate: CalendarDate,
  campaign?: AskingCampaign,
): Promise<readonly string[]> {
  if (people.length === 0) return [];
  const stoodBy = await select<{ id: string; to: AcknowledgementStatus }>(
    `SELECT id, status AS "to" FROM acknowledgements
     WHERE policy_id = $1 AND employee_id = ANY ($2::uuid[]) AND is_current`,
    [watched.policyId, people.map(({ id }) => id)],
  );
  await changeStatus(stoodBy, watched.at, 'They are asked once more');
  const asked = people.map((employee): Asked => {
    return { employee, cycle: employee.cycle + 1, type: 'manual', dueDate };
  });
  return ask(watched, version, asked, campaign);
}

/** Rows, audit and messages of all of them; one statement each. */
export async function ask(
  watched: Watched,
  version: number,
  asked: readonly Asked[],
  campaign?: AskingCampaign,
): Promise<readonly string[]> {
  if (asked.length === 0) return [];
  const { policyId, today } = watched;
  const clocks = clocksOf(watched, campaign?.id ?? null);
  const rows = asked.map(({ employee, cycle, type, dueDate }) => ({
    id: uuid(),
    audit: uuid(),
    employee: employee.id,
    customer: employee.customerId,
    department: employee.department ?? '',
    cycle,
    type,
    due: dueDate,
    ...nextOf(clocks, { status: 'pending', dueDate, answeredOn: null, exemptedUntil: null }, today),
  }));
  const json = JSON.stringify(rows);
  const from = `jsonb_to_recordset($1) AS r (id uuid, audit uuid, employee uuid, customer uuid,
    department text, cycle integer, type text, due date, "nextAction" text, "nextActionAt" timestamptz)`;
  const { actorId } = currentContext();
  await execute(
    `INSERT INTO acknowledgements (company_id, id, created_by, updated_by, policy_id, policy_version,
       employee_id, cycle, acknowledgement_type, customer_id, department, due_date, original_due_date,
       next_action, next_action_at, campaign_id, paused_days, moved_days)
     SELECT (SELECT app.company_id()), r.id, $4, $4, $2, $3, r.employee, r.cycle, r.type, r.customer,
       r.department, r.due, r.due, r."nextAction", r."nextActionAt", $5, $6, $7
     FROM ${from}`,
    [
      json,
      policyId,
      version,
      actorId ?? null,
      campaign?.id ?? null,
      campaign?.pausedDays ?? 0,
      campaign?.movedDays ?? 0,
    ],
  );
  await AuditLog.recordEach(
    'CREATE',
    Acknowledgement.entityType,
    `SELECT r.audit AS audit_id, r.id AS entity_id, NULL::jsonb AS before,
       jsonb_build_object('policyId', $2::uuid, 'policyVersion', $3::integer, 'employeeId', r.employee,
         'acknowledgementType', r.type, 'cycle', r.cycle, 'dueDate', r.due,
         'campaignId', $4::uuid) AS after
     FROM ${from}`,
    [json, policyId, version, campaign?.id ?? null],
  );
  await tellAll(
    watched,
    'acknowledgement_assigned',
    asked.map(({ employee, dueDate }, index) => ({
      id: rows[index]?.id ?? '',
      userId: employee.userId,
      email: employee.email,
      dueDate,
    })),
    'assigned',
  );
  return rows.map(({ id }) => id);
}

/** Somebody to tell about their acknowledgement. */
export interface Told {
  readonly id: string;
  readonly userId: string | null;
  readonly email: string;
  readonly dueDate: CalendarDate;
}

/** By e-mail, and in the application where they have an account; once for one effect. */
export const tellAll = (
  { title, policyId, companyId }: Pick<Watched, 'title' | 'policyId' | 'companyId'>,
  template: TemplateCode,
  told: readonly Told[],
  effect: string,
): Promise<void> =>
  Notification.queueMany(
    told.map(({ id, userId, email, dueDate }): ManyMessages => ({
      to: userId ? { userId } : { address: email },
      template,
      payload: { policyId, title, dueDate, acknowledgementId: id },
      key: `acknowledgement/${id}/${effect}`,
      about: { type: Acknowledgement.entityType, id },
    })),
    acknowledgementWorkflowId(companyId, policyId),
  );
