import type { AlertRuleView, AlertView } from '../../commands/alerts.ts';
import type { AlertStatus } from '../../rules/alerts.ts';

export const presentAlert = (alert: AlertView) => ({
  id: alert.id,
  kind: alert.kind,
  status: statusOf(alert),
  subject: alert.subject,
  type: alert.type ?? null,
  entity_id: alert.entityId ?? null,
  since: alert.since.toISOString(),
  detail: alert.detail ?? null,
  attempts: alert.attempts ?? null,
  raised_at: alert.raisedAt.toISOString(),
  seen_at: alert.seenAt.toISOString(),
  acknowledged_at: alert.acknowledgedAt?.toISOString() ?? null,
  acknowledged_by: alert.acknowledgedBy ?? null,
  reason: alert.reason ?? null,
  resolved_at: alert.resolvedAt?.toISOString() ?? null,
});

function statusOf({ resolvedAt, acknowledgedAt }: AlertView): AlertStatus {
  if (resolvedAt) return 'resolved';
  return acknowledgedAt ? 'acknowledged' : 'open';
}

export const presentAlertRule = (rule: AlertRuleView) => ({
  ...(rule.id !== null && { id: rule.id }),
  kind: rule.kind,
  is_enabled: rule.isEnabled,
  attempts: rule.attempts,
  minutes: rule.minutes,
  channels: [...rule.channels],
  roles: [...rule.roles],
  created_at: rule.createdAt?.toISOString() ?? null,
  updated_at: rule.updatedAt?.toISOString() ?? null,
  version: rule.version,
});
