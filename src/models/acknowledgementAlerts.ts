import type { AlertLevel, EscalationStatus } from '../rules/acknowledgements.ts';
import { addDays, daysBetween, type CalendarDate } from '../rules/calendar.ts';
import type { Role } from '../rules/permissions.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import { clocksOf, standsStill, type Watched } from './watchedPolicy.ts';
import { holdersOfFirst } from './claimStaff.ts';
import { execute, select } from './database.ts';
import { Notification, type ManyMessages } from './Notification.ts';

/** Somebody who is late, and the first of those above them who is still there. */
interface Late {
  readonly id: string;
  readonly campaignId: string | null;
  readonly name: string;
  readonly dueDate: CalendarDate;
  readonly escalation: EscalationStatus;
  readonly owed: readonly AlertLevel[];
  readonly managerUserId: string | null;
  readonly managerEmail: string | null;
}

/** So many are named in one alert; the others are counted. */
const mostNamed = 20;

/** The first of these that somebody has. */
const rungs: Readonly<Record<Exclude<AlertLevel, 'manager'>, readonly (readonly Role[])[]>> = {
  hr: [['hr'], ['executive', 'compliance_manager'], ['tenant_admin']],
  executive: [['executive', 'compliance_manager'], ['tenant_admin']],
};

const untilThen = 'Whoever answers until then is not reported any more.';

const nextSteps: Readonly<Record<AlertLevel, string>> = {
  manager: untilThen,
  hr: untilThen,
  executive:
    'From now on it stands in the weekly compliance digest until each of them has answered.',
};

/**
 * Tells whoever is responsible for people who are late: one message to one recipient about one policy
 * on one day, however many are late. Where nobody above somebody is left, HR hears of it at once, and where
 * nobody has a role, whoever stands above it. What is for somebody who had theirs today waits for the
 * next day, and so does what nobody is there for.
 */
export async function raiseAlerts(watched: Watched): Promise<void> {
  const { policyId, title } = watched;
  const late = await lateOf(policyId);
  if (late.length === 0) return;
  const { told, key } = await alertedToday(watched);
  const holders = {
    hr: await holdersOfFirst(rungs.hr),
    executive: await holdersOfFirst(rungs.executive),
  };

  const groups = new Map<string, { to: ManyMessages['to']; level: AlertLevel; late: Late[] }>();
  const add = (to: ManyMessages['to'], level: AlertLevel, each: Late): void => {
    const group = groups.get(whomOf(to)) ?? { to, level, late: [] };
    group.level = strongest(group.level, level);
    if (group.late.at(-1) !== each) group.late.push(each);
    groups.set(whomOf(to), group);
  };
  const still: { id: string; owed: readonly AlertLevel[] }[] = [];
  for (const each of late) {
    const owed = each.owed.filter((wanted) => {
      const { level, to } = rungOf(each, wanted, holders);
      if (to.length === 0 || to.some((one) => told.has(whomOf(one)))) return true;
      for (const one of to) add(one, level, each);
      return false;
    });
    if (owed.length < each.owed.length) still.push({ id: each.id, owed });
  }
  if (groups.size === 0) return;
  await Notification.queueMany(
    [...groups.values()].map(({ to, level, late: people }): ManyMessages => ({
      to,
      template: 'acknowledgement_alert',
      payload: {
        policyId,
        title,
        level,
        count: people.length,
        acknowledgements: people.slice(0, mostNamed).map(({ id }) => id),
        people: people
          .slice(0, mostNamed)
          .map((each) => lineOf(watched, each, level))
          .join('\n'),
        others: Math.max(0, people.length - mostNamed),
        next: nextSteps[people.every(isKnownAbove) ? 'executive' : level],
      },
      key,
      about: { type: 'compliance_policy', id: policyId },
    })),
    acknowledgementWorkflowId(watched.companyId, policyId),
  );
  await execute(
    `UPDATE acknowledgements a SET owed_alerts = c.owed
     FROM jsonb_to_recordset($1) AS c (id uuid, owed text[]) WHERE a.id = c.id`,
    [JSON.stringify(still)],
  );
}

const whomOf = (to: ManyMessages['to']): string => ('userId' in to ? to.userId : to.address);

/** Who is told of somebody in the place of that rung, and as which. */
function rungOf(
  { managerUserId, managerEmail }: Late,
  wanted: AlertLevel,
  holders: Readonly<Record<Exclude<AlertLevel, 'manager'>, readonly string[]>>,
): { readonly level: AlertLevel; readonly to: readonly ManyMessages['to'][] } {
  if (wanted === 'manager' && managerUserId)
    return { level: wanted, to: [{ userId: managerUserId }] };
  if (wanted === 'manager' && managerEmail)
    return { level: wanted, to: [{ address: managerEmail }] };
  const level = wanted === 'manager' ? 'hr' : wanted;
  return { level, to: holders[level].map((userId) => ({ userId })) };
}

