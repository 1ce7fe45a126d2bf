import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * Who was asked to read what, and how far it is. `is_current` marks the one row that says how somebody
 * stands with a policy; triggers keep the counts of those rows, in slots by person so that many who
 * answer at once do not wait for each other, and carry a new department or customer over to them.
 */
const business = {
  up: `
ALTER TABLE compliance_policies ADD COLUMN clocks jsonb;
CREATE TABLE acknowledgements (${baseColumns},
  policy_id uuid NOT NULL,
  policy_version integer NOT NULL,
  employee_id uuid NOT NULL,
  cycle integer NOT NULL CHECK (cycle > 0),
  acknowledgement_type text NOT NULL
    CHECK (acknowledgement_type IN ('new_joiner', 'periodic', 'manual')),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN
    ('pending', 'acknowledged', 'declined', 'exempted', 'superseded', 'cancelled')),
  escalation_status text NOT NULL DEFAULT 'none'
    CHECK (escalation_status IN ('none', 'escalated_to_hr', 'escalated_to_cxo')),
  is_current boolean NOT NULL DEFAULT true,
  customer_id uuid NOT NULL,
  department text NOT NULL DEFAULT '',
  due_date date NOT NULL,
  original_due_date date NOT NULL,
  next_action text CHECK (next_action IN
    ('remind', 'overdue', 'escalate_hr', 'escalate_exec', 'open_next_cycle')),
  next_action_at timestamptz,
  owed_alerts text[] NOT NULL DEFAULT '{}'
    CHECK (owed_alerts <@ ARRAY['manager', 'hr', 'executive']),
  acknowledged_at timestamptz,
  on_time boolean,
  reason text CHECK (length(reason) <= 2000),
  exempted_until date,
  evidence jsonb,
  evidence_hash text CHECK (evidence_hash ~ '^[0-9a-f]{64}$'),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, policy_id, policy_version)
    REFERENCES compliance_policy_versions (company_id, policy_id, number) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, employee_id) REFERENCES employees (company_id, id) ON DELETE RESTRICT,
  CHECK ((next_action IS NULL) = (next_action_at IS NULL)),
  CHECK ((status = 'acknowledged') = (acknowledged_at IS NOT NULL)),
  CHECK ((status = 'acknowledged') = (evidence_hash IS NOT NULL)),
  CHECK (NOT is_current OR status NOT IN ('superseded', 'cancelled')),
  CHECK (is_current OR status <> 'pending')
);
CREATE UNIQUE INDEX acknowledgements_cycle_key
  ON acknowledgements (company_id, employee_id, policy_id, policy_version, cycle);
CREATE UNIQUE INDEX acknowledgements_current_key
  ON acknowledgements (company_id, policy_id, employee_id) WHERE is_current;
CREATE INDEX acknowledgements_due_idx ON acknowledgements (company_id, policy_id, next_action_at, id)
  WHERE next_action_at IS NOT NULL;
CREATE INDEX acknowledgements_owed_idx ON acknowledgements (company_id, policy_id)
  WHERE owed_alerts <> '{}';
CREATE INDEX acknowledgements_status_idx
  ON acknowledgements (company_id, status, due_date, id);
CREATE INDEX acknowledgements_evidence_idx
  ON acknowledgements (company_id, employee_id, acknowledged_at) WHERE acknowledged_at IS NOT NULL;
${baseIndexes('acknowledgements')}
${wall('acknowledgements')}

CREATE TABLE acknowledgement_history (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  acknowledgement_id uuid NOT NULL,
  field text NOT NULL,
  old_value text,
  new_value text,
  reason text,
  actor_id uuid,
  actor_type text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, acknowledgement_id)
    REFERENCES acknowledgements (company_id, id) ON DELETE RESTRICT
);
CREATE INDEX acknowledgement_history_of_idx
  ON acknowledgement_history (company_id, acknowledgement_id, updated_at, id);
${wall('acknowledgement_history', 'SELECT, INSERT')}
GRANT UPDATE (reason) ON acknowledgement_history TO app_api;

CREATE TABLE exemptions (${baseColumns},
  acknowledgement_id uuid NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  valid_until date NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'granted', 'refused', 'lapsed')),
  decided_by uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  decided_at timestamptz,
  decision_reason text CHECK (length(decision_reason) <= 2000),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, acknowledgement_id)
    REFERENCES acknowledgements (company_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX exemptions_open_key ON exemptions (company_id, acknowledgement_id)
  WHERE status = 'open';
CREATE INDEX exemptions_status_idx ON exemptions (company_id, status, created_at);
${baseIndexes('exemptions')}
${wall('exemptions')}

CREATE TABLE compliance_counts (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  policy_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  department text NOT NULL,
  slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 15),
  pending integer NOT NULL,
  acknowledged integer NOT NULL,
  declined integer NOT NULL,
  exempted integer NOT NULL,
  PRIMARY KEY (company_id, policy_id, customer_id, department, slot),
  FOREIGN KEY (company_id, policy_id)
    REFERENCES compliance_policies (company_id, id) ON DELETE RESTRICT
);
CREATE INDEX compliance_counts_customer_idx ON compliance_counts (company_id, customer_id);
${wall('compliance_counts')}

${triggers()}
`,
  down: `
DROP TRIGGER move_acknowledgements ON employees;
DROP TABLE compliance_counts;
DROP TABLE exemptions;
DROP TABLE acknowledgement_history;
DROP TABLE acknowledgements;
DROP FUNCTION move_acknowledgements();
DROP FUNCTION count_changed_acknowledgements();
DROP FUNCTION count_new_acknowledgements();
ALTER TABLE compliance_policies DROP COLUMN clocks;
`,
};

