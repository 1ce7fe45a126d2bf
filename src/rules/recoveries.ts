import { compare, isPositive, type Money } from './money.ts';
import type { Problem } from './problem.ts';

/** Where money for a paid claim comes back from. */
export const recoveryKinds = ['subrogation', 'salvage', 'deductible'] as const;

export type RecoveryKind = (typeof recoveryKinds)[number];

/** `recovered` and `written_off` are final: what comes in later is a recovery of its own. */
export const recoveryStatuses = ['open', 'recovered', 'written_off'] as const;

export type RecoveryStatus = (typeof recoveryStatuses)[number];

interface Recovery {
  readonly status: RecoveryStatus;
  readonly recovered: Money;
}

/** Why a recovery cannot become so; undefined when it can. */
export function recoveryProblem(before: Recovery, after: Recovery): Problem | undefined {
  if (before.status !== 'open') {
    return { code: 'RECOVERY_CLOSED', message: `A ${before.status} recovery is final` };
  }
  if (compare(after.recovered, before.recovered) < 0) {
    return { code: 'RECOVERED_LESS', message: 'What was recovered does not become less' };
  }
  if (after.status === 'recovered' && !isPositive(after.recovered)) {
    return { code: 'NOTHING_RECOVERED', message: 'Nothing was recovered; write it off instead' };
  }
  return undefined;
}
