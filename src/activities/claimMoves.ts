import { Claim, illegalClaimEvent, standingOf } from '../models/Claim.ts';
import {
  changeClocks,
  clockFacts,
  setClaimTimers,
  tellClaimant,
  tellPerson,
  type ClaimFile,
} from '../models/claimFile.ts';
import type { Step } from '../models/moveRow.ts';
import { dateAt } from '../rules/calendar.ts';
import { clocksAfterMove, type ClaimTimerName } from '../rules/claimClocks.ts';
import { nextClaimStatus, type ClaimEvent } from '../rules/claims.ts';

/** The claim's next status, and what that does to its clocks. */
export async function move(
  file: ClaimFile,
  step: Step,
  event: ClaimEvent,
  changes: Parameters<Claim['move']>[2],
): Promise<void> {
  const { claim } = file;
  const from = claim.status;
  await claim.move(event, step, changes);
  const facts = clockFacts(file, step.at);
  const change = clocksAfterMove({ from, to: claim.status }, await setClaimTimers(claim.id), facts);
  const reason = `The claim is ${claim.status.replaceAll('_', ' ')}`;
  await changeClocks(file, change, { at: step.at, reason });
}

export async function close(
  file: ClaimFile,
  step: Step,
  event: ClaimEvent,
  closedOutcome: NonNullable<Claim['closedOutcome']>,
  changes: Parameters<Claim['move']>[2] = {},
): Promise<void> {
  const { claim } = file;
  await move(file, step, event, {
    ...changes,
    closedOutcome,
    // What is over waits for nothing; on hold it could not be reopened.
    onHold: false,
    holdKind: null,
    holdReason: null,
    closedAt: step.at,
    workflowClosedAt: step.at,
  });
  tellClaimant(file, 'claim_closed', step.commandId, {
    outcome: closedOutcome,
    isCompleted: closedOutcome === 'completed',
  });
  if (claim.assignedTo && event === 'withdraw') {
    tellPerson(file, claim.assignedTo, 'claim_withdrawn', step.commandId);
  }
}

/** Of a claim that was decided. */
export function outcomeOf({ status, denialCode }: Claim): NonNullable<Claim['closedOutcome']> {
  if (status === 'paid') return 'completed';
  return denialCode === 'fraud' ? 'fraud' : 'denied';
}

export function refuseIllegal(claim: Claim, event: ClaimEvent): void {
  if (!nextClaimStatus(standingOf(claim), event)) throw illegalClaimEvent(claim, event);
}

/** When a timer of the claim that runs is due; empty where none does. */
export async function nextDay(file: ClaimFile, name: ClaimTimerName): Promise<string> {
  const timer = (await setClaimTimers(file.claim.id)).find((each) => each.name === name);
  return dayOf(file, timer && new Date(timer.dueAt));
}

/** The day as the company's calendar has it. */
export const dayOf = ({ calendar }: ClaimFile, instant: Date | undefined): string =>
  instant ? dateAt(instant.getTime(), calendar.timeZone) : '';
