import { holdCover } from '../models/claimCover.ts';
import { tellHolder, type Contract } from '../models/contract.ts';
import { append } from '../models/database.ts';
import { endorsementOf, type Endorsement, type EndorsementWish } from '../models/endorsement.ts';
import type { Step } from '../models/moveRow.ts';
import { PremiumInvoice } from '../models/PremiumInvoice.ts';
import { refundPremiums } from '../models/premiums.ts';
import { SubscriptionTerm } from '../models/SubscriptionTerm.ts';
import { v7 as uuid } from 'uuid';
import { isPositive, subtract, zero } from '../rules/money.ts';
import { billStretch } from './billing.ts';
import { inOneStep, type SubscriptionOrder, type SubscriptionStep } from './subscriptionStep.ts';

export interface EndorseSubscription extends EndorsementWish {
  readonly reason: string;
}

export const endorsementActivities = () => ({
  /** Safe to repeat: an endorsement that already committed answers with what is. */
  endorseSubscription: (
    order: SubscriptionOrder & EndorseSubscription,
  ): Promise<SubscriptionStep> =>
    inOneStep(order, (contract, step) => endorse(contract, step, order)),
});

async function endorse(contract: Contract, step: Step, wish: EndorsementWish): Promise<void> {
  const { subscription, policy } = contract;
  await holdCover(policy.id);
  const endorsement = await endorsementOf(contract, wish, step.at.getTime());
  const { effectiveOn, premium, coverageAmount, currency, delta } = endorsement;
  const { premium: oldPremium, coverageAmount: oldCoverageAmount } = subscription.priceSnapshot;
  await subscription.move(
    'endorse',
    { ...step, facts: { effective_on: effectiveOn, delta } },
    { priceSnapshot: { ...subscription.priceSnapshot, premium, coverageAmount } },
  );
  await policy.follow({ premium, coverageAmount });
  await settleDelta(contract, step, endorsement);
  await beginPart(endorsement.part, endorsement, step.at);
  tellHolder(contract, 'subscription_endorsed', step.commandId, {
    effectiveDate: effectiveOn,
    oldPremium,
    oldCoverageAmount,
    currency,
    delta,
  });
}

/** Where the term was billed, the difference is billed too, or goes back. */
async function settleDelta(
  contract: Contract,
  step: Step,
  endorsement: Endorsement,
): Promise<void> {
  const { id, termNo } = contract.subscription;
  const { delta, effectiveOn, part } = endorsement;
  const isBilledTerm = await PremiumInvoice.findOne({ where: { subscriptionId: id, termNo } });
  if (!isBilledTerm) return;
  if (isPositive(delta)) {
    billStretch(contract, step, {
      termNo,
      reason: 'endorsement',
      amount: delta,
      periodStart: effectiveOn,
      periodEnd: part.endDate,
    });
    return;
  }
  await refundPremiums(id, subtract(zero, delta), 'The premium became lower', step.at);
}

/** Ends a part of a term with the day before the next one; one of which nothing is left is replaced. */
async function beginPart(
  part: SubscriptionTerm,
  {
    effectiveOn,
    kept,
    rest,
    coverageAmount,
  }: Pick<Endorsement, 'effectiveOn' | 'kept' | 'rest' | 'coverageAmount'>,
  at: Date,
): Promise<void> {
  const id = uuid();
  const { endDate, subscriptionId, termNo, lifecycle } = part;
  if (effectiveOn === part.startDate) await part.update({ supersededBy: id });
  else await part.update({ endDate: effectiveOn, premium: kept });
  append(SubscriptionTerm, {
    id,
    subscriptionId,
    termNo,
    partNo: part.partNo + 1,
    startDate: effectiveOn,
    endDate,
    premium: rest,
    coverageAmount,
    origin: 'endorsement',
    gapDays: effectiveOn === part.startDate ? part.gapDays : 0,
    lifecycle,
    createdAt: at,
  });
}
