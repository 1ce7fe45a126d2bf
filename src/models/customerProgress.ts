import { among } from './watchedPolicy.ts';

/** SQL: today where the company of the policy `p` is. */
const todayThere = `(SELECT (now() AT TIME ZONE o.time_zone)::date FROM platform.companies o
  WHERE o.id = p.company_id)`;

/**
 * SQL: how people `e` stand with a policy `p` whose keeper has not asked everybody yet, as they will once it
 * has: whoever is to be asked is pending. Answers to an earlier text that hold again count only then.
 */
export const countedAnew = `SELECT p.id AS policy_id, e.customer_id,
    coalesce(e.department, '') AS department,
    (a.id IS NULL OR a.status = 'pending')::integer AS pending,
    coalesce(a.status = 'acknowledged', false)::integer AS acknowledged,
    coalesce(a.status = 'declined', false)::integer AS declined,
    coalesce(a.status = 'exempted', false)::integer AS exempted
  FROM employees e
    LEFT JOIN acknowledgements a ON a.policy_id = p.id AND a.employee_id = e.id AND a.is_current
      AND a.policy_version >= p.reack_version AND NOT EXISTS (
        SELECT FROM compliance_policy_versions n WHERE n.policy_id = p.id AND n.requires_reack
          AND n.number > p.policy_version AND n.number <= a.policy_version)
  WHERE p.policy_version > 0
    AND ${among('p.audience_customer_id', 'p.audience_role', 'p.audience_department', todayThere)}`;

/**
 * Customer compliances `k` with how far the customer's people are, `n`: from the kept counts of the
 * policies `p` that belong to each, and counted anew where these lag behind. The status is that of
 * `complianceStatusOf`. The percentage is rounded down, so that only all
 * of them are a hundred.
 */
const progressWhere = (lagsBehind: string): string => `customer_compliances k CROSS JOIN LATERAL (
  SELECT s.*,
    CASE WHEN s.acknowledged + s.owed = 0 THEN 0.00
      ELSE trunc(100.0 * s.acknowledged / (s.acknowledged + s.owed), 2) END AS percentage,
    CASE WHEN s.acknowledged > 0 AND s.owed = 0 THEN 'completed'
      WHEN s.acknowledged > 0 OR (s.answered > 0 AND s.owed > 0) THEN 'in_progress'
      ELSE 'pending' END AS status
  FROM (
    SELECT coalesce(sum(c.acknowledged), 0)::integer AS acknowledged,
      coalesce(sum(c.pending), 0)::integer AS pending,
      coalesce(sum(c.declined), 0)::integer AS declined,
      coalesce(sum(c.pending + c.declined), 0)::integer AS owed,
      coalesce(sum(c.answered), 0)::integer AS answered
    FROM compliance_policies p CROSS JOIN LATERAL (
        SELECT CASE WHEN ${lagsBehind} THEN 0 ELSE c.acknowledged END AS acknowledged,
          CASE WHEN ${lagsBehind} THEN 0 ELSE c.pending END AS pending,
          CASE WHEN ${lagsBehind} THEN 0 ELSE c.declined END AS declined, c.answered
        FROM compliance_counts c
        WHERE c.company_id = p.company_id AND c.policy_id = p.id AND c.customer_id = k.customer_id
        UNION ALL
        SELECT anew.acknowledged, anew.pending, anew.declined, 0 FROM (${countedAnew}) AS anew
        WHERE ${lagsBehind} AND anew.customer_id = k.customer_id) AS c
    WHERE p.company_id = k.company_id AND p.customer_compliance_id = k.id) AS s) AS n`;

export const withProgress = progressWhere('p.is_asking');

/** Without those who are still to be asked: as it was before. */
export const withKeptProgress = progressWhere('false');
