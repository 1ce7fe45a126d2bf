import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
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
import { oneLine } from '../rules/plainText.ts';
import { letterHtml, letterOf, type Letter } from './letters.ts';
import { rendering } from './templates.ts';

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

/** A message is tried five times within a day; so long after each refusal but the last. */
const retryAfter = ['5 minutes', '30 minutes', '3 hours', '18 hours'] as const;

export interface MailDependencies {
  readonly sendMail: SendMail;
  /** The link of a message is made when it is sent: it holds a secret. */
  readonly links: Links;
}

export const notificationActivities = ({ sendMail, links }: MailDependencies) => ({
  /**
   * Safe to repeat: what is marked as sent is not sent again, and the same Message-ID tells a mail
   * that was sent twice because its mark was lost. No transaction is open while it is sent; text and
   * letter are made here, so that no personal data stands in a workflow's history.
   */
  async deliverNotification({ companyId, notificationId }: NotificationRef): Promise<void> {
    const written = await withTenant(companyId, () => mailOf(notificationId, links));
    if (!written) return;
    const { letter, ...words } = written;
    const mail = letter ? { ...words, attachments: [await attached(letter)] } : words;
    failpoint('mail.beforeSend');
    try {
      await sendMail(mail);
    } catch (error) {
      throw await refused({ companyId, notificationId }, error);
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
  },

  /** Safe to repeat: only a message that is still queued is given up, and only that raises an alert. */
  async giveUpNotification({ companyId, notificationId }: NotificationRef): Promise<void> {
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
  },
});

/** Counts the refusal, and says when to try again or, after the last, that it is over. */
async function refused(
  { companyId, notificationId }: NotificationRef,
  error: unknown,
): Promise<ApplicationFailure> {
  const lastError = String(error instanceof Error ? error.message : error).slice(0, 500);
  const attempts = await withTenant(companyId, () => countAttempt(notificationId, lastError));
  const nextRetryDelay = retryAfter[attempts - 1];
  return ApplicationFailure.create({
    // Without the server's words: they hold the address.
    message: `The mail server did not take it (${codesOf(error)}), attempt ${attempts}`,
    type: 'MAIL_REFUSED',
    nonRetryable: nextRetryDelay === undefined,
    ...(nextRetryDelay && { nextRetryDelay }),
  });
}

const codesOf = (error: unknown): string => {
  const { code, responseCode }: { code?: string; responseCode?: number } = { ...Object(error) };
  return [code ?? '', responseCode ?? ''].join(' ').trim() || 'no code';
};

/** @returns how many there were, with this one */
async function countAttempt(notificationId: string, lastError?: string): Promise<number> {
  const [counted] = await select<{ attempts: number }>(
    `UPDATE core.notifications SET attempts = attempts + 1,
       last_error = CASE WHEN status = 'suppressed' THEN last_error ELSE coalesce($2, last_error) END
     WHERE id = $1 RETURNING attempts`,
    [notificationId, lastError ?? null],
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
): Promise<(Parameters<SendMail>[0] & { readonly letter: Letter | undefined }) | undefined> {
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
  });
  const date = dateAt(notification.createdAt.getTime(), company.timeZone);
  const letter = letterOf(templateCode, words, { company, recipient: oneLine(name), date, claim });
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
  entityType !== 'company' && !(recipientUserId && (await Membership.isStaff(recipientUserId)));

/** Who is written to without an account: the policy's holder, or who is paid for a claim. */
async function nameAtAddress(
  { entityType, entityId, recipientAddress }: Notification,
  claim: ClaimHead | undefined,
): Promise<string | undefined> {
  if (claim) return claim.claimantEmail === recipientAddress ? claim.claimantName : undefined;
  return entityType === 'subscription' && entityId ? holderName(entityId) : undefined;
}

async function found(notificationId: string): Promise<Notification> {
  const notification = await Notification.findOne({ where: { id: notificationId } });
  if (!notification) throw new Error(`There is no notification ${notificationId}`);
  return notification;
}
