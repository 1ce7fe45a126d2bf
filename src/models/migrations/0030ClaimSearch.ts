/**
 * The newest 10,000 claims that have the pattern in number, title or claimant, or whose policy has it.
 * @param schema in which the claims stand
 */
export const claimSearchBody = (schema: string): string => `
  SELECT id FROM (
    SELECT id, created_at FROM ${schema}.claims
    WHERE company_id = (SELECT app.company_id())
      AND (claim_number ILIKE pattern OR title ILIKE pattern OR claimant_name ILIKE pattern)
    UNION
    SELECT c.id, c.created_at FROM ${schema}.claims c
    WHERE c.company_id = (SELECT app.company_id())
      AND c.policy_id IN (SELECT ${schema}.search_policy_ids(pattern))) AS found
  ORDER BY created_at DESC LIMIT 10000
`;

/** In the schema that comes first on the search path, like `policySearch` of 0007. */
export const claimSearch = `
DO $search$
DECLARE
  here text := current_schema();
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.search_claim_ids(pattern text) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$${claimSearchBody('%1$I')}$$;
REVOKE EXECUTE ON FUNCTION %1$I.search_claim_ids(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION %1$I.search_claim_ids(text) TO app_api, app_worker;
GRANT CREATE ON SCHEMA %1$I TO app_search;
ALTER FUNCTION %1$I.search_claim_ids(text) OWNER TO app_search;
REVOKE CREATE ON SCHEMA %1$I FROM app_search;
$create$, here);
END
$search$;
`;

/** Claims are found by their words before the wall and read behind it, as policies are since 0007. */
const business = {
  up: `
CREATE INDEX claims_search_idx ON claims USING gin (
  company_id ext.uuid_ops, claim_number ext.gin_trgm_ops, title ext.gin_trgm_ops,
  claimant_name ext.gin_trgm_ops);

CREATE POLICY search ON claims FOR SELECT TO app_search USING (true);
GRANT SELECT (company_id, id, created_at, policy_id, claim_number, title, claimant_name)
  ON claims TO app_search;

${claimSearch}`,
  down: `
DROP FUNCTION search_claim_ids(text);
REVOKE ALL ON claims FROM app_search;
DROP POLICY search ON claims;
DROP INDEX claims_search_idx;
`,
};

export const claimWords = { name: '0030-claim-search', business };
