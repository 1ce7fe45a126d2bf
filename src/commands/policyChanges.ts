import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { contractOf, renewalOf, type RenewalWish } from '../models/contract.ts';
import { afterCommit, withTenant } from '../models/database.ts';
import { Policy } from '../models/Policy.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { Claim } from '../models/Claim.ts';
import { archiveRow, editRow, getRow, refuseStale, restoreRow } from '../models/rows.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { zero } from '../rules/money.ts';
import { wireName } from '../rules/wireNames.ts';
import { subscriptionWorkflowId } from '../rules/workflowIds.ts';
import { renew } from '../workflows/subscriptionLifecycle.ts';
import type { KnownCompany } from './companies.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, rowsOnce, type Once, type Replay } from './idempotency.ts';
import { asView, viewOf, withoutSubscription, type PolicyView } from './policies.ts';
import { issue, refuseUnknownHolder, type IssuePolicy } from './subscribe.ts';
import { refuseUnless } from './subscriptionCommands.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A policy with the workflow that carries it. */
export interface CarriedPolicy extends PolicyView {
  readonly workflow: { readonly id: string; readonly state: 'starting' | 'running' };
}

export interface RenewedPolicy extends CarriedPolicy {
  readonly term: Pick<
    SubscriptionTerm,
    'termNo' | 'startDate' | 'endDate' | 'premium' | 'coverageAmount' | 'gapDays'
  >;
}