/**
 * Who had an alert about the policy today, and the key of the next: of its own each time, so that webhooks
 * tell of it too. Read once the late rows are held, so that no other step is about to tell of them.
 */
export async function alertedToday({
  policyId,
  today,
}: Watched): Promise<{ readonly told: ReadonlySet<string>; readonly key: string }> {
  const first = `acknowledgement/${policyId}/alert/${today}`;
  const rows = await select<{ whom: string; key: string }>(
    `SELECT DISTINCT coalesce(recipient_user_id::text, recipient_address) AS whom, event_key AS key
     FROM core.notifications WHERE entity_id = $1 AND starts_with(event_key, $2)`,
    [policyId, first],
  );
  const rounds = new Set(rows.map(({ key }) => key)).size;
  return {
    told: new Set(rows.map(({ whom }) => whom)),
    key: rounds === 0 ? first : `${first}/${rounds + 1}`,
  };
}

/** Executives are told as well. */
const isKnownAbove = ({ escalation }: Late): boolean => escalation === 'escalated_to_cxo';

/** Who is late by how much, and who is told next, and when. */
function lineOf(
  watched: Watched,
  { name, dueDate, escalation, campaignId }: Late,
  level: AlertLevel,
): string {
  const days = daysBetween(dueDate, watched.today);
  const { settings } = clocksOf(watched, campaignId);
  const late = `${name}, ${days} ${days === 1 ? 'day' : 'days'} late`;
  const on = (after: number): CalendarDate => addDays(dueDate, after);
  switch (escalation) {
    case 'escalated_to_cxo':
      return level === 'executive' ? late : `${late}; executives are told too`;
    case 'escalated_to_hr':
      return `${late}; executives are told on ${on(settings.escalateExecDays)}`;
    case 'none':
      return `${late}; HR is told on ${on(settings.escalateHrDays)}`;
    default:
      return escalation satisfies never;
  }
}

const lateOf = (policyId: string): Promise<Late[]> =>
  select<Late>(
    `WITH RECURSIVE late AS (
       SELECT a.id, a.campaign_id, a.due_date, a.owed_alerts, a.escalation_status, e.name, e.manager_id
       FROM acknowledgements a JOIN employees e ON e.id = a.employee_id
       WHERE a.policy_id = $1 AND a.owed_alerts <> '{}' AND NOT ${standsStill}
       ORDER BY a.id FOR NO KEY UPDATE OF a),
     above AS (
       SELECT DISTINCT l.manager_id AS of_id, m.id, m.manager_id, m.user_id, m.email, 1 AS level,
         m.status = 'active' AND m.archived_at IS NULL AS is_there
       FROM late l JOIN employees m ON m.id = l.manager_id
       UNION ALL
       SELECT b.of_id, m.id, m.manager_id, m.user_id, m.email, b.level + 1,
         m.status = 'active' AND m.archived_at IS NULL
       FROM above b JOIN employees m ON m.id = b.manager_id
       WHERE NOT b.is_there AND b.level < 100)
     SELECT l.id, l.campaign_id AS "campaignId", l.name, l.due_date AS "dueDate", l.owed_alerts AS owed,
       l.escalation_status AS escalation, b.user_id AS "managerUserId", b.email AS "managerEmail"
     FROM late l LEFT JOIN above b ON b.of_id = l.manager_id AND b.is_there
     ORDER BY l.due_date, l.id`,
    [policyId],
  );

const order: readonly AlertLevel[] = ['manager', 'hr', 'executive'];

const strongest = (a: AlertLevel, b: AlertLevel): AlertLevel =>
  order.indexOf(a) >= order.indexOf(b) ? a : b;

/** What one recipient was told of one policy on one day. */
export interface ToldAlert {
  readonly title: string;
  readonly level: AlertLevel;
  readonly count: number;
  readonly acknowledgements: readonly string[];
  readonly people: string;
  readonly others: number;
  readonly next: string;
}

/** What recipients were told by the alerts of that key, the same once; those of the highest first. */
export const alertsTold = (policyId: string, key: string): Promise<ToldAlert[]> =>
  select<ToldAlert>(
    `SELECT * FROM (
       SELECT DISTINCT n.payload ->> 'title' AS title, n.payload ->> 'level' AS level,
         (n.payload ->> 'count')::integer AS count, n.payload -> 'acknowledgements' AS acknowledgements,
         n.payload ->> 'people' AS people, (n.payload ->> 'others')::integer AS others,
         n.payload ->> 'next' AS next
       FROM core.notifications n
       WHERE n.entity_id = $1 AND n.event_key = $2 AND n.payload <> '{}') AS told
     ORDER BY array_position($3::text[], level) DESC, count DESC, people LIMIT 100`,
    [policyId, key, order],
  );
