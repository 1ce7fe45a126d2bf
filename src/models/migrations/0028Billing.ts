import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * A term may have several parts, each at its own price and cover: an endorsement and a reinstatement
 * begin a new one. What came before has one part. Premiums may be invoiced: a subscription then waits
 * for its first payment, has a grace and may lapse.
 */
const statuses = `'pending_payment', 'active', 'grace', 'lapsed', 'expired', 'cancelled'`;

const liveKey = (condition: string): string => `
DROP INDEX policy_subscriptions_live_key;
CREATE UNIQUE INDEX policy_subscriptions_live_key ON policy_subscriptions
  (company_id, user_id, insurance_plan_id,
   COALESCE(insured_property_id, '00000000-0000-0000-0000-000000000000'::uuid))
  WHERE ${condition};
`;

const business = {
  up: `
ALTER TABLE subscription_terms
  ADD COLUMN part_no integer NOT NULL DEFAULT 1 CHECK (part_no > 0),
  DROP CONSTRAINT subscription_terms_company_id_subscription_id_term_no_key,
  ADD UNIQUE (company_id, subscription_id, term_no, part_no);

ALTER TABLE policy_subscriptions
  DROP CONSTRAINT policy_subscriptions_status_check,
  ADD CONSTRAINT policy_subscriptions_status_check CHECK (status IN (${statuses}));
${liveKey(`status IN ('pending_payment', 'active', 'grace', 'lapsed')`)}
CREATE TABLE premium_invoices (${baseColumns},
  subscription_id uuid NOT NULL,
  term_no integer NOT NULL CHECK (term_no > 0),
  reason text NOT NULL CHECK (reason IN ('term', 'endorsement', 'reinstatement')),
  amount numeric(20,2) NOT NULL CHECK (amount > 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  period_start date NOT NULL,
  period_end date NOT NULL,
  due_date date NOT NULL,
  due_at timestamptz NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'paid', 'overdue', 'void', 'written_off')),
  paid_at timestamptz,
  payment_id uuid,
  replaced_by uuid,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, subscription_id)
    REFERENCES policy_subscriptions (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, payment_id) REFERENCES payments (company_id, id) ON DELETE RESTRICT,
  FOREIGN KEY (company_id, replaced_by)
    REFERENCES subscription_terms (company_id, id) ON DELETE RESTRICT,
  CHECK (period_end > period_start),
  CHECK ((status = 'paid') = (paid_at IS NOT NULL))
);
CREATE INDEX premium_invoices_subscription_idx
  ON premium_invoices (company_id, subscription_id, created_at);
CREATE INDEX premium_invoices_payment_idx ON premium_invoices (company_id, payment_id)
  WHERE payment_id IS NOT NULL;
${baseIndexes('premium_invoices')}
${wall('premium_invoices')}
`,
  down: `
DROP TABLE premium_invoices;
${liveKey(`status = 'active'`)}
ALTER TABLE policy_subscriptions
  DROP CONSTRAINT policy_subscriptions_status_check,
  ADD CONSTRAINT policy_subscriptions_status_check
    CHECK (status IN ('active', 'expired', 'cancelled'));
ALTER TABLE subscription_terms
  DROP COLUMN part_no,
  ADD UNIQUE (company_id, subscription_id, term_no);
`,
};

export const billing = { name: '0028-billing', business };
