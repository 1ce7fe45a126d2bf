import { retireAuditMonth, yearsWished } from './0058AuditTerms.ts';

/** Of the platform and every company that is there: seven where it has said nothing, as it reads in its settings. */
const yearsOfAll = `
  SELECT max(coalesce((settings -> 'audit' ->> 'retentionYears')::int, 7)) AS years
  FROM platform.companies WHERE archived_at IS NULL`;

export const auditYearsOfAll = {
  name: '0065-audit-years-of-all',
  up: retireAuditMonth(yearsOfAll),
  down: retireAuditMonth(yearsWished),
};
