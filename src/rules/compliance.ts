import type { Problem } from './problem.ts';

/** What every company knows; each has types of its own besides. */
export const usualComplianceTypes = ['infosec', 'acceptable_use', 'cryptographic'] as const;

/** How far a customer's people are with what they must read. */
export const complianceStatuses = ['pending', 'in_progress', 'completed'] as const;

export type ComplianceStatus = (typeof complianceStatuses)[number];

export const auditStatuses = ['pending', 'completed'] as const;

export type AuditStatus = (typeof auditStatuses)[number];

/** One of the demands of a compliance, known by its code: `A.5.1`. */
export interface Requirement {
  readonly code: string;
  readonly text: string;
}

/** Why the demands cannot stand beside each other, and at which place; undefined where they can. */
export function requirementsProblem(
  requirements: readonly Requirement[],
): (Problem & { readonly index: number }) | undefined {
  const codes = requirements.map(({ code }) => code.toLowerCase());
  const index = codes.findIndex((code, place) => codes.indexOf(code) < place);
  if (index < 0) return undefined;
  return { index, code: 'REPEATED', message: 'An earlier requirement has this code already' };
}
