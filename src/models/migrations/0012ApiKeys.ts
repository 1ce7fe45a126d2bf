import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * Keys of programs, which are looked up before a company is known, and where several API processes
 * count requests together. The counters' names are addresses and people, gone an hour after their
 * window; unlogged, because after a crash everybody may start anew.
 */
const up = `
CREATE TABLE core.api_keys (${baseColumns},
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  prefix text NOT NULL CHECK (prefix ~ '^surety_(live|test)_[0-9a-f]{12}$'),
  key_hash text NOT NULL CHECK (key_hash ~ '^[0-9a-f]{64}$'),
  scopes jsonb NOT NULL
    CHECK (jsonb_typeof(scopes) = 'array' AND jsonb_array_length(scopes) BETWEEN 1 AND 100),
  expires_at timestamptz NOT NULL CHECK (expires_at <= created_at + interval '366 days'),
  last_used_at timestamptz,
  revoked_at timestamptz,
  replaces_id uuid,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, replaces_id) REFERENCES core.api_keys (company_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX api_keys_prefix_key ON core.api_keys (prefix);
CREATE UNIQUE INDEX api_keys_replaces_key ON core.api_keys (company_id, replaces_id);
${baseIndexes('core.api_keys')}
${wall('core.api_keys')}
CREATE POLICY identity ON core.api_keys TO app_auth USING (true) WITH CHECK (true);
GRANT SELECT ON core.api_keys TO app_auth;
GRANT UPDATE (last_used_at) ON core.api_keys TO app_auth;

CREATE SCHEMA limits;
GRANT USAGE ON SCHEMA limits TO app_api;
CREATE UNLOGGED TABLE limits.counters (
  key text PRIMARY KEY CHECK (length(key) <= 255),
  points integer NOT NULL DEFAULT 0,
  expire bigint
);
GRANT SELECT, INSERT, UPDATE, DELETE ON limits.counters TO app_api;
`;

const down = `
DROP TABLE limits.counters;
DROP SCHEMA limits;
DROP TABLE core.api_keys;
`;

export const apiKeys = { name: '0012-api-keys', up, down };
