import { createHash } from 'node:crypto';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Transporter } from 'nodemailer';
import { failpoint } from '../failpoints.ts';
import { claimHeadOf, type ClaimHead } from '../models/claimant.ts';
import { holderName, ownCompany } from '../models/contract.ts';
import { select, withTenant } from '../models/database.ts';
import { Membership } from '../models/Membership.ts';
import { Notification } from '../models/Notification.ts';
import { NotificationTemplate } from '../models/NotificationTemplate.ts';
import type { Links } from '../models/secretLinks.ts';
import { User } from '../models/User.ts';
import { dateAt } from '../rules/calendar.ts';
import type { Letter } from '../rules/letters.ts';
import { oneLine } from '../rules/plainText.ts';
import { letterHtml, letterOf } from './letters.ts';
import { rendering } from './templates.ts';
import { collectedWords, waitOf, type Held } from './waitingMail.ts';

export interface NotificationRef {
  readonly companyId: string;
  readonly notificationId: string;
}

/** Sends one message; rejects when the mail server did not take it. */
export type SendMail = (mail: {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The same for every try of one message, so that a receiver knows a repetition. */
  readonly messageId: string;
  readonly attachments?: readonly Attachment[];
}) => Promise<void>;

/** A file that goes with a mail. */
export interface Attachment {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Buffer;
}

export const mailThrough =
  (transport: Transporter, from: string): SendMail =>
  async ({ to, attachments = [], ...mail }) => {
    await transport.sendMail({ from, to, ...mail, attachments: [...attachments] });
  };

/** A message is tried five times within a day; so many milliseconds after each refusal but the last. */
const retryAfterMs = [5, 30, 180, 1080].map((minutes) => minutes * 60_000);

export interface MailDependencies {
  readonly sendMail: SendMail;
  /** Of those that are sent by one step after the other. */
  readonly mailsPerSecond: number;
  /** What time it is for mails that can wait; the clock unless told. */
  readonly now?: () => number;
  /** The link of a message is made when it is sent: it holds a secret. */
  readonly links: Links;
}

