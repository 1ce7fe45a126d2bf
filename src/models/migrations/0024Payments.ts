import { baseColumns, baseIndexes, wall } from './wall.ts';

/**
 * Money that is taken, paid out or given back, and the books. A payment is opened with what it is for;
 * its workflow carries it out. The ledger is double entry: amounts are debits above zero and credits
 * below, and what one posting writes adds up to zero in each currency at the commit.
 */
const up = `
CREATE FUNCTION app.check_posting() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  is_uneven boolean;
BEGIN
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE company_id = $1 AND posting_id = $2
    GROUP BY currency HAVING sum(amount) <> 0)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    INTO is_uneven USING NEW.company_id, NEW.posting_id;
  IF is_uneven THEN
    RAISE check_violation USING MESSAGE = format('the posting %s does not add up to zero', NEW.posting_id);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.check_posting() FROM PUBLIC;
`;

const down = 'DROP FUNCTION app.check_posting();';

const business = {
  up: `
CREATE TABLE payments (${baseColumns},
  purpose text NOT NULL CHECK (purpose IN ('booking', 'premium', 'claim_payout', 'refund')),
  claim_id uuid,
  invoice_id uuid,
  booking_id uuid,
  parent_payment_id uuid,
  user_id uuid REFERENCES platform.users (id) ON DELETE RESTRICT,
  payee_name text NOT NULL CHECK (length(payee_name) BETWEEN 1 AND 400),
  payee_email text CHECK (payee_email = lower(payee_email) AND length(payee_email) <= 320),
  amount numeric(20,2) NOT NULL CHECK (amount > 0),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  status text NOT NULL CHECK (status IN ('pending', 'completed', 'failed', 'refunded')),
  state_version integer NOT NULL DEFAULT 1 CHECK (state_version > 0),
  payment_date date,
  idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 200),
  transaction_id text CHECK (length(transaction_id) BETWEEN 1 AND 255),
  failure_code text CHECK (length(failure_code) BETWEEN 1 AND 100),
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  refunded_amount numeric(20,2) NOT NULL DEFAULT 0,
  reason text CHECK (length(reason) <= 500),
  workflow_closed_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, parent_payment_id) REFERENCES payments (company_id, id) ON DELETE RESTRICT,
  CONSTRAINT payments_subject CHECK (CASE purpose WHEN 'claim_payout' THEN claim_id WHEN 'premium' THEN invoice_id
    WHEN 'booking' THEN booking_id ELSE parent_payment_id END IS NOT NULL
    AND num_nonnulls(claim_id, invoice_id, booking_id, parent_payment_id) = 1),
  CONSTRAINT payments_refunded CHECK (refunded_amount BETWEEN 0 AND amount),
  CHECK (status IN ('pending', 'failed') OR (transaction_id IS NOT NULL AND payment_date IS NOT NULL)),
  CHECK (status <> 'failed' OR failure_code IS NOT NULL)
);
CREATE UNIQUE INDEX payments_idempotency_key ON payments (company_id, idempotency_key);
CREATE UNIQUE INDEX payments_transaction_key ON payments (company_id, transaction_id);
CREATE INDEX payments_user_idx ON payments (company_id, user_id, created_at);
CREATE INDEX payments_status_idx ON payments (company_id, status, created_at);
CREATE INDEX payments_claim_idx ON payments (company_id, claim_id) WHERE claim_id IS NOT NULL;
CREATE INDEX payments_invoice_idx ON payments (company_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX payments_booking_idx ON payments (company_id, booking_id) WHERE booking_id IS NOT NULL;
CREATE INDEX payments_parent_idx ON payments (company_id, parent_payment_id)
  WHERE parent_payment_id IS NOT NULL;
CREATE INDEX payments_open_idx ON payments (company_id, created_at) WHERE workflow_closed_at IS NULL;
${baseIndexes('payments')}
${wall('payments')}

CREATE TABLE ledger_entries (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  posting_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  account text NOT NULL
    CHECK (account IN ('gateway_clearing', 'claims_paid', 'premium_income', 'booking_income', 'refunds')),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount numeric(20,2) NOT NULL CHECK (amount <> 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, payment_id) REFERENCES payments (company_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX ledger_entries_posting_key ON ledger_entries (company_id, posting_id, account);
CREATE INDEX ledger_entries_created_idx ON ledger_entries (company_id, created_at);
CREATE INDEX ledger_entries_payment_idx ON ledger_entries (company_id, payment_id);
CREATE CONSTRAINT TRIGGER ledger_entries_even AFTER INSERT ON ledger_entries
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.check_posting();
${wall('ledger_entries', 'SELECT, INSERT')}

CREATE TABLE payment_events (
  company_id uuid NOT NULL REFERENCES platform.companies (id) ON DELETE RESTRICT,
  id uuid NOT NULL,
  provider text NOT NULL CHECK (length(provider) BETWEEN 1 AND 50),
  event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 255),
  kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 100),
  payment_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  handled_at timestamptz,
  PRIMARY KEY (company_id, id),
  FOREIGN KEY (company_id, payment_id) REFERENCES payments (company_id, id) ON DELETE RESTRICT
);
CREATE UNIQUE INDEX payment_events_event_key ON payment_events (company_id, provider, event_id);
CREATE INDEX payment_events_created_idx ON payment_events (company_id, created_at);
CREATE INDEX payment_events_payment_idx ON payment_events (company_id, payment_id);
${wall('payment_events')}
`,
  down: `
DROP TABLE payment_events;
DROP TABLE ledger_entries;
DROP TABLE payments;
`,
};

export const payments = { name: '0024-payments', up, down, business };
