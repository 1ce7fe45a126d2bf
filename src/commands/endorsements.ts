import type { Actor } from '../context.ts';
import { contractOf } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { endorsementOf, type Endorsement, type EndorsementWish } from '../models/endorsement.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { refuseStale } from '../models/rows.ts';
import { endorse } from '../workflows/subscriptionLifecycle.ts';
import type { Once, Replay } from './idempotency.ts';
import { carriedOut, refuseUnless } from './subscriptionCommands.ts';
import { visible, type SubscriptionView } from './subscriptionViews.ts';
import type { WorkflowCommands } from './workflows.ts';

/** Changes of price and cover within a term, by staff; the routes say who may. */
export const createEndorsements = ({ workflows }: { readonly workflows: WorkflowCommands }) => ({
  /** What an endorsement of today would mean; nothing is stored. */
  preview: (actor: Actor, id: string, wish: EndorsementWish): Promise<Endorsement> =>
    withTenant(actor.companyId, async () => judged(await visible(actor, id), wish)),

  /** For the rest of the term, and for the terms of a policy without a plan that follow. */
  endorse: (
    actor: Actor,
    id: string,
    wish: EndorsementWish & {
      readonly reason: string;
      readonly expectedVersion?: number | undefined;
    },
    once: Once,
  ): Promise<SubscriptionView | Replay> =>
    carriedOut(workflows, endorse, {
      actor,
      id,
      once,
      prepare: async () => {
        const { expectedVersion, ...asked } = wish;
        const subscription = await visible(actor, id);
        refuseStale(PolicySubscription, subscription, expectedVersion);
        await judged(subscription, asked);
        return asked;
      },
    }),
});

export type Endorsements = ReturnType<typeof createEndorsements>;

async function judged(
  subscription: PolicySubscription,
  wish: EndorsementWish,
): Promise<Endorsement> {
  refuseUnless(subscription, 'endorse');
  return endorsementOf(await contractOf(subscription), wish, Date.now());
}
