import { Conflict } from '../errors.ts';
import { endorsementShares, type EndorsementShares } from '../rules/billing.ts';
import { compareDates, dateAt, laterDate, type CalendarDate } from '../rules/calendar.ts';
import { compare, type Money } from '../rules/money.ts';
import { payable } from './amounts.ts';
import { coverOn } from './claimCover.ts';
import type { Contract } from './contract.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import type { SubscriptionTerm } from './SubscriptionTerm.ts';

/** What is to be agreed anew for the rest of a term; what is missing stays as it is. */
export interface EndorsementWish {
  /** Of a whole term. */
  readonly premium?: Money | null | undefined;
  readonly coverageAmount?: Money | null | undefined;
}

/** What an endorsement means; the same for the preview and for the act. */
export interface Endorsement extends EndorsementShares {
  /** The first day at the new price and cover. */
  readonly effectiveOn: CalendarDate;
  readonly premium: Money;
  readonly coverageAmount: Money;
  readonly currency: string;
  /** The part of the term that it ends. */
  readonly part: SubscriptionTerm;
}

/**
 * An endorsement holds from today on; of a term that has not begun, from its first day on.
 * @throws Invalid FRACTION_OF_UNIT
 * @throws Conflict NOTHING_CHANGES, TERM_ENDS, COVER_USED; INVOICE_OPEN for a credit before the debit
 */
export async function endorsementOf(
  { subscription, policy, company, terms }: Contract,
  wish: EndorsementWish,
  at: number,
): Promise<Endorsement> {
  const { premium, coverageAmount, currency } = subscription.priceSnapshot;
  const newPremium = wish.premium ? payable('premium', wish.premium, currency) : premium;
  const newCover = wish.coverageAmount ?? coverageAmount;
  const isSame = compare(newPremium, premium) === 0 && compare(newCover, coverageAmount) === 0;
  if (isSame) {
    throw new Conflict('NOTHING_CHANGES', 'Premium and cover are as they were agreed already');
  }
  const parts = terms.filter(({ termNo }) => termNo === subscription.termNo);
  const [first] = parts;
  const part = parts.at(-1);
  if (!first || !part) throw new Error(`The subscription ${subscription.id} has no term`);
  const today = dateAt(at, company.timeZone);
  const effectiveOn = laterDate(today, part.startDate);
  if (compareDates(effectiveOn, part.endDate) >= 0) {
    throw new Conflict('TERM_ENDS', `The cover ends on ${part.endDate}; renew it instead`);
  }
  const cover = await coverOn(policy.id, effectiveOn);
  if (cover && compare(newCover, cover.used) < 0) {
    throw new Conflict('COVER_USED', `Claims of this term have used ${cover.used} ${currency}`, {
      coverage_used: cover.used,
    });
  }
  const isLower = compare(newPremium, premium) < 0;
  if (isLower && (await PremiumInvoice.dueOf(subscription.id)).length > 0) {
    throw new Conflict('INVOICE_OPEN', 'A premium of this subscription has not arrived yet');
  }
  const shares = endorsementShares({
    startDate: first.startDate,
    endDate: part.endDate,
    effectiveOn,
    premium,
    newPremium,
    currency,
    stretchPremium: part.premium,
  });
  return { ...shares, effectiveOn, premium: newPremium, coverageAmount: newCover, currency, part };
}