export const notificationActivities = ({
  sendMail,
  links,
  mailsPerSecond,
  now = Date.now,
}: MailDependencies) => {
  const deliver = (ref: NotificationRef, at?: number): Promise<Refused | Held | undefined> =>
    deliverOne({ sendMail, links }, ref, at);

  let nextTurn = 0;
  /** All walks of this process together send so many a second. */
  const pace = async (): Promise<void> => {
    const turn = Math.max(performance.now(), nextTurn);
    nextTurn = turn + 1000 / mailsPerSecond;
    await sleep(turn - performance.now());
  };

  return {
    /**
     * Safe to repeat: what is marked as sent is not sent again, and the same Message-ID tells a mail
     * that was sent twice because its mark was lost. No transaction is open while it is sent; text and
     * letter are made here, so that no personal data stands in a workflow's history.
     * @param order.mayWait that whoever asks comes again when a mail is held back
     * @returns until when it is
     */
    async deliverNotification({
      mayWait = false,
      ...ref
    }: NotificationRef & { readonly mayWait?: boolean }): Promise<Held | undefined> {
      const kept = await deliver(ref, mayWait ? now() : undefined);
      if (!kept || 'until' in kept) return kept;
      throw asFailure(kept);
    },

    /**
     * What a workflow has queued and may be tried now, for so long that others get their turn too. Safe to
     * repeat like the delivery of one. What is held back, or refused by the mail server, is tried again by
     * a later walk, and what cannot even be written counts as refused, so that it does not keep the others
     * from going out.
     */
    async deliverQueued({ companyId, workflowId, at }: QueuedRef): Promise<void> {
      const endsAt = performance.now() + walkMs;
      const left = await withTenant(companyId, () =>
        Notification.deliverable(workflowId, { at: new Date(at), most: mostOfWalk }),
      );
      const lane = async (): Promise<void> => {
        for (
          let id = left.shift();
          id !== undefined && performance.now() < endsAt;
          id = left.shift()
        ) {
          await pace();
          cancellationSignal().throwIfAborted();
          const ref = { companyId, notificationId: id };
          const kept = await deliver(ref, Math.max(at, now())).catch((error: unknown) =>
            refusalOf(ref, error),
          );
          if (kept && !('until' in kept) && kept.retryInMs === undefined) await giveUp(ref);
          heartbeat();
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
    },

    /** Safe to repeat: only a message that is still queued is given up, and only that raises an alert. */
    giveUpNotification: giveUp,
  };
};

interface QueuedRef {
  readonly companyId: string;
  readonly workflowId: string;
  /** The workflow's clock, in epoch milliseconds. */
  readonly at: number;
}

/** So long one walk goes on, in milliseconds, with so many mails at once. */
const walkMs = 10_000;
const lanes = 5;
const mostOfWalk = 500;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param at where it may be held back, the present
 * @returns until when it is, or what the mail server said; undefined once there is nothing more to send
 */
async function deliverOne(
  { sendMail, links }: Pick<MailDependencies, 'sendMail' | 'links'>,
  { companyId, notificationId }: NotificationRef,
  at?: number,
): Promise<Refused | Held | undefined> {
  const written = await withTenant(companyId, () => mailOf(notificationId, links, at));
  if (!written || 'until' in written) return written;
  const { letter, ...words } = written;
  const mail = letter ? { ...words, attachments: [await attached(letter)] } : words;
  failpoint('mail.beforeSend');
  try {
    await sendMail(mail);
  } catch (error) {
    return refusalOf({ companyId, notificationId }, error);
  }
  failpoint('mail.afterSend');
  await withTenant(companyId, async () => {
    await Notification.update(
      { status: 'sent', sentAt: new Date() },
      { where: { id: notificationId, status: 'queued' } },
    );
    await countAttempt(notificationId);
    failpoint('mail.beforeMark');
  });
  return undefined;
}

async function giveUp({ companyId, notificationId }: NotificationRef): Promise<void> {
  await withTenant(companyId, async () => {
    const [failed] = await Notification.update(
      { status: 'failed' },
      { where: { id: notificationId, status: 'queued' } },
    );
    if (failed === 0) return;
    const { templateCode, entityType, entityId } = await found(notificationId);
    Notification.queue({
      to: { channel: 'in_app', role: 'operator' },
      template: 'delivery_failed',
      payload: { notificationId, template: templateCode },
      key: `notification/${notificationId}/gave_up/1`,
      about: { type: entityType ?? 'notification', id: entityId ?? notificationId },
    });
  });
}

interface Refused {
  readonly attempts: number;
  /** Undefined after the last try. */
  readonly retryInMs: number | undefined;
  readonly codes: string;
}

/** Counts the refusal, and says when to try again or, after the last, that it is over. */
async function refusalOf(
  { companyId, notificationId }: NotificationRef,
  error: unknown,
): Promise<Refused> {
  const lastError = String(error instanceof Error ? error.message : error).slice(0, 500);
  const attempts = await withTenant(companyId, () => countAttempt(notificationId, lastError));
  return { attempts, retryInMs: retryAfterMs[attempts - 1], codes: codesOf(error) };
}

/** Without the server's words: they hold the address. */
const asFailure = ({ attempts, retryInMs, codes }: Refused): ApplicationFailure =>
  ApplicationFailure.create({
    message: `The mail server did not take it (${codes}), attempt ${attempts}`,
    type: 'MAIL_REFUSED',
    category: ApplicationFailureCategory.BENIGN,
    nonRetryable: retryInMs === undefined,
    ...(retryInMs !== undefined && { nextRetryDelay: retryInMs }),
  });

const codesOf = (error: unknown): string => {
  const { code, responseCode }: { code?: string; responseCode?: number } = { ...Object(error) };
  return [code ?? '', responseCode ?? ''].join(' ').trim() || 'no code';
};

/** @returns how many there were, with this one */
async function countAttempt(notificationId: string, lastError?: string): Promise<number> {
  const [counted] = await select<{ attempts: number }>(
    `UPDATE core.notifications SET attempts = attempts + 1,
       next_try_at = CASE WHEN $2::text IS NOT NULL
         THEN now() + make_interval(secs => ($3::float8[])[attempts + 1]) END,
       last_error = CASE WHEN status = 'suppressed' THEN last_error ELSE coalesce($2, last_error) END
     WHERE id = $1 RETURNING attempts`,
    [notificationId, lastError ?? null, retryAfterMs.map((ms) => ms / 1000)],
  );
  return counted?.attempts ?? 0;
}

/** Drawn when it is sent, and kept nowhere. */
async function attached(letter: Letter): Promise<Attachment> {
  // Its library takes a third of a second and 25 MB, which a worker need not pay before its first letter.
  const { letterPdf } = await import('./letterPdf.ts');
  return {
    filename: letter.fileName,
    contentType: 'application/pdf',
    content: await letterPdf(letter),
  };
}

async function mailOf(
  notificationId: string,
  links: Links,
  at?: number,
): Promise<(Parameters<SendMail>[0] & { readonly letter: Letter | undefined }) | Held | undefined> {
  const notification = await found(notificationId);
  if (notification.status !== 'queued' || notification.channel !== 'email') return undefined;
  const { recipientUserId, recipientAddress, templateCode, payload, dedupeKey } = notification;
  const company = await ownCompany();
  const isErased = recipientUserId && (await Membership.isErased(recipientUserId));
  if (isErased || (company.status === 'suspended' && (await isForOutsider(notification)))) {
    await notification.update({
      status: 'suppressed',
      suppressedBecause: isErased ? 'erased' : 'company_suspended',
    });
    return undefined;
  }
  const waits = at === undefined ? undefined : await waitOf(notification, company, at);
  if (waits) return waits === 'collected' ? undefined : waits;
  const user = recipientUserId && (await User.findOne({ where: { id: recipientUserId } }));
  const to = recipientAddress ?? (user ? user.email : undefined);
  if (!to) throw new Error(`Notification ${notificationId} has nobody to go to`);

  const claim = await claimHeadOf(notification);
  const name = user
    ? user.fullName()
    : ((await nameAtAddress(notification, claim)) ?? 'Sir or Madam');
  const render = rendering(await NotificationTemplate.ownTexts([templateCode]));
  const words = render(templateCode, {
    ...payload,
    name: oneLine(name),
    company: company.name,
    link: links.addressFor(payload),
    ...(templateCode === 'notification_digest' && {
      messages: await collectedWords(notificationId, {
        name: oneLine(name),
        company: company.name,
      }),
    }),
  });
  const date = dateAt(notification.createdAt.getTime(), company.timeZone);
  const recipient = oneLine(name);
  const letter = letterOf(templateCode, words, { company, recipient, date, claim, facts: payload });
  return {
    to,
    messageId: `<${createHash('sha256').update(dedupeKey).digest('base64url')}@surety>`,
    ...words,
    ...(letter && { html: letterHtml(letter) }),
    letter,
  };
}

/**
 * Whom a suspended company does not write to, though its timers run on: everybody who does not work there.
 * What is about the company is about the person's own account, such as a link for a password.
 */
const isForOutsider = async ({ entityType, recipientUserId }: Notification): Promise<boolean> =>
  entityType !== 'company' && (await Membership.isCutOff(recipientUserId ?? null));

/** Who is written to without an account: the policy's holder, or who is paid for a claim. */
async function nameAtAddress(
  { entityType, entityId, recipientAddress }: Notification,
  claim: ClaimHead | undefined,
): Promise<string | undefined> {
  if (claim) return claim.claimantEmail === recipientAddress ? claim.claimantName : undefined;
  if (entityType === 'acknowledgement' && entityId) return employeeName(entityId);
  return entityType === 'subscription' && entityId ? holderName(entityId) : undefined;
}

/** Who is asked to read something. */
async function employeeName(acknowledgementId: string): Promise<string | undefined> {
  const [employee] = await select<{ name: string }>(
    `SELECT e.name FROM acknowledgements a JOIN employees e ON e.id = a.employee_id WHERE a.id = $1`,
    [acknowledgementId],
  );
  return employee?.name;
}

async function found(notificationId: string): Promise<Notification> {
  const notification = await Notification.findOne({ where: { id: notificationId } });
  if (!notification) throw new Error(`There is no notification ${notificationId}`);
  return notification;
}
