/**
 * Whether a policy's keeper has yet to ask whom it concerns since what is published changed; the kept
 * counts say nothing of that policy until then.
 */
const business = {
  up: `
ALTER TABLE compliance_policies ADD COLUMN is_asking boolean NOT NULL DEFAULT false;
`,
  down: `
ALTER TABLE compliance_policies DROP COLUMN is_asking;
`,
};

export const policyAsking = { name: '0062-policy-asking', business };
