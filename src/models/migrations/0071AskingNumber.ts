/** Each change that lets people be asked anew has a number: a walk that began before it does not end it. */
const business = {
  up: `
ALTER TABLE compliance_policies ADD COLUMN asking_number integer NOT NULL DEFAULT 0;
`,
  down: `
ALTER TABLE compliance_policies DROP COLUMN asking_number;
`,
};

export const askingNumber = { name: '0071-asking-number', business };
