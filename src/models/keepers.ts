import { isOutdated, momentOf, standsStill, type Watched } from './watchedPolicy.ts';
import { addDays, type CalendarDate } from '../rules/calendar.ts';
import { nextJoining } from './acknowledging.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import { select } from './database.ts';
import type { KeeperState } from './keeperStart.ts';
import { Notification } from './Notification.ts';

const counted = (counts: string): string => `EXISTS (SELECT FROM compliance_counts c
  WHERE c.company_id = p.company_id AND c.policy_id = p.id AND ${counts} > 0)`;

/** SQL: somebody is asked to read the policy `p`. */
export const isAsking = counted('c.pending');

/** SQL: the policy `p` has a keeper: it is in force, somebody still stands with it, or mail is to go out. */
export const isKept = `(p.policy_version > 0
  OR ${counted('c.pending + c.acknowledged + c.declined + c.exempted')}
  OR EXISTS (SELECT FROM core.notifications n
    WHERE n.company_id = p.company_id AND n.workflow_id = 'acknowledgement/' || p.company_id || '/' || p.id
      AND n.status = 'queued' AND n.channel = 'email'))`;

/** Those of these policies that have a keeper. */
export const keptAmong = (
  ids: readonly string[],
): Promise<
  readonly { readonly id: string; readonly companyId: string; readonly title: string }[]
> =>
  select(
    `SELECT p.id, p.company_id AS "companyId", p.title FROM compliance_policies p
     WHERE p.id = ANY ($1::uuid[]) AND ${isKept} ORDER BY p.id`,
    [ids],
  );

/** How a keeper stands by the rows. */
export async function keeperStateOf(watched: Watched): Promise<KeeperState> {
  const { companyId, policyId } = watched;
  const [facts] = await select<{ pending: number; nextAt: Date | null; owes: boolean }>(
    `SELECT (SELECT coalesce(sum(pending), 0)::integer FROM compliance_counts
         WHERE policy_id = $1) AS pending,
       (SELECT min(a.next_action_at) FROM acknowledgements a
        WHERE a.policy_id = $1 AND a.next_action_at IS NOT NULL AND NOT ${standsStill}) AS "nextAt",
       EXISTS (SELECT 1 FROM acknowledgements a
         WHERE a.policy_id = $1 AND a.owed_alerts <> '{}' AND NOT ${standsStill}) AS owes`,
    [policyId],
  );
  const joining = await nextJoining(watched);
  const mailAt = await Notification.nextTryOf(acknowledgementWorkflowId(companyId, policyId));
  return stateOf(watched, { mailAt, joining }, facts ?? { pending: 0, nextAt: null, owes: false });
}

function stateOf(
  watched: Watched,
  { mailAt, joining }: { mailAt: Date | undefined; joining: CalendarDate | null },
  { pending, nextAt, owes }: { pending: number; nextAt: Date | null; owes: boolean },
): KeeperState {
  // Alerts that came after those of today go out tomorrow.
  const tomorrow = owes ? momentOf(watched, addDays(watched.today, 1)).getTime() : Infinity;
  const hasMail = mailAt !== undefined && mailAt <= watched.at;
  const nextMail = mailAt && !hasMail ? mailAt.getTime() : Infinity;
  const joinsAt = joining === null ? null : momentOf(watched, joining).getTime();
  const next = Math.min(nextAt?.getTime() ?? Infinity, tomorrow, nextMail, joinsAt ?? Infinity);
  const isClosed = !watched.published && pending === 0 && next === Infinity && !hasMail;
  return {
    status: isClosed ? 'closed' : pending > 0 ? 'watching' : 'idle',
    stateVersion: watched.published?.version ?? 0,
    pending,
    nextAt: next === Infinity ? null : next,
    joinsAt,
    hasMail,
    isOutdated: isOutdated(watched),
    isClosed,
  };
}
