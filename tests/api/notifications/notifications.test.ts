import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { withTenant } from '../../../src/models/database.ts';
import { Notification, type Recipient } from '../../../src/models/Notification.ts';
import { comparable, openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

let api: TestApi;
let companyId: string;
let ada: Person;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ada = await buildActor({ companyId });
});

const reminder = { policyNumber: 'POL-1', planName: 'Home', endDate: '2027-01-01' };

/** Queues one message. @returns its id */
const sent = async (to: Recipient, payload: object = reminder): Promise<string> => {
  const key = uuid();
  await withTenant(companyId, async () => {
    Notification.queue({
      to,
      template: 'renewal_reminder',
      payload: { ...payload },
      key,
      about: { type: 'subscription', id: uuid() },
    });
  });
  const [row] = await api.database.sql<{ id: string }>(
    'SELECT id FROM core.notifications WHERE dedupe_key LIKE $1',
    [`${key}%`],
  );
  return row?.id ?? '';
};

const toAda = () => sent({ channel: 'in_app', userId: ada.userId });

const idsOf = (answer: { body: { items: { id: string }[] } }): string[] =>
  answer.body.items.map(({ id }) => id);

const unreadOf = async (actor: Actor) =>
  idsOf(await api.as(actor).get('/notifications', { unread: true }));

const rowOf = async (id: string) => {
  const [row] = await api.database.sql<{ status: string; read_at: Date | null }>(
    'SELECT status, read_at FROM core.notifications WHERE id = $1',
    [id],
  );
  return row;
};

describe('GET /notifications', () => {
  it('is walked by cursor while messages come, each once, and only by its reader', async () => {
    const mine = [await toAda(), await toAda(), await toAda(), await toAda(), await toAda()];
    const bob = await buildActor({ companyId });
    const seen: string[] = [];
    let cursor: string | null | undefined;

    for (let page = 0; page < 5 && cursor !== null; page += 1) {
      const query = { size: 2, ...(cursor && { cursor }) };
      const answer = await api.as(ada).get('/notifications', query);
      seen.push(...idsOf(answer));
      expect(answer.body.pagination).toMatchObject({ total: 5, has_next: seen.length < 5 });
      cursor = answer.body.pagination.next_cursor;
      if (page > 0) continue;
      await toAda();
      const others = { size: 2, cursor };
      expect((await api.as(bob).get('/notifications', others)).status).toBe(422);
      expect((await api.as(ada).get('/notifications', { ...others, unread: true })).status).toBe(
        422,
      );
    }

    expect(cursor).toBeNull();
    expect(seen).toEqual(mine.toReversed());
  });

  it('shows messages to me and to my roles in words, the newest first', async () => {
    const agent = await buildActor({ companyId, role: 'call_center' });
    const mine = await sent({ channel: 'in_app', userId: agent.userId });
    const toRole = await sent({ channel: 'in_app', role: 'call_center' });
    await toAda();
    await sent({ channel: 'in_app', role: 'operator' });

    const answer = await api.as(agent).get('/notifications');

    expect(idsOf(answer)).toEqual([toRole, mine]);
    expect(answer.body.items).toMatchObject([
      { role: 'call_center' },
      {
        template: 'renewal_reminder',
        subject: 'Policy POL-1 ends on 2027-01-01',
        text: expect.stringContaining('Dear Ada Lovelace,'),
        status: 'sent',
        read_at: null,
        entity_type: 'subscription',
      },
    ]);
  });

  it('keeps no name in what it stores', async () => {
    const id = await toAda();
    await api.as(ada).get('/notifications');

    const [row] = await api.database.sql(
      'SELECT row_to_json(n)::text AS text FROM core.notifications n WHERE id = $1',
      [id],
    );

    expect(JSON.stringify(row)).not.toContain('Lovelace');
  });

  it('shows the others when the words of one cannot be made', async () => {
    await sent({ channel: 'in_app', userId: ada.userId }, { planName: 'Home' });
    await toAda();

    const answer = await api.as(ada).get('/notifications');

    expect(answer.body.items).toMatchObject([
      { subject: 'Policy POL-1 ends on 2027-01-01' },
      { subject: 'renewal reminder', text: '' },
    ]);
  });

  it('filters by status, channel and whether I have read it, and pages', async () => {
    const mail = await sent({ channel: 'email', userId: ada.userId });
    const read = await toAda();
    const unread = await toAda();
    await api.as(ada).patch(`/notifications/${read}/read`, {});
    const list = async (query: object) => idsOf(await api.as(ada).get('/notifications', query));

    expect(await list({})).toEqual([unread, read, mail]);
    expect(await list({ status: 'queued' })).toEqual([mail]);
    expect(await list({ status: 'read' })).toEqual([read]);
    expect(await list({ channel: 'in_app' })).toEqual([unread, read]);
    expect(await list({ unread: true })).toEqual([unread]);
    expect(await list({ unread: false })).toEqual([read]);
    expect(await list({ page: 2, size: 2 })).toEqual([mail]);
    expect((await api.as(ada).get('/notifications', { status: 'new' })).status).toBe(422);
    expect((await api.visiting(companyId).get('/notifications')).status).toBe(401);
  });
});

