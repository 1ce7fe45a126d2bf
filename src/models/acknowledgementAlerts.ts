import type { AlertLevel } from '../rules/acknowledgements.ts';
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
  executive: 'Nobody else is told; it stays open until each of them has answered.',
};

/**
 * Tells whoever is responsible for people who are late: one message to one recipient about one policy
 * on one day, however many are late. Where nobody above somebody is left, HR hears of it at once, and where
 * nobody has a role, whoever stands above it.
 * What comes later on a day on which alerts went out waits for the next.
 */
export async function raiseAlerts(watched: Watched): Promise<void> {
  const { policyId, title, today } = watched;
  const key = `acknowledgement/${policyId}/alert/${today}`;
  const [told] = await select(
    'SELECT 1 FROM core.notifications WHERE entity_id = $1 AND event_key = $2 LIMIT 1',
    [policyId, key],
  );
  if (told) return;
  const late = await lateOf(policyId);
  if (late.length === 0) return;

  const groups = new Map<string, { to: ManyMessages['to']; level: AlertLevel; late: Late[] }>();
  const add = (to: ManyMessages['to'], level: AlertLevel, each: Late): void => {
    const whom = 'userId' in to ? to.userId : to.address;
    const group = groups.get(whom) ?? { to, level, late: [] };
    group.level = strongest(group.level, level);
    if (group.late.at(-1) !== each) group.late.push(each);
    groups.set(whom, group);
  };
  const holders = {
    hr: await holdersOfFirst(rungs.hr),
    executive: await holdersOfFirst(rungs.executive),
  };
  for (const each of late) {
    for (const level of each.owed) {
      if (level !== 'manager') for (const userId of holders[level]) add({ userId }, level, each);
      else if (each.managerUserId) add({ userId: each.managerUserId }, level, each);
      else if (each.managerEmail) add({ address: each.managerEmail }, level, each);
      else for (const userId of holders.hr) add({ userId }, 'hr', each);
    }
  }
  // Owed until somebody is there who can be told.
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
  await execute(`UPDATE acknowledgements SET owed_alerts = '{}' WHERE id = ANY ($1::uuid[])`, [
    late.map(({ id }) => id),
  ]);
}

/** Executives are told already, where the worker was away until then. */
const isKnownAbove = ({ owed }: Late): boolean => owed.includes('executive');

/** Who is late by how much, and who is told next, and when. */
function lineOf(
  watched: Watched,
  { name, dueDate, owed, campaignId }: Late,
  level: AlertLevel,
): string {
  const days = daysBetween(dueDate, watched.today);
  const { settings } = clocksOf(watched, campaignId);
  const late = `${name}, ${days} ${days === 1 ? 'day' : 'days'} late`;
  const on = (after: number): CalendarDate => addDays(dueDate, after);
  switch (owed.toSorted((a, b) => order.indexOf(b) - order.indexOf(a))[0]) {
    case 'executive':
      return level === 'executive' ? late : `${late}; executives are told too`;
    case 'hr':
      return `${late}; executives are told on ${on(settings.escalateExecDays)}`;
    default:
      return `${late}; HR is told on ${on(settings.escalateHrDays)}`;
  }
}

const lateOf = (policyId: string): Promise<Late[]> =>
  select<Late>(
    `WITH RECURSIVE late AS (
       SELECT a.id, a.campaign_id, a.due_date, a.owed_alerts, e.name, e.manager_id
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
       b.user_id AS "managerUserId", b.email AS "managerEmail"
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
