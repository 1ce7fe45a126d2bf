/** Who has yet to join is looked for whenever a keeper looks at its dates. */
const business = {
  up: `
CREATE INDEX employees_join_date_idx ON employees (company_id, join_date);
`,
  down: `
DROP INDEX employees_join_date_idx;
`,
};

export const joiningPeople = { name: '0074-joining-people', business };