/** What may be edited; what is undefined stays as it is. */
export interface PolicyEdit extends Partial<AgreedFields> {
  readonly policyholderName?: string | undefined;
  readonly policyholderEmail?: string | undefined;
  readonly policyholderPhone?: string | null | undefined;
  readonly userId?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What was agreed. An edit may repeat it, as whoever sends a whole policy back does. */
type AgreedFields = {
  readonly [Name in keyof typeof changedBy]: string | null | undefined;
};

/** How that changes which an edit does not reach. */
const changedBy = {
  policyNumber: 'nothing',
  policyType: 'a new policy',
  status: 'cancel',
  startDate: 'a new policy',
  endDate: 'renew',
  premium: 'renew or endorse',
  coverageAmount: 'renew or endorse',
  currency: 'a new policy',
  insuredPropertyId: 'a new policy',
} as const;

/** Changes of policies by staff; the routes say who may. */
export const createPolicyChanges = ({
  dispatcher,
  workflows,
}: {
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
}) => ({
  /**
   * A policy without a plan; everything it takes commits together.
   * @throws Conflict POLICY_NUMBER_TAKEN
   */
  issue: (company: KnownCompany, wish: IssuePolicy, once: Once): Promise<CarriedPolicy | Replay> =>
    rowsOnce(once, async () => {
      const { policy, subscription, start } = await issue(company, wish);
      afterCommit(() => dispatcher.dispatch(start));
      const { timeZone } = company;
      const isUnpaid = subscription.status === 'pending_payment';
      const sold = {
        timeZone,
        subscriptionId: subscription.id,
        cover: { amount: policy.coverageAmount, used: zero },
        unpaidFrom: isUnpaid ? policy.startDate : null,
      };
      return {
        ...asView({ ...policy.get(), ...sold }),
        workflow: { id: start.workflowId, state: 'starting' },
      };
    }),

  /** @throws Conflict CONTRACT_FIXED for what was agreed; it says what changes that */
  edit: (
    actor: Actor,
    id: string,
    changes: PolicyEdit,
    expectedVersion: number | undefined,
  ): Promise<PolicyView> =>
    withTenant(actor.companyId, async () => {
      const policy = await getRow(Policy, id);
      refuseStale(Policy, policy, expectedVersion);
      refuseAgreed(policy, changes);
      const { userId = policy.userId } = changes;
      if (userId !== policy.userId) await changeHolder(actor, policy, userId);
      const {
        policyholderName = policy.policyholderName,
        policyholderEmail = policy.policyholderEmail,
        policyholderPhone = policy.policyholderPhone,
        metadata = policy.metadata,
      } = changes;
      const values = { policyholderName, policyholderEmail, policyholderPhone, userId, metadata };
      await editRow(Policy, policy, values, expectedVersion);
      return viewOf(id);
    }),

  /** Its subscription and its history stay. @throws Conflict POLICY_ACTIVE */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<Policy> =>
    withTenant(actor.companyId, async () => {
      // A late renewal that is under way ends first.
      await PolicySubscription.findOne({ where: { policyId: id }, lock: true });
      // So does a claim that is being reported.
      const policy = await getRow(Policy, id, { lock: true });
      if (policy.status !== 'expired' && policy.status !== 'cancelled') {
        throw new Conflict(
          'POLICY_ACTIVE',
          `The policy ${id} is ${policy.status}; only one that has expired or is cancelled is archived`,
        );
      }
      if (await Claim.findOne({ where: { policyId: id } })) {
        throw new Conflict(
          'POLICY_HAS_CLAIMS',
          `The policy ${id} has claims; it is kept with them`,
        );
      }
      return archiveRow(Policy, policy, expectedVersion);
    }),

  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<PolicyView> =>
    withTenant(actor.companyId, async () => {
      await restoreRow(Policy, await getRow(Policy, id, { archived: true }), expectedVersion);
      return viewOf(id);
    }),

  /** Another term, late ones too; what nobody agreed anew goes on, or is the plan's of today. */
  renew: (
    actor: Actor,
    id: string,
    wish: RenewalWish & {
      readonly reason?: string | undefined;
      readonly expectedVersion?: number | undefined;
    },
    once: Once,
  ): Promise<RenewedPolicy | Replay> => {
    if (wish.endDate && wish.durationMonths) {
      throw invalidField('duration_months', 'Say the end or the duration, not both', 'TWICE');
    }
    return commandOnce(once, async (commandId) => {
      const { companyId } = actor;
      const { id: entityId } = await withTenant(companyId, () => subscriptionOf(id));
      const workflowId = subscriptionWorkflowId(companyId, entityId);
      await workflows.command(renew, {
        actor,
        entityId,
        workflowId,
        commandId,
        prepare: async () => {
          const { expectedVersion, reason = null, ...terms } = wish;
          refuseStale(Policy, await getRow(Policy, id), expectedVersion);
          const subscription = await subscriptionOf(id);
          refuseUnless(subscription, subscription.status === 'expired' ? 'late_renew' : 'renew');
          await renewalOf(await contractOf(subscription), Date.now(), terms);
          return { ...terms, reason };
        },
      });
      return withTenant(companyId, async () => ({
        ...(await viewOf(id)),
        term: await latestTerm(entityId),
        workflow: { id: workflowId, state: 'running' as const },
      }));
    });
  },
});

export type PolicyChanges = ReturnType<typeof createPolicyChanges>;

async function subscriptionOf(policyId: string): Promise<PolicySubscription> {
  await getRow(Policy, policyId);
  const subscription = await PolicySubscription.findOne({ where: { policyId } });
  if (!subscription) throw withoutSubscription(policyId);
  return subscription;
}

const latestTerm = (subscriptionId: string): Promise<SubscriptionTerm> =>
  SubscriptionTerm.findOne({
    where: { subscriptionId },
    order: [
      ['termNo', 'DESC'],
      ['partNo', 'DESC'],
    ],
    rejectOnEmpty: true,
  });

function refuseAgreed(policy: Policy, changes: PolicyEdit): void {
  const asked = agreedFields.filter(
    (name) => changes[name] !== undefined && changes[name] !== (policy[name] ?? null),
  );
  if (asked.length === 0) return;
  const ways = asked.map((name) => `${wireName(name)}: ${changedBy[name]}`);
  throw new Conflict(
    'CONTRACT_FIXED',
    `An edit does not reach what was agreed; what changes it: ${ways.join(', ')}`,
    { changed_by: Object.fromEntries(asked.map((name) => [wireName(name), changedBy[name]])) },
  );
}

const agreedFields = [
  'policyNumber',
  'policyType',
  'status',
  'startDate',
  'endDate',
  'premium',
  'coverageAmount',
  'currency',
  'insuredPropertyId',
] as const satisfies readonly (keyof AgreedFields)[];

/**
 * Who sees a policy and is told of its course: both rows name the account. Of a claim the holder does not
 * decide, so nobody stops being one to do so.
 */
async function changeHolder(actor: Actor, policy: Policy, userId: string | null): Promise<void> {
  if (policy.userId !== null && policy.userId === actor.userId) {
    throw new Forbidden('Whoever holds a policy does not give it away');
  }
  const subscription = await subscriptionOf(policy.id);
  if (subscription.source === 'plan') {
    throw new Conflict('CONTRACT_FIXED', 'Whoever bought a plan stays its holder', {
      changed_by: { user_id: 'a new policy' },
    });
  }
  if (userId) await refuseUnknownHolder(userId);
  const { id, userId: before } = subscription;
  await subscription.update({ userId });
  // None is reported meanwhile.
  await getRow(Policy, policy.id, { lock: true });
  if (await Claim.findOne({ where: { policyId: policy.id, workflowClosedAt: null } })) {
    throw new Conflict(
      'POLICY_HAS_CLAIMS',
      `A claim under the policy ${policy.id} is open; its holder changes once that is closed`,
    );
  }
  AuditLog.record(
    'UPDATE',
    { type: PolicySubscription.entityType, id },
    { before: { userId: before }, after: { userId } },
  );
}
