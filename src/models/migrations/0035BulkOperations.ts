import { wall } from './wall.ts';

/** One action on many runs, and what it came to with each. */
const up = `
CREATE TABLE core.bulk_operations (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  action text NOT NULL CHECK (action IN
    ('retry_step', 'signal', 'cancel', 'terminate', 'reset', 'pause', 'resume')),
  filter jsonb NOT NULL,
  reason text NOT NULL,
  per_second integer NOT NULL CHECK (per_second BETWEEN 1 AND 50),
  asker jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  aborted_at timestamptz,
  aborted_by uuid,
  abort_reason text,
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id)
);
CREATE INDEX bulk_operations_created_idx ON core.bulk_operations (company_id, created_at);
CREATE INDEX bulk_operations_open_idx ON core.bulk_operations (company_id, id)
  WHERE workflow_closed_at IS NULL;
${wall('core.bulk_operations')}

CREATE TABLE core.bulk_items (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  bulk_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('subscription', 'claim', 'payment', 'report', 'onboarding')),
  entity_id uuid NOT NULL,
  result text NOT NULL DEFAULT 'pending' CHECK (result IN ('pending', 'done', 'refused', 'failed')),
  tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  code text,
  message text,
  ended_at timestamptz,
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, bulk_id, entity_id),
  FOREIGN KEY (company_id, bulk_id) REFERENCES core.bulk_operations (company_id, id),
  CHECK ((result = 'pending') = (ended_at IS NULL))
);
CREATE INDEX bulk_items_pending_idx ON core.bulk_items (company_id, bulk_id, tries, id)
  WHERE result = 'pending';
${wall('core.bulk_items')}
`;

const down = `
DROP TABLE core.bulk_items;
DROP TABLE core.bulk_operations;
`;

export const bulkOperations = { name: '0035-bulk-operations', up, down };
