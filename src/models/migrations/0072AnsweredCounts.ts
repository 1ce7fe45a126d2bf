const standing = ['pending', 'acknowledged', 'declined', 'exempted'] as const;

/**
 * A group in which somebody has answered stays in progress: answers to earlier texts are counted too.
 * `customer_compliances.has_begun` is no longer read; the release before this one still does.
 */
const business = {
  up: `
ALTER TABLE compliance_counts ADD COLUMN answered integer NOT NULL DEFAULT 0;
${triggers([...standing, 'answered'])}
DO $$
DECLARE
  caller text := current_setting('app.current_company_id', true);
  each_company uuid;
BEGIN
  FOR each_company IN SELECT id FROM platform.companies LOOP
    PERFORM set_config('app.current_company_id', each_company::text, true);
    UPDATE compliance_counts c SET answered = n.answered
    FROM (SELECT policy_id, customer_id, department, (hashtext(employee_id::text) & 15)::smallint AS slot,
        count(*)::integer AS answered
      FROM acknowledgements WHERE acknowledged_at IS NOT NULL GROUP BY 1, 2, 3, 4) AS n
    WHERE (c.policy_id, c.customer_id, c.department, c.slot)
      = (n.policy_id, n.customer_id, n.department, n.slot);
  END LOOP;
  PERFORM set_config('app.current_company_id', coalesce(caller, ''), true);
END $$;
`,
  down: `
${triggers(standing)}
ALTER TABLE compliance_counts DROP COLUMN answered;
`,
};

/** The functions behind the triggers of 0044, which keep these counts. */
function triggers(names: readonly string[]): string {
  const counted = (sign: string): string =>
    names
      .map((name) =>
        name === 'answered'
          ? `${sign}(a.acknowledged_at IS NOT NULL)::integer AS answered`
          : `${sign}(a.is_current AND a.status = '${name}')::integer AS ${name}`,
      )
      .join(', ');
  const facts = `a.company_id, a.policy_id, a.customer_id, a.department,
    (hashtext(a.employee_id::text) & 15)::smallint AS slot`;
  const fold = (changes: string): string => `
  INSERT INTO %1$I.compliance_counts AS c
      (company_id, policy_id, customer_id, department, slot, ${names.join(', ')})
    SELECT * FROM (
      SELECT company_id, policy_id, customer_id, department, slot,
        ${names.map((name) => `sum(${name})::integer AS ${name}`).join(', ')}
      FROM (${changes}) AS changes
      GROUP BY company_id, policy_id, customer_id, department, slot) AS sums
    WHERE (${names.join(', ')}) <> (${names.map(() => '0').join(', ')})
    ORDER BY company_id, policy_id, customer_id, department, slot
  ON CONFLICT (company_id, policy_id, customer_id, department, slot) DO UPDATE SET
    ${names.map((name) => `${name} = c.${name} + excluded.${name}`).join(', ')};`;
  return `
DO $make$
BEGIN
  EXECUTE format($create$
CREATE OR REPLACE FUNCTION %1$I.count_new_acknowledgements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN ${fold(`SELECT ${facts}, ${counted('')} FROM added a`)}
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION %1$I.count_changed_acknowledgements() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN ${fold(`SELECT ${facts}, ${counted('')} FROM after_it a
      UNION ALL SELECT ${facts}, ${counted('-')} FROM before_it a`)}
  RETURN NULL;
END $$;
$create$, current_schema());
END
$make$;
`;
}

export const answeredCounts = { name: '0072-answered-counts', business };
