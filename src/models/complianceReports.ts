import type { ReportType } from '../rules/reports.ts';
import { counts, isWithin, people, texts, type TableQuery } from './reportSql.ts';
import { daysLate, isOverdue } from './watchedPolicy.ts';

/** How everybody stands with every document, by the day on which it is due. */
const from = `asked
  JOIN acknowledgements a ON ${isWithin('a.due_date')}
  JOIN compliance_policies p ON p.company_id = a.company_id AND p.id = a.policy_id
  JOIN customers u ON u.company_id = a.company_id AND u.id = a.customer_id`;

const today = '(now() AT TIME ZONE asked.time_zone)::date';

const days = daysLate(today);

const isLate = isOverdue(today);

const countOf = (condition: string, name: string): string =>
  `(count(*) FILTER (WHERE ${condition}))::integer AS ${name}`;

const answered = `count(*) FILTER (WHERE a.status = 'acknowledged')`;

const required = `count(*) FILTER (WHERE a.status <> 'exempted')`;

const statusColumns = counts({
  acknowledged: 'Acknowledged',
  pending: 'Pending',
  overdue: 'Overdue',
  declined: 'Declined',
  exempted: 'Exempted',
  percentage: 'Percent',
});

/** Rounded down, so that only all of them are a hundred. */
const standing = (groups: string, joins = ''): string => `
  SELECT ${groups}, ${countOf(`a.status = 'acknowledged'`, 'acknowledged')},
    ${countOf(`a.status = 'pending'`, 'pending')}, ${countOf(isLate, 'overdue')},
    ${countOf(`a.status = 'declined'`, 'declined')}, ${countOf(`a.status = 'exempted'`, 'exempted')},
    coalesce(trunc(100.0 * ${answered} / nullif(${required}, 0), 2), 0)::float8 AS percentage
  FROM ${from} ${joins} WHERE a.is_current GROUP BY 1, 2`;

const lateColumns = counts({
  overdue: 'Overdue',
  week: '1 to 7 days',
  fortnight: '8 to 14 days',
  longer: 'Longer',
  escalated: 'Escalated',
  most_days: 'Most days',
});

const late = (groups: string, joins = ''): string => `
  SELECT ${groups}, count(*)::integer AS overdue, ${countOf(`${days} <= 7`, 'week')},
    ${countOf(`${days} BETWEEN 8 AND 14`, 'fortnight')}, ${countOf(`${days} > 14`, 'longer')},
    ${countOf(`a.escalation_status <> 'none'`, 'escalated')}, max(${days})::integer AS most_days
  FROM ${from} ${joins} WHERE a.is_current AND ${isLate} GROUP BY 1, 2`;

const byPolicy = `p.title AS policy, p.policy_version::text AS version`;
const byDepartment = `u.name AS customer, a.department`;

const ofPolicy = texts({ policy: 'Policy', version: 'Version' });
const ofDepartment = texts({ customer: 'Customer', department: 'Department' });

const standingChart = (...labels: string[]) => [
  { title: 'How people stand', labels, series: ['acknowledged', 'pending', 'declined'] },
];
const lateChart = (...labels: string[]) => [
  { title: 'Days late', labels, series: ['week', 'fortnight', 'longer'] },
];

/** What is told of acknowledgements: as they stand when it is made, and of those that are late. */
export const complianceReports: Readonly<
  Record<
    Extract<ReportType, 'compliance_status' | 'acknowledgement_overdue'>,
    readonly TableQuery[]
  >
> = {
  compliance_status: [
    {
      name: 'by_policy',
      title: 'How people stand with each policy',
      columns: [...ofPolicy, ...statusColumns],
      charts: standingChart('policy'),
      sql: standing(byPolicy),
    },
    {
      name: 'by_compliance',
      title: 'How customers stand with what they comply with',
      columns: [...texts({ compliance: 'Compliance', customer: 'Customer' }), ...statusColumns],
      charts: standingChart('compliance', 'customer'),
      sql: standing(
        'm.compliance_title AS compliance, u.name AS customer',
        `JOIN customer_compliances k ON k.company_id = p.company_id
           AND k.id = p.customer_compliance_id AND k.customer_id = a.customer_id
         JOIN compliances m ON m.company_id = k.company_id AND m.id = k.compliance_id`,
      ),
    },
    {
      name: 'by_department',
      title: 'How departments stand',
      columns: [...ofDepartment, ...statusColumns],
      charts: standingChart('customer', 'department'),
      sql: standing(byDepartment),
    },
  ],
  acknowledgement_overdue: [
    {
      name: 'by_policy',
      title: 'People who are late, by policy',
      columns: [...ofPolicy, ...lateColumns],
      charts: lateChart('policy'),
      sql: late(byPolicy),
    },
    {
      name: 'by_department',
      title: 'People who are late, by department',
      columns: [...ofDepartment, ...lateColumns],
      charts: lateChart('customer', 'department'),
      sql: late(byDepartment),
    },
    {
      name: 'by_manager',
      title: 'People who are late, by whom they report to',
      columns: [
        ...people({ manager_id: 'Manager' }),
        ...texts({ policy: 'Policy' }),
        ...lateColumns,
      ],
      charts: lateChart('manager_id', 'policy'),
      sql: late(
        'b.user_id AS manager_id, p.title AS policy',
        `JOIN employees e ON e.company_id = a.company_id AND e.id = a.employee_id
         LEFT JOIN employees b ON b.company_id = e.company_id AND b.id = e.manager_id`,
      ),
    },
  ],
};
