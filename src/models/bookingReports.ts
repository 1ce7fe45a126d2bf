import type { ReportType } from '../rules/reports.ts';
import {
  amounts,
  counts,
  isWithin,
  monthOf,
  ofMonth,
  texts,
  type TableQuery,
} from './reportSql.ts';

const columns = [
  ...counts({ bookings: 'Bookings', confirmed: 'Ahead', completed: 'Completed' }),
  ...counts({ cancelled: 'Cancelled', host_strikes: 'Given up by hosts', nights: 'Nights sold' }),
  ...amounts({ revenue: 'Revenue', refunds: 'Refunded', net: 'Revenue less refunds' }),
];

const isSold = `b.status IN ('confirmed', 'completed')`;

/** Of stays that begin in the period. What was paid for one that was cancelled counts until it is back. */
const revenue = (group: string, places: string): string => `
  SELECT ${group}, b.currency, count(*)::integer AS bookings,
    (count(*) FILTER (WHERE b.status = 'confirmed'))::integer AS confirmed,
    (count(*) FILTER (WHERE b.status = 'completed'))::integer AS completed,
    (count(*) FILTER (WHERE b.status = 'cancelled'))::integer AS cancelled,
    (count(*) FILTER (WHERE b.host_strike))::integer AS host_strikes,
    coalesce(sum(b.nights) FILTER (WHERE ${isSold}), 0)::integer AS nights,
    coalesce(sum(b.total_amount) FILTER (WHERE b.paid_at IS NOT NULL), 0.00) AS revenue,
    coalesce(sum(m.refunded_amount), 0.00) AS refunds,
    coalesce(sum(b.total_amount) FILTER (WHERE b.paid_at IS NOT NULL), 0.00)
      - coalesce(sum(m.refunded_amount), 0.00) AS net
  FROM asked, bookings b
    JOIN properties p ON p.company_id = b.company_id AND p.id = b.property_id
    LEFT JOIN payments m ON m.company_id = b.company_id AND m.id = b.payment_id
  WHERE b.archived_at IS NULL AND ${isWithin('b.start_date')}
  GROUP BY ${places}`;

const charts = (...labels: string[]) => [
  { title: 'Revenue', labels, series: ['revenue', 'refunds', 'net'] },
];

export const bookingReports: Readonly<
  Record<Extract<ReportType, 'booking_revenue'>, readonly TableQuery[]>
> = {
  booking_revenue: [
    {
      name: 'by_month',
      title: 'Stays by the month in which they begin',
      columns: [...ofMonth, ...columns],
      charts: charts('month', 'currency'),
      sql: revenue(`${monthOf('b.start_date')} AS month`, '1, 2'),
    },
    {
      name: 'by_property',
      title: 'Stays by property',
      columns: [
        ...texts({ property: 'Property', property_id: 'Property id', currency: 'Currency' }),
        ...columns,
      ],
      charts: charts('property', 'currency'),
      sql: revenue('p.name AS property, p.id AS property_id', '1, 2, 3'),
    },
  ],
};
