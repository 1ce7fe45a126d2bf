import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * Where companies are told of what happens, and what was told. The relay sees which companies have
 * endpoints, and nothing else of them.
 */
const up = `
CREATE TABLE core.webhook_endpoints (${baseColumns},
  url text NOT NULL,
  events jsonb NOT NULL,
  is_enabled boolean NOT NULL DEFAULT true,
  disabled_because text CHECK (disabled_because IN ('asked', 'gone')),
  secret_sealed text NOT NULL,
  old_secret_sealed text,
  old_secret_until timestamptz,
  heard_from timestamptz NOT NULL DEFAULT now(),
  swept_until timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, id)
);
${baseIndexes('core.webhook_endpoints')}
${wall('core.webhook_endpoints')}
CREATE POLICY relay ON core.webhook_endpoints FOR SELECT TO app_relay
  USING (is_enabled AND archived_at IS NULL);
GRANT SELECT (company_id, is_enabled, archived_at) ON core.webhook_endpoints TO app_relay;

CREATE TABLE core.webhook_deliveries (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  event text NOT NULL,
  event_key text NOT NULL,
  entity_type text,
  entity_id uuid,
  occurred_at timestamptz NOT NULL,
  status text NOT NULL CHECK (status IN ('queued', 'delivered', 'failed', 'cancelled')),
  round integer NOT NULL DEFAULT 1,
  attempts integer NOT NULL DEFAULT 0,
  last_status integer,
  last_error text,
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,
  delivered_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, endpoint_id, event, event_key),
  FOREIGN KEY (company_id, endpoint_id) REFERENCES core.webhook_endpoints (company_id, id)
);
CREATE INDEX webhook_deliveries_created_idx ON core.webhook_deliveries
  (company_id, endpoint_id, created_at, id);
${wall('core.webhook_deliveries')}

ALTER TABLE core.notifications ADD COLUMN event_key text;
`;

const down = `
ALTER TABLE core.notifications DROP COLUMN event_key;
DROP TABLE core.webhook_deliveries;
DROP TABLE core.webhook_endpoints;
`;

export const webhookEndpoints = { name: '0042-webhook-endpoints', up, down };
