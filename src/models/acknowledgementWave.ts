import { v7 as uuid } from 'uuid';
import {
  actionsBetween,
  nextCycleUntil,
  type AcknowledgementAction,
  type AlertLevel,
  type Dated,
  type EscalationStatus,
} from '../rules/acknowledgements.ts';
import { addDays, compareDates, dateAt } from '../rules/calendar.ts';
import { ask, changeStatus, tellAll, type Asked, type Told } from './acknowledging.ts';
import {
  batchSize,
  clocksOf,
  datedOf,
  nextOf,
  standsStill,
  type DatedRow,
  type Watched,
} from './watchedPolicy.ts';
import { Acknowledgement } from './Acknowledgement.ts';
import { AcknowledgementHistory } from './AcknowledgementHistory.ts';
import { AuditLog } from './AuditLog.ts';
import { execute, select } from './database.ts';
import type { TemplateCode } from './Notification.ts';

/** A row that something is to be done about. */
interface DueRow extends DatedRow {
  readonly escalationStatus: EscalationStatus;
  readonly owedAlerts: readonly AlertLevel[];
  /** Null where it was asked before that was written down. */
  readonly managerTold: boolean | null;
  readonly policyVersion: number;
  readonly cycle: number;
  readonly nextActionAt: Date;
  readonly employeeId: string;
  readonly userId: string | null;
  readonly email: string;
  readonly customerId: string;
  readonly department: string | null;
}

/**
 * Does what is due of the next rows, each once: the row's next date moves on in the same transaction.
 * Rows that somebody is answering, or people whom somebody is asking, just now are left for the next look.
 * @returns how many there were
 */
export async function carryOutBatch(watched: Watched): Promise<number> {
  const { policyId, at } = watched;
  const due = await select<DueRow>(
    `SELECT a.id, a.status, a.escalation_status AS "escalationStatus", a.owed_alerts AS "owedAlerts",
       a.manager_told AS "managerTold", a.policy_version AS "policyVersion", a.cycle, a.due_date AS "dueDate",
       a.acknowledged_at AS "acknowledgedAt", a.exempted_until AS "exemptedUntil",
       a.campaign_id AS "campaignId", a.next_action_at AS "nextActionAt", e.id AS "employeeId",
       e.user_id AS "userId", e.email, e.customer_id AS "customerId", e.department
     FROM acknowledgements a JOIN employees e ON e.id = a.employee_id
     WHERE a.policy_id = $1 AND a.is_current AND a.next_action_at <= $2 AND NOT ${standsStill}
     ORDER BY a.next_action_at, a.id LIMIT ${batchSize}
     FOR NO KEY UPDATE OF a, e SKIP LOCKED`,
    [policyId, at],
  );
  const found = due.map((row): Found => {
    const dated = datedOf(watched, row);
    const from = dateAt(row.nextActionAt.getTime(), watched.timeZone);
    const { settings } = clocksOf(watched, row.campaignId);
    return { row, dated, actions: actionsBetween(dated, settings, from, watched.today) };
  });
  const having = (action: AcknowledgementAction): readonly Found[] =>
    found.filter(({ actions }) => actions.has(action));
  await moveOn(
    watched,
    found.filter(({ actions }) => !actions.has('open_next_cycle')),
  );
  await openNextCycles(watched, having('open_next_cycle'));
  await tell(watched, 'acknowledgement_reminder', having('remind'));
  await tell(watched, 'acknowledgement_overdue', having('overdue'));
  return due.length;
}

interface Found {
  readonly row: DueRow;
  readonly dated: Dated;
  readonly actions: ReadonlySet<AcknowledgementAction>;
}

