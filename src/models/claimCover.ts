import { Conflict } from '../errors.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { compare, subtract, type Money } from '../rules/money.ts';
import type { Claim } from './Claim.ts';
import { select } from './database.ts';

/** What a policy pays for on one day. */
export interface Cover {
  readonly coverageAmount: Money;
  /** By approved claims of the same term. */
  readonly used: Money;
  readonly remaining: Money;
}

/**
 * The cover of a policy on a day: none before its start, in a gap, after its end or cancellation.
 * @param exceptClaimId whose own amount is left out while it is not paid
 */
export async function coverOn(
  policyId: string,
  date: CalendarDate,
  exceptClaimId: string | null = null,
): Promise<Cover | undefined> {
  const [term] = await select<{ coverageAmount: Money; used: Money }>(
    `SELECT t.coverage_amount AS "coverageAmount",
       ${usedInTerm('$3::uuid')} AS used
     FROM subscription_terms t JOIN policy_subscriptions s
       ON s.company_id = t.company_id AND s.id = t.subscription_id
     WHERE s.policy_id = $1 AND t.start_date <= $2 AND $2 < t.end_date
       AND s.status <> 'pending_payment' AND NOT (s.status = 'cancelled' AND s.cancel_effective_date <= $2)
       AND t.superseded_by IS NULL
     ORDER BY t.term_no DESC, t.part_no DESC LIMIT 1`,
    [policyId, date, exceptClaimId],
  );
  return term && { ...term, remaining: subtract(term.coverageAmount, term.used) };
}

/**
 * SQL: what claims take from the cover of the term of a part `t` of a subscription `s`: all they were
 * paid, and what is approved and on its way.
 */
export const usedInTerm = (except = 'NULL::uuid'): string =>
  `(SELECT coalesce(sum(k.paid_amount + CASE WHEN k.status IN ('approved', 'payment_processing')
       AND k.id IS DISTINCT FROM ${except} THEN k.approved_amount ELSE 0 END), 0)::numeric(20,2)
     FROM claims k,
       (SELECT min(start_date) AS start_date, max(end_date) AS end_date FROM subscription_terms
        WHERE company_id = t.company_id AND subscription_id = t.subscription_id
          AND term_no = t.term_no) AS whole
     WHERE k.company_id = s.company_id AND k.policy_id = s.policy_id
       AND k.incident_date >= whole.start_date AND k.incident_date < whole.end_date)`;

/**
 * Approvals under one policy wait for each other, so that two cannot share what is left, and so does
 * whoever makes the cover smaller or ends it.
 */
export const holdCover = async (policyId: string): Promise<void> =>
  void (await select('SELECT id FROM policies WHERE id = $1 FOR UPDATE', [policyId]));

/** @throws Conflict NO_COVER, COVER_EXCEEDED for an amount that the policy does not pay for */
export async function refuseBeyondCover(
  claim: Pick<Claim, 'id' | 'policyId' | 'incidentDate' | 'noCover' | 'currency'>,
  amount: Money,
): Promise<void> {
  const cover = await coverOn(claim.policyId, claim.incidentDate, claim.id);
  if (claim.noCover || !cover) {
    throw new Conflict(
      'NO_COVER',
      'The policy did not cover the day: the claim can only be denied',
    );
  }
  if (compare(amount, cover.remaining) > 0) {
    throw new Conflict(
      'COVER_EXCEEDED',
      `Of the cover ${cover.remaining} ${claim.currency} remain`,
      { coverage_remaining: cover.remaining },
    );
  }
}
