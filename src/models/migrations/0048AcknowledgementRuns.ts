const before = `'subscription', 'claim', 'payment', 'report', 'onboarding', 'policy-approval'`;

/** Of what runs are the ones that are operated on many at once, and compared with their rows. */
const allow = (bulk: string, drift: string, check = ''): string => `
ALTER TABLE core.bulk_items DROP CONSTRAINT bulk_items_kind_check;
ALTER TABLE core.bulk_items
  ADD CONSTRAINT bulk_items_kind_check CHECK (kind IN (${bulk})) ${check};
ALTER TABLE core.workflow_drifts DROP CONSTRAINT workflow_drifts_kind_check;
ALTER TABLE core.workflow_drifts
  ADD CONSTRAINT workflow_drifts_kind_check CHECK (kind IN (${drift})) ${check};
`;

const up = allow(`${before}, 'document', 'acknowledgement'`, `${before}, 'acknowledgement'`);

/** Rows of the kind that it takes back stay as they are. */
const down = allow(`${before}, 'document'`, before, 'NOT VALID');

export const acknowledgementRuns = { name: '0048-acknowledgement-runs', up, down };
