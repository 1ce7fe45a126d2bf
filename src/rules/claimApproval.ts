import { authorityLimit, type ClaimSettings } from './claimSettings.ts';
import { compare, type Money } from './money.ts';
import type { Role } from './permissions.ts';

/** Who had a part in a claim before its decision. */
export interface ClaimParties {
  readonly assignedTo?: string | null;
  readonly proposedBy?: string | null;
  readonly reportedBy?: string | null;
  /** Who holds the policy. */
  readonly holderId?: string | null;
}

/** Those who had a part in it; what they lend to others does not decide it either. */
export const withPartIn = ({
  assignedTo,
  proposedBy,
  reportedBy,
  holderId,
}: ClaimParties): readonly string[] =>
  [assignedTo, proposedBy, reportedBy, holderId].filter((userId) => typeof userId === 'string');

/** Four eyes: why this person may not decide the claim; undefined when they may. */
export function approvalRefusal(
  { assignedTo, proposedBy, reportedBy, holderId }: ClaimParties,
  by: string | null,
): string | undefined {
  if (by === null) return 'Only a person decides a claim';
  if (by === proposedBy) return 'Whoever proposed the amount does not decide it';
  if (by === assignedTo) return 'Whoever processes the claim does not decide it';
  if (by === reportedBy) return 'Whoever reported the claim does not decide it';
  if (by === holderId) return 'Whoever holds the policy does not decide the claim';
  return undefined;
}

/** The role that an amount needs beyond one's own; undefined when one's roles suffice. */
export function requiredRole(
  held: readonly Role[],
  amount: Money,
  settings: ClaimSettings,
): Role | undefined {
  if (held.includes('claims_manager') || held.includes('tenant_admin')) return undefined;
  const isWithin = compare(amount, authorityLimit(settings)) <= 0;
  return held.includes('senior_adjuster') && isWithin ? undefined : 'claims_manager';
}

/** Who can decide an amount. */
export const approversOf = (amount: Money, settings: ClaimSettings): readonly Role[] => [
  ...(compare(amount, authorityLimit(settings)) <= 0 ? (['senior_adjuster'] as const) : []),
  'claims_manager',
  'tenant_admin',
];
