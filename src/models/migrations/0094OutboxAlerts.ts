const before = `'activity_failing', 'workflow_task_failing', 'timers_overdue', 'no_worker', 'drift'`;

/** Of what there are alerts, and rules of them. */
const allow = (kinds: string, check = ''): string => `
ALTER TABLE core.alert_rules DROP CONSTRAINT alert_rules_kind_check;
ALTER TABLE core.alert_rules
  ADD CONSTRAINT alert_rules_kind_check CHECK (kind IN (${kinds})) ${check};
ALTER TABLE core.alerts DROP CONSTRAINT alerts_kind_check;
ALTER TABLE core.alerts
  ADD CONSTRAINT alerts_kind_check CHECK (kind IN (${kinds})) ${check};
`;

const up = allow(`${before}, 'outbox_late', 'outbox_parked'`);

/** Rows of the kinds that it takes back stay as they are. */
const down = allow(before, 'NOT VALID');

export const outboxAlerts = { name: '0094-outbox-alerts', up, down };
