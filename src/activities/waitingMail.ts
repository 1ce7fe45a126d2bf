import type { Company } from '../models/Company.ts';
import { execute, select } from '../models/database.ts';
import { queueDigest } from '../models/mail.ts';
import type { Notification } from '../models/Notification.ts';
import { NotificationTemplate } from '../models/NotificationTemplate.ts';
import { canWait, mailTimesDefaults, mayGoAt } from '../rules/mailTimes.ts';
import { templateCodes } from '../rules/notices.ts';
import { isLetter } from './letters.ts';
import { rendering } from './templates.ts';

/** A reader's patience, and a mail's size. */
const mostInOne = 100;

/** A letter comes by itself, whether or not it is on paper too. */
const collectible = templateCodes.filter((code) => canWait(code) && !isLetter(code));

/** Told to whoever waits for a mail that is held back. */
export interface Held {
  /** Epoch milliseconds. */
  readonly until: number;
}

/**
 * What keeps a mail from going by itself now; undefined where nothing does. One that is `collected` goes
 * with others, in a mail whose delivery is promised with the open transaction.
 */
export async function waitOf(
  notification: Notification,
  company: Pick<Company, 'settings' | 'timeZone'>,
  at: number,
): Promise<Held | 'collected' | undefined> {
  const { id, templateCode, recipientUserId, createdAt, attempts } = notification;
  if (!canWait(templateCode)) return undefined;
  const times = { ...mailTimesDefaults, ...company.settings.notifications };
  // What was tried before goes on by itself.
  const isCollected =
    times.digest === 'daily' && attempts === 0 && collectible.includes(templateCode);
  const reader = isCollected ? recipientUserId : null;
  const until = mayGoAt(
    { queuedAt: createdAt.getTime(), at, isCollected: reader !== null },
    times,
    company.timeZone,
  );
  if (until > at) {
    await execute('UPDATE core.notifications SET next_try_at = $2 WHERE id = $1', [
      id,
      new Date(until),
    ]);
    return { until };
  }
  if (reader === null) return undefined;
  await collect(reader, id);
  return 'collected';
}

/** Puts all that waits for somebody into one mail; whoever comes second finds that theirs is in it. */
async function collect(userId: string, id: string): Promise<void> {
  await select(`SELECT pg_advisory_xact_lock(hashtextextended('digest/' || $1, 0))`, [userId]);
  const waiting = await select<{ id: string }>(
    `SELECT id FROM core.notifications
     WHERE recipient_user_id = $1 AND status = 'queued' AND channel = 'email' AND attempts = 0
       AND template_code = ANY ($3::text[])
     ORDER BY (id = $2) DESC, id LIMIT ${mostInOne}`,
    [userId, id, collectible],
  );
  if (!waiting.some((each) => each.id === id)) return;
  const digestId = queueDigest({
    userId,
    count: waiting.length,
    key: `notification/${id}/digest/1`,
  });
  await execute(
    `UPDATE core.notifications SET status = 'sent', sent_at = now(), digest_id = $1
     WHERE id = ANY ($2::uuid[]) AND status = 'queued'`,
    [digestId, waiting.map((each) => each.id)],
  );
}

/** What stands in a mail of several, each message with its subject above it. */
export async function collectedWords(
  digestId: string,
  values: { readonly name: string; readonly company: string },
): Promise<string> {
  const collected = await select<Pick<Notification, 'templateCode' | 'payload'>>(
    `SELECT template_code AS "templateCode", payload FROM core.notifications
     WHERE digest_id = $1 ORDER BY id`,
    [digestId],
  );
  const codes = collected.map(({ templateCode }) => templateCode);
  const render = rendering(await NotificationTemplate.ownTexts(codes));
  return collected
    .map(({ templateCode, payload }) => {
      try {
        const { subject, text } = render(templateCode, { ...payload, ...values });
        return `* ${subject}\n\n${text}`;
      } catch {
        // A payload older than its template: the others are still to be read.
        return `* ${templateCode.replaceAll('_', ' ')}`;
      }
    })
    .join('\n\n');
}
