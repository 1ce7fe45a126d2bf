import { AuditLog } from '../../models/AuditLog.ts';
import { asIdentity, execute, flush, select } from '../../models/database.ts';
import { askAbout } from '../../models/keeperStart.ts';
import { erasedMessage } from '../../models/Notification.ts';
import { nothingMuted } from '../../rules/notices.ts';
import { erasedPerson, erasedWord } from '../../rules/personalFields.ts';
import { nobody } from '../identity.ts';

/** By what rows that name nobody are known to be about the person. */
export interface Traces {
  readonly userId: string;
  readonly addresses: readonly string[];
  /** Of links that were mailed to the person. */
  readonly linkIds: readonly string[];
}

/** Claims on the person's policies, `$1` in any statement. */
const claimsHeld = `SELECT c.id FROM claims c JOIN policies p ON p.id = c.policy_id WHERE p.user_id = $1`;

/** Files of the person's policies and claims, and what the person uploaded. */
const documentsOf = `(uploaded_by = $1 OR claim_id IN (${claimsHeld})
  OR policy_id IN (SELECT id FROM policies WHERE user_id = $1))`;

/**
 * A SELECT of `type` and `id` of what the audit tells about the person `$1`, in the transaction's company.
 * @param isTheirs asks of a column whether its address is the person's
 */
export const objectsOf = (isTheirs: (address: string) => string): string => `
  SELECT 'policy' AS type, id FROM policies WHERE user_id = $1
  UNION ALL SELECT 'invitation', id FROM core.invitations
    WHERE accepted_by = $1 OR ${isTheirs('email')}
  UNION ALL SELECT 'subscription', id FROM policy_subscriptions WHERE user_id = $1
  UNION ALL SELECT 'claim', id FROM claims WHERE id IN (${claimsHeld}) OR ${isTheirs('claimant_email')}
  UNION ALL SELECT 'document', id FROM documents WHERE ${documentsOf}
  UNION ALL SELECT 'employee', id FROM employees WHERE user_id = $1 OR ${isTheirs('email')}
  UNION ALL SELECT 'property', id FROM properties WHERE owner_id = $1
  UNION ALL SELECT 'review', id FROM reviews WHERE reviewer_id = $1
    OR property_id IN (SELECT id FROM properties WHERE owner_id = $1)
  UNION ALL SELECT 'booking', id FROM bookings WHERE guest_id = $1 OR host_id = $1
  UNION ALL SELECT 'availability_block', r.id FROM reservations r
    JOIN properties p ON p.id = r.property_id WHERE p.owner_id = $1
  UNION ALL SELECT 'payment', id FROM payments WHERE user_id = $1 OR ${isTheirs('payee_email')}
  UNION ALL SELECT 'membership', id FROM platform.memberships
    WHERE company_id = (SELECT app.company_id()) AND user_id = $1`;

/** What the person was asked to read; `$4` are their addresses. */
const acknowledgementsOf = `SELECT id FROM acknowledgements WHERE employee_id IN (
  SELECT id FROM employees WHERE user_id = $1 OR email = ANY ($4))`;

/**
 * In the company of the transaction: contracts, answers, invitations, messages and what was muted of them, kept
 * answers and the audit.
 */
