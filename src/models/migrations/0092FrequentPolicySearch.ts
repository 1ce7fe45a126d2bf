import {
  newestPolicySearch as newestPolicySearchBefore,
  newestPolicySearchBody as newestPolicySearchBodyBefore,
} from './0021Policies.ts';

const searched = 'policy_number, policyholder_name, policyholder_email, policyholder_phone';
const matches = `(${searched
  .split(', ')
  .map((column) => `${column} ILIKE pattern`)
  .join(' OR ')})`;

/**
 * The newest 500 that match. What a twentieth of the newest 200 has is found among the newest, of which no
 * more are looked at than twice what should be needed; what is rarer, or was not enough, by the index of
 * words. So of a name that is spread evenly about 10,000 among 200,000 policies are sorted, and no more.
 * @param schema in which the policies stand
 */
export const newestPolicySearchBody = (schema: string): string => {
  const newest = `SELECT id, ${searched} FROM ${schema}.policies
      WHERE company_id = (SELECT app.company_id()) ORDER BY created_at DESC`;
  return `
  WITH sampled AS MATERIALIZED (SELECT count(*) AS hits FROM (${newest} LIMIT 200) AS p WHERE ${matches}),
  frequent AS MATERIALIZED (SELECT id FROM (${newest} LIMIT
      (SELECT CASE WHEN hits < 10 THEN 0 ELSE 200000 / hits END FROM sampled)) AS p
    WHERE ${matches} LIMIT 500)
  (SELECT id FROM frequent WHERE (SELECT count(*) FROM frequent) = 500)
  UNION ALL
  (SELECT id FROM (SELECT id, created_at FROM ${schema}.policies
      WHERE (SELECT count(*) FROM frequent) < 500 AND company_id = (SELECT app.company_id())
        AND ${matches} OFFSET 0) AS rare
    ORDER BY created_at DESC LIMIT 500)
`;
};

/** In the schema that comes first on the search path. */
export const newestPolicySearch = newestPolicySearchBefore.replace(
  newestPolicySearchBodyBefore('%1$I'),
  () => newestPolicySearchBody('%1$I'),
);

const drop = 'DROP FUNCTION search_newest_policy_ids(text);';

const business = { up: drop + newestPolicySearch, down: drop + newestPolicySearchBefore };

export const frequentPolicySearch = { name: '0092-frequent-policy-search', business };
