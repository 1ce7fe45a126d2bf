import { v7 as uuid } from 'uuid';
import { Conflict } from '../errors.ts';
import {
  fraudHold,
  fraudSigns,
  nearCoverSign,
  sharedDocumentSign,
  similarDays,
  type FraudFacts,
  type FraudHold,
  type FraudSign,
  type FraudState,
} from '../rules/fraud.ts';
import type { Money } from '../rules/money.ts';
import { AuditLog } from './AuditLog.ts';
import type { Claim } from './Claim.ts';
import { append, flush, select } from './database.ts';
import type { Document } from './Document.ts';
import { FraudFlag } from './FraudFlag.ts';
import { Notification } from './Notification.ts';
import type { Policy } from './Policy.ts';

type Suspect = Pick<Claim, 'id' | 'claimNumber' | 'policyId' | 'incidentDate'> & {
  readonly claimAmount?: Claim['claimAmount'];
};

/**
 * Looks at a claim by the fraud rules and keeps what they find, within the open transaction: when the
 * claim is reported, and again when it is corrected. A rule flags a claim once, so looking
 * again repeats nothing, and what the claims manager cleared stays cleared.
 * @param others what `othersLike` has found already
 */
export async function flagClaim(
  claim: Suspect,
  policy: Pick<Policy, 'startDate' | 'coverageAmount' | 'userId'>,
  others?: OtherClaims,
): Promise<void> {
  const { claimsInYear, similarClaims } = others ?? (await othersLike(claim, policy));
  const signs = fraudSigns({
    incidentDate: claim.incidentDate,
    coveredFrom: policy.startDate,
    claimAmount: claim.claimAmount ?? null,
    coverageAmount: policy.coverageAmount,
    claimsInYear,
    similarClaims,
  });
  await raiseNew(claim, signs);
}

/**
 * Looks at what is proposed to be paid, in the transaction that submits it: a claim need not say an amount.
 * What it finds does not stop the submission but the approval, for the claims manager has to see it.
 */
export async function flagProposal(
  claim: Pick<Claim, 'id' | 'claimNumber'>,
  { coverageAmount }: Pick<Policy, 'coverageAmount'>,
  proposedAmount: Money,
): Promise<void> {
  const sign = nearCoverSign('proposed_amount', proposedAmount, coverageAmount);
  await raiseNew(claim, sign ? [sign] : []);
}

/**
 * Looks for the file of a claim's document in other claims, within the open transaction in which it
 * becomes available. Of two that come at once each finds the other, since both are there
 * before either is. What was archived counts too: it was sent in as evidence.
 */
export async function flagSharedDocument({
  claimId,
  sha256,
}: Pick<Document, 'claimId' | 'sha256'>): Promise<void> {
  if (!claimId) return;
  // Held, so that two files of one claim do not flag it twice.
  const [claim] = await select<Pick<Claim, 'id' | 'claimNumber'> & { others: string[] }>(
    `SELECT c.id, c.claim_number AS "claimNumber", ARRAY(
       SELECT DISTINCT o.id FROM documents d
       JOIN claims o ON o.company_id = d.company_id AND o.id = d.claim_id
       WHERE d.sha256 = $2 AND d.scan_status <> 'infected'
         AND o.id <> c.id AND o.archived_at IS NULL
       ORDER BY o.id LIMIT 20) AS others
     FROM claims c WHERE c.id = $1 FOR NO KEY UPDATE OF c`,
    [claimId, sha256],
  );
  const sign = sharedDocumentSign(claim?.others ?? []);
  if (claim && sign) await raiseNew(claim, [sign]);
}

/** A rule flags a claim once. */
async function raiseNew(
  claim: Pick<Claim, 'id' | 'claimNumber'>,
  signs: readonly FraudSign[],
): Promise<void> {
  if (signs.length === 0) return;
  const known = await flagsOf(claim.id);
  const news = signs.filter(({ rule }) => known.every((flag) => flag.rule !== rule));
  for (const sign of news) raise(claim.id, sign);
  tellIfHeld(claim, known, news);
}

