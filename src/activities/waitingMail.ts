import type { Company } from '../models/Company.ts';
import { execute, select } from '../models/database.ts';
import { queueDigest } from '../models/mail.ts';
import type { Notification } from '../models/Notification.ts';
import { NotificationTemplate } from '../models/NotificationTemplate.ts';
import { canWait, gatheredWith, mailTimesDefaults, mayGoAt } from '../rules/mailTimes.ts';
import { templateCodes, type TemplateCode } from '../rules/notices.ts';
import { isLetter } from './letters.ts';
import { rendering } from './templates.ts';

/** A reader's patience, and a mail's size. */
const mostInOne = 100;

/** So many that wait for one person are put together at once. */
const mostGathered = 1000;

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
  const { templateCode, createdAt, attempts } = notification;
  const reader = readerOf(notification);
  const kind = gatheredWith(templateCode);
  if (!reader || (!canWait(templateCode) && !kind)) return undefined;
  const times = { ...mailTimesDefaults, ...company.settings.notifications };
  // What was tried before goes on by itself.
  const isFirst = attempts === 0;
  const isCollected =
    times.digest === 'daily' && isFirst && 'userId' in reader && collectible.includes(templateCode);
  const until = mayGoAt(
    { queuedAt: createdAt.getTime(), at, isCollected },
    times,
    company.timeZone,
  );
  if (until > at) return hold(notification, until);
  if (isCollected) return collect(notification, reader);
  if (!isFirst || !kind || times.gatherHours === 0) return undefined;
  return gather(notification, reader, { kind, at, forMs: times.gatherHours * 3_600_000 });
}

async function hold({ id }: Notification, until: number): Promise<Held> {
  await execute('UPDATE core.notifications SET next_try_at = $2 WHERE id = $1', [
    id,
    new Date(until),
  ]);
  return { until };
}

/** Puts all that waits for somebody into one mail; whoever comes second finds that theirs is in it. */
async function collect(notification: Notification, reader: Reader): Promise<'collected'> {
  await holdReader(reader);
  const waiting = await waitingWith(notification.id, reader, collectible, mostInOne);
  if (waiting.includes(notification.id)) await putIntoOne(notification, reader, waiting);
  return 'collected';
}

/**
 * The first mail of a kind goes at once, and those after it wait, so long as it says, to go together with
 * all else of its kind that waits for the person.
 */
async function gather(
  notification: Notification,
  reader: Reader,
  {
    kind,
    at,
    forMs,
  }: { readonly kind: readonly TemplateCode[]; readonly at: number; readonly forMs: number },
): Promise<Held | 'collected' | undefined> {
  const { id } = notification;
  await holdReader(reader);
  const waiting = await waitingWith(id, reader, kind, mostGathered);
  if (!waiting.includes(id)) {
    // Let go by a worker that died before it was sent, if not gathered meanwhile.
    const own = await select(
      'SELECT 1 FROM core.notifications WHERE id = $1 AND digest_id IS NULL',
      [id],
    );
    return own.length > 0 ? undefined : 'collected';
  }
  const [last] = await select<{ at: Date | null }>(
    `SELECT max(let_go_at) AS at FROM core.notifications
     WHERE ${isTo(reader)} AND template_code = ANY ($2::text[])`,
    [whomOf(reader), kind],
  );
  const until = (last?.at?.getTime() ?? -Infinity) + forMs;
  if (until > at) return hold(notification, until);
  await execute('UPDATE core.notifications SET let_go_at = $2 WHERE id = ANY ($1::uuid[])', [
    waiting,
    new Date(at),
  ]);
  if (waiting.length === 1) return undefined;
  for (let from = 0; from < waiting.length; from += mostInOne) {
    await putIntoOne(notification, reader, waiting.slice(from, from + mostInOne));
  }
  return 'collected';
}

/** Who gets a mail. */
type Reader = { readonly userId: string } | { readonly address: string };

function readerOf({ recipientUserId, recipientAddress }: Notification): Reader | undefined {
  if (recipientUserId !== null) return { userId: recipientUserId };
  return recipientAddress === null ? undefined : { address: recipientAddress };
}

const whomOf = (reader: Reader): string => ('userId' in reader ? reader.userId : reader.address);

/** SQL: a notification goes to the one that is bound as `$1`. */
const isTo = (reader: Reader): string =>
  'userId' in reader ? 'recipient_user_id = $1' : 'recipient_address = $1';

/** Nobody else puts mails together for them until the commit. */
const holdReader = (reader: Reader): Promise<unknown> =>
  select(`SELECT pg_advisory_xact_lock(hashtextextended('digest/' || $1, 0))`, [whomOf(reader)]);

/** What waits for the same reader, this one first; without it where it waits no more. */
async function waitingWith(
  notificationId: string,
  reader: Reader,
  codes: readonly TemplateCode[],
  most: number,
): Promise<readonly string[]> {
  const waiting = await select<{ id: string }>(
    `SELECT id FROM core.notifications
     WHERE ${isTo(reader)} AND status = 'queued' AND channel = 'email' AND attempts = 0
       AND let_go_at IS NULL AND template_code = ANY ($3::text[])
     ORDER BY (id = $2) DESC, id LIMIT $4`,
    [whomOf(reader), notificationId, codes, most],
  );
  return waiting.map(({ id }) => id);
}

async function putIntoOne(
  { entityType, entityId }: Notification,
  reader: Reader,
  ids: readonly string[],
): Promise<void> {
  const [first = ''] = ids;
  const digestId = queueDigest({
    to: reader,
    // Who has no account is called by name after what one of them is about.
    about:
      'userId' in reader
        ? { type: 'user', id: reader.userId }
        : { type: entityType ?? 'notification', id: entityId ?? first },
    count: ids.length,
    key: `notification/${first}/digest/1`,
  });
  await execute(
    `UPDATE core.notifications SET status = 'sent', sent_at = now(), digest_id = $1
     WHERE id = ANY ($2::uuid[]) AND status = 'queued'`,
    [digestId, ids],
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
