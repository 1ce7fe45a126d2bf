import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Forbidden, Refusal, Unavailable } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { select, withTenant } from '../models/database.ts';
import { listenForNotifications } from '../models/notificationHints.ts';
import { startPolling, type Polling } from '../polling.ts';
import { grouped } from '../rules/grouped.ts';
import type { TemplateCode } from '../rules/notices.ts';
import { isTo, isUnread, mostCounted } from './notifications.ts';
import type { Sessions } from './sessions.ts';

/** A message of which somebody is told while they listen: without its words. */
export interface News {
  readonly id: string;
  readonly templateCode: TemplateCode;
  readonly entityType: string | null;
  readonly entityId: string | null;
  readonly createdAt: Date;
}

export type StreamEvent =
  | { readonly kind: 'notification'; readonly news: News; readonly unread: number }
  /** `position` stands where a stream begins, for whoever comes back before there was a message. */
  | { readonly kind: 'unread'; readonly unread: number; readonly position?: string };

export interface NotificationStreams {
  /**
   * What comes for a person from now on. It ends with the session, or when roles change.
   * @throws Refusal TOO_MANY_STREAMS; Unavailable where the process has no place
   */
  open(actor: Actor, asked: AskedStream): Readable;
  /** Ends those that are open, and refuses others. */
  endAll(): void;
  stop(): Promise<void>;
}

export interface AskedStream {
  /** The id of the last event the client has got, of a message or a position: a UUID v7. */
  readonly lastEventId: string | undefined;
  /** When what the client signed in with runs out. */
  readonly endsAt: Date;
}

interface Listener {
  readonly userId: string;
  readonly actor: Actor;
  readonly stream: Readable;
  readonly endsAt: number;
  /** Whether what is there at the first look is left to the list. */
  isNew: boolean;
  /** All that was written before this has been told. */
  since: number;
  /** What was written later and has been told already, with when it was written. */
  readonly told: Map<string, number>;
  unread: number | undefined;
  lookAt: number;
  saidAt: number;
}

interface Found extends News {
  readonly place: number;
  readonly unread: number;
}

/** Without any hint; hints can be lost. */
const lookEveryMs = 30_000;
const retryLookMs = 1000;
/** Hints of so long are followed by one look. */
const hintsMs = 200;
const checkEveryMs = 500;
/** How long a check may take; with the age of what sessions know it stays below 5 s. */
const checkPatienceMs = 400;
/** A transaction that was open at the last look writes messages that are older than it; clocks differ. */
const latenessMs = 30_000;
const mostAtOnce = 100;

/**
 * One connection hears that a company has news, and one look serves all its listeners in this process.
 * Within a stream nothing is told twice and nothing is left out; who comes back gets once more what was
 * written in the half minute before the last event.
 */