export async function eraseRows({ userId, ...known }: Traces): Promise<void> {
  const addresses = await ownAddresses(userId, known.addresses);
  const traces = { userId, addresses, linkIds: known.linkIds };
  const { email } = erasedPerson(userId);
  const objects = await select<{ id: string }>(
    `WITH held AS (
       UPDATE policies SET policyholder_name = $2, policyholder_email = $3, policyholder_phone = NULL,
         updated_at = now(), version = version + 1
       WHERE user_id = $1 AND policyholder_email <> $3),
     paid AS (
       UPDATE payments SET payee_name = $2, updated_at = now(), version = version + 1,
         payee_email = CASE WHEN payee_email IS NOT NULL THEN $3 END
       WHERE (user_id = $1 OR payee_email = ANY ($4)) AND payee_name <> $2),
     claimed AS (
       UPDATE claims SET claimant_name = $2, claimant_email = $3, claimant_phone = NULL, title = $2,
         description = $2, updated_at = now(), version = version + 1
       WHERE (id IN (${claimsHeld}) OR claimant_email = ANY ($4)) AND claimant_email <> $3),
     filed AS (
       UPDATE documents SET file_name = $2, description = NULL, updated_at = now(),
         version = version + 1
       WHERE ${documentsOf} AND file_name <> $2),
     noted AS (
       UPDATE claim_notes SET note = $2, updated_at = now(), version = version + 1
       WHERE author_id = $1 AND NOT is_internal AND note <> $2 AND claim_id IN (${claimsHeld})),
     located AS (
       UPDATE claim_locations SET latitude = NULL, longitude = NULL, address = $2, description = NULL,
         updated_at = now(), version = version + 1
       WHERE address IS DISTINCT FROM $2 AND claim_id IN (${claimsHeld})),
     employed AS (
       UPDATE employees SET name = $2, email = 'erased-' || id || '@erased.invalid',
         status = 'inactive', updated_at = now(), version = version + 1,
         leave_date = coalesce(leave_date, greatest(join_date, return_date, current_date))
       WHERE (user_id = $1 OR email = ANY ($4)) AND name <> $2),
     answered AS (
       UPDATE acknowledgements SET reason = CASE WHEN reason IS NOT NULL THEN $2 END,
         evidence = jsonb_set(evidence, '{person}', 'null'), updated_at = now(), version = version + 1
       WHERE (reason <> $2 OR evidence -> 'person' <> 'null') AND id IN (${acknowledgementsOf})),
     exempted AS (
       UPDATE exemptions SET reason = $2, updated_at = now(), version = version + 1,
         decision_reason = CASE WHEN decision_reason IS NOT NULL THEN $2 END
       WHERE (reason <> $2 OR decision_reason <> $2) AND acknowledgement_id IN (${acknowledgementsOf})),
     let AS (
       UPDATE properties SET name = $2, description = $2, address = $2, latitude = NULL, longitude = NULL,
         status = 'unlisted', archived_at = coalesce(archived_at, now()), updated_at = now(),
         version = version + 1
       WHERE owner_id = $1 AND address <> $2),
     kept AS (
       UPDATE reservations SET reason = $2, updated_at = now(), version = version + 1
       WHERE reason <> $2 AND property_id IN (SELECT id FROM properties WHERE owner_id = $1)),
     reviewed AS (
       UPDATE reviews SET comment = CASE WHEN comment IS NOT NULL THEN $2 END, updated_at = now(),
         version = version + 1
       WHERE reviewer_id = $1 AND comment <> $2),
     replied AS (
       UPDATE reviews SET host_reply = $2, updated_at = now(), version = version + 1
       WHERE host_reply <> $2 AND reviewer_id <> $1
         AND property_id IN (SELECT id FROM properties WHERE owner_id = $1)),
     given_up AS (
       UPDATE bookings SET cancellation_reason = $2, updated_at = now(), version = version + 1
       WHERE cancellation_reason <> $2 AND (guest_id = $1 OR host_id = $1)),
     explained AS (
       UPDATE acknowledgement_history SET reason = $2
       WHERE reason <> $2 AND acknowledgement_id IN (${acknowledgementsOf})),
     named AS (
       UPDATE core.notifications SET payload = payload || jsonb_strip_nulls(jsonb_build_object(
           'people', CASE WHEN jsonb_exists(payload, 'people') THEN $2 END,
           'employee', CASE WHEN jsonb_exists(payload, 'employee') THEN $2 END,
           'reason', CASE WHEN jsonb_exists(payload, 'reason') THEN $2 END))
       WHERE entity_id IN (${acknowledgementsOf}) OR (template_code = 'acknowledgement_alert'
         AND entity_id IN (SELECT policy_id FROM acknowledgements WHERE id IN (${acknowledgementsOf}))
         AND jsonb_exists_any(payload -> 'acknowledgements',
           ARRAY(SELECT of.id::text FROM (${acknowledgementsOf}) AS of)))),
     unmuted AS (
       UPDATE core.notification_preferences SET muted = $5, updated_at = now(), version = version + 1
       WHERE user_id = $1 AND muted <> $5::jsonb),
     invited AS (
       UPDATE core.invitations SET email = $3, updated_at = now(), version = version + 1,
         status = CASE WHEN status = 'pending' THEN 'revoked' ELSE status END
       WHERE (accepted_by = $1 OR email = ANY ($4)) AND email <> $3)
     SELECT id FROM (${objectsOf((address) => `(${address} = ANY ($4) OR ${address} = $3)`)}) AS theirs`,
    [userId, erasedWord, email, addresses, JSON.stringify(nothingMuted)],
  );
  await askAbout(objects.map(({ id }) => id));
  await eraseMessages(traces);
  await eraseAnswers(userId, addresses);
  await eraseAudit(userId, {
    objects: objects.map(({ id }) => id),
    requests: await requestsOfUnknown(userId),
  });
}

