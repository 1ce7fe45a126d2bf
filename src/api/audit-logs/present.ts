import type { AuditCheck } from '../../commands/auditChecks.ts';
import type { AuditLine, Facts } from '../../commands/auditLogs.ts';
import type { HistoryEntry, PastState } from '../../commands/histories.ts';
import { withErasedShown } from '../../rules/personalFields.ts';
import { wireName } from '../../rules/wireNames.ts';

export const presentAuditLine = (line: AuditLine) => ({
  id: line.id,
  timestamp: line.timestamp.toISOString(),
  actor_id: line.actorId,
  actor_type: line.actorType,
  action: line.action,
  entity_type: line.entityType,
  entity_id: line.entityId,
  before: line.before && shown(line.before),
  after: line.after && shown(line.after),
  request_id: line.requestId,
  workflow_id: line.workflowId,
  ip: withErasedShown(line.ip),
  user_agent: withErasedShown(line.userAgent),
});

export const presentCompanyAuditLine = ({
  companyId,
  ...line
}: AuditLine & { readonly companyId: string }) => ({
  company_id: companyId,
  ...presentAuditLine(line),
});

export const presentAuditCheck = ({
  isValid,
  checked,
  retired,
  unsealed,
  firstBad,
}: AuditCheck) => ({
  valid: isValid,
  checked,
  retired,
  unsealed,
  first_bad: firstBad && { seq: firstBad.seq, audit_id: firstBad.auditId, kind: firstBad.kind },
});

export const presentHistoryEntry = (entry: HistoryEntry) => ({
  id: entry.id,
  at: entry.at.toISOString(),
  kind: entry.kind,
  action: entry.action,
  actor_id: entry.actorId,
  actor_type: entry.actorType,
  workflow_id: entry.workflowId,
  before: entry.before && shown(entry.before),
  after: entry.after && shown(entry.after),
  from_status: entry.fromStatus,
  to_status: entry.toStatus,
  reason: entry.reason,
});

export const presentPastState = ({ entityType, entityId, at, state, builtFrom }: PastState) => ({
  entity_type: entityType,
  entity_id: entityId,
  at: at.toISOString(),
  state: shown(state),
  built_from: builtFrom && {
    id: builtFrom.id,
    at: builtFrom.at.toISOString(),
    action: builtFrom.action,
    actor_id: builtFrom.actorId,
    actor_type: builtFrom.actorType,
  },
});

const shown = (facts: Facts): Facts => withErasedShown(snakeCased(facts));

/** Lines are kept under the models' names, at every depth. */
export const snakeCased = (facts: Facts): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      wireName(name),
      isFacts(value) ? snakeCased(value) : value,
    ]),
  );

const isFacts = (value: unknown): value is Facts =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
