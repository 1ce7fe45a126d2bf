import type { checkAudit } from '../../commands/auditChecks.ts';
import type { AuditLogs, HistoryEntity } from '../../commands/auditLogs.ts';
import { listRoute, route, type Access, type Route } from '../route.ts';
import {
  presentAuditCheck,
  presentAuditLine,
  presentCompanyAuditLine,
  presentHistoryEntry,
} from './present.ts';
import {
  allAuditLogsQuery,
  auditCheckAnswer,
  auditCheckExample,
  auditLineAnswer,
  auditLineExample,
  auditLogsQuery,
  companyAuditLineAnswer,
  companyAuditLineExample,
  historyEntryAnswer,
  historyEntryExample,
  historyPath,
  historyQuery,
} from './schema.ts';

const tag = 'Audit';

export const auditLogRoutes = ({
  auditLogs,
  verifyAudit,
}: {
  readonly auditLogs: AuditLogs;
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
  ...histories.map(({ entity, plural, permission }) =>
    listRoute({
      path: `/${plural}/:id/history`,
      permission,
      summary: `What happened to one ${entity}, from its beginning on`,
      tag,
      params: historyPath,
      query: historyQuery,
      answer: presentHistoryEntry,
      answerSchema: historyEntryAnswer,
      handle: ({ actor, params, query }) => auditLogs.history(actor, entity, params.id, query),
      examples: { answer: historyEntryExample },
    }),
  ),
];

/**
 * Whoever may read an object may read its history. The catalogue is public, but not who changed it
 * and what it was before it was for sale.
 */
const histories: readonly {
  readonly entity: HistoryEntity;
  readonly plural: string;
  readonly permission: Access;
}[] = [
  { entity: 'subscription', plural: 'subscriptions', permission: 'subscription:read_own' },
  { entity: 'policy', plural: 'policies', permission: 'policy:read_own' },
  { entity: 'plan', plural: 'plans', permission: 'audit:read' },
  { entity: 'category', plural: 'categories', permission: 'audit:read' },
];
