import type { checkAudit } from '../../commands/auditChecks.ts';
import type { AuditLogs } from '../../commands/auditLogs.ts';
import type { Histories, HistoryEntity, PastEntity } from '../../commands/histories.ts';
import { listRoute, rawRoute, route, type Access, type Route } from '../route.ts';
import { attachment, exportAnswer, exported } from './export.ts';
import {
  presentAuditCheck,
  presentAuditLine,
  presentCompanyAuditLine,
  presentHistoryEntry,
  presentPastState,
} from './present.ts';
import {
  allAuditExportQuery,
  allAuditLogsQuery,
  auditCheckAnswer,
  auditCheckExample,
  auditExportQuery,
  auditLineAnswer,
  auditLineExample,
  auditLogsQuery,
  asOfQuery,
  companyAuditLineAnswer,
  companyAuditLineExample,
  historyEntryAnswer,
  historyEntryExample,
  historyPath,
  historyQuery,
  pastStateAnswer,
  pastStateExample,
} from './schema.ts';

const tag = 'Audit';

export const auditLogRoutes = ({
  auditLogs,
  histories,
  verifyAudit,
}: {
  readonly auditLogs: AuditLogs;
  readonly histories: Histories;
  readonly verifyAudit: typeof checkAudit;
}): Route[] => [
  listRoute({
    path: '/audit-logs',
    permission: 'audit:read',
    summary: 'What was done in this company, the newest first',
    tag,
    businessRules: true,
    query: auditLogsQuery,
    answer: presentAuditLine,
    answerSchema: auditLineAnswer,
    handle: ({ actor, query }) => auditLogs.list(actor, query),
    examples: { answer: auditLineExample },
  }),
  listRoute({
    path: '/administration/audit-logs',
    company: false,
    permission: 'company:manage_all',
    summary: 'What was done in all companies, or in one, the newest first',
    tag,
    businessRules: true,
    query: allAuditLogsQuery,
    answer: presentCompanyAuditLine,
    answerSchema: companyAuditLineAnswer,
    handle: ({ query }) => auditLogs.listAll(query),
    examples: { answer: companyAuditLineExample },
  }),
  rawRoute({
    method: 'GET',
    path: '/audit-logs/export',
    permission: 'audit:read',
    summary: 'All of what was done in this company, as a file, the newest first',
    businessRules: true,
    tag,
    query: auditExportQuery,
    ...exportAnswer,
    async handle({ actor, query, setHeader }) {
      const pages = await auditLogs.export(actor, query);
      setHeader('Content-Disposition', attachment(query.format));
      return exported(pages, query.format, Object.keys(auditLineExample), presentAuditLine);
    },
  }),
  rawRoute({
    method: 'GET',
    path: '/administration/audit-logs/export',
    company: false,
    permission: 'company:manage_all',
    summary: 'What was done in all companies, or in one, as a file, the newest first',
    businessRules: true,
    tag,
    query: allAuditExportQuery,
    ...exportAnswer,
    async handle({ query, setHeader }) {
      const { format } = query;
      const pages = await auditLogs.exportAll(query);
      setHeader('Content-Disposition', attachment(format));
      const columns = Object.keys(companyAuditLineExample);
      return exported(pages, format, columns, presentCompanyAuditLine);
    },
  }),
  route({
    method: 'GET',
    path: '/audit-logs/verify',
    permission: 'audit:read',
    summary: 'Whether the audit of this company is as it was sealed, and if not, from where on',
    tag,
    answer: presentAuditCheck,
    answerSchema: auditCheckAnswer,
    handle: ({ actor }) => verifyAudit(actor.companyId),
    examples: { answer: auditCheckExample },
  }),
  ...withHistory.map(({ entity, path, ...access }) =>
    listRoute({
      ...access,
      path: `${path}/:id/history`,
      summary: `What happened to one ${entity.replaceAll('_', ' ')}, from its beginning on`,
      tag,
      params: historyPath,
      query: historyQuery,
      answer: presentHistoryEntry,
      answerSchema: historyEntryAnswer,
      handle: ({ actor, params, query }) => histories.history(actor, entity, params.id, query),
      examples: { answer: historyEntryExample },
    }),
  ),
  ...withPast.map(({ entity, path, ...access }) =>
    route({
      ...access,
      method: 'GET',
      path: `${path}/:id/as-of`,
      summary: `One ${entity.replaceAll('_', ' ')} as it was at a time`,
      tag,
      businessRules: true,
      params: historyPath,
      query: asOfQuery,
      answer: presentPastState,
      answerSchema: pastStateAnswer,
      handle: ({ actor, params, query }) => histories.asOf(actor, entity, params.id, query.at),
      examples: { answer: pastStateExample },
    }),
  ),
];

/**
 * Whoever may read an object may read its history. The catalogue is public, but not who changed it
 * and what it was before it was for sale; who handled a claim, and what a company had set, is for those
 * who read its audit.
 */
const both = [
  { entity: 'subscription', path: '/subscriptions', permission: 'subscription:read_own' },
  { entity: 'policy', path: '/policies', permission: 'policy:read_own' },
  { entity: 'booking', path: '/bookings', permission: 'booking:read_own' },
  { entity: 'report', path: '/reports', permission: 'report:read_own' },
  { entity: 'customer', path: '/customers', permission: 'customer:read' },
  { entity: 'employee', path: '/employees', permission: 'employee:read' },
  { entity: 'compliance', path: '/compliances', permission: 'compliance:read' },
  {
    entity: 'customer_compliance',
    path: '/customer-compliance',
    permission: 'compliance:read',
  },
  {
    entity: 'compliance_policy',
    path: '/compliance-policies',
    permission: 'compliance_policy:read',
  },
  {
    entity: 'policy_configuration',
    path: '/policy-configurations',
    permission: 'compliance_policy:read',
  },
  { entity: 'campaign', path: '/campaigns', permission: 'ack:read_all' },
  { entity: 'template', path: '/templates', permission: 'template:read' },
  { entity: 'plan', path: '/plans', permission: 'audit:read' },
  { entity: 'category', path: '/categories', permission: 'audit:read' },
  { entity: 'property', path: '/properties', permission: 'audit:read' },
  { entity: 'company', path: '/companies', permission: 'audit:read' },
  {
    entity: 'registration',
    path: '/administration/registration-requests',
    permission: 'registration:review',
    company: false,
  },
] as const satisfies readonly Resource<HistoryEntity & PastEntity>[];

const withHistory: readonly Resource<HistoryEntity>[] = [
  ...both,
  { entity: 'user', path: '/users', permission: 'audit:read' },
];

const withPast: readonly Resource<PastEntity>[] = [
  ...both,
  { entity: 'claim', path: '/claims', permission: 'audit:read' },
];

interface Resource<Entity> {
  readonly entity: Entity;
  readonly path: string;
  readonly permission: Access;
  readonly company?: false;
}