describe('PATCH /notifications/:id/read', () => {
  it('marks mine once, with an audit line', async () => {
    const id = await toAda();

    const first = await api.as(ada).patch(`/notifications/${id}/read`, {});
    const again = await api.as(ada).patch(`/notifications/${id}/read`, {});

    expect(first).toMatchObject({ status: 200, body: { data: { id, status: 'read' } } });
    expect(again.body.data).toEqual(first.body.data);
    const audit = await api.database.sql(
      `SELECT action, actor_id FROM core.audit_logs WHERE entity_id = $1`,
      [id],
    );
    expect(audit).toEqual([{ action: 'UPDATE', actor_id: ada.userId }]);
  });

  it("answers 404 for another's, another role's and another company's, and changes nothing", async () => {
    const mine = await toAda();
    const toRole = await sent({ channel: 'in_app', role: 'operator' });
    const neighbour = api.as(await buildActor({ companyId }));
    const other = await buildCompany();
    const foreign = api.as(await buildActor({ companyId: other.id, role: 'operator' }));
    const unknown = await neighbour.patch(`/notifications/${uuid()}/read`, {});

    for (const answer of [
      await neighbour.patch(`/notifications/${mine}/read`, {}),
      await neighbour.patch(`/notifications/${toRole}/read`, {}),
      await foreign.patch(`/notifications/${mine}/read`, {}),
      await foreign.patch(`/notifications/${toRole}/read`, {}),
    ]) {
      expect(answer.status).toBe(404);
      expect(comparable(answer)).toBe(comparable(unknown));
    }
    const stranger = await api.visiting(companyId).patch(`/notifications/${mine}/read`, {});

    expect(stranger.status).toBe(401);
    for (const id of [mine, toRole]) {
      expect(await rowOf(id)).toEqual({ status: 'sent', read_at: null });
    }
  });

  it('leaves e-mails to their delivery', async () => {
    const mail = await sent({ channel: 'email', userId: ada.userId });

    const refused = await api.as(ada).patch(`/notifications/${mail}/read`, {});

    expect(refused).toMatchObject({ status: 409, body: { code: 'NOT_IN_APP' } });
    expect(await rowOf(mail)).toEqual({ status: 'queued', read_at: null });
  });
});

describe('POST /notifications/read-all', () => {
  it('marks all of mine and my roles, and nobody else’s', async () => {
    const neighbour = await buildActor({ companyId });
    await sent({ channel: 'in_app', role: 'policyholder' });
    const theirs = await sent({ channel: 'in_app', userId: neighbour.userId });
    await toAda();
    const mail = await sent({ channel: 'email', userId: ada.userId });

    const first = await api.as(ada).post('/notifications/read-all');
    const again = await api.as(ada).post('/notifications/read-all');
    const stranger = await api.visiting(companyId).post('/notifications/read-all');

    expect([first.body.data, again.body.data]).toEqual([{ marked: 2 }, { marked: 0 }]);
    expect(stranger.status).toBe(401);
    expect(await unreadOf(ada)).toEqual([]);
    expect(await unreadOf(neighbour)).toEqual([theirs]);
    expect(await rowOf(mail)).toMatchObject({ status: 'queued' });
  });
});
