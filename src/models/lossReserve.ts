import { Conflict } from '../errors.ts';
import { add, compare, isPositive, subtract, zero, type Money } from '../rules/money.ts';
import type { Claim } from './Claim.ts';
import { ClaimReserve, type CurrentReserve } from './ClaimReserve.ts';
import { Transition } from './Transition.ts';

/** What is set aside for the loss; 0.00 where it was released. */
const lossReserve = async (claimId: string): Promise<CurrentReserve | undefined> =>
  (await ClaimReserve.currentOf(claimId)).find(({ category }) => category === 'loss');

/**
 * A claim for which nothing is set aside is paid as it is.
 * @throws Conflict RESERVE_TOO_LOW for an amount beyond what is set aside
 */
export async function refuseBeyondReserve(
  { id, currency }: Pick<Claim, 'id' | 'currency'>,
  amount: Money,
): Promise<void> {
  const reserve = (await lossReserve(id))?.amount ?? zero;
  if (!isPositive(reserve) || compare(amount, reserve) <= 0) return;
  throw new Conflict(
    'RESERVE_TOO_LOW',
    `${reserve} ${currency} are set aside for the loss; raise the reserve first`,
    { reserve },
  );
}

/**
 * Takes what is paid out of the reserve, as far as it goes: it may have been lowered since the approval.
 * Whoever calls holds the claim's row.
 * @returns what the step's history keeps, so that `putBackReserve` finds it
 */
export async function takeFromReserve(
  claimId: string,
  amount: Money,
): Promise<Readonly<Record<string, unknown>>> {
  const before = await lossReserve(claimId);
  if (!before || !isPositive(before.amount)) return {};
  const taken = compare(amount, before.amount) <= 0 ? amount : before.amount;
  const left = subtract(before.amount, taken);
  const reason = 'The claim is paid';
  ClaimReserve.set({ claimId, category: 'loss', amount: left, reason }, before);
  return { reserve_taken: taken };
}

/** Puts back what the payment that has failed took. */
export async function putBackReserve(claimId: string): Promise<void> {
  const started = await Transition.findOne({
    where: { entityId: claimId, event: 'start_payment' },
    order: [['stateVersion', 'DESC']],
  });
  const taken = started?.facts['reserve_taken'];
  if (typeof taken !== 'string') return;
  const before = await lossReserve(claimId);
  const amount = add(before?.amount ?? zero, taken);
  const reason = 'The payment has failed';
  ClaimReserve.set({ claimId, category: 'loss', amount, reason }, before);
}
