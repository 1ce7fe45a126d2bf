import type { Reports } from '../../commands/reports.ts';
import { listRoute, rawRoute, route, type Route } from '../route.ts';
import { fileHeader, fileText, mediaTypeOf } from './file.ts';
import { pagePolicy } from './page.ts';
import { presentReport, presentReportDetail } from './present.ts';
import {
  createReportBody,
  downloadQuery,
  replaceReportBody,
  reportAnswer,
  reportBodyExample,
  reportDetailAnswer,
  reportDetailExample,
  reportExample,
  reportPath,
  reportsQuery,
} from './schema.ts';

const tag = 'Reports';
const all = { path: '/reports', aliases: ['/reports'], tag } as const;
const one = { path: '/reports/:id', aliases: ['/reports/:id'], tag, params: reportPath } as const;
const answersReport = { answer: presentReportDetail, answerSchema: reportDetailAnswer } as const;
const shown = { answer: reportDetailExample };

export const reportRoutes = ({ reports }: { readonly reports: Reports }): Route[] => [
  listRoute({
    ...all,
    permission: 'report:read_own',
    summary: 'Own reports, without their data; managers and auditors see all of the company',
    businessRules: true,
    query: reportsQuery,
    answer: presentReport,
    answerSchema: reportAnswer,
    handle: ({ actor, query }) => reports.list(actor, query),
    examples: { answer: reportExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'report:write_own',
    summary: 'Ask for a report; a workflow generates it, now and when its schedule is due',
    message: 'Report asked for',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createReportBody,
    ...answersReport,
    handle: ({ actor, body, once }) => reports.create(actor, body, once),
    examples: { body: reportBodyExample, ...shown },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'report:read_own',
    summary: 'One report, with the data that were generated last',
    ...answersReport,
    handle: ({ actor, params }) => reports.get(actor, params.id),
    examples: shown,
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'report:write_own',
    ifMatch: true,
    summary: 'Replace what a report asks; another type or other filters generate it anew',
    message: 'Report replaced',
    businessRules: true,
    body: replaceReportBody,
    ...answersReport,
    handle: ({ actor, params, body: { version: _, ...wish }, expectedVersion }) =>
      reports.replace(actor, params.id, wish, expectedVersion),
    examples: { body: reportBodyExample, ...shown },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'report:write_own',
    ifMatch: true,
    summary: 'Delete a report, and its schedule with it',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      reports.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/reports/:id/generate',
    permission: 'report:write_own',
    summary: 'Generate a report anew; the data there are stay until it is ready',
    message: 'Report asked for',
    tag,
    idempotency: 'optional',
    params: reportPath,
    ...answersReport,
    handle: ({ actor, params, once }) => reports.generate(actor, params.id, once),
    examples: shown,
  }),
  rawRoute({
    method: 'GET',
    path: '/reports/:id/download',
    permission: 'report:read_own',
    summary: 'The data as a file, or as a page with charts',
    tag,
    businessRules: true,
    params: reportPath,
    query: downloadQuery,
    mediaTypes: Object.values(mediaTypeOf),
    async handle({ actor, params, query, setHeader }) {
      const file = await reports.download(actor, params.id, query);
      const format = query.format ?? file.report.format;
      setHeader('Content-Disposition', fileHeader(file, format));
      if (format === 'html') setHeader('Content-Security-Policy', pagePolicy);
      return { content: fileText(file, format), mediaType: mediaTypeOf[format] };
    },
  }),
];
