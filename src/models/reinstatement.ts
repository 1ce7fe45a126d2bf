import { Conflict } from '../errors.ts';
import { arrearsOf } from '../rules/billing.ts';
import {
  compareDates,
  dateAt,
  daysBetween,
  laterDate,
  type CalendarDate,
} from '../rules/calendar.ts';
import { shareOf } from '../rules/currencies.ts';
import type { Money } from '../rules/money.ts';
import type { Contract } from './contract.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import type { SubscriptionTerm } from './SubscriptionTerm.ts';

/** What it means to reinstate a lapsed cover on a day. */
export interface Reinstatement {
  /** The first day with cover again. */
  readonly startDate: CalendarDate;
  readonly endDate: CalendarDate;
  readonly gapDays: number;
  /** Of the part that begins, at the price of the whole term. */
  readonly premium: Money;
  /** What was written off, less the days without cover. */
  readonly arrears: Money;
  readonly writtenOff: readonly PremiumInvoice[];
  /** The part of the term that lapsed. */
  readonly part: SubscriptionTerm;
}

/** @throws Conflict TERM_ENDS when no day of the term is left */
export async function reinstatementOf(
  { subscription, company, terms }: Contract,
  at: number,
): Promise<Reinstatement> {
  const { id, termNo, endDate, priceSnapshot } = subscription;
  const parts = terms.filter((each) => each.termNo === termNo);
  const [first] = parts;
  const part = parts.at(-1);
  if (!first || !part) throw new Error(`The subscription ${id} has no term`);
  const today = dateAt(at, company.timeZone);
  const startDate = laterDate(today, part.endDate);
  if (compareDates(startDate, endDate) >= 0) {
    throw new Conflict('TERM_ENDS', `The term ends on ${endDate}; renew it instead`);
  }
  const writtenOff = await PremiumInvoice.findAll({
    where: { subscriptionId: id, termNo, status: 'written_off', replacedBy: null },
    order: [['id', 'ASC']],
  });
  return {
    startDate,
    endDate,
    gapDays: daysBetween(part.endDate, startDate),
    premium: shareOf(
      priceSnapshot.premium,
      daysBetween(startDate, endDate),
      daysBetween(first.startDate, endDate),
      priceSnapshot.currency,
    ),
    arrears: arrearsOf(
      writtenOff,
      { startDate: part.endDate, endDate: startDate },
      priceSnapshot.currency,
    ),
    writtenOff,
    part,
  };
}