/** The next date of each, how far it has climbed, and whom an alert is owed to. */
async function moveOn(watched: Watched, found: readonly Found[]): Promise<void> {
  if (found.length === 0) return;
  const changes = found.map(({ row, dated, actions }) => {
    const escalation = escalationAfter(row.escalationStatus, actions);
    return {
      id: row.id,
      escalation,
      climbed: escalation !== row.escalationStatus,
      owed: owedAfter(watched, row, actions),
      told: actions.has('overdue') || isManagerTold(watched, row),
      ...nextOf(clocksOf(watched, row.campaignId), dated, watched.today),
      h: uuid(),
      audit: uuid(),
    };
  });
  const json = JSON.stringify(changes);
  const from = `jsonb_to_recordset($1) AS c (id uuid, escalation text, climbed boolean, owed text[],
    told boolean, "nextAction" text, "nextActionAt" timestamptz, h uuid, audit uuid)`;
  const climbed = `${from} JOIN acknowledgements a ON a.id = c.id AND c.climbed`;
  if (changes.some((change) => change.climbed)) {
    await AuditLog.recordEach(
      'UPDATE',
      Acknowledgement.entityType,
      `SELECT c.audit AS audit_id, a.id AS entity_id,
         jsonb_build_object('escalationStatus', a.escalation_status) AS before,
         jsonb_build_object('escalationStatus', c.escalation) AS after FROM ${climbed}`,
      [json],
    );
    await AcknowledgementHistory.recordEach(
      'escalation_status',
      `SELECT c.h AS history_id, a.id AS acknowledgement_id, a.escalation_status AS old_value,
         c.escalation AS new_value FROM ${climbed}`,
      json,
      watched,
    );
  }
  await execute(
    `UPDATE acknowledgements a SET escalation_status = c.escalation, owed_alerts = c.owed,
       manager_told = c.told,
       next_action = c."nextAction", next_action_at = c."nextActionAt", updated_at = now()
     FROM ${from} WHERE a.id = c.id`,
    [json],
  );
}

function escalationAfter(
  before: EscalationStatus,
  actions: ReadonlySet<AcknowledgementAction>,
): EscalationStatus {
  if (actions.has('escalate_exec')) return 'escalated_to_cxo';
  if (actions.has('escalate_hr') && before === 'none') return 'escalated_to_hr';
  return before;
}

/** A rung is told when it is reached; those below it once, where the worker was away meanwhile. */
function owedAfter(
  watched: Watched,
  row: DueRow,
  actions: ReadonlySet<AcknowledgementAction>,
): readonly AlertLevel[] {
  const { escalationStatus, owedAlerts } = row;
  const owed = new Set(owedAlerts);
  if (actions.has('overdue') && !isManagerTold(watched, row)) owed.add('manager');
  if (actions.has('escalate_hr') && escalationStatus === 'none') owed.add('hr').add('manager');
  if (actions.has('escalate_exec') && escalationStatus !== 'escalated_to_cxo') {
    owed.add('executive');
  }
  return [...owed];
}

/** Of the day after it was due. */
const isManagerTold = (
  { timeZone }: Watched,
  { managerTold, dueDate, nextActionAt }: DueRow,
): boolean =>
  managerTold ?? compareDates(dateAt(nextActionAt.getTime(), timeZone), addDays(dueDate, 1)) > 0;

/** Whoever has answered, or was exempted, is asked again; the row before says no more how they stand. */
async function openNextCycles(watched: Watched, found: readonly Found[]): Promise<void> {
  if (found.length === 0) return;
  const { settings, today, published } = watched;
  const before = found.map(({ row: { id, status } }) => ({ id, to: status }));
  await changeStatus(before, watched.at, 'The next cycle is open');
  if (!published) return;
  const latest = await select<{ employeeId: string; cycle: number }>(
    `SELECT employee_id AS "employeeId", max(cycle) AS cycle FROM acknowledgements
     WHERE policy_id = $1 AND policy_version = $2 AND employee_id = ANY ($3::uuid[])
     GROUP BY employee_id`,
    [watched.policyId, published.version, found.map(({ row }) => row.employeeId)],
  );
  const cycles = new Map(latest.map(({ employeeId, cycle }) => [employeeId, cycle]));
  const asked = found.map(({ row, dated }): Asked => {
    const { employeeId, userId, email, customerId, department } = row;
    return {
      employee: { id: employeeId, userId, email, customerId, department },
      cycle: 1 + (cycles.get(employeeId) ?? 0),
      type: dated.answeredOn ? 'periodic' : 'manual',
      dueDate: nextCycleUntil(dated, settings, today),
    };
  });
  await ask(watched, published.version, asked);
}

/** Once a day at the most, whatever is repeated. */
const tell = (watched: Watched, template: TemplateCode, found: readonly Found[]): Promise<void> =>
  tellAll(
    watched,
    template,
    found.map(({ row: { id, userId, email, dueDate } }): Told => ({ id, userId, email, dueDate })),
    `${template}/${watched.today}`,
  );
