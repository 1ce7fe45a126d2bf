import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 as uuid } from 'uuid';
import { eventText } from '../../../src/api/notifications/present.ts';
import {
  createNotificationStreams,
  type NotificationStreams,
} from '../../../src/commands/notificationStreams.ts';
import { createTokens } from '../../../src/commands/tokens.ts';
import { readConfig } from '../../../src/config.ts';
import { flush, withTenant } from '../../../src/models/database.ts';
import { Notification, type Recipient } from '../../../src/models/Notification.ts';
import type { TemplateCode } from '../../../src/rules/notices.ts';
import { openSession, openTestApi, type TestApi } from '../../support/api.ts';
import { openApiProcess } from '../../support/apiProcess.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { listenTo, saidIn, type Listening } from '../../support/listening.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

const streamPath = '/notifications/stream';
const stream = { Accept: 'text/event-stream' };

// What is never said, or never ends, fails by it.
jest.setTimeout(20_000);

let api: TestApi;
let companyId: string;
let ada: Person;
let opened: Listening[];

beforeAll(async () => {
  api = await openTestApi();
}, 60_000);
afterAll(() => api.close());
beforeEach(async () => {
  opened = [];
  ({ id: companyId } = await buildCompany());
  ada = await buildActor({ companyId, role: 'claims_manager' });
});
afterEach(() => opened.forEach((each) => each.close()));

async function listen(
  person: Person = ada,
  headers: Record<string, string> = {},
): Promise<Listening> {
  const listening = await api.as(person).listen(streamPath, headers);
  opened.push(listening);
  return listening;
}

/** What was said by the time that it was so much; less where that takes too long. */
async function heard({ said }: Pick<Listening, 'said'>, most: number) {
  const deadline = performance.now() + 8000;
  while (said().length < most && performance.now() < deadline) await pause(20);
  return said();
}

/** A stream that has begun, and says how many are unread. */
async function begun(person: Person = ada): Promise<Listening> {
  const listening = await listen(person);
  await heard(listening, 1);
  return listening;
}

/** Within `withTenant`. @returns its id */
const queue = (
  to: Recipient = { channel: 'in_app', userId: ada.userId },
  template: TemplateCode = 'report_ready',
): string =>
  Notification.queue({
    to,
    template,
    payload: { reportName: 'Claims of Ada Lovelace' },
    key: uuid(),
    about: { type: 'report', id: uuid() },
  });

const told = (to?: Recipient, template?: TemplateCode): Promise<string> =>
  withTenant(companyId, async () => queue(to, template));

const toRole = { channel: 'in_app', role: 'claims_manager' } as const;

/** As if it had been written so long ago. */
const writtenBefore = (id: string, interval: string) =>
  api.database.sql(
    'UPDATE core.notifications SET created_at = now() - $2::interval WHERE id = $1',
    [id, interval],
  );

/** A position of so long ago. */
const positionBefore = (milliseconds: number): string => uuid({ msecs: Date.now() - milliseconds });

