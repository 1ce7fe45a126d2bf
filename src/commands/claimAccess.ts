import type { Actor } from '../context.ts';
import { Conflict, Forbidden, NotFound } from '../errors.ts';
import { select } from '../models/database.ts';
import { noSuch } from '../models/rows.ts';
import { mayEdit, viewOf, type ClaimView } from './claimViews.ts';

/** What a request is about, for the 404: the claim, or a row of it. */
interface AskedFor {
  readonly type: string;
  readonly id: string;
}

/**
 * The claim that a row hangs on, as somebody sees it.
 * @throws NotFound for what was asked for, where they do not see the claim
 */
export async function seenClaim(
  actor: Actor,
  id: string,
  asked: AskedFor = { type: 'claim', id },
): Promise<ClaimView> {
  try {
    return await viewOf(actor, id);
  } catch (error) {
    throw error instanceof NotFound ? noSuch(asked.type, asked.id) : error;
  }
}

/** A claim that somebody sees as staff: their own one hides what is behind it. */
export async function staffClaim(
  actor: Actor,
  id: string,
  asked: AskedFor = { type: 'claim', id },
): Promise<ClaimView['claim']> {
  const { claim, isInternal } = await seenClaim(actor, id, asked);
  if (!isInternal) throw noSuch(asked.type, asked.id);
  return claim;
}

/** @throws Conflict CLAIM_CLOSED, Forbidden for who does not work on the claim */
export function refuseOutsider(actor: Actor, claim: ClaimView['claim']): void {
  if (claim.status === 'closed') throw closed(claim.id);
  if (!mayEdit(actor, claim))
    throw new Forbidden(`Only who works on the claim ${claim.id} changes it`);
}

export const closed = (id: string): Conflict =>
  new Conflict('CLAIM_CLOSED', `The claim ${id} is closed; reopen it first`);

/** Keeps others from writing what is judged by the claim's other rows, until the commit. */
export async function holdClaim(id: string): Promise<void> {
  await select('SELECT 1 FROM claims WHERE id = $1 FOR NO KEY UPDATE', [id]);
}
