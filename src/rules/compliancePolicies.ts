import type { Problem } from './problem.ts';
import type { Role } from './permissions.ts';

/** `default` follows the latest version of a template; `custom` is written here. */
export const compliancePolicyTypes = ['default', 'custom'] as const;

export type CompliancePolicyType = (typeof compliancePolicyTypes)[number];

export const classifications = ['public', 'internal', 'confidential', 'restricted'] as const;

export type Classification = (typeof classifications)[number];

/** Of the newest version, as far as its approval goes. */
export const approvalStatuses = ['pending', 'approved', 'rejected'] as const;

export type ApprovalStatus = (typeof approvalStatuses)[number];

/** What somebody decided; `voided` once what they had approved was changed. */
export const approvalStates = ['pending', 'approved', 'rejected', 'voided'] as const;

export type ApprovalState = (typeof approvalStates)[number];

/** A configuration that was approved holds until another one for its key is. */
export const configurationStatuses = ['pending', 'active', 'rejected'] as const;

export type ConfigurationStatus = (typeof configurationStatuses)[number];

/** Who writes documents, and who decides about those that others wrote. */
export const complianceStaff: readonly Role[] = ['tenant_admin', 'compliance_manager'];

/** One question to whoever has read the document. */
export interface QuizQuestion {
  readonly question: string;
  readonly options: readonly string[];
  /** Which of the options is right, counted from 0. */
  readonly correct: number;
}

/** Why the questions cannot be asked, and at which place; undefined where they can. */
export function quizProblem(
  quiz: readonly QuizQuestion[],
): (Problem & { readonly field: string }) | undefined {
  for (const [index, { options, correct }] of quiz.entries()) {
    if (new Set(options).size < options.length) {
      const message = 'Two options are the same';
      return { field: `quiz.${index}.options`, code: 'REPEATED', message };
    }
    if (correct >= options.length) {
      const message = 'is the place of one of the options, counted from 0';
      return { field: `quiz.${index}.correct`, code: 'OUT_OF_RANGE', message };
    }
  }
  return undefined;
}

/** What people call a version: `2.1`. */
export interface VersionLabel {
  readonly major: number;
  readonly minor: number;
}

/**
 * The label after the one that is in force: the next minor for what need not be read again. Without one in
 * force everybody has to read it.
 */
export const labelAfter = (
  before: VersionLabel | undefined,
  requiresReack: boolean,
): VersionLabel => {
  if (!before) return { major: 1, minor: 0 };
  return requiresReack
    ? { major: before.major + 1, minor: 0 }
    : { major: before.major, minor: before.minor + 1 };
};

export const labelText = ({ major, minor }: VersionLabel): string => `${major}.${minor}`;

/** So long after it was published a version can be taken back. */
export const unpublishWithinMs = 24 * 3_600_000;

/** A publication can be planned so far ahead. */
export const maxPublishAheadMs = 366 * 86_400_000;
