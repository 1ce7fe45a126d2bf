import { v7 as uuid } from 'uuid';
import { CompliancePolicy } from '../../src/models/CompliancePolicy.ts';
import { CompliancePolicyVersion, contentHash } from '../../src/models/CompliancePolicyVersion.ts';
import { withTenant } from '../../src/models/database.ts';

/** A compliance policy with one version as rows, without a workflow. */
export async function buildPolicyRow({
  companyId,
  authors,
  title = 'Acceptable use',
  ...changes
}: {
  readonly companyId: string;
  readonly authors: readonly string[];
  readonly title?: string;
} & Partial<
  Pick<CompliancePolicyVersion, 'status' | 'publishedAt' | 'workflowClosedAt' | 'createdAt'>
>): Promise<{ readonly policyId: string; readonly versionId: string }> {
  const [policyId, versionId] = [uuid(), uuid()];
  const isPublished = changes.status === 'published';
  await withTenant(companyId, async () => {
    await CompliancePolicy.create({
      id: policyId,
      companyId,
      type: 'custom',
      title,
      policyVersion: isPublished ? 1 : 0,
      reackVersion: isPublished ? 1 : 0,
    });
    await CompliancePolicyVersion.create({
      id: versionId,
      companyId,
      policyId,
      number: 1,
      major: 1,
      minor: 0,
      content: 'For work',
      contentSha256: contentHash('For work'),
      requiresReack: true,
      authors,
      ...(isPublished && { publishedAt: new Date() }),
      ...changes,
    });
  });
  return { policyId, versionId };
}
