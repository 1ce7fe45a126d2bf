import type { Actor } from '../../context.ts';
import { Conflict, invalidField } from '../../errors.ts';
import { AuditLog } from '../../models/AuditLog.ts';
import { Credential } from '../../models/Credential.ts';
import {
  afterCommit,
  asIdentity,
  execute,
  flush,
  platformCompanyId,
  select,
  withTenant,
} from '../../models/database.ts';
import { EmailChange } from '../../models/EmailChange.ts';
import { Membership } from '../../models/Membership.ts';
import { PasswordResetToken } from '../../models/PasswordResetToken.ts';
import { RefreshToken } from '../../models/RefreshToken.ts';
import { erasedPerson, erasedWord } from '../../rules/personalFields.ts';
import { rowsOnce, type Once, type Replay } from '../idempotency.ts';
import { nobody } from '../identity.ts';
import { holdPerson, type PersonView } from '../people.ts';
import type { Sessions } from '../sessions.ts';

export interface Erasure {
  readonly userId: string;
  readonly erasedAt: Date;
  /** False for whoever also belongs to another company and goes on signing in there. */
  readonly isAccountErased: boolean;
}

/** By what rows that name nobody are known to be about the person. */
interface Traces {
  readonly userId: string;
  readonly addresses: readonly string[];
  /** Of links that were mailed to the person. */
  readonly linkIds: readonly string[];
}

/**
 * Takes what a company knows of a person out of it. One transaction for the company and the account;
 * a second one for what the platform itself noted of an account that is gone. Asked again it answers as
 * before, and takes out what requests under way have noted since.
 * @throws Conflict OWN_ACCOUNT, LAST_ADMIN, SUBSCRIPTION_RUNNING
 * @throws Invalid for a reason that names the person, because that could not be erased
 */
export const erasing =
  ({ sessions }: { readonly sessions: Pick<Sessions, 'forget'> }) =>
  async (
    actor: Actor,
    id: string,
    { reason }: { readonly reason: string },
    once: Once,
  ): Promise<Erasure | Replay> => {
    const erasure = await rowsOnce(once, async () => {
      const { isErased, ...traces } = await asIdentity(() =>
        Membership.keepingAdministrator(actor.companyId, () => leave(actor, id, reason, sessions)),
      );
      if (!isErased) {
        await refuseRunning(id);
        AuditLog.record('ERASE', { type: 'user', id }, { after: { reason } });
      }
      await eraseRows(traces);
      return asIdentity(() => erasureOf(actor.companyId, id));
    });
    const requests = await withTenant(actor.companyId, () => requestsOfUnknown(id));
    await eraseOnPlatform(id, reason, requests);
    return erasure;
  };

/**
 * Ends what the person is here, and the account of whoever is nowhere else.
 * @returns also whether that had been done before
 */
async function leave(
  actor: Actor,
  id: string,
  reason: string,
  sessions: Pick<Sessions, 'forget'>,
): Promise<Traces & { readonly isErased: boolean }> {
  const { companyId } = actor;
  const person = await holdPerson(id);
  if (actor.userId === id) {
    throw new Conflict('OWN_ACCOUNT', 'Somebody else has to erase you');
  }
  refuseNames(person, reason);
  const traces = { userId: id, addresses: [person.email], linkIds: await mailedLinks(id) };
  if (person.erasedAt) return { ...traces, isErased: true };

  await Membership.erase(companyId, id);
  const ended = await RefreshToken.erase({ companyId, userId: id });
  afterCommit(() => sessions.forget(...ended));
  if (!(await isElsewhere(companyId, id))) {
    await Credential.erase(id);
    await PasswordResetToken.cancel(id);
    await EmailChange.erase(id);
  }
  return { ...traces, isErased: false };
}

/** Also whoever is only deactivated there, or comes there later. */
const isElsewhere = async (companyId: string, id: string): Promise<boolean> => {
  const found = await select(
    `SELECT 1 FROM platform.memberships m WHERE m.user_id = $1 AND m.company_id <> $2
       AND m.archived_at IS NULL AND (m.valid_to IS NULL OR m.valid_to > now()) LIMIT 1`,
    [id, companyId],
  );
  return found.length > 0;
};

function refuseNames({ email, phoneNumber, ...names }: PersonView, reason: string): void {
  const fullName = `${names.firstName} ${names.lastName}`.trim();
  const isNamed = [email, phoneNumber ?? '', fullName].some(
    (name) => name !== '' && reason.toLowerCase().includes(name.toLowerCase()),
  );
  if (isNamed) throw invalidField('reason', 'must not name the person', 'NAMES_THE_PERSON');
}

async function erasureOf(companyId: string, id: string): Promise<Erasure> {
  const [erasure] = await select<Erasure>(
    `SELECT u.id AS "userId", m.erased_at AS "erasedAt",
       u.erased_at IS NOT DISTINCT FROM m.erased_at AS "isAccountErased"
     FROM platform.users u, LATERAL (
       SELECT max(erased_at) AS erased_at FROM platform.memberships
       WHERE company_id = $1 AND user_id = u.id) m
     WHERE u.id = $2`,
    [companyId, id],
  );
  if (!erasure) throw new Error(`The user ${id} was erased and is not there`);
  return erasure;
}

/** Their codes are long gone, but messages name them. */
const mailedLinks = async (id: string): Promise<string[]> => {
  const links = await select<{ id: string }>(
    `SELECT id FROM platform.password_reset_tokens WHERE user_id = $1
     UNION ALL SELECT id FROM platform.email_changes WHERE user_id = $1`,
    [id],
  );
  return links.map((link) => link.id);
};

