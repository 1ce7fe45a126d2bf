import { heartbeat } from '@temporalio/activity';
import { writeLook } from '../models/alerting.ts';
import type { Cause } from '../models/Alert.ts';
import { AlertRule } from '../models/AlertRule.ts';
import { platformCompanyId, select, withTenant } from '../models/database.ts';
import { retriedSteps, settleRetriedSteps, type RetriedStep } from '../models/retriedSteps.ts';
import { isFailing, type AlertKind, type AlertSettings } from '../rules/alerts.ts';
import { grouped } from '../rules/grouped.ts';
import { companyIn } from '../rules/workflowIds.ts';
import { companyIds } from './jobs.ts';

/** Some of the runs that were asked for. */
export interface ListedRuns {
  readonly workflowIds: readonly string[];
  /** Whether they are all there are. */
  readonly isComplete: boolean;
}

/** What Temporal tells of runs that do not go on. What it does not answer is not there. */
export interface TroubledRuns {
  /** Runs of which a step was given up: they wait for an operator. By visibility, which lags. */
  givenUp(): Promise<ListedRuns | undefined>;
  /** Runs of which the own code fails. By visibility, which lags; not answered by older servers. */
  codeFailing(): Promise<ListedRuns | undefined>;
  /** How it stands with each of these runs, and with the step that it had tried again. */
  triedSteps(workflowIds: readonly string[]): Promise<ReadonlyMap<string, TriedStep>>;
}

export interface TriedStep {
  /** So far; 0 where nothing is tried again any more. */
  readonly failures: number;
  /** Nothing is tried any more, and the run waits for an operator. */
  readonly isGivenUp: boolean;
  readonly isCodeFailing: boolean;
}

/** More of one company in one look are left for the next one. */
const mostRetried = 500;
const mostCauses = 1000;
const mostSuspects = 100;

export const alertActivities = ({ troubledRuns }: { readonly troubledRuns: TroubledRuns }) => ({
  /**
   * Safe to repeat: what is known is not told again. Looks at every company for what its rules name,
   * and resolves what is over. One that fails does not keep the others from being looked at.
   */
  async raiseAlerts(): Promise<void> {
    const listed = {
      givenUp: byCompany(await troubledRuns.givenUp()),
      codeFailing: byCompany(await troubledRuns.codeFailing()),
    };
    const failures: unknown[] = [];
    for await (const companyId of companyIds()) {
      heartbeat();
      await lookAt(companyId, listed, troubledRuns).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0)
      throw new AggregateError(failures, 'Some companies were not looked at');
  },
});

/** What visibility listed of all companies. */
interface Listed {
  readonly isAnswered: boolean;
  readonly isComplete: boolean;
  readonly of: (companyId: string) => readonly string[];
}

function byCompany(listed: ListedRuns | undefined): Listed {
  const runs = grouped(
    (listed?.workflowIds ?? []).map((id) => [companyIn(id) ?? platformCompanyId, id]),
  );
  return {
    isAnswered: listed !== undefined,
    isComplete: listed?.isComplete ?? false,
    of: (companyId) => runs.of(companyId),
  };
}

/** What the rows of a company tell. */
interface Standing {
  readonly rules: Readonly<Record<AlertKind, AlertSettings>>;
  readonly retried: readonly RetriedStep[];
  readonly rows: readonly FoundRow[];
  readonly hasAlerts: boolean;
}

type RowKind = 'timers_overdue' | 'outbox_late' | 'outbox_parked' | 'drift';

interface FoundRow {
  readonly kind: RowKind | 'unresolved';
  readonly subject: string;
  readonly since: Date;
  readonly detail: string | null;
}

async function lookAt(
  companyId: string,
  { givenUp, codeFailing }: { readonly givenUp: Listed; readonly codeFailing: Listed },
  troubledRuns: TroubledRuns,
): Promise<void> {
  const at = new Date();
  const { rules, retried, rows, hasAlerts } = await withTenant(companyId, () => standing(at));
  const ids = retried.map(({ workflowId }) => workflowId);
  // A run whose code fails does not see its timers fire.
  const late = rows.filter(({ kind }) => kind === 'timers_overdue').map(({ subject }) => subject);
  const suspects = codeFailing.isAnswered ? [] : late.slice(0, mostSuspects);
  const tried = await troubledRuns.triedSteps([...new Set([...ids, ...suspects])]);
  const over = ids.filter((id) => {
    const step = tried.get(id);
    return step?.failures === 0 && !step.isGivenUp;
  });

  const found: Readonly<Record<JobKind, Found>> = {
    activity_failing: {
      isComplete:
        givenUp.isComplete && retried.length < mostRetried && ids.every((id) => tried.has(id)),
      causes: [
        ...retried.flatMap(({ workflowId, step, since }) => {
          const { failures = 0, isGivenUp = false } = tried.get(workflowId) ?? {};
          const isTooMuch = isFailing(rules.activity_failing, { failures, since }, at);
          if (!isGivenUp && !isTooMuch) return [];
          const attempts = failures > 0 ? failures : null;
          return [{ subject: workflowId, since, detail: step, attempts }];
        }),
        ...givenUp.of(companyId).map((subject) => seenNow(subject, at)),
      ],
    },
    workflow_task_failing: {
      isComplete:
        codeFailing.isComplete ||
        (!codeFailing.isAnswered &&
          late.length <= mostSuspects &&
          suspects.every((id) => tried.has(id))),
      causes: [
        ...codeFailing.of(companyId),
        ...suspects.filter((id) => tried.get(id)?.isCodeFailing),
      ].map((subject) => seenNow(subject, at)),
    },
    timers_overdue: ofRows(rows, 'timers_overdue'),
    outbox_late: ofRows(rows, 'outbox_late'),
    outbox_parked: ofRows(rows, 'outbox_parked'),
    drift: ofRows(rows, 'drift'),
  };
  const look = judged(found, rules);
  if (look.causes.length === 0 && !hasAlerts && over.length === 0) return;
  await withTenant(companyId, async () => {
    await settleRetriedSteps(over, at);
    await writeLook({ companyId, at, rules, ...look });
  });
}

