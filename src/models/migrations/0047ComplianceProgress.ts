/**
 * How far a customer is follows from the counts. `status`, `compliance_percentage`, `acknowledged_count` and
 * `pending_count` of its compliances are no longer read; the release before this one still does.
 */
const business = {
  up: `
ALTER TABLE customer_compliances ADD COLUMN has_begun boolean NOT NULL DEFAULT false;
`,
  down: `
ALTER TABLE customer_compliances DROP COLUMN has_begun;
`,
};

export const complianceProgress = { name: '0047-compliance-progress', business };
