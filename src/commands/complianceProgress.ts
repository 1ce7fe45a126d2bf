import type { Actor } from '../context.ts';
import { among } from '../models/acknowledging.ts';
import { select, withTenant } from '../models/database.ts';
import { readPage } from '../models/list.ts';
import { compliancePercentage, complianceStatusOf } from '../rules/acknowledgements.ts';

/** By what progress is shown. */
export const progressDimensions = ['customer', 'compliance', 'department', 'policy'] as const;

export type ProgressDimension = (typeof progressDimensions)[number];

export interface ProgressAsked {
  readonly by: ProgressDimension;
  readonly policyId?: string | undefined;
  readonly customerId?: string | undefined;
  readonly page: number;
  readonly size: number;
}

/** How far a group is; counts of people and documents, as they stand now. */
export interface Progress {
  /** Of the customer, compliance or policy; null for a department. */
  readonly id: string | null;
  readonly name: string;
  readonly pending: number;
  readonly acknowledged: number;
  readonly declined: number;
  /** Left out of the base. */
  readonly exempted: number;
  readonly percentage: string;
  readonly status: 'pending' | 'in_progress' | 'completed';
  /** Of a document in it not everybody has been asked yet; whoever will be is pending. */
  readonly isAsking: boolean;
}

const groupsOf: Readonly<Record<ProgressDimension, { id: string; name: string; join: string }>> = {
  customer: {
    id: 'u.id',
    name: 'u.name',
    join: 'JOIN customers u ON u.id = c.customer_id',
  },
  department: { id: 'NULL::uuid', name: 'c.department', join: '' },
  policy: {
    id: 'p.id',
    name: 'p.title',
    join: '',
  },
  compliance: {
    id: 'm.id',
    name: 'm.compliance_title',
    join: `JOIN customer_compliances k ON k.id = p.customer_compliance_id
        AND k.customer_id = c.customer_id
      JOIN compliances m ON m.id = k.compliance_id`,
  },
};

/** A file holds no more groups. */
const mostExported = 50_000;

export const createComplianceProgress = () => ({
  /** From the kept counts, but for documents that people are just being asked about, so that it costs the same however many have answered. */
  by: (actor: Actor, asked: ProgressAsked): Promise<{ items: Progress[]; total: number }> =>
    withTenant(actor.companyId, () => groups(asked)),

  /** The lines of a table, its head first. */
  lines: (
    actor: Actor,
    asked: Omit<ProgressAsked, 'page' | 'size'>,
  ): Promise<(readonly unknown[])[]> =>
    withTenant(actor.companyId, async () => {
      const { items } = await groups({ ...asked, page: 1, size: mostExported });
      return [
        [asked.by, 'acknowledged', 'pending', 'declined', 'exempted', 'percentage', 'status'],
        ...items.map((group) => [
          group.name,
          group.acknowledged,
          group.pending,
          group.declined,
          group.exempted,
          group.percentage,
          group.status,
        ]),
      ];
    }),
});

export type ComplianceProgress = ReturnType<typeof createComplianceProgress>;

/**
 * SQL: how people stand with a policy whose keeper has not asked everybody yet, as they will once it has:
 * whoever is to be asked is pending. Answers to an earlier text that hold again count only then.
 */
const countedAnew = `(SELECT p.id AS policy_id, e.customer_id, coalesce(e.department, '') AS department,
    (a.id IS NULL OR a.status = 'pending')::integer AS pending,
    coalesce(a.status = 'acknowledged', false)::integer AS acknowledged,
    coalesce(a.status = 'declined', false)::integer AS declined,
    coalesce(a.status = 'exempted', false)::integer AS exempted
  FROM compliance_policies p
    JOIN employees e ON ${among('p.audience_customer_id', 'p.audience_role', 'p.audience_department')}
    LEFT JOIN acknowledgements a ON a.policy_id = p.id AND a.employee_id = e.id AND a.is_current
      AND a.policy_version >= p.reack_version AND NOT EXISTS (
        SELECT FROM compliance_policy_versions n WHERE n.policy_id = p.id AND n.requires_reack
          AND n.number > p.policy_version AND n.number <= a.policy_version)
  WHERE p.id = ANY ($5::uuid[]) AND p.policy_version > 0)`;

async function groups(asked: ProgressAsked): Promise<{ items: Progress[]; total: number }> {
  const { by, policyId = null, customerId = null } = asked;
  const { id, name, join } = groupsOf[by];
  const asking = await select<{ id: string }>(
    'SELECT id FROM compliance_policies WHERE is_asking AND ($1::uuid IS NULL OR id = $1)',
    [policyId],
  );
  const counts =
    asking.length === 0
      ? 'compliance_counts'
      : `(SELECT policy_id, customer_id, department, pending, acknowledged, declined, exempted
         FROM compliance_counts WHERE policy_id <> ALL ($5::uuid[]) UNION ALL ${countedAnew})`;
  const { items, total } = await readPage(asked, (limit, offset) =>
    select<Omit<Progress, 'percentage' | 'status'> & { total: string }>(
      `SELECT ${id} AS id, ${name} AS name, sum(c.pending)::integer AS pending,
         sum(c.acknowledged)::integer AS acknowledged, sum(c.declined)::integer AS declined,
         sum(c.exempted)::integer AS exempted,
         bool_or(c.policy_id = ANY ($5::uuid[])) AS "isAsking", count(*) OVER () AS total
       FROM ${counts} c JOIN compliance_policies p ON p.id = c.policy_id ${join}
       WHERE ($1::uuid IS NULL OR c.policy_id = $1) AND ($2::uuid IS NULL OR c.customer_id = $2)
       GROUP BY 1, 2
       HAVING (sum(c.pending), sum(c.acknowledged), sum(c.declined), sum(c.exempted)) <> (0, 0, 0, 0)
       ORDER BY 2, 1 LIMIT $3 OFFSET $4`,
      [policyId, customerId, limit, offset, asking.map((each) => each.id)],
    ),
  );
  return {
    items: items.map(({ total: _, ...group }) => ({
      ...group,
      percentage: compliancePercentage(group),
      status: complianceStatusOf(group),
    })),
    total,
  };
}
