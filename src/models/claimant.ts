import type { CalendarDate } from '../rules/calendar.ts';
import { select } from './database.ts';

/** What stands at the head of a letter about a claim. */
export interface ClaimHead {
  readonly claimNumber: string;
  readonly policyNumber: string;
  readonly incidentDate: CalendarDate;
  readonly claimantName: string;
  readonly claimantEmail: string;
}

/** Of a claim, or of the claim that a payment pays out; undefined for anything else. */
export async function claimHeadOf({
  entityType,
  entityId,
}: {
  readonly entityType?: string | null;
  readonly entityId?: string | null;
}): Promise<ClaimHead | undefined> {
  if (entityType !== 'claim' && entityType !== 'payment') return undefined;
  const claimId = entityType === 'claim' ? '$1' : '(SELECT claim_id FROM payments WHERE id = $1)';
  const [found] = await select<ClaimHead>(
    `SELECT c.claim_number AS "claimNumber", p.policy_number AS "policyNumber",
       to_char(c.incident_date, 'YYYY-MM-DD') AS "incidentDate",
       c.claimant_name AS "claimantName", c.claimant_email AS "claimantEmail"
     FROM claims c JOIN policies p ON p.company_id = c.company_id AND p.id = c.policy_id
     WHERE c.id = ${claimId}`,
    [entityId],
  );
  return found;
}