describe('GET /notifications/stream', () => {
  it('tells what comes, with ids alone and how many are unread', async () => {
    await told();
    const listening = await listen(ada, { 'Accept-Encoding': 'gzip' });
    expect(await heard(listening, 1)).toEqual([1]);

    const toHer = await told();
    await heard(listening, 2);
    const toHers = await told(toRole);
    await heard(listening, 3);

    const { headers } = listening.response;
    const type = headers.get('content-type');
    expect([type, headers.get('cache-control'), headers.get('content-encoding')]).toEqual([
      'text/event-stream; charset=utf-8',
      'no-store, no-transform',
      null,
    ]);
    expect(listening.said()).toEqual([1, toHer, toHers]);
    const [, , , last = ''] = listening.text().split('\n\n');
    const [id, event, data = ''] = last.split('\n');
    expect([id, event]).toEqual([`id: ${toHers}`, 'event: notification']);
    expect(JSON.parse(data.replace('data: ', ''))).toEqual({
      id: toHers,
      template: 'report_ready',
      entity_type: 'report',
      entity_id: expect.any(String),
      created_at: expect.any(String),
      unread_count: 3,
    });
    expect(listening.text()).not.toContain('Lovelace');
  });

  it('tells nobody what is for others, by e-mail, or muted', async () => {
    const neighbour = await buildActor({ companyId, role: 'adjuster' });
    await api.as(ada).put('/notification-preferences', {
      preferences: [{ event: 'note_mention', email: true, in_app: false }],
    });
    const listening = await begun();

    await told({ channel: 'in_app', userId: neighbour.userId });
    await told({ channel: 'in_app', role: 'adjuster' });
    await told({ channel: 'email', userId: ada.userId });
    await told(undefined, 'note_mention');
    await told(toRole, 'note_mention');
    const last = await told();

    expect(await heard(listening, 2)).toEqual([0, last]);
    expect(listening.text()).toContain('"unread_count":1}');
  });

  it('tells nobody what another company is told', async () => {
    const { id: elsewhere } = await buildCompany();
    const stranger = await buildActor({ companyId: elsewhere, role: 'claims_manager' });
    const [ours, theirs] = [await begun(), await begun(stranger)];

    const id = await told(toRole);
    await heard(ours, 2);
    const [other, hers] = await withTenant(elsewhere, async () => [
      queue(toRole),
      // To a person who is not of that company.
      queue({ channel: 'in_app', userId: ada.userId }),
    ]);
    await heard(theirs, 2);
    const last = await told();
    await heard(ours, 3);

    expect(ours.said()).toEqual([0, id, last]);
    expect(theirs.said()).toEqual([0, other]);
    expect(ours.text()).not.toContain(hers);
  });

  it('tells each of those who listen, once', async () => {
    const neighbour = await buildActor({ companyId, role: 'claims_manager' });
    const both = [await begun(), await begun(neighbour)];

    const ids: string[] = [];
    for (let n = 1; n <= 5; n += 1) {
      ids.push(await told(toRole));
      // Each look finds again what was written in the last half minute.
      for (const each of both) await heard(each, n + 1);
    }

    for (const each of both) expect(each.said()).toEqual([0, ...ids]);
  });

  it('tells what was written before a look and committed after it', async () => {
    const listening = await begun();
    let late = '';
    let commit = (): void => undefined;
    const open = withTenant(companyId, async () => {
      late = queue();
      await flush();
      await new Promise<void>((resolve) => (commit = resolve));
    });
    while (late === '') await pause(5);
    const early = await told();
    await heard(listening, 2);

    commit();
    await open;

    expect(await heard(listening, 3)).toEqual([0, early, late]);
  });

  it('tells whoever comes back all that was missed, in its order, and none of it twice', async () => {
    const last = await told();
    await writtenBefore(last, '3 hours');
    const missed = await withTenant(companyId, async () =>
      Array.from({ length: 250 }, () => queue()),
    );
    await api.database.sql(
      `UPDATE core.notifications SET created_at = now() - make_interval(
         secs => array_length($1::uuid[], 1) - array_position($1::uuid[], id)) * 10
       WHERE id = ANY ($1)`,
      [missed],
    );

    const back = await listen(ada, { 'Last-Event-ID': positionBefore(7_200_000) });

    expect(await heard(back, 250)).toEqual(missed);
    await told();
    expect((await heard(back, 251)).slice(0, 250)).toEqual(missed);
  });

  it('tells very many that were written at once', async () => {
    const position = uuid();
    const ids = await withTenant(companyId, async () => Array.from({ length: 250 }, () => queue()));

    const back = await listen(ada, { 'Last-Event-ID': position });

    expect(await heard(back, 250)).toEqual(ids);
  });

  it('can be resumed at the position at which it began', async () => {
    await writtenBefore(await told(), '1 hour');
    const first = await begun();
    const [position = ''] = /^id: .*$/m.exec(first.text()) ?? [];
    first.close();
    const missed = await told();

    const back = await listen(ada, { 'Last-Event-ID': position.replace('id: ', '') });

    expect(await heard(back, 1)).toEqual([missed]);
  });

  it("tells nobody more by the id of another's message", async () => {
    const neighbour = await buildActor({ companyId });
    const theirs = await told({ channel: 'in_app', userId: neighbour.userId });
    const hers = await told();

    const back = await listen(ada, { 'Last-Event-ID': theirs });

    expect(await heard(back, 1)).toEqual([hers]);
  });

  it.each(["' OR true", '17', '2b1f0c5e-6d3a-4c58-9d0e-7a1b2c3d4e5f'])(
    'refuses %p, which is the id of no event',
    async (id) => {
      const refused = await api.as(ada).get(streamPath, {}, { ...stream, 'Last-Event-ID': id });

      expect(refused).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    },
  );

  it('says so when messages are read elsewhere', async () => {
    await told();
    const listening = await begun();

    await api.as(ada).post('/notifications/read-all');

    expect(await heard(listening, 2)).toEqual([1, 0]);
  });

  it('ends within five seconds of the session, wherever that was ended', async () => {
    const listening = await begun();
    const since = performance.now();

    await api.database.sql(
      'UPDATE platform.refresh_tokens SET revoked_at = now() WHERE user_id = $1',
      [ada.userId],
    );
    await listening.ended;

    expect(performance.now() - since).toBeLessThan(5000);
  });

  it('ends within five seconds of the access token', async () => {
    const config = readConfig({ DATABASE_URL: api.database.apiUrl });
    const short = createTokens({ ...config, jwt: { ...config.jwt, accessMinutes: 2 / 60 } });
    const since = performance.now();
    const { token } = await openSession(short, ada);

    const listening = await api.nowhere.listen(streamPath, { Authorization: `Bearer ${token}` });
    await listening.ended;

    expect(listening.said()).toEqual([0]);
    expect(performance.now() - since).toBeLessThan(7000);
  });

  it('ends when roles change, and begins anew with the new ones', async () => {
    const listening = await begun();

    await api.database.sql(`UPDATE platform.memberships SET role = 'hr' WHERE user_id = $1`, [
      ada.userId,
    ]);
    await listening.ended;

    const again = await begun();
    await told(toRole);
    const toHr = await told({ channel: 'in_app', role: 'hr' });
    expect(await heard(again, 2)).toEqual([0, toHr]);
  });

  it('is opened five times by one person, and again when one has gone', async () => {
    for (let n = 0; n < 5; n += 1) await begun();

    const refused = await api.as(ada).get(streamPath, {}, stream);
    expect(refused).toMatchObject({ status: 429, body: { code: 'TOO_MANY_STREAMS' } });
    expect(refused.headers['retry-after']).toBe('5');

    opened[0]?.close();
    let again = await listen();
    while (again.response.status === 429) {
      await pause(20);
      again = await listen();
    }
    expect(again.response.status).toBe(200);
  });

  it('refuses strangers, keys, and whoever accepts something else', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const key = await api
      .as(admin)
      .post('/api-keys', { name: 'Reader', scopes: ['category:write'] });

    const stranger = await api.visiting(companyId).get(streamPath, {}, stream);
    const byKey = await api.nowhere.get(
      streamPath,
      {},
      {
        ...stream,
        'X-API-Key': key.body.data.key,
      },
    );
    const page = await api.as(ada).get(streamPath);

    expect(stranger.status).toBe(401);
    expect(byKey.status).toBe(403);
    expect(page).toMatchObject({ status: 406, body: { code: 'NOT_ACCEPTABLE' } });
  });

  it('takes one connection to the database, and a new one when that is lost', async () => {
    const listeners = async () =>
      api.database.sql<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
         WHERE application_name = 'surety-streams' AND datname = current_database()`,
      );
    const streams = [await begun(), await begun(), await begun()];
    const [one, ...others] = await listeners();

    await api.database.sql('SELECT pg_terminate_backend($1)', [one?.pid]);
    const id = await told();
    for (const each of streams) await heard(each, 2);

    expect(others).toEqual([]);
    for (const each of streams) expect(each.said()).toEqual([0, id]);
    expect(await listeners()).toEqual([{ pid: expect.any(Number) }]);
  });
});

describe('the streams of a process', () => {
  let running: NotificationStreams[];
  beforeEach(() => void (running = []));
  afterEach(async () => {
    for (const each of running) await each.stop();
  });

  const start = (
    options: Partial<Parameters<typeof createNotificationStreams>[0]> = {},
  ): NotificationStreams => {
    const streams = createNotificationStreams({
      sessions: { isStill: async () => true },
      url: api.database.apiUrl,
      log: pino({ level: 'silent' }),
      inWords: eventText,
      ...options,
    });
    running.push(streams);
    return streams;
  };
  const asked = {
    lastEventId: undefined,
    get endsAt() {
      return new Date(Date.now() + 60_000);
    },
  };
  const closing = (readable: Readable): Promise<unknown> =>
    new Promise((resolve) => readable.once('close', resolve));

  it('are bounded over all people', async () => {
    const neighbour = await buildActor({ companyId });
    const streams = start({ mostOfAll: 1 });
    const first = streams.open(ada, asked);

    expect(() => streams.open(neighbour, asked)).toThrow(
      expect.objectContaining({ status: 503, code: 'SERVICE_UNAVAILABLE' }),
    );
    const closed = closing(first);
    first.destroy();
    await closed;
    expect(streams.open(neighbour, asked).destroyed).toBe(false);
  });

  it('say now and then that they are there', async () => {
    const words = start({ heartbeatMs: 300 }).open(ada, asked).setEncoding('utf8');

    let said = '';
    for await (const chunk of words) {
      said += String(chunk);
      if (said.endsWith('\n\n:\n\n:\n\n')) break;
    }

    expect(saidIn(said)).toEqual([0]);
  });

  it('keep one look for whoever does not take it, and then let go of them', async () => {
    await withTenant(companyId, async () => Array.from({ length: 1000 }, () => queue()));
    const slow = start({ heartbeatMs: 2000 }).open(ada, {
      ...asked,
      lastEventId: positionBefore(60_000),
    });
    const closed = closing(slow);
    slow.read();

    let most = 0;
    const measuring = setInterval(() => (most = Math.max(most, slow.readableLength)), 5);
    await closed;
    clearInterval(measuring);

    // A hundred messages, and not the others.
    expect(most).toBeGreaterThan(20_000);
    expect(most).toBeLessThan(40_000);
  });

  it('end when nobody can say whether their sessions go on', async () => {
    const failing = start({ sessions: { isStill: () => Promise.reject(new Error('away')) } });
    const silent = start({ sessions: { isStill: () => new Promise(() => undefined) } });

    for (const each of [failing.open(ada, asked), silent.open(ada, asked)]) {
      await closing(each.resume());
      expect(each.readableEnded).toBe(true);
    }
  });

  it('end at once when it is told to stop', async () => {
    const logs = mkdtempSync(path.join(os.tmpdir(), 'surety-streams-'));
    const program = await openApiProcess('streams', { database: api.database, logs });
    await program.restart();
    const config = readConfig({
      DATABASE_URL: api.database.apiUrl,
      PUBLIC_URL: 'http://surety.test',
    });
    const { token } = await openSession(createTokens(config), ada);
    const listening = await listenTo(`${program.url}/api/v1${streamPath}`, {
      Authorization: `Bearer ${token}`,
    });
    await heard(listening, 1);

    const since = performance.now();
    const stopped = program.stop();
    await listening.ended;
    const ended = performance.now() - since;
    await stopped;
    rmSync(logs, { recursive: true });

    expect(listening.said()).toEqual([0]);
    expect(ended).toBeLessThan(1500);
    // Streams that had to be cut off would take 15 s.
    expect(performance.now() - since).toBeLessThan(10_000);
  }, 60_000);
});

describe('GET /notifications/unread-count', () => {
  it('counts what one has not read, as oneself and in a role', async () => {
    await told();
    await told(toRole);
    await told({ channel: 'email', userId: ada.userId });
    await told({ channel: 'in_app', role: 'hr' });
    const read = await told();
    await api.as(ada).patch(`/notifications/${read}/read`, {});

    const answer = await api.as(ada).get('/notifications/unread-count');

    expect(answer).toMatchObject({ status: 200, body: { data: { unread_count: 2 } } });
  });
});
