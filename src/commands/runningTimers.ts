import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
import { Calendar } from '../models/Calendar.ts';
import { ownCompany } from '../models/contract.ts';
import { platformCompanyId, select, withTenant } from '../models/database.ts';
import type { MoveDeadline } from '../models/onboardingStart.ts';
import { Timer } from '../models/Timer.ts';
import { dueUnder, onboardingSettings, type ReviewTimerName } from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import { moveDeadline } from '../workflows/tenantOnboarding.ts';
import { toEach } from './batches.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A running timer that would be due at another time under the settings as they are. */
export interface OutdatedTimer {
  readonly registrationId: string;
  readonly companyName: string;
  readonly name: ReviewTimerName;
  readonly dueAt: Date;
  /** Not before now: what would be past is due at once. */
  readonly newDueAt: Date;
}

export interface OutdatedTimers {
  /** The first of them. */
  readonly timers: readonly OutdatedTimer[];
  readonly total: number;
}

export interface AppliedSettings {
  readonly moved: readonly OutdatedTimer[];
  /** Those whose workflow refused or did not answer, with the code of the refusal. */
  readonly failed: readonly (OutdatedTimer & { readonly code: string })[];
  /** How many are left for the next time. */
  readonly remaining: number;
}

/** So many are shown, and moved at a time. */
const batch = 100;
/** Those of 5,000 registrations; of more the ones that are due first. */
const mostLookedAt = 20_000;

/**
 * Brings running timers in line with settings that were changed since. These are the review's of
 * registrations: whoever bought has the numbers of their term, and a deadline that somebody moved, or
 * that was set again since, stays.
 */
export const createRunningTimers = ({ workflows }: { readonly workflows: WorkflowCommands }) => ({
  async preview(): Promise<OutdatedTimers> {
    const outdated = await withTenant(platformCompanyId, outdatedTimers);
    return { timers: outdated.slice(0, batch), total: outdated.length };
  },

  /**
   * Moves some. One that was interrupted is repeated: what has moved already is no longer outdated.
   * @throws Unavailable when no workflow can be reached
   */
  apply: (actor: Actor, reason: string, once: Once): Promise<AppliedSettings | Replay> =>
    commandOnce(once, async (commandId) => {
      const outdated = await withTenant(platformCompanyId, outdatedTimers);
      const { done: moved, failed } = await toEach(outdated.slice(0, batch), (timer) =>
        workflows.command(moveDeadline, {
          actor: { ...actor, companyId: platformCompanyId },
          entityId: timer.registrationId,
          workflowId: onboardingWorkflowId(timer.registrationId),
          commandId: `${commandId}/${timer.registrationId}/${timer.name}`,
          prepare: () => wishFor(timer, reason),
        }),
      );
      return { moved, failed, remaining: outdated.length - moved.length };
    }),
});

export type RunningTimers = ReturnType<typeof createRunningTimers>;

interface Running extends Omit<OutdatedTimer, 'newDueAt'> {
  readonly occurrence: number;
  readonly submittedAt: Date;
}

async function outdatedTimers(): Promise<readonly OutdatedTimer[]> {
  const settings = onboardingSettings((await ownCompany()).settings.onboarding);
  const calendar = await Calendar.ofCompany();
  const now = Date.now();
  const running = await select<Running>(
    `SELECT r.id AS "registrationId", r.company_name AS "companyName", r.created_at AS "submittedAt",
       t.name, t.occurrence, t.due_at AS "dueAt"
     FROM core.timers t
       JOIN core.registration_requests r ON r.company_id = t.company_id AND r.id = t.entity_id
     WHERE t.status = 'scheduled' AND t.source = 'setting' AND t.due_at > $1
       AND r.status = 'pending'
     ORDER BY t.due_at, t.id LIMIT ${mostLookedAt}`,
    [new Date(now)],
  );
  return running.flatMap(({ submittedAt, occurrence, ...timer }) => {
    const due = dueUnder(
      { name: timer.name, occurrence },
      submittedAt.getTime(),
      settings,
      calendar,
    );
    if (due === undefined || due === timer.dueAt.getTime()) return [];
    return [{ ...timer, newDueAt: new Date(Math.max(due, now)) }];
  });
}

/** @throws Conflict when it has fired, or somebody has moved it, since it was found outdated */
async function wishFor(timer: OutdatedTimer, reason: string): Promise<MoveDeadline> {
  const { registrationId, name, dueAt, newDueAt } = timer;
  const isAsFound = await Timer.findOne({
    where: { entityId: registrationId, name, dueAt, status: 'scheduled', source: 'setting' },
  });
  if (!isAsFound) {
    throw new Conflict('TIMER_NOT_RUNNING', `The timer ${name} has changed meanwhile`);
  }
  return { name, dueAt: newDueAt.getTime(), reason, source: 'setting' };
}
