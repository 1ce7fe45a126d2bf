import { businessTypes } from '../../rules/companies.ts';
import { reportFormats, reportStatuses, reportTypes, weekdays } from '../../rules/reports.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  calendarDate,
  freeForm,
  boolean,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  text,
} from '../schema.ts';

const version = integer(1, 2_147_483_647);
const day = (says: string) => optional(calendarDate().description(says));

const filters = object({
  from: day('Left out, it moves along with the day on which the report is generated'),
  to: day('The first day left out'),
  policy_type: optional(
    oneOf(...businessTypes).description('Of insurance policies; not for reports on compliance'),
  ),
}).id('ReportFilters');

const schedule = object({
  frequency: oneOf('daily', 'weekly', 'monthly'),
  hour: integer(0, 23).description("Of the company's day"),
  day_of_week: optional(oneOf(...weekdays).description('Of weekly schedules; Monday unless told')),
  day_of_month: optional(integer(1, 28).description('Of monthly schedules; the 1st unless told')),
}).id('ReportSchedule');

const fields = {
  name: text(200),
  report_type: oneOf(...reportTypes),
  filters: filters.default({}),
  format: oneOf(...reportFormats)
    .default('json')
    .description('Of its file, unless a download asks for another one'),
  schedule: optional(nullable(schedule)).description(
    'When it is generated anew by itself; a change takes effect within five minutes',
  ),
};

export const reportPath = object({ id: id() });
export const createReportBody = object(fields).id('CreateReport');
export const replaceReportBody = object({ ...fields, version: optional(version) });

export const reportsQuery = listQuery({
  filters: { report_type: oneOf(...reportTypes), status: oneOf(...reportStatuses) },
  sorts: ['created_at', 'name', 'generated_at'],
  defaultSort: '-created_at',
});

export const downloadFormats = [...reportFormats, 'html'] as const;

export const downloadQuery = object({
  format: optional(oneOf(...downloadFormats).description("The report's own unless told")),
  table: optional(text(50).description('One of its tables alone')),
});

const answerFields = {
  id: id(),
  name: text(200),
  report_type: oneOf(...reportTypes),
  filters,
  format: oneOf(...reportFormats),
  schedule: nullable(schedule),
  status: oneOf(...reportStatuses).description('Of the latest generation'),
  progress: integer(0, 100).description('Percent'),
  error: nullable(text(500)).description('Why the latest generation failed'),
  generation: version,
  generated_at: nullable(instant()).description(
    'Of the data; they stay until newer ones are ready',
  ),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
  created_by: nullable(id()),
  updated_by: nullable(id()),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
  state_version: version,
};

export const reportAnswer = object(answerFields).id('Report');

export const reportDetailAnswer = object({
  ...answerFields,
  report_data: nullable(
    object({
      period: object({ from: nullable(calendarDate()), to: nullable(calendarDate()) }),
      time_zone: text(64),
      tables: array(
        object({
          name: text(50),
          title: text(200),
          columns: array(
            object({
              name: text(50),
              label: text(100),
              kind: oneOf('text', 'count', 'money', 'person'),
            }),
            { max: 50 },
          ),
          rows: array(freeForm(), { max: 1000 }),
          is_truncated: boolean().description('There were more rows than a report holds'),
        }),
        { max: 20 },
      ),
    }),
  ),
}).id('ReportDetail');

const reportId = '01998e3a-6c00-7a11-9b22-0c33d44e55f6';
const companyId = '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e90';
const authorId = '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f';

export const reportBodyExample = {
  name: 'Renewals of the year',
  report_type: 'renewal_pipeline',
  filters: { policy_type: 'home' },
  format: 'csv',
  schedule: { frequency: 'weekly', hour: 7, day_of_week: 'monday' },
} as const;

export const reportExample = {
  ...reportBodyExample,
  id: reportId,
  status: 'ready',
  progress: 100,
  error: null,
  generation: 1,
  generated_at: '2026-01-31T09:30:05.000Z',
  workflow: { id: `report/${companyId}/${reportId}`, state: 'closed' },
  created_by: authorId,
  updated_by: authorId,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:05.000Z',
  archived_at: null,
  version: 1,
  state_version: 3,
} as const;

export const reportDetailExample = {
  ...reportExample,
  report_data: {
    period: { from: '2026-01-31', to: '2027-01-31' },
    time_zone: 'Europe/Berlin',
    tables: [
      {
        name: 'by_month',
        title: 'Subscriptions by the month in which they end',
        columns: [
          { name: 'month', label: 'Month', kind: 'text' },
          { name: 'currency', label: 'Currency', kind: 'text' },
          { name: 'ending', label: 'Ending', kind: 'count' },
          { name: 'premium_at_stake', label: 'Premium at stake', kind: 'money' },
        ],
        rows: [{ month: '2026-03', currency: 'EUR', ending: 12, premium_at_stake: '4380.00' }],
        is_truncated: false,
      },
    ],
  },
} as const;
