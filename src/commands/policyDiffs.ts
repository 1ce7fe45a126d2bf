import { diffLines } from 'diff';
import { Op } from 'sequelize';
import type { Actor } from '../context.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import { withTenant } from '../models/database.ts';
import { seesAll } from './categories.ts';
import { versionViewOf, type PolicyVersionView } from './compliancePolicyViews.ts';

/** Lines that stand together in the one version, in the other, or in both. */
export interface DiffPart {
  readonly change: 'same' | 'added' | 'removed';
  readonly lines: number;
  readonly text: string;
}

type File = Pick<PolicyVersionView, 'documentLink' | 'documentSha256'>;

/** What one version says otherwise than another. */
export interface VersionDiff {
  readonly number: number;
  /** Null where it is the first one: all of it is new. */
  readonly against: number | null;
  readonly parts: readonly DiffPart[];
  /** The texts differ in so many lines that one stands for the other as a whole. */
  readonly isWhole: boolean;
  readonly document: {
    readonly isChanged: boolean;
    readonly before: File | null;
    readonly after: File;
  };
}

/** The work grows with the square of it; so many take a tenth of a second. */
const mostEdits = 500;

export const createPolicyDiffs = () => ({
  /** @param against the version before it unless told. @throws NotFound */
  between: (
    actor: Actor,
    policyId: string,
    number: number,
    against: number | undefined,
  ): Promise<VersionDiff> =>
    withTenant(actor.companyId, async () => {
      const after = await versionViewOf(actor, policyId, number);
      const other = against ?? (await numberBefore(actor, policyId, number));
      const before = other === null ? null : await versionViewOf(actor, policyId, other);
      return {
        number,
        against: before?.number ?? null,
        ...textDiff(before?.content ?? '', after.content ?? ''),
        document: {
          isChanged: isOtherFile(before, after),
          before: before && fileOf(before),
          after: fileOf(after),
        },
      };
    }),
});

export type PolicyDiffs = ReturnType<typeof createPolicyDiffs>;

async function numberBefore(
  actor: Actor,
  policyId: string,
  number: number,
): Promise<number | null> {
  const before: unknown = await CompliancePolicyVersion.max('number', {
    where: {
      policyId,
      number: { [Op.lt]: number },
      ...(seesAll(actor) ? {} : { archivedAt: null }),
    },
  });
  return before === null ? null : Number(before);
}

/** Line by line; bounded, since whoever asks waits, and others too. */
export function textDiff(before: string, after: string): Pick<VersionDiff, 'parts' | 'isWhole'> {
  const found = diffLines(before, after, { maxEditLength: mostEdits });
  if (!found) {
    const parts = [part('removed', before), part('added', after)];
    return { parts: parts.filter(({ text }) => text !== ''), isWhole: true };
  }
  const parts = found.map(({ value, added, removed }) => {
    if (added) return part('added', value);
    return part(removed ? 'removed' : 'same', value);
  });
  return { parts, isWhole: false };
}

const part = (change: DiffPart['change'], text: string): DiffPart => ({
  change,
  lines: text === '' ? 0 : text.replace(/\n$/, '').split('\n').length,
  text,
});

const fileOf = ({ documentLink, documentSha256 }: File): File => ({
  documentLink,
  documentSha256,
});

/** By what is in it where both say so, else by where it is. */
function isOtherFile(before: File | null, after: File): boolean {
  if (!before) return Boolean(after.documentLink);
  if (before.documentSha256 && after.documentSha256) {
    return before.documentSha256 !== after.documentSha256;
  }
  return (before.documentLink ?? null) !== (after.documentLink ?? null);
}