/** A person's suspicion. @returns the flag's id */
export async function suspectClaim(
  claim: Suspect,
  { score, reason }: { readonly score: number; readonly reason: string },
): Promise<string> {
  const known = await flagsOf(claim.id);
  const sign: FraudSign = { rule: 'manual', score, evidence: { suspicion: reason } };
  const id = raise(claim.id, sign);
  tellIfHeld(claim, known, [sign]);
  await flush();
  return id;
}

/**
 * What its flags forbid a claim, read in the transaction that moves it.
 * @throws Conflict FRAUD_HOLD, FRAUD_CONFIRMED
 */
export async function refuseSuspect(
  { id, claimNumber }: Pick<Claim, 'id' | 'claimNumber'>,
  event: 'submit_for_approval' | 'approve',
): Promise<void> {
  const hold = await fraudHoldOf(id);
  if (hold === 'undecided') {
    throw new Conflict(
      'FRAUD_HOLD',
      `A claims manager first clears or confirms the fraud flags of ${claimNumber}`,
    );
  }
  if (hold === 'confirmed' && event === 'approve') {
    throw new Conflict(
      'FRAUD_CONFIRMED',
      `A fraud flag of ${claimNumber} is confirmed: the claim can only be denied`,
    );
  }
}

/** What its flags hold a claim by, in the open transaction. */
export const fraudHoldOf = async (claimId: string): Promise<FraudHold | undefined> =>
  fraudHold(await flagsOf(claimId));

type Known = Pick<FraudFlag, 'rule' | 'score'> & { readonly state: FraudState };

/** Those of the rules, then the open ones, of which so many hold a claim whatever the others say. */
const flagsOf = (claimId: string): Promise<Known[]> =>
  select<Known>(
    `SELECT rule, score, state FROM fraud_flags WHERE claim_id = $1 AND archived_at IS NULL
     ORDER BY rule = 'manual', state DESC, id LIMIT 200`,
    [claimId],
  );

export type OtherClaims = Pick<FraudFacts, 'claimsInYear' | 'similarClaims'>;

/** The holder's other claims, the oldest first; without an account of theirs those on this policy. */
export async function othersLike(
  { id, policyId, incidentDate }: Pick<Claim, 'id' | 'policyId' | 'incidentDate'>,
  { userId }: Pick<Policy, 'userId'>,
): Promise<OtherClaims> {
  const [found] = await select<{ others: string; similar: string[] }>(
    `WITH held AS (SELECT id FROM policies WHERE user_id = $4 UNION SELECT $2::uuid)
     SELECT count(*) FILTER (WHERE c.created_at > now() - interval '12 months') AS others,
       coalesce((array_agg(c.id ORDER BY c.created_at) FILTER (WHERE c.policy_id = $2
         AND c.incident_date BETWEEN $3::date - ${similarDays} AND $3::date + ${similarDays}))[1:20],
         '{}') AS similar
     FROM claims c JOIN held ON held.id = c.policy_id
     WHERE c.id <> $1 AND c.archived_at IS NULL`,
    [id, policyId, incidentDate, userId],
  );
  return { claimsInYear: Number(found?.others ?? 0) + 1, similarClaims: found?.similar ?? [] };
}

function raise(claimId: string, { rule, score, evidence }: FraudSign): string {
  const id = append(FraudFlag, { id: uuid(), claimId, rule, score, evidence, state: 'open' });
  AuditLog.record('CREATE', about(id), { after: { claimId, rule, score } });
  return id;
}

/** The claims manager learns of it when the claim is held, not of each sign. */
function tellIfHeld(
  { id, claimNumber }: Pick<Claim, 'id' | 'claimNumber'>,
  known: readonly Known[],
  news: readonly FraudSign[],
): void {
  const all = [...known, ...news.map(({ score }) => ({ score, state: 'open' as const }))];
  if (fraudHold(known) || !fraudHold(all)) return;
  Notification.queue({
    to: { channel: 'in_app', role: 'claims_manager' },
    template: 'fraud_suspected',
    payload: { claimNumber, claimId: id },
    key: `claim/${id}/fraud_hold/${all.length}`,
    about: { type: 'claim', id },
  });
}

const about = (id: string) => ({ type: FraudFlag.entityType, id });
