import { baseColumns, baseIndexes, wall } from './wall.ts';

/** A table of what belongs to a claim. */
const ofClaim = (name: string, columns: string, rights?: string): string => `
CREATE TABLE ${name} (${baseColumns},
  claim_id uuid NOT NULL,
  ${columns.trim()},
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, claim_id) REFERENCES claims (company_id, id) ON DELETE RESTRICT
);
CREATE INDEX ${name}_claim_idx ON ${name} (company_id, claim_id, created_at);
${baseIndexes(name)}
${wall(name, rights)}
`;

const up = `
${ofClaim(
  'claim_notes',
  `
  author_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  note text NOT NULL CHECK (length(note) BETWEEN 1 AND 10000),
  is_internal boolean NOT NULL DEFAULT true,
  edited_at timestamptz`,
)}
CREATE INDEX claim_notes_author_idx ON claim_notes (company_id, author_id) WHERE author_id IS NOT NULL;

${ofClaim(
  'claim_reserves',
  `
  category text NOT NULL CHECK (category IN ('loss', 'expense')),
  amount numeric(20,2) NOT NULL CHECK (amount >= 0),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500)`,
  'SELECT, INSERT',
)}

${ofClaim(
  'claim_recoveries',
  `
  kind text NOT NULL CHECK (kind IN ('subrogation', 'salvage', 'deductible')),
  party text NOT NULL CHECK (length(party) BETWEEN 1 AND 200),
  estimated numeric(20,2) NOT NULL CHECK (estimated >= 0),
  recovered numeric(20,2) NOT NULL DEFAULT 0 CHECK (recovered >= 0),
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'recovered', 'written_off')),
  CHECK (status <> 'recovered' OR recovered > 0)`,
)}

${ofClaim(
  'fraud_flags',
  `
  rule text NOT NULL CHECK (length(rule) <= 40),
  score integer NOT NULL CHECK (score BETWEEN 1 AND 100),
  evidence jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'cleared', 'confirmed')),
  reason text CHECK (length(reason) <= 500),
  decided_by uuid,
  decided_at timestamptz,
  CHECK ((state = 'open') = (decided_at IS NULL))`,
)}
CREATE UNIQUE INDEX fraud_flags_rule_key ON fraud_flags (company_id, claim_id, rule)
  WHERE rule <> 'manual';

${ofClaim(
  'claim_locations',
  `
  latitude numeric(10,8) CHECK (latitude BETWEEN -90 AND 90),
  longitude numeric(11,8) CHECK (longitude BETWEEN -180 AND 180),
  address text CHECK (length(address) <= 500),
  description text CHECK (length(description) <= 1000)`,
)}
CREATE UNIQUE INDEX claim_locations_live_key ON claim_locations (company_id, claim_id)
  WHERE archived_at IS NULL;
`;

const down = `
DROP TABLE claim_locations;
DROP TABLE fraud_flags;
DROP TABLE claim_recoveries;
DROP TABLE claim_reserves;
DROP TABLE claim_notes;
`;

/** What hangs on a claim as rows: people write them, no workflow does. */
export const claimRecords = { name: '0023-claim-records', business: { up, down } };
