import { claimsSettled, expectClaimsOnce, type ClaimEntry } from './claimLedger.ts';
import {
  expectMailsOnce,
  expectNothingOpen,
  expectRowsOnce,
  expectWorkflowsAsRows,
  settled,
  type Entry,
} from './ledger.ts';
import type { Product } from './product.ts';
import { expectStaysOnce, staysSettled, type StayEntry } from './stayLedger.ts';

/** What clients were told of subscriptions, claims and stays side by side. */
export interface Ledgers {
  readonly subscriptions: readonly Entry[];
  readonly claims: readonly ClaimEntry[];
  readonly stays?: readonly StayEntry[];
}

/** So many, of each value as many as of the others. */
export const inTurn = <T>(values: readonly T[], count: number): T[] =>
  Array.from({ length: Math.ceil(count / values.length) })
    .flatMap(() => values)
    .slice(0, count);

/** Waits for what the ledgers expect, at most so long for each kind. */
export async function allSettled(
  product: Product,
  { subscriptions, claims, stays = [] }: Ledgers,
  withinMs: number,
): Promise<void> {
  await staysSettled(product, stays, withinMs);
  await settled(product, subscriptions, withinMs);
  await claimsSettled(product, claims, withinMs);
}

/** @returns how many deliveries were repetitions of a mail that had arrived */
export async function expectAllOnce(
  product: Product,
  { subscriptions, claims, stays = [] }: Ledgers,
): Promise<number> {
  await expectRowsOnce(product, subscriptions);
  await expectNothingOpen(product);
  await expectWorkflowsAsRows(product, subscriptions);
  await expectClaimsOnce(product, claims);
  await expectStaysOnce(product, stays);
  return expectMailsOnce(product);
}
