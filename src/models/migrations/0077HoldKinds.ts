/** What a claim is on hold for, beside the reason in words. */
const business = {
  up: `
ALTER TABLE claims ADD COLUMN hold_kind text CHECK (hold_kind IN ('legal', 'catastrophe'));
`,
  down: `
ALTER TABLE claims DROP COLUMN hold_kind;
`,
};

export const holdKinds = { name: '0077-hold-kinds', business };
