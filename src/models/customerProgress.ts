/**
 * Customer compliances `k` with how far the customer's people are, `n`: from the kept counts of the
 * policies that belong to each. One that has begun stays in progress while nobody has answered a new
 * version yet. The percentage is rounded down, so that only all of them are a hundred.
 */
export const withProgress = `customer_compliances k CROSS JOIN LATERAL (
  SELECT s.*,
    CASE WHEN s.acknowledged + s.owed = 0 THEN 0.00
      ELSE trunc(100.0 * s.acknowledged / (s.acknowledged + s.owed), 2) END AS percentage,
    CASE WHEN s.acknowledged > 0 AND s.owed = 0 THEN 'completed'
      WHEN s.acknowledged > 0 OR (k.has_begun AND s.owed > 0) THEN 'in_progress'
      ELSE 'pending' END AS status
  FROM (
    SELECT coalesce(sum(c.acknowledged), 0)::integer AS acknowledged,
      coalesce(sum(c.pending), 0)::integer AS pending,
      coalesce(sum(c.declined), 0)::integer AS declined,
      coalesce(sum(c.pending + c.declined), 0)::integer AS owed
    FROM compliance_policies p
      JOIN compliance_counts c ON c.company_id = p.company_id AND c.policy_id = p.id
    WHERE p.company_id = k.company_id AND p.customer_compliance_id = k.id
      AND c.customer_id = k.customer_id) AS s) AS n`;
