/**
 * Whether an acknowledgement's manager was told that it is late; whatever gives it other dates, they are
 * told once. Null where it was asked before this was written down: its dates say so.
 */
const business = {
  up: `
ALTER TABLE acknowledgements ADD COLUMN manager_told boolean;
ALTER TABLE acknowledgements ALTER COLUMN manager_told SET DEFAULT false;
`,
  down: `
ALTER TABLE acknowledgements DROP COLUMN manager_told;
`,
};

export const managerTold = { name: '0057-manager-told', business };