export function createNotificationStreams({
  sessions,
  url,
  log,
  inWords,
  mostOfOne = 5,
  mostOfAll = 1000,
  heartbeatMs = 15_000,
}: {
  readonly sessions: Pick<Sessions, 'isStill'>;
  /** Of the database. */
  readonly url: string;
  readonly log: Pick<Logger, 'warn'>;
  /** An event as it is sent. */
  readonly inWords: (event: StreamEvent) => string;
  readonly mostOfOne?: number;
  readonly mostOfAll?: number;
  /** Proxies cut what says nothing for a minute. */
  readonly heartbeatMs?: number;
}): NotificationStreams {
  const listeners = new Set<Listener>();
  const onError = (error: unknown): void => log.warn({ err: error }, 'streams wait');
  let running: readonly Polling[] = [];
  let isStopping = false;

  /** What is still to be taken may never be: then nothing waits for it. */
  const end = (listener: Listener): void => {
    listeners.delete(listener);
    if (isTaken(listener)) listener.stream.push(null);
    else listener.stream.destroy();
  };

  const say = (listener: Listener, words: string): void => {
    listener.saidAt = performance.now();
    listener.stream.push(words);
  };

  const endThoseWhoLeft = async (): Promise<void> => {
    const now = Date.now();
    const asked = [...listeners];
    const remain = new Set<Listener>();
    const checked = Promise.allSettled(
      asked.map(async (each) => {
        if (each.endsAt > now && (await sessions.isStill(each.actor))) remain.add(each);
      }),
    );
    // Of whom nothing is known in time, nobody knows that they may go on.
    await Promise.race([checked, pause(checkPatienceMs, undefined, { ref: false })]);
    for (const each of asked) if (listeners.has(each) && !remain.has(each)) end(each);
  };

  const look = async (companyId: string, those: readonly Listener[]): Promise<void> => {
    const began = Date.now();
    // Now: what is hinted at from here on is looked at again.
    for (const each of those) each.lookAt = began + lookEveryMs;
    try {
      const found = await withTenant(companyId, () => newsFor(those));
      const byPlace = grouped(found.map((each) => [String(each.place), each]));
      those.forEach((each, place) => {
        if (listeners.has(each)) tell(each, byPlace.of(String(place)), began);
      });
    } catch (error) {
      for (const each of those) each.lookAt = Math.min(each.lookAt, began + retryLookMs);
      log.warn({ err: error, companyId }, 'streams of a company wait');
    }
  };

  const tell = (listener: Listener, found: readonly Found[], began: number): void => {
    const { told, isNew } = listener;
    const unread = found[0]?.unread ?? 0;
    const news = found.filter(({ id }) => id !== null);
    const untold = news.filter(({ id }) => !told.has(id));
    const isMore = untold.length >= mostAtOnce;
    const events: StreamEvent[] = isNew
      ? []
      : untold.map((each) => ({ kind: 'notification', news: each, unread }));
    if (isNew && !isMore) {
      listener.isNew = false;
      events.push({ kind: 'unread', unread, position: uuid() });
    } else if (events.length === 0 && unread !== listener.unread) {
      events.push({ kind: 'unread', unread });
    }
    if (events.length > 0) {
      listener.unread = unread;
      say(listener, events.map(inWords).join(''));
    }

    for (const { id, createdAt } of untold) told.set(id, createdAt.getTime());
    const settled = began - latenessMs;
    const last = news.at(-1)?.createdAt.getTime() ?? settled;
    listener.since = Math.max(listener.since, isMore ? Math.min(last, settled) : settled);
    for (const [id, at] of told) if (at < listener.since) told.delete(id);
    if (isMore) listener.lookAt = 0;
  };

  const lookWhereDue = async (isOver: () => boolean): Promise<boolean> => {
    const now = Date.now();
    const due = [...listeners].filter((each) => each.lookAt <= now && isTaken(each));
    const byCompany = grouped(due.map((each) => [each.actor.companyId, each]));
    // One after the other: however many listen, they take one connection of the pool.
    for (const companyId of new Set(due.map(({ actor }) => actor.companyId))) {
      if (isOver()) return false;
      await look(companyId, byCompany.of(companyId));
    }
    for (const each of listeners) {
      if (performance.now() - each.saidAt <= heartbeatMs) continue;
      if (isTaken(each)) say(each, ':\n\n');
      else end(each);
    }
    return false;
  };

  /** With the first stream: most processes of a command line or a test never have one. */
  const start = (): readonly Polling[] => [
    listenForNotifications({
      url,
      onHint(companyId) {
        for (const each of listeners) {
          if (companyId === undefined || each.actor.companyId === companyId) each.lookAt = 0;
        }
      },
      onError,
    }),
    startPolling({ everyMs: hintsMs, round: lookWhereDue, onError }),
    // By itself: a look may take longer than the end of a session may stay unseen.
    startPolling({
      everyMs: checkEveryMs,
      async round() {
        await endThoseWhoLeft();
        return false;
      },
      onError,
    }),
  ];

  const endAll = (): void => {
    isStopping = true;
    listeners.forEach(end);
  };

  return {
    open(actor, { lastEventId, endsAt }) {
      const { userId } = actor;
      if (!userId) throw new Forbidden('Only a person gets messages');
      if (isStopping || listeners.size >= mostOfAll) {
        throw new Unavailable('No more streams can be opened here right now');
      }
      const own = [...listeners].filter((each) => each.userId === userId);
      if (own.length >= mostOfOne) throw tooMany(mostOfOne);
      if (running.length === 0) running = start();

      const now = Date.now();
      const since = lastEventId === undefined ? now : Math.min(instantOf(lastEventId), now);
      const listener: Listener = {
        userId,
        actor,
        // Nothing is made on demand: what comes waits here until it is taken.
        stream: new Readable({ read() {} }),
        endsAt: endsAt.getTime(),
        isNew: lastEventId === undefined,
        since: since - latenessMs,
        told: new Map(lastEventId === undefined ? [] : [[lastEventId, now]]),
        unread: undefined,
        lookAt: 0,
        saidAt: performance.now(),
      };
      listeners.add(listener);
      listener.stream.once('close', () => listeners.delete(listener));
      say(listener, 'retry: 3000\n\n');
      return listener.stream;
    },
    endAll,
    async stop() {
      endAll();
      await Promise.all(running.map((each) => each.stop()));
    },
  };
}

/** Whoever does not take what was said is told nothing more: a stream holds one look's news at most. */
const isTaken = ({ stream }: Listener): boolean => stream.readableLength === 0;

const tooMany = (most: number): Refusal =>
  new Refusal(429, 'TOO_MANY_STREAMS', `One person has ${most} streams at most`, {
    headers: { 'Retry-After': '5' },
  });

/** A UUID v7 begins with its milliseconds. */
const instantOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

/** What each has not been told and a bit more, the oldest first, in one statement; without any, one row of nulls. */
const newsFor = (listeners: readonly Listener[]): Promise<Found[]> =>
  select<Found>(
    `SELECT w.place, counted.unread, news.*
     FROM unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::int[])
         AS w (place, user_id, roles, since, most)
       CROSS JOIN LATERAL (SELECT count(*)::int AS unread FROM (
         SELECT FROM core.notifications n WHERE ${isUnread} AND ${toListener}
         LIMIT ${mostCounted}) AS few) AS counted
       LEFT JOIN LATERAL (
         SELECT n.id, n.template_code AS "templateCode", n.entity_type AS "entityType",
           n.entity_id AS "entityId", n.created_at AS "createdAt"
         FROM core.notifications n
         WHERE n.channel = 'in_app' AND n.status <> 'suppressed' AND n.created_at >= w.since
           AND ${toListener}
         ORDER BY n.created_at, n.id LIMIT w.most) AS news ON true
     ORDER BY w.place, news."createdAt", news.id`,
    [
      listeners.map((_, place) => place),
      listeners.map(({ userId }) => userId),
      listeners.map(({ actor }) => actor.roles.join()),
      listeners.map(({ since }) => new Date(since).toISOString()),
      listeners.map(({ told }) => told.size + mostAtOnce),
    ],
  );

const toListener = isTo('w.user_id', `string_to_array(w.roles, ',')`);
