import type { ReportType } from '../rules/reports.ts';
import { bookingReports } from './bookingReports.ts';
import { claimReports } from './claimReports.ts';
import { complianceReports } from './complianceReports.ts';
import {
  amounts,
  counts,
  happenedWithin,
  isOfType,
  isWithin,
  monthAt,
  monthOf,
  ofMonth,
  ofType,
  texts,
  type TableQuery,
} from './reportSql.ts';

const renewalColumns = [
  ...counts({ ending: 'Ending', renewing: 'Renewing by itself', leaving: 'Leaving' }),
  ...counts({ unanswered: 'Unanswered', in_grace: 'Premium overdue' }),
  ...amounts({ premium: 'Premium', premium_at_stake: 'Premium at stake' }),
];

/**
 * Whoever renews automatically has answered, and so has whoever has cancelled for a later day. With a
 * premium overdue nothing renews by itself.
 */
const atStake = `s.cancel_effective_date IS NULL AND (s.status = 'grace' OR NOT s.auto_renew)`;

const renewals = (group: string): string => `
  SELECT ${group}, p.currency, count(*)::integer AS ending,
    (count(*) FILTER (WHERE s.status = 'active' AND s.auto_renew
      AND s.cancel_effective_date IS NULL))::integer AS renewing,
    (count(*) FILTER (WHERE s.cancel_effective_date IS NOT NULL))::integer AS leaving,
    (count(*) FILTER (WHERE s.status = 'active' AND ${atStake}))::integer AS unanswered,
    (count(*) FILTER (WHERE s.status = 'grace'))::integer AS in_grace,
    sum(p.premium) AS premium,
    coalesce(sum(p.premium) FILTER (WHERE ${atStake}), 0.00) AS premium_at_stake
  FROM asked, policy_subscriptions s
    JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id
  WHERE s.status IN ('active', 'grace') AND s.archived_at IS NULL AND ${isWithin('s.end_date')} AND ${isOfType}
  GROUP BY 1, 2`;

const policyColumns = [
  ...counts({ policies: 'Policies', active: 'Active', in_grace: 'In grace', lapsed: 'Lapsed' }),
  ...counts({ expired: 'Expired', cancelled: 'Cancelled' }),
  ...amounts({ premium: 'Premium of active', coverage: 'Coverage of active' }),
  ...amounts({ average_premium: 'Average premium' }),
];

const policies = (group: string): string => `
  SELECT ${group}, p.currency, count(*)::integer AS policies,
    (count(*) FILTER (WHERE p.status = 'active'))::integer AS active,
    (count(*) FILTER (WHERE p.status = 'grace'))::integer AS in_grace,
    (count(*) FILTER (WHERE p.status = 'lapsed'))::integer AS lapsed,
    (count(*) FILTER (WHERE p.status = 'expired'))::integer AS expired,
    (count(*) FILTER (WHERE p.status = 'cancelled'))::integer AS cancelled,
    coalesce(sum(p.premium) FILTER (WHERE p.status = 'active'), 0.00) AS premium,
    coalesce(sum(p.coverage_amount) FILTER (WHERE p.status = 'active'), 0.00) AS coverage,
    round(coalesce(avg(p.premium) FILTER (WHERE p.status = 'active'), 0), 2) AS average_premium
  FROM asked, policies p
  WHERE p.archived_at IS NULL AND ${isWithin('p.start_date')} AND ${isOfType}
  GROUP BY 1, 2`;

const financeColumns = [
  ...counts({ terms_sold: 'Terms sold' }),
  ...amounts({ new_premium: 'New premium', renewal_premium: 'Renewed premium' }),
  ...amounts({ premium_sold: 'Premium sold' }),
  ...counts({ cancellations: 'Cancellations' }),
  ...amounts({ would_refund: 'Would be refunded' }),
];

