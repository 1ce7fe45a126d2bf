import {
  approvalRefusal,
  approversOf,
  withPartIn,
  type ClaimParties,
} from '../rules/claimApproval.ts';
import type { ClaimSettings } from '../rules/claimSettings.ts';
import { zero, type Money } from '../rules/money.ts';
import { decidersAmong, type Decider } from './claimStaff.ts';

/** To whom the decision of a claim can be handed: they may take it, and had no part in the claim. */
export async function approvalDelegates(
  claim: ClaimParties & {
    readonly config: ClaimSettings;
    readonly proposedAmount?: Money | null;
  },
): Promise<readonly Decider[]> {
  const roles = approversOf(claim.proposedAmount ?? zero, claim.config);
  return (await decidersAmong(roles, withPartIn(claim))).filter(
    ({ userId }) => approvalRefusal(claim, userId) === undefined,
  );
}
