/** The types of policy whose claims somebody knows how to process. */
const up = `
ALTER TABLE platform.memberships
  ADD COLUMN skills text[] NOT NULL DEFAULT '{}',
  ADD CONSTRAINT memberships_skills_check CHECK (skills <@
    ARRAY['auto', 'home', 'life', 'health', 'business', 'travel', 'other']);
`;

const down = `
ALTER TABLE platform.memberships DROP COLUMN skills;
`;

export const adjusterSkills = { name: '0032-adjuster-skills', up, down };
