const matches = `(policy_number ILIKE pattern OR policyholder_name ILIKE pattern
      OR policyholder_email ILIKE pattern OR policyholder_phone ILIKE pattern)`;

/**
 * The wall also hides the statistics of the words from the planner. So a word that stands in many
 * policies is found among the newest, and any other by the index of words; OFFSET 0 keeps Postgres from
 * walking through all policies by date for it.
 * @param schema in which the policies stand
 */
export const newestPolicySearchBody = (schema: string): string => `
  WITH newest AS MATERIALIZED (
    SELECT id, policy_number, policyholder_name, policyholder_email, policyholder_phone
    FROM ${schema}.policies WHERE company_id = (SELECT app.company_id())
    ORDER BY created_at DESC LIMIT 2000),
  frequent AS MATERIALIZED (SELECT id FROM newest WHERE ${matches} LIMIT 500)
  (SELECT id FROM frequent WHERE (SELECT count(*) FROM frequent) = 500)
  UNION ALL
  (SELECT id FROM (SELECT id, created_at FROM ${schema}.policies
      WHERE (SELECT count(*) FROM frequent) < 500 AND company_id = (SELECT app.company_id())
        AND ${matches} OFFSET 0) AS rare
    ORDER BY created_at DESC LIMIT 500)
`;

/** In the schema that comes first on the search path, like `policySearch` of 0007: the newest 500. */
export const newestPolicySearch = `
DO $search$
DECLARE
  here text := current_schema();
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.search_newest_policy_ids(pattern text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$${newestPolicySearchBody('%1$I')}$$;
REVOKE EXECUTE ON FUNCTION %1$I.search_newest_policy_ids(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION %1$I.search_newest_policy_ids(text) TO app_api, app_worker;
GRANT CREATE ON SCHEMA %1$I TO app_search;
ALTER FUNCTION %1$I.search_newest_policy_ids(text) OWNER TO app_search;
REVOKE CREATE ON SCHEMA %1$I FROM app_search;
$create$, here);
END
$search$;
`;

export const policies = {
  name: '0021-policies',
  business: {
    up: newestPolicySearch,
    down: 'DROP FUNCTION search_newest_policy_ids(text);',
  },
};
