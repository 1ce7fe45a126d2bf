import type { Actor } from '../context.ts';
import { ownCompany } from '../models/contract.ts';
import { select, withTenant } from '../models/database.ts';
import {
  clocksOf,
  datedOf,
  momentOf,
  standsStill,
  watchedPolicies,
  watchedPolicy,
  type Clocks,
  type DatedRow,
  type Watched,
  type WishedSettings,
} from '../models/watchedPolicy.ts';
import {
  nextAction,
  stepsAhead,
  type AcknowledgementAction,
  type EscalationStatus,
  type NextAction,
} from '../rules/acknowledgements.ts';
import { addDays, type CalendarDate } from '../rules/calendar.ts';
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
    const set = withSettings(settings, change).compliance ?? {};
    return movedBetween(
      groups,
      await watchedPolicies(ids, at),
      await watchedPolicies(ids, at, { set }),
    );
  });
};

/** The same where something would be configured for one policy alone. @throws NotFound */
export async function previewConfigured(
  policyId: string,
  configured: NonNullable<WishedSettings['configured']>,
): Promise<SettingsPreview> {
  const at = new Date(Date.now());
  const now = await watchedPolicy(policyId, at);
  return movedBetween(
    await runningGroups(now.timeZone, { policyId }),
    [now],
    [await watchedPolicy(policyId, at, { configured })],
  );
}

function movedBetween(
  groups: readonly StandingGroup[],
  before: readonly Watched[],
  after: readonly Watched[],
): SettingsPreview {
  const [now, then] = [byId(before), byId(after)];
  const steps = (group: StandingGroup, watched: Watched | undefined) =>
    watched ? stepsOf(group, clocksOf(watched, group.campaignId), watched.today) : [];
  return firstOf(
    groups.flatMap((group) => {
      const { policyId } = group;
      const changed = changedSteps(
        steps(group, now.get(policyId)),
        steps(group, then.get(policyId)),
      );
      return changed ? [{ ...group, ...changed }] : [];
    }),
  );
}

/** The first groups, and how many people are in all of them. */
export const firstOf = <G extends { readonly people: number }>(moved: readonly G[]) => ({
  moved: moved.slice(0, batch),
  people: moved.reduce((sum, { people }) => sum + people, 0),
});

export type StandingGroup = Omit<MovedSteps, 'before' | 'after'> &
  Pick<DatedRow, 'acknowledgedAt' | 'exemptedUntil'> & {
    readonly escalation: EscalationStatus;
    readonly nextActionAt: Date;
    /** Nothing happens by itself before a campaign goes on. */
    readonly standsStill: boolean;
  };

/**
 * Whoever has the same days with a policy goes the same way.
 * @param of everybody unless told
 */
export const runningGroups = (
  timeZone: string,
  { policyId, campaignId }: { readonly policyId?: string; readonly campaignId?: string } = {},
): Promise<StandingGroup[]> =>
  select<StandingGroup>(
    `SELECT a.policy_id AS "policyId", p.title AS "policyTitle", a.campaign_id AS "campaignId", a.status,
       a.due_date AS "dueDate", min(a.acknowledged_at) AS "acknowledgedAt",
       a.exempted_until AS "exemptedUntil", a.escalation_status AS escalation,
       min(a.next_action_at) AS "nextActionAt", ${standsStill} AS "standsStill",
       count(*)::integer AS people
     FROM acknowledgements a JOIN compliance_policies p ON p.id = a.policy_id
     WHERE a.is_current AND a.next_action_at IS NOT NULL AND ($2::uuid IS NULL OR a.campaign_id = $2)
       AND ($3::uuid IS NULL OR a.policy_id = $3)
     GROUP BY a.policy_id, p.title, a.campaign_id, a.status, a.due_date, a.exempted_until,
       a.escalation_status, (a.acknowledged_at AT TIME ZONE $1)::date, "standsStill"
     ORDER BY min(a.next_action_at), p.title, a.due_date LIMIT ${mostLookedAt}`,
    [timeZone, campaignId ?? null, policyId ?? null],
  );

/** What comes by these clocks, from today on. */
export function stepsOf(
  group: StandingGroup,
  clocks: Clocks,
  today: CalendarDate,
): readonly PlannedStep[] {
  const yesterday = addDays(today, -1);
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

/** What comes at another time; undefined where nothing does. */
export function changedSteps(
  now: readonly PlannedStep[],
  then: readonly PlannedStep[],
): Pick<MovedSteps, 'before' | 'after'> | undefined {
  const [before, after] = [missingFrom(then, now), missingFrom(now, then)];
  return before.length + after.length > 0 ? { before, after } : undefined;
}

const missingFrom = (
  others: readonly PlannedStep[],
  steps: readonly PlannedStep[],
): readonly PlannedStep[] => steps.filter((step) => !others.some(isSameStep(step)));

export const isSameStep =
  ({ action, at }: PlannedStep) =>
  (other: PlannedStep): boolean =>
    other.action === action && other.at.getTime() === at.getTime();

const byId = (policies: readonly Watched[]): ReadonlyMap<string, Watched> =>
  new Map(policies.map((policy) => [policy.policyId, policy]));
