/** The house-keeping job may remove what was dispatched long ago, and nothing else. */
const up = `
CREATE POLICY kept ON core.outbox AS RESTRICTIVE FOR DELETE TO app_relay
  USING (dispatched_at < now() - interval '90 days');
GRANT DELETE ON core.outbox TO app_relay;
`;

const down = `
REVOKE DELETE ON core.outbox FROM app_relay;
DROP POLICY kept ON core.outbox;
`;

export const retention = { name: '0005-retention', up, down };