/** What waits for its first premium, or never got it, is not sold. */
const isTakenUp = `s.status <> 'pending_payment' AND NOT EXISTS (
  SELECT FROM core.transitions x WHERE x.company_id = s.company_id AND x.entity_id = s.id
    AND x.event = 'not_taken_up')`;

/** By contract, whether or not it was billed: what is sold, and what cancellations would give back. */
const finances = (group: string, soldIn: string, endedIn: string): string => `
  SELECT e.grouped AS ${group}, e.currency,
    (count(e.sold))::integer AS terms_sold,
    coalesce(sum(e.sold) FILTER (WHERE e.origin = 'new'), 0.00) AS new_premium,
    coalesce(sum(e.sold) FILTER (WHERE e.origin = 'renewal'), 0.00) AS renewal_premium,
    coalesce(sum(e.sold), 0.00) AS premium_sold,
    (count(e.refund))::integer AS cancellations,
    coalesce(sum(e.refund), 0.00) AS would_refund
  FROM (
    SELECT ${soldIn} AS grouped, p.currency, t.origin, t.premium AS sold, NULL::numeric AS refund
    FROM asked, subscription_terms t
      JOIN policy_subscriptions s ON s.company_id = t.company_id AND s.id = t.subscription_id
      JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id
    WHERE t.superseded_by IS NULL AND ${happenedWithin('t.created_at')} AND ${isOfType}
      AND ${isTakenUp}
    UNION ALL
    SELECT ${endedIn}, p.currency, NULL, NULL, coalesce((c.facts ->> 'would_refund')::numeric(20,2), 0.00)
    FROM asked, core.transitions c
      JOIN policy_subscriptions s ON s.company_id = c.company_id AND s.id = c.entity_id
      JOIN policies p ON p.company_id = s.company_id AND p.id = s.policy_id
    WHERE c.entity_type = 'subscription' AND c.event = 'cancel' AND ${happenedWithin('c.at')}
      AND ${isOfType}
  ) AS e
  GROUP BY 1, 2`;

/** About the policy of its claim or its invoice; a refund about that of what it gives back. */
const moneyFrom = `asked, payments m
  WHERE m.archived_at IS NULL AND (asked.policy_type IS NULL OR EXISTS (
    SELECT FROM policies p WHERE p.company_id = m.company_id AND ${isOfType} AND p.id = coalesce(
      (SELECT c.policy_id FROM claims c WHERE c.company_id = m.company_id AND c.id = m.claim_id),
      (SELECT s.policy_id FROM premium_invoices i JOIN policy_subscriptions s
         ON s.company_id = i.company_id AND s.id = i.subscription_id
       WHERE i.company_id = m.company_id AND i.id = coalesce(m.invoice_id,
         (SELECT paid.invoice_id FROM payments paid
          WHERE paid.company_id = m.company_id AND paid.id = m.parent_payment_id))))))`;

const hasMoved = `m.status IN ('completed', 'refunded')`;

const sumOf = (condition: string, name: string): string =>
  `coalesce(sum(m.amount) FILTER (WHERE ${condition}), 0.00) AS ${name}`;

const countOf = (condition: string, name: string): string =>
  `(count(*) FILTER (WHERE ${condition}))::integer AS ${name}`;

