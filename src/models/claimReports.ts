import type { ReportType } from '../rules/reports.ts';
import {
  amounts,
  counts,
  happenedWithin,
  isOfType,
  monthAt,
  ofMonth,
  people,
  texts,
  type TableQuery,
} from './reportSql.ts';

/** The policies are looked up only where somebody asks for a type of them. */
const from = `asked, claims c
  WHERE c.archived_at IS NULL AND ${happenedWithin('c.created_at')}
    AND (asked.policy_type IS NULL OR EXISTS (SELECT FROM policies p
      WHERE p.company_id = c.company_id AND p.id = c.policy_id AND ${isOfType}))`;

const countOf = (condition: string, name: string): string =>
  `(count(*) FILTER (WHERE ${condition}))::integer AS ${name}`;

const isOpen = `c.status <> 'closed'`;
const isBreached = `${isOpen} AND c.sla_status = 'breached'`;

/** Days from the report to the close; null where nothing is closed yet. */
const daysToClose = `round(avg(extract(epoch FROM c.closed_at - c.created_at)) / 86400, 1)::float8
    AS days_to_close`;

const sums = `coalesce(sum(c.claim_amount), 0.00) AS claimed,
    coalesce(sum(c.approved_amount), 0.00) AS approved, coalesce(sum(c.paid_amount), 0.00) AS paid`;

const overviewColumns = [
  ...counts({ claims: 'Claims', open: 'Open', denied: 'Denied', breached: 'Past their deadline' }),
  ...counts({ days_to_close: 'Average days to close' }),
  ...amounts({ claimed: 'Claimed', approved: 'Approved', paid: 'Paid' }),
];

const overview = (group: string): string => `
  SELECT ${group}, c.currency, count(*)::integer AS claims, ${countOf(isOpen, 'open')},
    ${countOf(`c.status = 'denied' OR c.closed_outcome IN ('denied', 'fraud')`, 'denied')},
    ${countOf(isBreached, 'breached')}, ${daysToClose}, ${sums}
  FROM ${from} GROUP BY 1, 2`;

const breachColumns = counts({ due_soon: 'Due soon', breached: 'Past their deadline' });

const breaches = (groups: string): string => `
  SELECT ${groups}, ${countOf(isOpen, 'open')},
    ${countOf(`c.sla_status = 'due_soon'`, 'due_soon')}, ${countOf(isBreached, 'breached')}
  FROM ${from} AND ${isOpen}`;

/** What is told of claims, by the day on which they were reported. */
export const claimReports: Readonly<
  Record<
    Extract<ReportType, 'claims_overview' | 'adjuster_performance' | 'sla_breaches'>,
    readonly TableQuery[]
  >
> = {
  claims_overview: [
    {
      name: 'by_month',
      title: 'Claims by the month in which they were reported',
      columns: [...ofMonth, ...overviewColumns],
      charts: [
        { title: 'Claims', labels: ['month', 'currency'], series: ['claims', 'open', 'denied'] },
        {
          title: 'Amounts',
          labels: ['month', 'currency'],
          series: ['claimed', 'approved', 'paid'],
        },
      ],
      sql: overview(`${monthAt('c.created_at')} AS month`),
    },
    {
      name: 'by_status',
      title: 'Claims by status',
      columns: [...texts({ status: 'Status', currency: 'Currency' }), ...overviewColumns],
      charts: [{ title: 'Claims', labels: ['status', 'currency'], series: ['claims'] }],
      sql: overview('c.status'),
    },
  ],
  adjuster_performance: [
    {
      name: 'by_adjuster',
      title: 'Claims by whom they are assigned to',
      columns: [
        ...people({ adjuster_id: 'Adjuster' }),
        ...texts({ currency: 'Currency' }),
        ...overviewColumns,
      ],
      charts: [
        {
          title: 'Claims',
          labels: ['adjuster_id', 'currency'],
          series: ['claims', 'open', 'breached'],
        },
      ],
      sql: overview('c.assigned_to AS adjuster_id'),
    },
  ],
  sla_breaches: [
    {
      name: 'by_status',
      title: 'Open claims near or past their deadline, by status',
      columns: [
        ...texts({ status: 'Status', priority: 'Priority' }),
        ...counts({ open: 'Open' }),
        ...breachColumns,
      ],
      charts: [
        {
          title: 'Open claims',
          labels: ['status', 'priority'],
          series: ['open', 'due_soon', 'breached'],
        },
      ],
      sql: `${breaches('c.status, c.priority')} GROUP BY 1, 2`,
    },
    {
      name: 'by_adjuster',
      title: 'Open claims near or past their deadline, by whom they are assigned to',
      columns: [
        ...people({ adjuster_id: 'Adjuster' }),
        ...counts({ open: 'Open' }),
        ...breachColumns,
      ],
      charts: [
        { title: 'Open claims', labels: ['adjuster_id'], series: ['open', 'due_soon', 'breached'] },
      ],
      sql: `${breaches('c.assigned_to AS adjuster_id')} GROUP BY 1`,
    },
  ],
};