/** All that were the person's in this company, without those that are somebody else's by now. */
async function ownAddresses(userId: string, known: readonly string[]): Promise<string[]> {
  const found = await select<{ address: string }>(
    `SELECT unnest($2::text[]) AS address
     UNION SELECT policyholder_email FROM policies WHERE user_id = $1
     UNION SELECT email FROM core.invitations WHERE accepted_by = $1
     UNION SELECT email FROM employees WHERE user_id = $1
     UNION SELECT unnest(ARRAY[before ->> 'email', after ->> 'email']) FROM core.audit_logs
       WHERE entity_type = 'user' AND entity_id = $1 AND action = 'EMAIL_CHANGE'`,
    [userId, known],
  );
  const own = await asIdentity(() =>
    select<{ address: string }>(
      `SELECT a.address FROM unnest($1::text[]) AS a (address)
       WHERE NOT EXISTS (SELECT 1 FROM platform.users u WHERE u.email = a.address AND u.id <> $2)`,
      [found.map(({ address }) => address), userId],
    ),
  );
  return own.map(({ address }) => address);
}

/** Those that wait are never sent. */
export async function eraseMessages({ userId, addresses, linkIds }: Traces): Promise<void> {
  await execute(
    `UPDATE core.notifications n SET ${erasedMessage('$2')}
     WHERE recipient_user_id = $1 OR recipient_address = ANY ($3)
       OR (recipient_address IS NOT NULL AND payload -> 'link' ->> 'id' = ANY ($4))`,
    [userId, erasedPerson(userId).email, addresses, linkIds],
  );
}

/**
 * A request that is repeated with its key still has no second effect; it is told the id alone. The
 * answer to an erasure names nobody and stays.
 * @param id of the person, or of the registration of whoever has no account
 */
export async function eraseAnswers(id: string, addresses: readonly string[]): Promise<void> {
  for (let behind: string | null = ''; behind !== null;) {
    const [page]: { reached: string | null }[] = await select<{ reached: string | null }>(
      `WITH page AS (
         SELECT scope FROM core.idempotency_keys WHERE scope > $2 ORDER BY scope LIMIT ${rowsAtOnce}),
       erased AS (
         UPDATE core.idempotency_keys k
         SET answer = jsonb_set(answer, '{data}', jsonb_build_object('id', answer #> '{data,id}'))
         FROM page WHERE k.scope = page.scope AND jsonb_typeof(k.answer -> 'data') = 'object'
           AND k.answer #> '{data,account_erased}' IS NULL
           AND EXISTS (SELECT 1 FROM unnest($1::text[]) AS w (word)
             WHERE position(w.word IN k.answer::text) > 0))
       SELECT max(scope) AS reached FROM page`,
      [[id, ...addresses], behind],
    );
    behind = page?.reached ?? null;
  }
}

/** Of one statement, so that each stays far below its time limit. */
const rowsAtOnce = 5000;

/**
 * Requests about the person by somebody who was not signed in, such as a failed sign-in. What else was
 * noted of them names nobody, maybe in another company.
 */
export const requestsOfUnknown = async (
  id: string,
  entityType: 'user' | 'registration' = 'user',
): Promise<string[]> => {
  const lines = await select<{ requestId: string }>(
    `SELECT DISTINCT request_id AS "requestId" FROM core.audit_logs
     WHERE entity_type = $2 AND entity_id = $1 AND actor_id IS NULL AND request_id IS NOT NULL`,
    [id, entityType],
  );
  return lines.map(({ requestId }) => requestId);
};

/** Once, before `eraseAudit`, which asks for it. */
export async function tellOfErasure(
  subject: { readonly type: 'user' | 'registration'; readonly id: string },
  reason: string,
): Promise<void> {
  const told = await select(
    `SELECT 1 FROM core.audit_logs
     WHERE entity_type = $1 AND entity_id = $2 AND action = 'ERASE' LIMIT 1`,
    [subject.type, subject.id],
  );
  if (told.length === 0) AuditLog.record('ERASE', subject, { after: { reason } });
}

/** @param id of the subject of `tellOfErasure` */
export async function eraseAudit(
  id: string,
  { objects, requests }: Readonly<Record<'objects' | 'requests', readonly string[]>>,
): Promise<void> {
  await flush();
  for (let behind: string | null = nobody; behind !== null;) {
    const [reached]: { id: string | null }[] = await select<{ id: string | null }>(
      'SELECT app.erase_in_audit($1, $2, $3, $4, $5) AS id',
      [id, objects, requests, behind, rowsAtOnce],
    );
    behind = reached?.id ?? null;
  }
}
