const ended = `status <> 'queued' AND coalesce(last_attempt_at, created_at) < now() - interval '90 days'`;

/** The house-keeping job may remove what was told or given up long ago, and sees nothing else. */
const up = `
CREATE POLICY relay ON core.webhook_deliveries FOR SELECT TO app_relay USING (${ended});
CREATE POLICY kept ON core.webhook_deliveries FOR DELETE TO app_relay USING (${ended});
GRANT SELECT (company_id, id, status, last_attempt_at, created_at), DELETE
  ON core.webhook_deliveries TO app_relay;
`;

const down = `
REVOKE SELECT (company_id, id, status, last_attempt_at, created_at), DELETE
  ON core.webhook_deliveries FROM app_relay;
DROP POLICY kept ON core.webhook_deliveries;
DROP POLICY relay ON core.webhook_deliveries;
`;

export const webhookRetention = { name: '0049-webhook-retention', up, down };