interface Found {
  readonly isComplete: boolean;
  readonly causes: readonly Omit<Cause, 'kind'>[];
}

/** Whether workers ask for work is seen where there may be none: in the API. */
const jobKinds = [
  'activity_failing',
  'workflow_task_failing',
  'timers_overdue',
  'outbox_late',
  'outbox_parked',
  'drift',
] as const;

type JobKind = (typeof jobKinds)[number];

/** Nothing is raised of a kind that is switched off, and what was is over. */
function judged(
  found: Readonly<Record<JobKind, Found>>,
  rules: Standing['rules'],
): { readonly causes: readonly Cause[]; readonly answered: readonly AlertKind[] } {
  const wanted = jobKinds.filter((kind) => rules[kind].isEnabled);
  return {
    causes: wanted.flatMap((kind) =>
      onePerSubject(found[kind].causes)
        .slice(0, mostCauses)
        .map((cause) => ({ ...cause, kind })),
    ),
    answered: jobKinds.filter(
      (kind) =>
        !rules[kind].isEnabled ||
        (found[kind].isComplete && found[kind].causes.length < mostCauses),
    ),
  };
}

/** A run can be both tried again and listed: the first tells more. */
const onePerSubject = (causes: Found['causes']): Found['causes'] => {
  const latest = new Map(causes.toReversed().map((cause) => [cause.subject, cause]));
  return [...latest.values()].toReversed();
};

/** Visibility does not tell since when. */
const seenNow = (subject: string, at: Date): Omit<Cause, 'kind'> => ({
  subject,
  since: at,
  detail: null,
  attempts: null,
});

function ofRows(rows: readonly FoundRow[], kind: RowKind): Found {
  const causes = rows.filter((row) => row.kind === kind);
  return {
    isComplete: true,
    causes: causes.map(({ subject, since, detail }) => ({
      subject,
      since,
      detail,
      attempts: null,
    })),
  };
}

/** Starts that are still owed or were given up. What tells of alerts would raise one more with each look. */
const undone = `core.outbox o WHERE o.dispatched_at IS NULL
  AND NOT EXISTS (SELECT FROM core.notifications n WHERE n.company_id = o.company_id
    AND n.id = o.entity_id AND n.template_code = 'alert_raised')
  AND NOT EXISTS (SELECT FROM core.webhook_deliveries d WHERE d.company_id = o.company_id
    AND d.id = o.entity_id AND d.event = 'alert_raised')`;

async function standing(at: Date): Promise<Standing> {
  const rules = await AlertRule.inForce();
  const before = (kind: AlertKind): Date =>
    new Date(at.getTime() - (rules[kind].minutes ?? 0) * 60_000);
  const rows = await select<FoundRow>(
    `(SELECT 'timers_overdue' AS kind, workflow_id AS subject, min(due_at) AS since,
        string_agg(DISTINCT name, ', ' ORDER BY name) AS detail
      FROM core.timers WHERE status = 'scheduled' AND due_at < $1
      GROUP BY workflow_id ORDER BY since LIMIT ${mostCauses})
     UNION ALL
     (SELECT 'outbox_late', workflow_id, min(created_at) AS since, left(max(last_error), 300)
      FROM ${undone} AND created_at < $2
      GROUP BY workflow_id HAVING bool_and(parked_at IS NULL) ORDER BY since LIMIT ${mostCauses})
     UNION ALL
     (SELECT 'outbox_parked', workflow_id, min(parked_at) AS since, left(max(last_error), 300)
      FROM ${undone} AND parked_at IS NOT NULL
      GROUP BY workflow_id ORDER BY since LIMIT ${mostCauses})
     UNION ALL
     (SELECT 'drift', workflow_id, min(found_at) AS since,
        string_agg(finding, ', ' ORDER BY finding)
      FROM core.workflow_drifts WHERE resolved_at IS NULL
      GROUP BY workflow_id ORDER BY since LIMIT ${mostCauses})
     UNION ALL
     (SELECT 'unresolved', '', raised_at, NULL FROM core.alerts WHERE resolved_at IS NULL LIMIT 1)`,
    [before('timers_overdue'), before('outbox_late')],
  );
  return {
    rules,
    retried: await retriedSteps(mostRetried),
    rows: rows.filter(({ kind }) => kind !== 'unresolved'),
    hasAlerts: rows.some(({ kind }) => kind === 'unresolved'),
  };
}
