/**
 * Where several API processes count requests together. Its keys are addresses and people, gone an
 * hour after their window; unlogged, because after a crash everybody may start anew.
 */
const up = `
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
`;

export const rateLimits = { name: '0012-rate-limits', up, down };
