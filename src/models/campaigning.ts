import { v7 as uuid } from 'uuid';
import { concerns, type Audience } from '../rules/acknowledgements.ts';
import { addDays, compareDates, type CalendarDate } from '../rules/calendar.ts';
import { movedDue } from '../rules/campaigns.ts';
import { Acknowledgement } from './Acknowledgement.ts';
import { AcknowledgementHistory } from './AcknowledgementHistory.ts';
import {
  askable,
  askAgain,
  changeStatus,
  settleHeld,
  tellAll,
  type Told,
} from './acknowledging.ts';
import { AuditLog } from './AuditLog.ts';
import { Campaign } from './Campaign.ts';
import { execute, select } from './database.ts';
import { editRow, getRow } from './rows.ts';
import {
  among,
  amongCampaign,
  batchSize,
  clocksOf,
  isUnasked,
  nextOf,
  type Watched,
} from './watchedPolicy.ts';

/** A campaign that waits for the keeper, and what for. */
interface Waiting extends Audience {
  readonly id: string;
  readonly step: 'withdraw' | 'move' | 'ask' | 'finish';
  readonly askedAfter: string | null;
  readonly pausedDays: number;
  readonly movedDays: number;
  readonly dueDays: number;
}

/** No employee's id comes before it. */
export const beforeAll = '00000000-0000-0000-0000-000000000000';

const isOpen = (more = ''): string => `EXISTS (SELECT 1 FROM acknowledgements a
  WHERE a.campaign_id = c.id AND a.status = 'pending' ${more})`;

const step = `CASE WHEN c.status = 'cancelled' THEN CASE WHEN ${isOpen()} THEN 'withdraw' END
  WHEN (c.paused_days > 0 OR c.is_changed)
    AND ${isOpen('AND (a.paused_days < c.paused_days OR a.moved_days <> c.moved_days)')} THEN 'move'
  WHEN c.status = 'running' AND c.asked_after IS NOT NULL THEN 'ask'
  WHEN c.status = 'running' AND NOT ${isOpen()} THEN 'finish' END`;

/**
 * Does the next thing that a campaign of the policy waits for, with so many people. The campaign is held
 * meanwhile: whoever pauses or cancels it does so before or after.
 * @returns whether there was something
 */
export async function carryOnCampaigns(watched: Watched): Promise<boolean> {
  const [held] = await select<{ id: string }>(
    `SELECT c.id FROM campaigns c
     WHERE c.policy_id = $1 AND c.status IN ('running', 'paused', 'cancelled') AND ${step} IS NOT NULL
     ORDER BY c.id LIMIT 1 FOR NO KEY UPDATE OF c`,
    [watched.policyId],
  );
  if (!held) return false;
  // Read once it is held: whom another try has asked meanwhile counts.
  const [campaign] = await select<Waiting>(
    `SELECT c.id, c.audience_customer_id AS "customerId", c.audience_role AS role,
       c.audience_department AS department, c.asked_after AS "askedAfter",
       c.paused_days AS "pausedDays", c.moved_days AS "movedDays", c.due_days AS "dueDays",
       ${step} AS step
     FROM campaigns c WHERE c.id = $1 AND ${step} IS NOT NULL`,
    [held.id],
  );
  if (campaign) await steps[campaign.step](watched, campaign);
  return true;
}

const steps: Readonly<
  Record<Waiting['step'], (watched: Watched, campaign: Waiting) => Promise<void>>
> = { withdraw, move, ask, finish };

/**
 * Campaigns that have asked their audience go through it once more where somebody has come into it since:
 * moved from elsewhere, say.
 */
export async function askLatecomers({ policyId, audience, today }: Watched): Promise<void> {
  await execute(
    `UPDATE campaigns c SET asked_after = '${beforeAll}', updated_at = now()
     WHERE c.policy_id = $1 AND c.asked_after IS NULL AND EXISTS (SELECT FROM employees e
       WHERE ${amongCampaign('$5')} AND ${among('$2', '$3', '$4', '$5')} AND ${isUnasked})`,
    [policyId, audience.customerId, audience.role, audience.department, today],
  );
}

/** The next people of its audience; who has not answered an earlier request, or is exempted, stays so. */
async function ask(watched: Watched, campaign: Waiting): Promise<void> {
  const { published, audience, today, configured } = watched;
  // It was launched a moment after the settings were read: the next look has them.
  if (!watched.campaigns.has(campaign.id)) return;
  const ids = published ? await nextEmployees(watched, campaign) : [];
  if (published) {
    const people = await askable(watched, ids);
    const asked = people.filter(
      (person) =>
        concerns(audience, person) &&
        concerns(campaign, person) &&
        person.standing !== 'pending' &&
        person.standing !== 'exempted',
    );
    // As the campaign says that is held, whatever it said when the settings were read.
    const dueDate = addDays(today, configured.manualDays ?? campaign.dueDays);
    await askAgain(watched, published, asked, dueDate, campaign);
  }
  await execute('UPDATE campaigns SET asked_after = $2, updated_at = now() WHERE id = $1', [
    campaign.id,
    ids.length < batchSize ? null : ids.at(-1),
  ]);
}

