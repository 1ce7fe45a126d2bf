import { holdersOfFirst } from '../models/claimStaff.ts';
import { ownCompany } from '../models/contract.ts';
import { select, withTenant } from '../models/database.ts';
import { queueMail } from '../models/mail.ts';
import { daysLate, isOverdue } from '../models/watchedPolicy.ts';
import { dateAt, type CalendarDate } from '../rules/calendar.ts';

/** So many policies are named in one message; the others are counted. */
const mostNamed = 20;

interface LatePolicy {
  readonly title: string;
  readonly late: number;
  readonly days: number;
  /** Of all policies. */
  readonly people: number;
  readonly policies: number;
}

/**
 * Once a week, until nobody is late: one mail to each compliance manager of how many people have not
 * answered in time, policy by policy. Where there is none, administrators hear of it.
 * @param week the Monday it is about
 */
export const sendComplianceDigest = (companyId: string, week: CalendarDate): Promise<void> =>
  withTenant(companyId, async () => {
    const key = `company/${companyId}/compliance_digest/${week}`;
    const [told] = await select(
      'SELECT 1 FROM core.notifications WHERE entity_id = $1 AND event_key = $2 LIMIT 1',
      [companyId, key],
    );
    if (told) return;
    const { timeZone } = await ownCompany();
    const policies = await select<LatePolicy>(
      `SELECT p.title, count(*)::integer AS late, max(${daysLate('$1::date')})::integer AS days,
         (sum(count(*)) OVER ())::integer AS people, (count(*) OVER ())::integer AS policies
       FROM acknowledgements a
         JOIN compliance_policies p ON p.company_id = a.company_id AND p.id = a.policy_id
       WHERE ${isOverdue('$1::date')}
       GROUP BY p.id, p.title ORDER BY late DESC, p.title LIMIT ${mostNamed}`,
      [dateAt(Date.parse(`${week}T07:00:00Z`), timeZone)],
    );
    const [first] = policies;
    if (!first) return;
    const payload = {
      count: first.people,
      policies: policies
        .map(({ title, late, days }) => `${title}: ${late}, the longest for ${days} days`)
        .join('\n'),
      others: first.policies - policies.length,
    };
    const recipients = await holdersOfFirst([['compliance_manager'], ['tenant_admin']]);
    for (const userId of recipients) {
      queueMail({ companyId, to: { userId }, template: 'compliance_digest', payload, key });
    }
  });
