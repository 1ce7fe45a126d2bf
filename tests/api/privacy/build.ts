import { withIdentity } from '../../../src/models/database.ts';
import { Membership } from '../../../src/models/Membership.ts';
import type { Role } from '../../../src/rules/permissions.ts';
import type { TestApi } from '../../support/api.ts';
import { buildActor, buildPlan } from '../../support/build.ts';

/** Only who can sign in counts as an administrator. */
export async function buildAdmin(api: TestApi, companyId: string) {
  const actor = await buildActor({ companyId, role: 'tenant_admin' });
  await api.database.sql(
    `UPDATE platform.users SET password_hash = 'x', email_confirmed_at = now() WHERE id = $1`,
    [actor.userId],
  );
  return actor;
}

export const join = (userId: string, companyId: string, role: Role = 'policyholder') =>
  withIdentity(companyId, () => Membership.grant({ companyId, userId, role }));

/** A subscription of the person's, as bought by them; `isOver` when it runs no longer. */
export async function buy(
  api: TestApi,
  holder: Awaited<ReturnType<typeof buildActor>>,
  { isOver = true } = {},
): Promise<{ id: string; policyId: string }> {
  const { id: insurancePlanId } = await buildPlan({ companyId: holder.companyId });
  const bought = await api
    .as(holder)
    .post('/subscriptions', { insurance_plan_id: insurancePlanId }, { 'Idempotency-Key': 'buy' });
  const { id, policy_id: policyId } = bought.body.data;
  if (isOver) {
    await api.database.sql(
      `UPDATE shared.policy_subscriptions SET status = 'expired' WHERE id = $1`,
      [id],
    );
  }
  return { id, policyId };
}
