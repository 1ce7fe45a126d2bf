import { v7 as uuid } from 'uuid';
import { concerns, type Audience } from '../rules/acknowledgements.ts';
import { addDays, type CalendarDate } from '../rules/calendar.ts';
import { Acknowledgement } from './Acknowledgement.ts';
import { AcknowledgementHistory } from './AcknowledgementHistory.ts';
import {
  among,
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
import { batchSize, clocksOf, nextOf, type Watched } from './watchedPolicy.ts';

/** A campaign that waits for the keeper, and what for. */
interface Waiting extends Audience {
  readonly id: string;
  readonly step: 'withdraw' | 'move' | 'ask' | 'finish';
  readonly askedAfter: string | null;
  readonly pausedDays: number;
}

const isOpen = (more = ''): string => `EXISTS (SELECT 1 FROM acknowledgements a
  WHERE a.campaign_id = c.id AND a.status = 'pending' ${more})`;

const step = `CASE WHEN c.status = 'cancelled' THEN CASE WHEN ${isOpen()} THEN 'withdraw' END
  WHEN c.paused_days > 0 AND ${isOpen('AND a.paused_days < c.paused_days')} THEN 'move'
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
       c.paused_days AS "pausedDays", ${step} AS step
     FROM campaigns c WHERE c.id = $1 AND ${step} IS NOT NULL`,
    [held.id],
  );
  if (campaign) await steps[campaign.step](watched, campaign);
  return true;
}

const steps: Readonly<
  Record<Waiting['step'], (watched: Watched, campaign: Waiting) => Promise<void>>
> = { withdraw, move, ask, finish };

/** The next people of its audience; who has not answered an earlier request, or is exempted, stays so. */
async function ask(watched: Watched, campaign: Waiting): Promise<void> {
  const { published, audience, today } = watched;
  const settings = watched.campaigns.get(campaign.id);
  // It was launched a moment after the settings were read: the next look has them.
  if (!settings) return;
  const ids = published ? await nextEmployees(audience, campaign) : [];
  if (published) {
    const people = await askable(watched, ids);
    const asked = people.filter(
      (person) =>
        concerns(audience, person) &&
        concerns(campaign, person) &&
        person.standing !== 'pending' &&
        person.standing !== 'exempted',
    );
    await askAgain(watched, published, asked, addDays(today, settings.manualDays), campaign);
  }
  await execute('UPDATE campaigns SET asked_after = $2, updated_at = now() WHERE id = $1', [
    campaign.id,
    ids.length < batchSize ? null : ids.at(-1),
  ]);
}

async function nextEmployees(
  whole: Audience,
  { customerId, role, department, askedAfter }: Waiting,
): Promise<string[]> {
  const rows = await select<{ id: string }>(
    `SELECT e.id FROM employees e
     WHERE e.id > $1 AND ${among('$2', '$3', '$4')} AND ${among('$5', '$6', '$7')}
     ORDER BY e.id LIMIT ${batchSize}`,
    [askedAfter, whole.customerId, whole.role, whole.department, customerId, role, department],
  );
  return rows.map(({ id }) => id);
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

/** Dates move by the days of pauses that are over. */
async function move(watched: Watched, { id, pausedDays }: Waiting): Promise<void> {
  const open = await select<{ id: string; dueDate: CalendarDate; pausedDays: number }>(
    `SELECT id, due_date AS "dueDate", paused_days AS "pausedDays" FROM acknowledgements
     WHERE campaign_id = $1 AND status = 'pending' AND paused_days < $2
     ORDER BY id LIMIT ${batchSize} FOR NO KEY UPDATE`,
    [id, pausedDays],
  );
  const clocks = clocksOf(watched, id);
  const yesterday = addDays(watched.today, -1);
  const changes = open.map((row) => {
    const dueDate = addDays(row.dueDate, pausedDays - row.pausedDays);
    const dated = { status: 'pending', dueDate, answeredOn: null, exemptedUntil: null } as const;
    return {
      id: row.id,
      due: dueDate,
      ...nextOf(clocks, dated, yesterday),
      h: uuid(),
      audit: uuid(),
    };
  });
  const json = JSON.stringify(changes);
  const from = `jsonb_to_recordset($1) AS c (id uuid, due date, "nextAction" text,
    "nextActionAt" timestamptz, h uuid, audit uuid) JOIN acknowledgements a ON a.id = c.id`;
  await AuditLog.recordEach(
    'UPDATE',
    Acknowledgement.entityType,
    `SELECT c.audit AS audit_id, a.id AS entity_id,
       jsonb_build_object('dueDate', a.due_date) AS before,
       jsonb_build_object('dueDate', c.due) AS after FROM ${from}`,
    [json],
  );
  await AcknowledgementHistory.recordEach(
    'due_date',
    `SELECT c.h AS history_id, a.id AS acknowledgement_id, a.due_date AS old_value, c.due AS new_value
     FROM ${from}`,
    json,
    { at: watched.at, reason: 'The campaign was paused' },
  );
  await execute(
    `UPDATE acknowledgements SET due_date = c.due, next_action = c."nextAction",
       next_action_at = c."nextActionAt", paused_days = $2, updated_at = now()
     FROM jsonb_to_recordset($1) AS c (id uuid, due date, "nextAction" text, "nextActionAt" timestamptz)
     WHERE acknowledgements.id = c.id`,
    [json, pausedDays],
  );
}

/** Nobody is left who was asked and has not answered. */
async function finish({ at }: Watched, { id }: Waiting): Promise<void> {
  const campaign = await getRow(Campaign, id, { archived: true });
  const done = { status: 'done', endedAt: at } as const;
  await editRow(Campaign, campaign, done, undefined, 'STATUS_CHANGE');
}
