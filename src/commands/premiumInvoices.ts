import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField, Unavailable } from '../errors.ts';
import { contractOf } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { columnsOf, selectPage } from '../models/list.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { reinstatementOf } from '../models/reinstatement.ts';
import { refuseStale } from '../models/rows.ts';
import { isPositive } from '../rules/money.ts';
import { allows } from '../rules/permissions.ts';
import { chargeInvoice, reinstate } from '../workflows/subscriptionLifecycle.ts';
import type { Once, Replay } from './idempotency.ts';
import { carriedOut, refuseUnless } from './subscriptionCommands.ts';
import { owns, visible, type SubscriptionView } from './subscriptionViews.ts';
import type { WorkflowCommands } from './workflows.ts';

export type InvoiceView = InferAttributes<PremiumInvoice>;

/** What is billed of a subscription, and how it is paid. */
export const createPremiumInvoices = ({
  workflows,
  hasGateway,
}: {
  readonly workflows: WorkflowCommands;
  /** False where the installation takes and pays no money. */
  readonly hasGateway: boolean;
}) => ({
  list: (actor: Actor, id: string, paging: { readonly page: number; readonly size: number }) =>
    withTenant(actor.companyId, async () => {
      await visible(actor, id);
      return selectPage<InvoiceView>(
        columnsOf(PremiumInvoice, 'i'),
        'premium_invoices i',
        [['i.subscription_id = $', id]],
        { ...paging, by: 'i.created_at', id: 'i.id', order: 'desc' },
      );
    }),

  /**
   * Tries now to collect what is due: one invoice, or the oldest that nobody is collecting.
   * @throws Conflict NOTHING_DUE, PAYMENT_UNDER_WAY, Unavailable PAYMENTS_NOT_CONFIGURED
   */
  pay: (
    actor: Actor,
    id: string,
    wish: { readonly invoiceId?: string | undefined },
    once: Once,
  ): Promise<SubscriptionView | Replay> =>
    carriedOut(workflows, chargeInvoice, {
      actor,
      id,
      once,
      prepare: async () => {
        const subscription = await visible(actor, id);
        if (!owns(actor, subscription) && !allows(actor, 'subscription:pay_any')) {
          throw new Forbidden();
        }
        refuseUnless(subscription, 'charge');
        refuseWithoutGateway(hasGateway);
        return { invoiceId: await dueInvoice(id, wish.invoiceId) };
      },
    }),

  /**
   * The holder gets the cover back by paying the arrears; an administrator gives it back at once, for a
   * reason, and the arrears are billed.
   */
  reinstate: (
    actor: Actor,
    id: string,
    wish: {
      readonly reason?: string | undefined;
      readonly expectedVersion?: number | undefined;
    },
    once: Once,
  ): Promise<SubscriptionView | Replay> =>
    carriedOut(workflows, reinstate, {
      actor,
      id,
      once,
      prepare: async () => {
        const subscription = await visible(actor, id);
        const isOwn = owns(actor, subscription);
        if (!isOwn && !allows(actor, 'subscription:reinstate_any')) throw new Forbidden();
        if (!isOwn && !wish.reason) {
          throw invalidField('reason', "Needed for another person's subscription", 'REQUIRED');
        }
        refuseUnless(subscription, 'reinstate');
        refuseStale(PolicySubscription, subscription, wish.expectedVersion);
        const { arrears } = await reinstatementOf(await contractOf(subscription), Date.now());
        if (isPositive(arrears)) refuseWithoutGateway(hasGateway);
        return { onCredit: !isOwn, reason: wish.reason ?? null };
      },
    }),
});

export type PremiumInvoices = ReturnType<typeof createPremiumInvoices>;

function refuseWithoutGateway(hasGateway: boolean): void {
  if (hasGateway) return;
  throw new Unavailable('No payment gateway is configured', 'PAYMENTS_NOT_CONFIGURED', 3600);
}

async function dueInvoice(subscriptionId: string, wished: string | undefined): Promise<string> {
  const due = (await PremiumInvoice.dueOf(subscriptionId)).filter(
    ({ id }) => wished === undefined || id === wished,
  );
  const idle = due.find(({ paymentId }) => !paymentId);
  if (idle) return idle.id;
  throw due.length > 0
    ? new Conflict('PAYMENT_UNDER_WAY', 'A payment of it is under way')
    : new Conflict('NOTHING_DUE', `Nothing of the subscription ${subscriptionId} is due`);
}
