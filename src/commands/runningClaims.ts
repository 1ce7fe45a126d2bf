import type { Actor } from '../context.ts';
import { Calendar } from '../models/Calendar.ts';
import { Claim, illegalClaimEvent, standingOf } from '../models/Claim.ts';
import { asSetClaimTimers } from '../models/claimFile.ts';
import { underSettings } from '../models/claimMigration.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import { ownCompany } from '../models/contract.ts';
import { select, withTenant } from '../models/database.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import type { ClaimTimerName } from '../rules/claimClocks.ts';
import { nextClaimStatus, type ClaimStatus } from '../rules/claims.ts';
import { claimSettings } from '../rules/claimSettings.ts';
import { businessTypes } from '../rules/companies.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import { toEach } from './batches.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A running claim that was reported under other settings, and the deadlines that would move. */
export interface OutdatedClaim {
  readonly id: string;
  readonly claimNumber: string;
  readonly status: ClaimStatus;
  readonly timers: readonly {
    readonly name: ClaimTimerName;
    readonly dueAt: Date;
    /** Not before now: what would be past is due at once. */
    readonly newDueAt: Date;
  }[];
}

export interface MigratedClaims {
  readonly dryRun: boolean;
  /** Those that have the settings now, or would have them. */
  readonly claims: readonly OutdatedClaim[];
  /** Those whose workflow refused or did not answer, with the code of the refusal. */
  readonly failed: readonly (OutdatedClaim & { readonly code: string })[];
  /** How many are left for the next time. */
  readonly remaining: number;
}

/** So many are shown, and migrated at a time. */
const batch = 100;

/**
 * Brings running claims in line with settings that were changed since they were reported. A deadline
 * that somebody moved stays, and a claim on hold waits for its release.
 */
export const createRunningClaims = ({ workflows }: { readonly workflows: WorkflowCommands }) => ({
  /**
   * Some of them; `dryRun` shows what would follow and changes nothing. One that was interrupted is
   * repeated: what is migrated already is no longer outdated.
   * @throws Unavailable when no workflow can be reached
   */
  async migrate(
    actor: Actor,
    { dryRun, reason: written }: { readonly dryRun: boolean; readonly reason: string },
    once: Once,
  ): Promise<MigratedClaims | Replay> {
    const reason = typedText('reason', written);
    const { companyId } = actor;
    if (dryRun) {
      const { claims, total } = await withTenant(companyId, outdatedClaims);
      return { dryRun, claims, failed: [], remaining: total };
    }
    return commandOnce(once, async (commandId) => {
      const { claims, total } = await withTenant(companyId, outdatedClaims);
      const { done, failed } = await toEach(claims, ({ id }) =>
        workflows.command(transition, {
          actor,
          entityId: id,
          workflowId: claimWorkflowId(companyId, id),
          commandId: `${commandId}/${id}`,
          prepare: async (): Promise<ClaimWish> => {
            const claim = await getRow(Claim, id);
            if (!nextClaimStatus(standingOf(claim), 'apply_settings')) {
              throw illegalClaimEvent(claim, 'apply_settings');
            }
            return { event: 'apply_settings', by: actor.userId, reason };
          },
        }),
      );
      return { dryRun, claims: done, failed, remaining: total - done.length };
    });
  },
});

export type RunningClaims = ReturnType<typeof createRunningClaims>;

async function outdatedClaims(): Promise<{
  readonly claims: readonly OutdatedClaim[];
  readonly total: number;
}> {
  const company = await ownCompany();
  const calendar = await Calendar.ofCompany();
  const today = { company, calendar, at: new Date(Date.now()) };
  const configs = Object.fromEntries(
    businessTypes.map((type) => [type, claimSettings(company.settings.claims, type)]),
  );
  const outdated = await select<Outdated>(
    `SELECT c.id, c.claim_number AS "claimNumber", c.status, c.config,
       p.policy_type AS "policyType", count(*) OVER ()::integer AS total
     FROM claims c
       JOIN policies p ON p.company_id = c.company_id AND p.id = c.policy_id
       JOIN jsonb_each($1::jsonb) AS today (type, config) ON today.type = p.policy_type
     WHERE c.workflow_closed_at IS NULL AND c.archived_at IS NULL AND NOT c.on_hold
       AND c.config <> today.config
     ORDER BY c.created_at, c.id LIMIT ${batch}`,
    [JSON.stringify(configs)],
  );
  const rows = await Timer.findAll({
    where: { entityId: outdated.map(({ id }) => id), status: ['scheduled', 'paused'] },
    order: [
      ['dueAt', 'ASC'],
      ['name', 'ASC'],
    ],
  });
  return {
    total: outdated[0]?.total ?? 0,
    claims: outdated.map(({ id, claimNumber, status, config, policyType }) => {
      const timers = asSetClaimTimers(rows.filter(({ entityId }) => entityId === id));
      const { change } = underSettings({ claim: { status, config }, policyType, timers }, today);
      return {
        id,
        claimNumber,
        status,
        timers: change.moved.map(({ timer, dueAt }) => ({
          name: timer.name,
          dueAt: new Date(timer.dueAt),
          newDueAt: new Date(dueAt),
        })),
      };
    }),
  };
}

interface Outdated extends Pick<Claim, 'id' | 'claimNumber' | 'status' | 'config'> {
  readonly policyType: string;
  readonly total: number;
}
