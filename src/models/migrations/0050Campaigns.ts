import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * A campaign is a set of acknowledgements with settings of their own. `paused_days` counts the days of
 * its pauses; an acknowledgement says how many of them its date was moved by.
 */
const business = {
  up: `
CREATE TABLE campaigns (${baseColumns},
  policy_id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  audience_customer_id uuid,
  audience_role text CHECK (length(audience_role) BETWEEN 1 AND 100),
  audience_department text CHECK (length(audience_department) BETWEEN 1 AND 100),
  due_days integer NOT NULL CHECK (due_days BETWEEN 1 AND 365),
  allow_decline boolean NOT NULL DEFAULT true,
  allow_exemption boolean NOT NULL DEFAULT true,
  settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  status text NOT NULL DEFAULT 'draft'
    CHECK (status IN ('draft', 'running', 'paused', 'done', 'cancelled')),
  launched_at timestamptz,
  asked_after uuid,
  paused_on date,
  paused_days integer NOT NULL DEFAULT 0 CHECK (paused_days >= 0),
  ended_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, policy_id)
    REFERENCES compliance_policies (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, audience_customer_id)
    REFERENCES customers (company_id, id) ON DELETE RESTRICT,
  CHECK ((status = 'paused') = (paused_on IS NOT NULL)),
  CHECK ((status IN ('done', 'cancelled')) = (ended_at IS NOT NULL)),
  CHECK (asked_after IS NULL OR status IN ('running', 'paused'))
);
CREATE INDEX campaigns_policy_idx ON campaigns (company_id, policy_id, status);
CREATE INDEX campaigns_customer_idx ON campaigns (company_id, audience_customer_id)
  WHERE audience_customer_id IS NOT NULL;
${baseIndexes('campaigns')}

/* Else the check of the key would ask for a company, which none is set for. */
ALTER TABLE acknowledgements NO FORCE ROW LEVEL SECURITY;
ALTER TABLE acknowledgements
  ADD COLUMN campaign_id uuid,
  ADD COLUMN paused_days integer NOT NULL DEFAULT 0 CHECK (paused_days >= 0),
  ADD FOREIGN KEY (company_id, campaign_id) REFERENCES campaigns (company_id, id) ON DELETE RESTRICT;
CREATE INDEX acknowledgements_campaign_idx
  ON acknowledgements (company_id, campaign_id, status, due_date) WHERE campaign_id IS NOT NULL;
ALTER TABLE acknowledgements FORCE ROW LEVEL SECURITY;
${wall('campaigns')}
`,
  down: `
ALTER TABLE acknowledgements DROP COLUMN paused_days, DROP COLUMN campaign_id;
DROP TABLE campaigns;
`,
};

export const campaigns = { name: '0050-campaigns', business };
