/**
 * A campaign changes while it runs. `moved_days` counts the days by which its requests are due later than when
 * it was launched; an acknowledgement says how many of them its date was moved by.
 */
const business = {
  up: `
ALTER TABLE campaigns
  ADD COLUMN moved_days integer NOT NULL DEFAULT 0,
  ADD COLUMN is_changed boolean NOT NULL DEFAULT false;
ALTER TABLE acknowledgements ADD COLUMN moved_days integer NOT NULL DEFAULT 0;
`,
  down: `
ALTER TABLE acknowledgements DROP COLUMN moved_days;
ALTER TABLE campaigns DROP COLUMN is_changed, DROP COLUMN moved_days;
`,
};

export const changedCampaigns = { name: '0081-changed-campaigns', business };
