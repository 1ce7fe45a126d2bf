import { v7 as uuid } from 'uuid';
import type { Actor } from '../../src/context.ts';
import { withTenant } from '../../src/models/database.ts';
import { Claim } from '../../src/models/Claim.ts';
import { Policy } from '../../src/models/Policy.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { getRow } from '../../src/models/rows.ts';
import { claimDefaults } from '../../src/rules/claimSettings.ts';
import { buildActor, buildCompany, buildSubscription } from './build.ts';

export interface ClaimRow {
  readonly claim: Claim;
  readonly policy: Policy;
}

/** A claim as a row, without a workflow, on a policy that was sold just now unless told. */
export async function buildClaimRow({
  companyId,
  policyId,
  ...changes
}: {
  readonly companyId: string;
  readonly policyId?: string;
} & Partial<
  Pick<
    Claim,
    | 'status'
    | 'assignedTo'
    | 'incidentDate'
    | 'claimAmount'
    | 'config'
    | 'createdAt'
    | 'archivedAt'
    | 'workflowClosedAt'
  >
>): Promise<ClaimRow & { readonly holder: Actor & { readonly userId: string } }> {
  const soldId = policyId ?? (await sellPolicy(companyId));
  const id = uuid();
  const closed = changes.status === 'closed' ? ({ closedOutcome: 'denied' } as const) : {};
  return withTenant(companyId, async () => {
    const policy = await getRow(Policy, soldId);
    const { userId, startDate, currency } = policy;
    if (userId === null) throw new Error(`Nobody holds the policy ${soldId}`);
    const claim = await Claim.create({
      id,
      companyId,
      claimNumber: `CLM-${id}`,
      policyId: soldId,
      title: 'Water in the cellar',
      description: 'A pipe burst',
      status: 'reported',
      incidentDate: startDate,
      currency,
      reportedBy: userId,
      claimantName: policy.policyholderName,
      claimantEmail: policy.policyholderEmail,
      config: claimDefaults,
      configVersion: 1,
      ...closed,
      ...changes,
    });
    const holder = {
      type: 'user',
      userId,
      companyId,
      roles: ['policyholder'],
      sessionId: null,
    } as const;
    return { claim, policy, holder };
  });
}

async function sellPolicy(companyId: string): Promise<string> {
  const { id } = await buildSubscription({ companyId });
  const subscription = await withTenant(companyId, () => getRow(PolicySubscription, id));
  return subscription.policyId;
}

/** A new company with its staff, and a claim of a policy's holder there. */
export async function buildClaimFile(changes: Partial<Pick<Claim, 'status'>> = {}) {
  const { id: companyId } = await buildCompany();
  const staff = await buildClaimStaff(companyId);
  return { companyId, staff, ...(await buildClaimRow({ companyId, ...changes })) };
}

export type ClaimFile = Awaited<ReturnType<typeof buildClaimFile>>;

/** One person for each role that works on claims. */
export async function buildClaimStaff(companyId: string) {
  const of = (role: Parameters<typeof buildActor>[0]['role'] & string) =>
    buildActor({ companyId, role });
  return {
    admin: await of('tenant_admin'),
    manager: await of('claims_manager'),
    senior: await of('senior_adjuster'),
    adjuster: await of('adjuster'),
    agent: await of('call_center'),
    auditor: await of('auditor'),
  };
}
