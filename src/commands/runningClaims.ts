import { Calendar } from '../models/Calendar.ts';
import { Claim, illegalClaimEvent, standingOf } from '../models/Claim.ts';
import { asSetClaimTimers } from '../models/claimFile.ts';
import { underSettings } from '../models/claimMigration.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import { ownCompany } from '../models/contract.ts';
import { select } from '../models/database.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { nextClaimStatus, type ClaimStatus } from '../rules/claims.ts';
import { claimSettings } from '../rules/claimSettings.ts';
import { businessTypes } from '../rules/companies.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/claimProcessing.ts';
import { applyingSettings, movedTimers, settingsBatch, type Outdated } from './runningSettings.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A running claim that was reported under other settings. */
export interface OutdatedClaim extends Outdated {
  readonly claimNumber: string;
  readonly status: ClaimStatus;
}

/**
 * Brings running claims in line with settings that were changed since they were reported. A deadline
 * that somebody moved stays, and a claim on hold waits for its release.
 */
export const createRunningClaims = ({ workflows }: { readonly workflows: WorkflowCommands }) =>
  applyingSettings<OutdatedClaim>({
    find: outdatedClaims,
    apply: ({ id }, { actor, commandId, reason }) =>
      workflows.command(transition, {
        actor,
        entityId: id,
        workflowId: claimWorkflowId(actor.companyId, id),
        commandId,
        prepare: async (): Promise<ClaimWish> => {
          const claim = await getRow(Claim, id);
          if (!nextClaimStatus(standingOf(claim), 'apply_settings')) {
            throw illegalClaimEvent(claim, 'apply_settings');
          }
          return { event: 'apply_settings', by: actor.userId, reason };
        },
      }),
  });

export type RunningClaims = ReturnType<typeof createRunningClaims>;

async function outdatedClaims() {
  const company = await ownCompany();
  const calendar = await Calendar.ofCompany();
  const today = { company, calendar, at: new Date(Date.now()) };
  const configs = Object.fromEntries(
    businessTypes.map((type) => [type, claimSettings(company.settings.claims, type)]),
  );
  const outdated = await select<FoundClaim>(
    `SELECT c.id, c.claim_number AS "claimNumber", c.status, c.config,
       p.policy_type AS "policyType", count(*) OVER ()::integer AS total
     FROM claims c
       JOIN policies p ON p.company_id = c.company_id AND p.id = c.policy_id
       JOIN jsonb_each($1::jsonb) AS today (type, config) ON today.type = p.policy_type
     WHERE c.workflow_closed_at IS NULL AND c.archived_at IS NULL AND NOT c.on_hold
       AND c.config <> today.config
     ORDER BY c.created_at, c.id LIMIT ${settingsBatch}`,
    [JSON.stringify(configs)],
  );
  const rows = await Timer.setForAll(outdated.map(({ id }) => id));
  return {
    total: outdated[0]?.total ?? 0,
    outdated: outdated.map(({ id, claimNumber, status, config, policyType }) => {
      const timers = asSetClaimTimers(rows.of(id));
      const { change } = underSettings({ claim: { status, config }, policyType, timers }, today);
      return { id, claimNumber, status, timers: movedTimers(change) };
    }),
  };
}

interface FoundClaim extends Pick<Claim, 'id' | 'claimNumber' | 'status' | 'config'> {
  readonly policyType: string;
  readonly total: number;
}
