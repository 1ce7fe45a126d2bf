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

/** From now on a start settles those of the same run that were given up before it; these had one already. */
const settle = `
DO $$
DECLARE
  caller text := current_setting('app.current_company_id', true);
  each_company uuid;
BEGIN
  FOR each_company IN SELECT id FROM platform.companies LOOP
    PERFORM set_config('app.current_company_id', each_company::text, true);
    UPDATE core.outbox o SET dispatched_at = now()
    WHERE o.parked_at IS NOT NULL AND o.dispatched_at IS NULL
      AND EXISTS (SELECT FROM core.outbox later
        WHERE (later.company_id, later.entity_id, later.workflow_id)
            = (o.company_id, o.entity_id, o.workflow_id)
          AND later.id > o.id AND later.dispatched_at IS NOT NULL);
  END LOOP;
  PERFORM set_config('app.current_company_id', coalesce(caller, ''), true);
END $$;
`;

const up = allow(`${before}, 'outbox_late', 'outbox_parked'`) + settle;

/** Rows of the kinds that it takes back stay as they are. */
const down = allow(before, 'NOT VALID');

export const outboxAlerts = { name: '0094-outbox-alerts', up, down };