async function nextEmployees(
  { audience: whole, today }: Watched,
  { id, askedAfter }: Waiting,
): Promise<string[]> {
  const rows = await select<{ employee: string }>(
    `SELECT e.id AS employee FROM campaigns c JOIN employees e ON ${amongCampaign('$6')}
     WHERE c.id = $1 AND e.id > $2 AND ${among('$3', '$4', '$5', '$6')} AND ${isUnasked}
     ORDER BY e.id LIMIT ${batchSize}`,
    [id, askedAfter, whole.customerId, whole.role, whole.department, today],
  );
  return rows.map(({ employee }) => employee);
}

/** Nobody is asked any more; where they stood before says again how they stand. */
async function withdraw(watched: Watched, { id }: Waiting): Promise<void> {
  const held = await select<{ id: string }>(
    `SELECT id FROM employees WHERE id IN (
       SELECT employee_id FROM acknowledgements WHERE campaign_id = $1 AND status = 'pending'
       ORDER BY employee_id LIMIT ${batchSize})
     ORDER BY id FOR NO KEY UPDATE`,
    [id],
  );
  const people = held.map((each) => each.id);
  const open = await select<Told & { isThere: boolean }>(
    `SELECT a.id, a.due_date AS "dueDate", e.user_id AS "userId", e.email,
       e.status = 'active' AND e.archived_at IS NULL AS "isThere"
     FROM acknowledgements a JOIN employees e ON e.id = a.employee_id
     WHERE a.campaign_id = $1 AND a.status = 'pending' AND e.id = ANY ($2::uuid[]) ORDER BY e.id`,
    [id, people],
  );
  const changes = open.map((each) => ({ id: each.id, to: 'cancelled' }));
  await changeStatus(changes, watched.at, 'The campaign was cancelled');
  await tellAll(
    watched,
    'acknowledgement_withdrawn',
    open.filter(({ isThere }) => isThere),
    'withdrawn',
  );
  await settleHeld(watched, people);
}

/** Dates move by the days of pauses that are over, and by those that the campaign gives now. */
async function move(watched: Watched, { id, pausedDays, movedDays }: Waiting): Promise<void> {
  const open = await select<{
    id: string;
    dueDate: CalendarDate;
    pausedDays: number;
    movedDays: number;
  }>(
    `SELECT id, due_date AS "dueDate", paused_days AS "pausedDays", moved_days AS "movedDays"
     FROM acknowledgements
     WHERE campaign_id = $1 AND status = 'pending' AND (paused_days < $2 OR moved_days <> $3)
     ORDER BY id LIMIT ${batchSize} FOR NO KEY UPDATE`,
    [id, pausedDays, movedDays],
  );
  const clocks = clocksOf(watched, id);
  const yesterday = addDays(watched.today, -1);
  const changes = open.map((row) => {
    const resumed = addDays(row.dueDate, pausedDays - row.pausedDays);
    const days = movedDays - row.movedDays;
    const dueDate = movedDue(resumed, days, watched.today);
    const dated = { status: 'pending', dueDate, answeredOn: null, exemptedUntil: null } as const;
    return {
      id: row.id,
      due: dueDate,
      /** As where somebody moves one by hand: whoever is not late any more begins anew. */
      isEased: days !== 0 && compareDates(dueDate, watched.today) >= 0,
      ...nextOf(clocks, dated, yesterday),
      h: uuid(),
      audit: uuid(),
    };
  });
  const json = JSON.stringify(changes);
  const from = `jsonb_to_recordset($1) AS c (id uuid, due date, "isEased" boolean, h uuid, audit uuid)
    JOIN acknowledgements a ON a.id = c.id`;
  const escalation = `CASE WHEN c."isEased" THEN 'none' ELSE a.escalation_status END`;
  await AuditLog.recordEach(
    'UPDATE',
    Acknowledgement.entityType,
    `SELECT c.audit AS audit_id, a.id AS entity_id,
       jsonb_build_object('dueDate', a.due_date, 'escalationStatus', a.escalation_status) AS before,
       jsonb_build_object('dueDate', c.due, 'escalationStatus', ${escalation}) AS after FROM ${from}`,
    [json],
  );
  await AcknowledgementHistory.recordEach(
    'due_date',
    `SELECT c.h AS history_id, a.id AS acknowledgement_id, a.due_date AS old_value, c.due AS new_value
     FROM ${from}`,
    json,
    { at: watched.at, reason: 'The campaign was paused, or gives other days' },
  );
  await execute(
    `UPDATE acknowledgements a SET due_date = c.due, next_action = c."nextAction",
       next_action_at = c."nextActionAt", paused_days = $2, moved_days = $3,
       escalation_status = ${escalation},
       owed_alerts = CASE WHEN c."isEased" THEN '{}' ELSE a.owed_alerts END,
       manager_told = CASE WHEN c."isEased" THEN false ELSE a.manager_told END, updated_at = now()
     FROM jsonb_to_recordset($1) AS c (id uuid, due date, "isEased" boolean, "nextAction" text,
       "nextActionAt" timestamptz)
     WHERE a.id = c.id`,
    [json, pausedDays, movedDays],
  );
}

/** Nobody is left who was asked and has not answered. */
async function finish({ at }: Watched, { id }: Waiting): Promise<void> {
  const campaign = await getRow(Campaign, id, { archived: true });
  const done = { status: 'done', endedAt: at } as const;
  await editRow(Campaign, campaign, done, undefined, 'STATUS_CHANGE');
}
