import type { Actor } from '../context.ts';
import { ownCompany } from '../models/contract.ts';
import { select, withTenant } from '../models/database.ts';
import {
  clocksOf,
  datedOf,
  momentOf,
  watchedPolicies,
  type DatedRow,
  type Watched,
} from '../models/watchedPolicy.ts';
import {
  nextAction,
  stepsAhead,
  type AcknowledgementAction,
  type EscalationStatus,
  type NextAction,
} from '../rules/acknowledgements.ts';
import { addDays } from '../rules/calendar.ts';
import { withSettings, type SettingsChange } from '../rules/settings.ts';
import { refuseProblems } from './ownCompany.ts';

export interface PlannedStep {
  readonly action: AcknowledgementAction;
  readonly at: Date;
}

/** People who stand alike with a policy, and the steps that a change of settings would move. */
export interface MovedSteps {
  readonly policyId: string;
  readonly policyTitle: string;
  readonly campaignId: string | null;
  readonly status: DatedRow['status'];
  readonly dueDate: DatedRow['dueDate'];
  readonly people: number;
  /** What would not come any more, soonest first. */
  readonly before: readonly PlannedStep[];
  /** What would come instead. */
  readonly after: readonly PlannedStep[];
}

export interface SettingsPreview {
  /** The first of them. */
  readonly moved: readonly MovedSteps[];
  readonly people: number;
}

/** So many groups are shown. */
const batch = 100;
/** Of more groups those whose turn comes first. */
const mostLookedAt = 20_000;

/**
 * Which steps of running acknowledgements would move with these settings; nothing is changed. The days by
 * which people have to answer stay whatever is set, and a step that is due at once may have been told.
 * @throws Invalid with one detail for each setting that is unknown or out of its bounds
 */
export const previewSettings = async (
  { companyId }: Actor,
  change: SettingsChange,
): Promise<SettingsPreview> => {
  refuseProblems(companyId, change);
  return withTenant(companyId, async () => {
    const { settings, timeZone } = await ownCompany();
    const groups = await runningGroups(timeZone);
    const ids = [...new Set(groups.map(({ policyId }) => policyId))];
    const at = new Date();
    const now = byId(await watchedPolicies(ids, at));
    const then = byId(
      await watchedPolicies(ids, at, withSettings(settings, change).compliance ?? {}),
    );
    const moved = groups.flatMap((group) => {
      const [before, after] = [stepsOf(group, now), stepsOf(group, then)];
      const changed = { before: missingFrom(after, before), after: missingFrom(before, after) };
      return changed.before.length + changed.after.length > 0 ? [{ ...group, ...changed }] : [];
    });
    return {
      moved: moved.slice(0, batch),
      people: moved.reduce((sum, { people }) => sum + people, 0),
    };
  });
};

type Group = Omit<MovedSteps, 'before' | 'after'> &
  Pick<DatedRow, 'acknowledgedAt' | 'exemptedUntil'> & { readonly escalation: EscalationStatus };

/** Whoever has the same days with a policy goes the same way. */
const runningGroups = (timeZone: string): Promise<Group[]> =>
  select<Group>(
    `SELECT a.policy_id AS "policyId", p.title AS "policyTitle", a.campaign_id AS "campaignId", a.status,
       a.due_date AS "dueDate", min(a.acknowledged_at) AS "acknowledgedAt",
       a.exempted_until AS "exemptedUntil", a.escalation_status AS escalation,
       count(*)::integer AS people
     FROM acknowledgements a JOIN compliance_policies p ON p.id = a.policy_id
     WHERE a.is_current AND a.next_action_at IS NOT NULL
     GROUP BY a.policy_id, p.title, a.campaign_id, a.status, a.due_date, a.exempted_until,
       a.escalation_status, (a.acknowledged_at AT TIME ZONE $1)::date
     ORDER BY min(a.next_action_at), p.title, a.due_date LIMIT ${mostLookedAt}`,
    [timeZone],
  );

function stepsOf(group: Group, policies: ReadonlyMap<string, Watched>): readonly PlannedStep[] {
  const watched = policies.get(group.policyId);
  if (!watched) return [];
  const clocks = clocksOf(watched, group.campaignId);
  const yesterday = addDays(watched.today, -1);
  const next = nextAction(datedOf(clocks, group), clocks.settings, yesterday);
  const steps: readonly NextAction[] =
    group.status === 'pending'
      ? stepsAhead(group.dueDate, clocks.settings, yesterday)
      : next
        ? [next]
        : [];
  return steps
    .filter(({ action }) => !isClimbed(group.escalation, action))
    .map(({ action, on }) => ({ action, at: momentOf(clocks, on) }));
}

/** Whoever was told of it is not told again. */
const isClimbed = (escalation: EscalationStatus, action: AcknowledgementAction): boolean =>
  (action === 'escalate_hr' && escalation !== 'none') ||
  (action === 'escalate_exec' && escalation === 'escalated_to_cxo');

const missingFrom = (
  others: readonly PlannedStep[],
  steps: readonly PlannedStep[],
): readonly PlannedStep[] =>
  steps.filter(
    ({ action, at }) =>
      !others.some((other) => other.action === action && other.at.getTime() === at.getTime()),
  );

const byId = (policies: readonly Watched[]): ReadonlyMap<string, Watched> =>
  new Map(policies.map((policy) => [policy.policyId, policy]));
