import type { Actor } from '../../context.ts';
import { Conflict, invalidField } from '../../errors.ts';
import { forgetApplicants } from '../../models/applicants.ts';
import { AuditLog } from '../../models/AuditLog.ts';
import { Credential } from '../../models/Credential.ts';
import {
  afterCommit,
  asIdentity,
  execute,
  platformCompanyId,
  select,
  withTenant,
} from '../../models/database.ts';
import { EmailChange } from '../../models/EmailChange.ts';
import { Membership } from '../../models/Membership.ts';
import { PasswordResetToken } from '../../models/PasswordResetToken.ts';
import { RefreshToken } from '../../models/RefreshToken.ts';
import { openBookingStatuses } from '../../rules/bookings.ts';
import { liveStatuses } from '../../rules/subscriptions.ts';
import { rowsOnce, type Once, type Replay } from '../idempotency.ts';
import { holdPerson } from '../people.ts';
import type { Sessions } from '../sessions.ts';
import {
  eraseAudit,
  eraseMessages,
  eraseRows,
  requestsOfUnknown,
  tellOfErasure,
  type Traces,
} from './erasedRows.ts';

export interface Erasure {
  readonly userId: string;
  readonly erasedAt: Date;
  /** False for whoever also belongs to another company and goes on signing in there. */
  readonly isAccountErased: boolean;
}

/**
 * Takes what a company knows of a person out of it. One transaction for the company and the account;
 * a second one for what the platform itself noted of an account that is gone. Asked again it answers as
 * before, and takes out what requests under way have noted since.
 * @throws Conflict OWN_ACCOUNT, LAST_ADMIN, and the codes of `endsFirst`
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
        await refuseRunning(traces);
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
  const { email, phoneNumber, firstName, lastName } = person;
  refuseNames([email, phoneNumber, `${firstName} ${lastName}`.trim()], reason);
  const traces = { userId: id, addresses: [person.email], linkIds: await mailedLinks(id) };
  if (person.erasedAt) return { ...traces, isErased: true };

  await Membership.erase(companyId, id);
  const ended = await RefreshToken.erase({ companyId, userId: id });
  afterCommit(() => sessions.forget(...ended));
  if (!(await isElsewhere(companyId, id))) {
    const isOwnAddress = await Credential.isConfirmed(id);
    await Credential.erase(id);
    // The second transaction finds them by this, also when it is asked for later: the address is gone then.
    // Whoever opens an account under somebody's address does not reach what that somebody has applied for.
    if (isOwnAddress) {
      await execute(
        `UPDATE core.registration_requests SET admin_user_id = $1
         WHERE admin_email = $2 AND status IN ('rejected', 'expired')`,
        [id, person.email],
      );
    }
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

/** @throws Invalid NAMES_THE_PERSON, because the reason stays */
export function refuseNames(names: readonly (string | null)[], reason: string): void {
  const isNamed = names.some((name) => name && reason.toLowerCase().includes(name.toLowerCase()));
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

/** What has to be over first, with the word of its refusal. */
const endsFirst = {
  subscription: ['SUBSCRIPTION_RUNNING', 'it has to end first'],
  booking: ['BOOKING_RUNNING', 'cancel it first, or wait until the stay is over'],
  claim: ['CLAIM_RUNNING', 'it has to be closed first'],
  payment: ['PAYMENT_RUNNING', 'wait until the money has moved, or is given up'],
} as const;

/** Whoever insures, pays or hosts the person has to find them until that is over. */
async function refuseRunning({ userId, addresses }: Traces): Promise<void> {
  const [running] = await select<{ kind: keyof typeof endsFirst; id: string }>(
    `SELECT kind, id FROM (
       SELECT 1 AS rank, 'subscription' AS kind, id FROM policy_subscriptions
         WHERE user_id = $1 AND status = ANY ($3)
       UNION ALL SELECT 2, 'booking', id FROM bookings
         WHERE (guest_id = $1 OR host_id = $1) AND status = ANY ($4)
       UNION ALL SELECT 3, 'claim', id FROM claims
         WHERE workflow_closed_at IS NULL AND archived_at IS NULL AND (claimant_email = ANY ($2)
           OR policy_id IN (SELECT id FROM policies WHERE user_id = $1))
       UNION ALL SELECT 4, 'payment', id FROM payments
         WHERE status = 'pending' AND (user_id = $1 OR payee_email = ANY ($2))) AS running
     ORDER BY rank LIMIT 1`,
    [userId, addresses, liveStatuses, openBookingStatuses],
  );
  if (!running) return;
  const [code, until] = endsFirst[running.kind];
  throw new Conflict(code, `The ${running.kind} ${running.id} is still running; ${until}`);
}

/**
 * What the platform noted while it was not clear in which company: failed sign-ins, links for a
 * password; and the registrations of whoever brought a company in, or could not.
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
    const registrations = await select<{ id: string }>(
      `SELECT id FROM core.registration_requests WHERE admin_user_id = $1`,
      [userId],
    );
    const objects = registrations.map(({ id }) => id);
    await forgetApplicants(objects);
    await eraseMessages({ userId, addresses: [], linkIds });
    await tellOfErasure({ type: 'user', id: userId }, reason);
    await eraseAudit(userId, {
      objects,
      requests: [...requests, ...(await requestsOfUnknown(userId))],
    });
  });
