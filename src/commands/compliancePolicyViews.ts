import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import { select } from '../models/database.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectFirst,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { getRow, getRows, noSuch } from '../models/rows.ts';
import type { ApprovalStatus, CompliancePolicyType } from '../rules/compliancePolicies.ts';
import type { PolicyVersionStatus } from '../rules/policyApproval.ts';
import { seesAll } from './categories.ts';

/** A version as it is shown, with how its run stands. */
export interface PolicyVersionView extends InferAttributes<CompliancePolicyVersion> {
  /** Its start is still owed, or was given up and waits for an operator. */
  readonly isStarting: boolean;
}

/** In a list: what it says is left out. */
export type PolicyVersionSummary = Omit<PolicyVersionView, 'content' | 'quiz'>;

/** A policy with its newest version; discarded ones are passed over. */
export interface CompliancePolicyView<Version = PolicyVersionView> {
  readonly policy: InferAttributes<CompliancePolicy>;
  readonly latest: Version | null;
}

export interface CompliancePolicyFilters extends ListAsked<keyof typeof sortColumns> {
  readonly approvalStatus?: ApprovalStatus | undefined;
  /** Of the newest version. */
  readonly status?: PolicyVersionStatus | undefined;
  readonly type?: CompliancePolicyType | undefined;
  readonly ownerId?: string | undefined;
  readonly customerComplianceId?: string | undefined;
  readonly reviewOverdue?: boolean | undefined;
  readonly updateAvailable?: boolean | undefined;
  readonly includeArchived: boolean;
}

const sortColumns = {
  title: 'lower(p.title)',
  reviewDate: 'p.review_date',
  createdAt: 'p.created_at',
} as const;

/** In the open transaction. @throws NotFound */
export async function policyViewOf(
  id: string,
  { archived = false } = {},
): Promise<CompliancePolicyView> {
  const policy = await getRow(CompliancePolicy, id, { archived });
  const [latest = null] = await select<PolicyVersionView>(
    `SELECT ${versionColumns()} FROM compliance_policy_versions v
     WHERE v.policy_id = $1 AND v.archived_at IS NULL ORDER BY v.number DESC LIMIT 1`,
    [id],
  );
  return { policy: policy.get(), latest };
}

/** Those of `ids`, with what they say, in two statements. */
export async function policyViewsOf(
  ids: readonly string[],
  { archived = false } = {},
): Promise<ReadonlyMap<string, CompliancePolicyView>> {
  const policies = await getRows(CompliancePolicy, ids, { archived });
  const latestOf = await newestVersions<PolicyVersionView>([...policies.keys()], versionColumns());
  return new Map(
    [...policies].map(([id, policy]) => [
      id,
      { policy: policy.get(), latest: latestOf.get(id) ?? null },
    ]),
  );
}

async function newestVersions<Version extends { readonly policyId: string }>(
  policyIds: readonly string[],
  columns: string,
): Promise<ReadonlyMap<string, Version>> {
  const newest = await select<Version>(
    `SELECT DISTINCT ON (v.policy_id) ${columns} FROM compliance_policy_versions v
     WHERE v.policy_id = ANY ($1::uuid[]) AND v.archived_at IS NULL
     ORDER BY v.policy_id, v.number DESC`,
    [policyIds],
  );
  return new Map(newest.map((version) => [version.policyId, version]));
}

export async function policyViews(
  actor: Actor,
  filters: CompliancePolicyFilters,
): Promise<{ items: CompliancePolicyView<PolicyVersionSummary>[]; total: number }> {
  const page = await selectPage<InferAttributes<CompliancePolicy>>(
    columnsOf(CompliancePolicy, 'p'),
    'compliance_policies p',
    conditionsOf(actor, filters),
    sortedBy(sortColumns, filters, 'p.id'),
  );
  const ids = page.items.map(({ id }) => id);
  const latestOf = await newestVersions<PolicyVersionSummary>(ids, versionColumns(tooLarge));
  return {
    ...page,
    items: page.items.map((policy) => ({ policy, latest: latestOf.get(policy.id) ?? null })),
  };
}

/** All versions of a policy, the newest first unless told. @throws NotFound */
export async function versionViews(
  actor: Actor,
  policyId: string,
  {
    includeArchived,
    sortOrder,
    page,
    size,
  }: {
    readonly includeArchived: boolean;
    readonly sortOrder: 'asc' | 'desc';
    readonly page: number;
    readonly size: number;
  },
): Promise<{ items: PolicyVersionSummary[]; total: number }> {
  await getRow(CompliancePolicy, policyId, { archived: seesAll(actor) });
  return selectPage<PolicyVersionSummary>(
    versionColumns(tooLarge),
    'compliance_policy_versions v',
    [
      ['v.policy_id = $', policyId],
      ...(includeArchived && seesAll(actor) ? [] : [['v.archived_at IS NULL'] as const]),
    ],
    { by: 'v.number', id: 'v.id', order: sortOrder, page, size },
  );
}

/** One version by its number, discarded ones for those who see all. @throws NotFound */
export async function versionViewOf(
  actor: Actor,
  policyId: string,
  number: number,
): Promise<PolicyVersionView> {
  await getRow(CompliancePolicy, policyId, { archived: seesAll(actor) });
  const [version] = await selectFirst<PolicyVersionView>(
    versionColumns(),
    'compliance_policy_versions v',
    [
      ['v.policy_id = $', policyId],
      ['v.number = $', number],
      ...(seesAll(actor) ? [] : [['v.archived_at IS NULL'] as const]),
    ],
    { by: 'v.number', id: 'v.id', order: 'asc', size: 1 },
  );
  if (!version) throw noSuch('version', `${number} of the compliance policy ${policyId}`);
  return version;
}

const tooLarge = ['content', 'quiz'];

const versionColumns = (except: readonly string[] = []): string =>
  `${columnsOf(CompliancePolicyVersion, 'v', except)},
   EXISTS (SELECT 1 FROM core.outbox o WHERE o.company_id = v.company_id
     AND o.entity_id = v.id AND o.dispatched_at IS NULL) AS "isStarting"`;

/** Of the newest version, as `latest` is. */
const newestStatus = `(SELECT v.status FROM compliance_policy_versions v
  WHERE v.company_id = p.company_id AND v.policy_id = p.id AND v.archived_at IS NULL
  ORDER BY v.number DESC LIMIT 1)`;

const conditionsOf = (actor: Actor, filters: CompliancePolicyFilters): readonly Condition[] => {
  const { approvalStatus, status, type, ownerId, reviewOverdue, updateAvailable } = filters;
  const { customerComplianceId, search, includeArchived } = filters;
  return [
    ...(includeArchived && seesAll(actor) ? [] : [['p.archived_at IS NULL'] as const]),
    ...(approvalStatus ? [['p.approval_status = $', approvalStatus] as const] : []),
    ...(status ? [[`${newestStatus} = $`, status] as const] : []),
    ...(type ? [['p.type = $', type] as const] : []),
    ...(ownerId ? [['p.owner_id = $', ownerId] as const] : []),
    ...(customerComplianceId
      ? [['p.customer_compliance_id = $', customerComplianceId] as const]
      : []),
    ...(reviewOverdue === undefined ? [] : [['p.review_overdue = $', reviewOverdue] as const]),
    ...(updateAvailable === undefined
      ? []
      : [['p.update_available = $', updateAvailable] as const]),
    ...(search
      ? [['(p.title ILIKE $ OR p.description ILIKE $)', containing(search)] as const]
      : []),
    ...madeWithin('p', filters),
  ];
};