/** In the schema that comes first on the search path; each function finds its own tables. */
function triggers(): string {
  const counted = (sign: string): string =>
    ['pending', 'acknowledged', 'declined', 'exempted']
      .map((status) => `${sign}(a.is_current AND a.status = '${status}')::integer AS ${status}`)
      .join(', ');
  const facts = `a.company_id, a.policy_id, a.customer_id, a.department,
    (hashtext(a.employee_id::text) & 15)::smallint AS slot`;
  const fold = (changes: string): string => `
  INSERT INTO %1$I.compliance_counts AS c
    SELECT * FROM (
      SELECT company_id, policy_id, customer_id, department, slot,
        sum(pending)::integer AS pending, sum(acknowledged)::integer AS acknowledged,
        sum(declined)::integer AS declined, sum(exempted)::integer AS exempted
      FROM (${changes}) AS changes
      GROUP BY company_id, policy_id, customer_id, department, slot) AS sums
    WHERE (pending, acknowledged, declined, exempted) <> (0, 0, 0, 0)
    ORDER BY company_id, policy_id, customer_id, department, slot
  ON CONFLICT (company_id, policy_id, customer_id, department, slot) DO UPDATE SET
    pending = c.pending + excluded.pending,
    acknowledged = c.acknowledged + excluded.acknowledged,
    declined = c.declined + excluded.declined,
    exempted = c.exempted + excluded.exempted;`;
  return `
DO $make$
DECLARE
  here text := current_schema();
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.count_new_acknowledgements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN ${fold(`SELECT ${facts}, ${counted('')} FROM added a`)}
  RETURN NULL;
END $$;
CREATE FUNCTION %1$I.count_changed_acknowledgements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN ${fold(`SELECT ${facts}, ${counted('')} FROM after_it a
      UNION ALL SELECT ${facts}, ${counted('-')} FROM before_it a`)}
  RETURN NULL;
END $$;
CREATE FUNCTION %1$I.move_acknowledgements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  UPDATE %1$I.acknowledgements a SET customer_id = n.customer_id, department = coalesce(n.department, '')
  FROM after_it n JOIN before_it o ON o.company_id = n.company_id AND o.id = n.id
  WHERE a.company_id = n.company_id AND a.employee_id = n.id
    AND (n.customer_id, coalesce(n.department, '')) <> (o.customer_id, coalesce(o.department, ''));
  RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON %1$I.acknowledgements
  REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION %1$I.count_new_acknowledgements();
CREATE TRIGGER count_changed AFTER UPDATE ON %1$I.acknowledgements
  REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
  FOR EACH STATEMENT EXECUTE FUNCTION %1$I.count_changed_acknowledgements();
CREATE TRIGGER move_acknowledgements AFTER UPDATE ON %1$I.employees
  REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
  FOR EACH STATEMENT EXECUTE FUNCTION %1$I.move_acknowledgements();
$create$, here);
END
$make$;
`;
}

/** What a workflow has queued is found by the workflow, and not before it may be tried again. */
const up = `
ALTER TABLE core.notifications ADD COLUMN next_try_at timestamptz;
CREATE INDEX notifications_queued_idx ON core.notifications (company_id, workflow_id, id)
  WHERE status = 'queued' AND channel = 'email';
`;

const down = `
DROP INDEX core.notifications_queued_idx;
ALTER TABLE core.notifications DROP COLUMN next_try_at;
`;

export const acknowledgements = { name: '0044-acknowledgements', up, down, business };