async function refuseRunning(id: string): Promise<void> {
  const running = await select<{ id: string }>(
    `SELECT id FROM policy_subscriptions WHERE user_id = $1 AND status = 'active' LIMIT 1`,
    [id],
  );
  if (running[0]) {
    throw new Conflict(
      'SUBSCRIPTION_RUNNING',
      `The subscription ${running[0].id} is still running; cancel it first`,
    );
  }
}

/** In the company of the transaction: contracts, invitations, messages, kept answers and the audit. */
async function eraseRows({ userId, ...known }: Traces): Promise<void> {
  const addresses = await ownAddresses(userId, known.addresses);
  const traces = { userId, addresses, linkIds: known.linkIds };
  const { email } = erasedPerson(userId);
  const objects = await select<{ id: string }>(
    `WITH held AS (
       UPDATE policies SET policyholder_name = $2, policyholder_email = $3, policyholder_phone = NULL,
         updated_at = now(), version = version + 1
       WHERE user_id = $1 AND policyholder_email <> $3),
     invited AS (
       UPDATE core.invitations SET email = $3, updated_at = now(), version = version + 1,
         status = CASE WHEN status = 'pending' THEN 'revoked' ELSE status END
       WHERE (accepted_by = $1 OR email = ANY ($4)) AND email <> $3)
     SELECT id FROM policies WHERE user_id = $1
     UNION ALL SELECT id FROM core.invitations
       WHERE accepted_by = $1 OR email = ANY ($4) OR email = $3
     UNION ALL SELECT id FROM policy_subscriptions WHERE user_id = $1
     UNION ALL SELECT id FROM platform.memberships
       WHERE company_id = (SELECT app.company_id()) AND user_id = $1`,
    [userId, erasedWord, email, addresses],
  );
  await eraseMessages(traces);
  await eraseAnswers(traces);
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

/** Those that wait are never sent. The key of one to an address holds the address. */
async function eraseMessages({ userId, addresses, linkIds }: Traces): Promise<void> {
  await execute(
    `UPDATE core.notifications SET payload = '{}', last_error = NULL,
       status = CASE WHEN status = 'queued' THEN 'suppressed' ELSE status END,
       recipient_address = CASE WHEN recipient_address IS NOT NULL THEN $2 END,
       dedupe_key = CASE WHEN recipient_address IS NULL THEN dedupe_key ELSE 'erased/' || id END
     WHERE recipient_user_id = $1 OR recipient_address = ANY ($3)
       OR (recipient_address IS NOT NULL AND payload -> 'link' ->> 'id' = ANY ($4))`,
    [userId, erasedPerson(userId).email, addresses, linkIds],
  );
}

/**
 * A request that is repeated with its key still has no second effect; it is told the id alone. The
 * answer to an erasure names nobody and stays.
 */
async function eraseAnswers({ userId, addresses }: Traces): Promise<void> {
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
      [[userId, ...addresses], behind],
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
const requestsOfUnknown = async (userId: string): Promise<string[]> => {
  const lines = await select<{ requestId: string }>(
    `SELECT DISTINCT request_id AS "requestId" FROM core.audit_logs
     WHERE entity_type = 'user' AND entity_id = $1 AND actor_id IS NULL AND request_id IS NOT NULL`,
    [userId],
  );
  return lines.map(({ requestId }) => requestId);
};

async function eraseAudit(
  userId: string,
  { objects, requests }: Readonly<Record<'objects' | 'requests', readonly string[]>>,
): Promise<void> {
  await flush();
  for (let behind: string | null = nobody; behind !== null;) {
    const [reached]: { id: string | null }[] = await select<{ id: string | null }>(
      'SELECT app.erase_in_audit($1, $2, $3, $4, $5) AS id',
      [userId, objects, requests, behind, rowsAtOnce],
    );
    behind = reached?.id ?? null;
  }
}

/**
 * What the platform noted while it was not clear in which company: failed sign-ins, links for a
 * password; and the registration of whoever brought a company in.
 */
const eraseOnPlatform = (
  userId: string,
  reason: string,
  requests: readonly string[],
): Promise<void> =>
  withTenant(platformCompanyId, async () => {
    const linkIds = await asIdentity(async () =>
      (await Credential.isErased(userId)) ? mailedLinks(userId) : undefined,
    );
    if (!linkIds) return;
    const registrations = await select<{ id: string; address: string }>(
      `SELECT id, admin_email AS address FROM core.registration_requests WHERE admin_user_id = $1`,
      [userId],
    );
    const { email, username } = erasedPerson(userId);
    await execute(
      `UPDATE core.registration_requests SET admin_email = $2, admin_username = $3,
         admin_phone = NULL, updated_at = now(), version = version + 1,
         contact_email = CASE WHEN contact_email = admin_email THEN $2 ELSE contact_email END
       WHERE admin_user_id = $1 AND admin_email <> $2`,
      [userId, email, username],
    );
    const addresses = registrations.map(({ address }) => address);
    await eraseMessages({ userId, addresses, linkIds });
    const told = await select(
      `SELECT 1 FROM core.audit_logs
       WHERE entity_type = 'user' AND entity_id = $1 AND action = 'ERASE' LIMIT 1`,
      [userId],
    );
    if (told.length === 0) {
      AuditLog.record('ERASE', { type: 'user', id: userId }, { after: { reason } });
    }
    await eraseAudit(userId, {
      objects: registrations.map(({ id }) => id),
      requests: [...requests, ...(await requestsOfUnknown(userId))],
    });
  });
