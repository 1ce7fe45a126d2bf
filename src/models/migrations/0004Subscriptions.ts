import { baseColumns, baseIndexes, wall } from './wall.ts';

const up = `
CREATE TABLE policies (${baseColumns},
  policy_number text NOT NULL CHECK (length(policy_number) <= 60),
  policy_type text NOT NULL
    CHECK (policy_type IN ('auto', 'home', 'life', 'health', 'business', 'travel', 'other')),
  user_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  policyholder_name text NOT NULL,
  policyholder_email text NOT NULL CHECK (policyholder_email = lower(policyholder_email)),
  policyholder_phone text,
  coverage_amount numeric(20,2) NOT NULL CHECK (coverage_amount > 0),
  premium numeric(20,2) NOT NULL CHECK (premium >= 0),
  currency text NOT NULL,
  start_date date NOT NULL,
  end_date date NOT NULL,
  status text NOT NULL CHECK (status IN ('draft', 'active', 'grace', 'lapsed', 'expired', 'cancelled')),
  insured_property_id uuid,
  metadata jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (company_id, id),
  CHECK (end_date > start_date)
);
CREATE UNIQUE INDEX policies_number_key ON policies (company_id, policy_number);
CREATE INDEX policies_user_idx ON policies (company_id, user_id, created_at);
CREATE INDEX policies_status_idx ON policies (company_id, status, end_date);
${baseIndexes('policies')}
${wall('policies')}

CREATE TABLE policy_subscriptions (${baseColumns},
  source text NOT NULL DEFAULT 'plan' CHECK (source IN ('plan', 'direct')),
  user_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  insurance_plan_id uuid,
  policy_id uuid NOT NULL,
  insured_property_id uuid,
  status text NOT NULL CHECK (status IN ('active', 'expired', 'cancelled')),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  start_date date NOT NULL,
  end_date date NOT NULL,
  expires_at timestamptz NOT NULL,
  term_no integer NOT NULL DEFAULT 1 CHECK (term_no > 0),
  price_snapshot jsonb NOT NULL,
  auto_renew boolean NOT NULL DEFAULT false,
  cancel_reason text CHECK (length(cancel_reason) <= 500),
  cancel_effective_date date,
  refund_amount numeric(20,2) CHECK (refund_amount >= 0),
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, insurance_plan_id)
    REFERENCES insurance_plans (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, policy_id) REFERENCES policies (company_id, id) ON DELETE RESTRICT,
  CHECK (end_date > start_date),
  CHECK (source = 'direct' OR (insurance_plan_id IS NOT NULL AND user_id IS NOT NULL))
);
CREATE UNIQUE INDEX policy_subscriptions_live_key ON policy_subscriptions
  (company_id, user_id, insurance_plan_id,
   COALESCE(insured_property_id, '00000000-0000-0000-0000-000000000000'::uuid))
  WHERE status = 'active';
CREATE UNIQUE INDEX policy_subscriptions_policy_key ON policy_subscriptions (company_id, policy_id);
CREATE INDEX policy_subscriptions_user_idx ON policy_subscriptions (company_id, user_id, created_at);
CREATE INDEX policy_subscriptions_status_idx ON policy_subscriptions (company_id, status, end_date);
CREATE INDEX policy_subscriptions_plan_idx ON policy_subscriptions (company_id, insurance_plan_id);
CREATE INDEX policy_subscriptions_open_idx ON policy_subscriptions (company_id, created_at)
  WHERE workflow_closed_at IS NULL;
${baseIndexes('policy_subscriptions')}
${wall('policy_subscriptions')}

CREATE TABLE subscription_terms (${baseColumns},
  subscription_id uuid NOT NULL,
  term_no integer NOT NULL CHECK (term_no > 0),
  start_date date NOT NULL,
  end_date date NOT NULL,
  premium numeric(20,2) NOT NULL CHECK (premium >= 0),
  coverage_amount numeric(20,2) NOT NULL CHECK (coverage_amount > 0),
  origin text NOT NULL CHECK (origin IN ('new', 'renewal', 'endorsement', 'reinstatement')),
  gap_days integer NOT NULL DEFAULT 0 CHECK (gap_days >= 0),
  superseded_by uuid,
  PRIMARY KEY (company_id, id),
  UNIQUE (company_id, subscription_id, term_no),
  FOREIGN KEY (company_id, subscription_id)
    REFERENCES policy_subscriptions (company_id, id) ON DELETE RESTRICT,
  CHECK (end_date > start_date)
);
${baseIndexes('subscription_terms')}
${wall('subscription_terms')}
`;

const down = `
DROP TABLE subscription_terms;
DROP TABLE policy_subscriptions;
DROP TABLE policies;
`;

export const subscriptions = { name: '0004-subscriptions', business: { up, down } };
