import { log } from '@temporalio/activity';
import { writeLook } from '../models/alerting.ts';
import { AlertRule } from '../models/AlertRule.ts';
import { recount } from '../models/complianceRecount.ts';
import { select, withTenant } from '../models/database.ts';

const pageSize = 200;

/**
 * Counts anew, policy by policy, how people stand; where the kept counts say otherwise they are put right,
 * and whoever hears of drift is told, once, with the repair.
 * @returns of how many policies they were wrong
 */
export async function recountCompany(companyId: string, beat: () => void): Promise<number> {
  let wrong = 0;
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const policies = await withTenant(companyId, () =>
      select<{ id: string }>(
        `SELECT id FROM compliance_policies WHERE id > $1 ORDER BY id LIMIT ${pageSize}`,
        [after],
      ),
    );
    for (const { id } of policies) {
      if (await withTenant(companyId, () => recountPolicy(companyId, id))) wrong += 1;
      beat();
    }
    const last = policies.at(-1);
    if (!last) return wrong;
    after = last.id;
  }
}

async function recountPolicy(companyId: string, policyId: string): Promise<boolean> {
  const { groups, off } = await recount(policyId);
  if (groups === 0) return false;
  log.warn('Kept counts of a compliance policy were wrong', { policyId, groups, off });
  const rules = await AlertRule.inForce();
  if (!rules.drift.isEnabled) return true;
  const at = new Date();
  const detail = `${off} people were counted wrongly, in ${groups} groups; put right`;
  const subject = `compliance-counts/${policyId}`;
  const causes = [{ kind: 'drift', subject, since: at, detail, attempts: null } as const];
  await writeLook({ companyId, at, causes, answered: [], rules });
  return true;
}
