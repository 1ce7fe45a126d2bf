/**
 * In the schema that comes first on the search path. Its owner must be able to create it where it
 * stands, and may afterwards create nothing there.
 */
export const policySearch = `
DO $search$
DECLARE
  here text := current_schema();
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.search_policy_ids(pattern text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
  SELECT id FROM %1$I.policies
  WHERE company_id = (SELECT app.company_id())
    AND (policy_number ILIKE pattern OR policyholder_name ILIKE pattern
      OR policyholder_email ILIKE pattern OR policyholder_phone ILIKE pattern)
  ORDER BY created_at DESC LIMIT 10000
$$;
REVOKE EXECUTE ON FUNCTION %1$I.search_policy_ids(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION %1$I.search_policy_ids(text) TO app_api, app_worker;
GRANT CREATE ON SCHEMA %1$I TO app_search;
ALTER FUNCTION %1$I.search_policy_ids(text) OWNER TO app_search;
REVOKE CREATE ON SCHEMA %1$I FROM app_search;
$create$, here);
END
$search$;
`;

/**
 * Text search over all policies of a company. ILIKE is not leakproof, so behind row security it may
 * not use an index; this function stands before the wall, asks for the company itself and gives ids
 * only: the newest 10,000 that match. The rows are then read behind the wall.
 */
const business = {
  up: `
CREATE INDEX policies_search_idx ON policies USING gin (
  company_id ext.uuid_ops, policy_number ext.gin_trgm_ops, policyholder_name ext.gin_trgm_ops,
  policyholder_email ext.gin_trgm_ops, policyholder_phone ext.gin_trgm_ops);

CREATE POLICY search ON policies FOR SELECT TO app_search USING (true);
GRANT SELECT (company_id, id, created_at, policy_number, policyholder_name, policyholder_email,
  policyholder_phone) ON policies TO app_search;

${policySearch}`,
  down: `
DROP FUNCTION search_policy_ids(text);
REVOKE ALL ON policies FROM app_search;
DROP POLICY search ON policies;
DROP INDEX policies_search_idx;
`,
};

const up = 'CREATE EXTENSION btree_gin SCHEMA ext';
const down = 'DROP EXTENSION btree_gin';

export const search = { name: '0007-search', up, down, business };
