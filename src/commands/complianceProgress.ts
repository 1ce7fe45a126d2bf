import type { Actor } from '../context.ts';
import { countedAnew } from '../models/customerProgress.ts';
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
      : `(SELECT policy_id, customer_id, department, pending, acknowledged, declined, exempted, answered
         FROM compliance_counts WHERE policy_id <> ALL ($5::uuid[])
         UNION ALL SELECT policy_id, customer_id, department, 0, 0, 0, 0, answered
         FROM compliance_counts WHERE policy_id = ANY ($5::uuid[])
         UNION ALL SELECT anew.*, 0 FROM compliance_policies p CROSS JOIN LATERAL (${countedAnew}) AS anew
         WHERE p.id = ANY ($5::uuid[]))`;
  const { items, total } = await readPage(asked, (limit, offset) =>
    select<Omit<Progress, 'percentage' | 'status'> & { answered: number; total: string }>(
      `SELECT ${id} AS id, ${name} AS name, sum(c.pending)::integer AS pending,
         sum(c.acknowledged)::integer AS acknowledged, sum(c.declined)::integer AS declined,
         sum(c.exempted)::integer AS exempted, sum(c.answered)::integer AS answered,
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
    items: items.map(({ total: _, answered, ...group }) => ({
      ...group,
      percentage: compliancePercentage(group),
      status: complianceStatusOf({ ...group, answered }),
    })),
    total,
  };
}