/** What went through the payment gateway; what was paid outside is in the claims. */
const moneyTables: readonly TableQuery[] = [
  {
    name: 'payments_by_month',
    title: 'Money moved, by the month of payment',
    columns: [
      ...ofMonth,
      ...amounts({ premiums: 'Premiums received', bookings: 'Bookings received' }),
      ...amounts({ claims: 'Claims paid', refunds: 'Refunds', net: 'In less out' }),
    ],
    charts: [
      {
        title: 'Money in and out',
        labels: ['month', 'currency'],
        series: ['premiums', 'bookings', 'claims', 'refunds'],
      },
    ],
    sql: `
      SELECT ${monthOf('m.payment_date')} AS month, m.currency,
        ${sumOf(`m.purpose = 'premium'`, 'premiums')}, ${sumOf(`m.purpose = 'booking'`, 'bookings')},
        ${sumOf(`m.purpose = 'claim_payout'`, 'claims')}, ${sumOf(`m.purpose = 'refund'`, 'refunds')},
        sum(CASE WHEN m.purpose IN ('premium', 'booking') THEN m.amount ELSE -m.amount END) AS net
      FROM ${moneyFrom} AND ${hasMoved} AND ${isWithin('m.payment_date')}
      GROUP BY 1, 2`,
  },
  {
    name: 'payments_by_purpose',
    title: 'Payments by what they are for, by the day they were opened',
    columns: [
      ...texts({ purpose: 'Purpose', currency: 'Currency' }),
      ...counts({ payments: 'Payments', completed: 'Completed', failed: 'Failed' }),
      ...counts({ pending: 'Under way' }),
      ...amounts({ amount: 'Completed amount', failed_amount: 'Failed amount' }),
    ],
    charts: [
      {
        title: 'Payments',
        labels: ['purpose', 'currency'],
        series: ['completed', 'failed', 'pending'],
      },
    ],
    sql: `
      SELECT m.purpose, m.currency, count(*)::integer AS payments, ${countOf(hasMoved, 'completed')},
        ${countOf(`m.status = 'failed'`, 'failed')}, ${countOf(`m.status = 'pending'`, 'pending')},
        ${sumOf(hasMoved, 'amount')}, ${sumOf(`m.status = 'failed'`, 'failed_amount')}
      FROM ${moneyFrom} AND ${happenedWithin('m.created_at')}
      GROUP BY 1, 2`,
  },
];

/** In the order in which they are shown. */
export const reportQueries: Readonly<Record<ReportType, readonly TableQuery[]>> = {
  ...claimReports,
  ...complianceReports,
  ...bookingReports,
  renewal_pipeline: [
    {
      name: 'by_month',
      title: 'Subscriptions by the month in which they end',
      columns: [...ofMonth, ...renewalColumns],
      charts: [
        {
          title: 'What ends, and what nobody has answered',
          labels: ['month', 'currency'],
          series: ['ending', 'unanswered'],
        },
        {
          title: 'Premium at stake',
          labels: ['month', 'currency'],
          series: ['premium', 'premium_at_stake'],
        },
      ],
      sql: renewals(`${monthOf('s.end_date')} AS month`),
    },
    {
      name: 'by_policy_type',
      title: 'Subscriptions that end, by type of policy',
      columns: [...ofType, ...renewalColumns],
      charts: [],
      sql: renewals('p.policy_type'),
    },
  ],
  policy_type_analysis: [
    {
      name: 'by_policy_type',
      title: 'Policies by type',
      columns: [...ofType, ...policyColumns],
      charts: [
        {
          title: 'Policies',
          labels: ['policy_type', 'currency'],
          series: ['active', 'in_grace', 'lapsed', 'expired', 'cancelled'],
        },
        {
          title: 'Premium of active policies',
          labels: ['policy_type', 'currency'],
          series: ['premium'],
        },
      ],
      sql: policies('p.policy_type'),
    },
    {
      name: 'by_month',
      title: 'Policies by the month in which their cover began',
      columns: [...ofMonth, ...policyColumns],
      charts: [],
      sql: policies(`${monthOf('p.start_date')} AS month`),
    },
  ],
  financial_summary: [
    {
      name: 'by_month',
      title: 'Premium by month',
      columns: [...ofMonth, ...financeColumns],
      charts: [
        {
          title: 'Premium sold',
          labels: ['month', 'currency'],
          series: ['new_premium', 'renewal_premium'],
        },
      ],
      sql: finances('month', monthAt('t.created_at'), monthAt('c.at')),
    },
    {
      name: 'by_policy_type',
      title: 'Premium by type of policy',
      columns: [...ofType, ...financeColumns],
      charts: [],
      sql: finances('policy_type', 'p.policy_type', 'p.policy_type'),
    },
    ...moneyTables,
  ],
};
