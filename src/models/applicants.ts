import { onboardingSettings } from '../rules/onboarding.ts';
import { erasedPerson } from '../rules/personalFields.ts';
import { AuditLog } from './AuditLog.ts';
import { ownCompany } from './contract.ts';
import { execute, platformCompanyId, select, withTenant } from './database.ts';
import { erasedMessage } from './Notification.ts';
import { RegistrationRequest } from './RegistrationRequest.ts';

/**
 * Takes who applied out of registrations, and out of the mails about them, which are then never sent. What
 * came to nothing keeps of its company the name and the domain alone.
 */
export async function forgetApplicants(ids: readonly string[]): Promise<void> {
  const nobodies = ids.map(erasedPerson);
  await execute(
    `WITH asked AS (
       SELECT r.company_id, r.id, r.admin_email, r.contact_email, nobody.email, nobody.username,
         r.status IN ('rejected', 'expired') AS is_declined
       FROM core.registration_requests r
         JOIN unnest($1::uuid[], $2::text[], $3::text[]) AS nobody (id, email, username) USING (id)
       WHERE r.admin_email <> nobody.email
       FOR UPDATE OF r),
     forgotten AS (
       UPDATE core.registration_requests r
       SET admin_email = a.email, admin_username = a.username, admin_phone = NULL,
         verification_hash = NULL, updated_at = now(), version = version + 1,
         contact_email = CASE WHEN a.is_declined OR a.contact_email = a.admin_email
           THEN a.email ELSE a.contact_email END,
         company_phone = CASE WHEN NOT a.is_declined THEN r.company_phone END,
         company_address = CASE WHEN NOT a.is_declined THEN r.company_address END,
         company_linkedin = CASE WHEN NOT a.is_declined THEN r.company_linkedin END
       FROM asked a WHERE r.id = a.id)
     UPDATE core.notifications n
     SET ${erasedMessage('a.email')}
     FROM asked a
     WHERE n.company_id = a.company_id AND n.entity_id = a.id AND n.recipient_address = a.admin_email`,
    [ids, nobodies.map(({ email }) => email), nobodies.map(({ username }) => username)],
  );
}

/**
 * Those of registrations that came to nothing longer ago than the platform keeps them.
 * @param most at once
 * @returns how many were forgotten
 */
export const forgetOldApplicants = (most: number): Promise<number> =>
  withTenant(platformCompanyId, async () => {
    const { settings } = await ownCompany();
    const { keepDeclinedDays } = onboardingSettings(settings.onboarding);
    const old = await select<{ id: string }>(
      `SELECT id FROM core.registration_requests
       WHERE status IN ('rejected', 'expired') AND admin_email NOT LIKE 'erased-%@erased.invalid'
         AND workflow_closed_at < now() - make_interval(days => $1)
       ORDER BY workflow_closed_at LIMIT $2 FOR UPDATE`,
      [keepDeclinedDays, most],
    );
    const ids = old.map(({ id }) => id);
    await forgetApplicants(ids);
    const reason = `Declined more than ${keepDeclinedDays} days ago`;
    for (const id of ids) {
      AuditLog.record('ERASE', { type: RegistrationRequest.entityType, id }, { after: { reason } });
    }
    return ids.length;
  });
