import type { Actor } from '../context.ts';
import { ownCompany } from '../models/contract.ts';
import { select } from '../models/database.ts';
import { isOverdue, standsStill } from '../models/watchedPolicy.ts';
import { getWorkflowRow, type WorkflowRow } from '../models/workflowRows.ts';
import type { AcknowledgementAction } from '../rules/acknowledgements.ts';
import { dateAt } from '../rules/calendar.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import type { Temporal } from './temporal.ts';
import {
  createTimelines,
  type FutureTimer,
  type PastEvent,
  type Story,
  type Timelines,
} from './timelines.ts';

/** The keeper of a policy, and how many it waits for. */
interface Kept extends WorkflowRow {
  readonly pending: number;
  readonly overdue: number;
}

export const acknowledgementTitles: Readonly<Record<AcknowledgementAction, string>> = {
  remind: 'Reminder',
  overdue: 'Notice that it is overdue',
  escalate_hr: 'Escalation to HR',
  escalate_exec: 'Escalation to executives',
  open_next_cycle: 'Asked again',
};

export const acknowledgementConsequences: Readonly<Record<AcknowledgementAction, string>> = {
  remind: 'They are reminded of the day until which they have to answer',
  overdue: 'They are told that they are late; on the first day those above them hear of it too',
  escalate_hr: 'HR is told who is late',
  escalate_exec: 'Executives and compliance managers are told who is late',
  open_next_cycle: 'They are asked to read it and to answer once more',
};

const whoAnswers = 'whoever is asked';

const story: Story<Kept> = {
  noun: 'keeper of the acknowledgements',
  workflowId: acknowledgementWorkflowId,
  find,
  eventTitles: {},
  isNotice: () => false,
  titleOf: (name) => name,
  consequenceOf: () => '',
  movesOf: ({ pending }) =>
    pending === 0
      ? []
      : [
          { event: 'acknowledge', who: whoAnswers },
          { event: 'decline', who: whoAnswers },
          { event: 'request_exemption', who: whoAnswers },
          { event: 'move_due_date', who: 'HR, compliance manager, tenant admin' },
        ],
  waitsForPerson: ({ pending, overdue }) =>
    pending === 0
      ? undefined
      : `${pending === 1 ? 'the answer' : 'answers'} of ${peopleOf(pending)}, ${overdue} overdue`,
  withoutDate: 'nobody is asked at present',
  told: { past, future },
};

/** Of many people at once: by day, in numbers, without names. */
export const createAcknowledgementTimelines = (
  temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>,
): Timelines => createTimelines(temporal, story);

export type AcknowledgementTimelines = ReturnType<typeof createAcknowledgementTimelines>;

export const peopleOf = (count: number): string => (count === 1 ? '1 person' : `${count} people`);

/** It is there since the policy was last published. */
async function find(_: Actor, policyId: string): Promise<Kept> {
  const row = await getWorkflowRow('acknowledgement', policyId);
  const { timeZone } = await ownCompany();
  const [found] = await select<{ pending: number; overdue: number; publishedAt: Date | null }>(
    `SELECT count(a.id)::integer AS pending,
       count(a.id) FILTER (WHERE ${isOverdue('$2::date')})::integer AS overdue,
       (SELECT max(v.published_at) FROM compliance_policy_versions v
        WHERE v.policy_id = $1) AS "publishedAt"
     FROM acknowledgements a
     WHERE a.policy_id = $1 AND a.is_current AND a.status = 'pending'`,
    [policyId, dateAt(Date.now(), timeZone)],
  );
  const { pending = 0, overdue = 0, publishedAt } = found ?? {};
  return { ...row, createdAt: publishedAt ?? row.createdAt, pending, overdue };
}

/** What was published and ended, and how many were asked and answered on a day, of those that count now. */
async function past({ id }: Kept, most: number): Promise<readonly PastEvent[]> {
  const { timeZone } = await ownCompany();
  const events = await select<{ at: Date; name: keyof typeof pastTitles; what: string }>(
    `SELECT v.published_at AS at, 'publish' AS name, v.major || '.' || v.minor AS what
     FROM compliance_policy_versions v WHERE v.policy_id = $1 AND v.published_at IS NOT NULL
     UNION ALL
     SELECT v.ended_at, v.status, v.major || '.' || v.minor
     FROM compliance_policy_versions v WHERE v.policy_id = $1 AND v.ended_at IS NOT NULL
     UNION ALL
     SELECT max(a.created_at), 'ask', count(*)::text
     FROM acknowledgements a WHERE a.policy_id = $1 AND a.is_current
     GROUP BY (a.created_at AT TIME ZONE $2)::date
     UNION ALL
     SELECT max(a.acknowledged_at), 'acknowledge', count(*)::text
     FROM acknowledgements a
     WHERE a.policy_id = $1 AND a.is_current AND a.acknowledged_at IS NOT NULL
     GROUP BY (a.acknowledged_at AT TIME ZONE $2)::date
     ORDER BY at DESC LIMIT $3`,
    [id, timeZone, most],
  );
  return events.map(({ at, name, what }) => ({
    at,
    kind: 'event',
    name,
    title: pastTitles[name](what),
    actorType: name === 'ask' || name === 'superseded' ? 'workflow' : 'user',
    reason: null,
  }));
}

const pastTitles = {
  publish: (version: string) => `Version ${version} published`,
  superseded: (version: string) => `Version ${version} superseded`,
  retired: (version: string) => `Version ${version} retired`,
  ask: (count: string) => `Asked: ${peopleOf(Number(count))}`,
  acknowledge: (count: string) => `Acknowledged: ${peopleOf(Number(count))}`,
} as const;

/** The next of each of its rows, together by day and action. */
async function future({ id }: Kept, most: number): Promise<readonly FutureTimer[]> {
  const dates = await select<{ name: AcknowledgementAction; dueAt: Date; count: number }>(
    `SELECT a.next_action AS name, a.next_action_at AS "dueAt", count(*)::integer AS count
     FROM acknowledgements a
     WHERE a.policy_id = $1 AND a.next_action_at IS NOT NULL AND NOT ${standsStill}
     GROUP BY a.next_action_at, a.next_action ORDER BY a.next_action_at, a.next_action LIMIT $2`,
    [id, most],
  );
  return dates.map(({ name, dueAt, count }) => ({
    name,
    title: `${acknowledgementTitles[name]}: ${peopleOf(count)}`,
    dueAt,
    originalDueAt: dueAt,
    remainingSeconds: Math.max(0, Math.round((dueAt.getTime() - Date.now()) / 1000)),
    source: 'setting',
    consequence: acknowledgementConsequences[name],
  }));
}
