import { v7 as uuid } from 'uuid';
import { withTenant } from '../../../src/models/database.ts';
import {
  Notification,
  type Recipient,
  type TemplateCode,
} from '../../../src/models/Notification.ts';
import { templateCodes } from '../../../src/rules/notices.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

const path = '/notification-preferences';

let api: TestApi;
let companyId: string;
let ada: Person;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ada = await buildActor({ companyId, role: 'claims_manager' });
});

const choose = (event: TemplateCode, channels: { email?: boolean; in_app?: boolean }) => ({
  preferences: [{ event, email: true, in_app: true, ...channels }],
});

/** One message to each, in one transaction, as they are written. */
async function queued(recipients: readonly Recipient[], template: TemplateCode = 'report_ready') {
  const key = uuid();
  await withTenant(companyId, async () => {
    for (const to of recipients) {
      Notification.queue({
        to,
        template,
        payload: { reportName: 'Claims' },
        key,
        about: { type: 'report', id: uuid() },
      });
    }
  });
  return api.database.sql<{ status: string; suppressed_because: string | null; sent: boolean }>(
    `SELECT status, suppressed_because, sent_at IS NOT NULL AS sent
     FROM core.notifications WHERE starts_with(dedupe_key, $1) ORDER BY id`,
    [key],
  );
}

const subjectsOf = async (person: Person, query: object = {}): Promise<string[]> => {
  const answer = await api.as(person).get('/notifications', query);
  return answer.body.items.map(({ subject }: { subject: string }) => subject);
};

describe('GET /notification-preferences', () => {
  it('names every event as told by both channels, and why some cannot be muted', async () => {
    const { status, body } = await api.as(ada).get(path);

    expect(status).toBe(200);
    expect(body.data.version).toBe(0);
    expect(body.data.preferences.map(({ event }: { event: string }) => event)).toEqual(
      templateCodes,
    );
    expect(body.data.preferences).toEqual(
      expect.arrayContaining([
        { event: 'report_ready', email: true, in_app: true, mandatory: null },
        { event: 'password_changed', email: true, in_app: true, mandatory: 'account' },
        { event: 'premium_due', email: true, in_app: true, mandatory: 'money' },
        { event: 'claim_documents_final', email: true, in_app: true, mandatory: 'deadline' },
        { event: 'claim_denied', email: true, in_app: true, mandatory: 'contract' },
        { event: 'alert_raised', email: true, in_app: true, mandatory: 'escalation' },
      ]),
    );
  });

  it('tells what was muted once and cannot be any more', async () => {
    await api.as(ada).put(path, choose('report_ready', { in_app: false }));
    await api.database.sql(
      `UPDATE core.notification_preferences SET muted = '{"email": [], "in_app": ["alert_raised"]}'
       WHERE user_id = $1`,
      [ada.userId],
    );
    await queued([{ channel: 'in_app', role: 'claims_manager' }], 'alert_raised');

    const { body } = await api.as(ada).get(path);

    expect(body.data.preferences).toContainEqual({
      event: 'alert_raised',
      email: true,
      in_app: true,
      mandatory: 'escalation',
    });
    expect(await subjectsOf(ada)).toHaveLength(1);
  });

  it("shows nobody else's choice, and nothing to a stranger", async () => {
    const neighbour = await buildActor({ companyId });
    await api.as(ada).put(path, choose('report_ready', { email: false }));

    const theirs = await api.as(neighbour).get(path);
    const stranger = await api.visiting(companyId).get(path);

    expect(theirs.body.data.version).toBe(0);
    expect(stranger.status).toBe(401);
  });
});

describe('PUT /notification-preferences', () => {
  it('replaces what was chosen before, with an audit line each time', async () => {
    await api.as(ada).put(path, choose('report_ready', { email: false }));
    const second = await api.as(ada).put(path, choose('note_mention', { in_app: false }));

    expect(second).toMatchObject({ status: 200, body: { data: { version: 2 } } });
    const muted = second.body.data.preferences.filter(
      ({ email, in_app }: { email: boolean; in_app: boolean }) => !email || !in_app,
    );
    expect(muted).toEqual([{ event: 'note_mention', email: true, in_app: false, mandatory: null }]);
    const audit = await api.database.sql(
      `SELECT action, after FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'notification_preference' ORDER BY timestamp`,
      [companyId],
    );
    expect(audit).toEqual([
      { action: 'CREATE', after: { muted: { email: ['report_ready'], in_app: [] } } },
      { action: 'UPDATE', after: { muted: { email: [], in_app: ['note_mention'] } } },
    ]);
  });

  it('refuses to mute what is mandatory, naming the field, and changes nothing', async () => {
    const refused = await api.as(ada).put(path, {
      preferences: [
        { event: 'report_ready', email: false, in_app: true },
        { event: 'claim_overdue', email: false, in_app: false },
      ],
    });

    expect(refused).toMatchObject({
      status: 422,
      body: {
        code: 'VALIDATION_ERROR',
        details: [
          { field: 'preferences.1.email', code: 'MANDATORY' },
          { field: 'preferences.1.in_app', code: 'MANDATORY' },
        ],
      },
    });
    expect((await api.as(ada).get(path)).body.data.version).toBe(0);
  });

  const escalations: readonly TemplateCode[] = [
    'registration_overdue',
    'claim_overdue',
    'claim_approval_overdue',
    'claim_documents_missing',
    'claim_unacknowledged',
    'compliance_policy_overdue',
    'delivery_failed',
    'webhook_failed',
    'webhook_gone',
    'alert_raised',
  ];

  it.each(escalations)('refuses to mute %s, which escalates', async (event) => {
    const refused = await api.as(ada).put(path, choose(event, { in_app: false }));

    expect(refused).toMatchObject({
      status: 422,
      body: { details: [{ code: 'MANDATORY', message: `${event} cannot be muted (escalation)` }] },
    });
  });

  it('refuses unknown events, an event twice, and another version than the present one', async () => {
    const body = choose('report_ready', { email: false });
    const [choice] = body.preferences;

    const unknown = await api
      .as(ada)
      .put(path, { preferences: [{ ...choice, event: 'no_such_event' }] });
    const twice = await api.as(ada).put(path, { preferences: [choice, choice] });
    const ahead = await api.as(ada).put(path, body, { 'If-Match': '"1"' });
    const first = await api.as(ada).put(path, body, { 'If-Match': '"0"' });
    const late = await api.as(ada).put(path, body, { 'If-Match': '"0"' });

    expect(unknown.status).toBe(422);
    expect(twice.body.details).toMatchObject([{ field: 'preferences.1.event', code: 'REPEATED' }]);
    expect(ahead).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
    expect(first.status).toBe(200);
    expect(late).toMatchObject({ status: 409, body: { code: 'VERSION_CONFLICT' } });
  });
});

describe('a muted event', () => {
  const muted = { status: 'suppressed', suppressed_because: 'muted', sent: false };

  it('is written down as suppressed on the muted channel alone, and for that person alone', async () => {
    const neighbour = await buildActor({ companyId });
    await api.as(ada).put(path, choose('report_ready', { email: false }));

    const rows = await queued([
      { channel: 'email', userId: ada.userId },
      { channel: 'in_app', userId: ada.userId },
      { channel: 'email', userId: neighbour.userId },
    ]);

    expect(rows).toEqual([
      muted,
      { status: 'sent', suppressed_because: null, sent: true },
      { status: 'queued', suppressed_because: null, sent: false },
    ]);
  });

  it('is neither shown nor unread in the application, but there for whoever asks', async () => {
    await api.as(ada).put(path, choose('report_ready', { in_app: false }));
    expect(await queued([{ channel: 'in_app', userId: ada.userId }])).toEqual([muted]);

    expect(await subjectsOf(ada)).toEqual([]);
    expect(await subjectsOf(ada, { unread: true })).toEqual([]);
    expect(await subjectsOf(ada, { status: 'suppressed' })).toEqual([
      'Your report "Claims" is ready',
    ]);
    const readAll = await api.as(ada).post('/notifications/read-all');
    expect(readAll.body.data).toEqual({ marked: 0 });
  });

  it('stays there for the other members of the role that it is told', async () => {
    const neighbour = await buildActor({ companyId, role: 'claims_manager' });
    await api.as(ada).put(path, choose('report_ready', { in_app: false }));

    await queued([{ channel: 'in_app', role: 'claims_manager' }]);

    expect(await subjectsOf(ada)).toEqual([]);
    expect(await subjectsOf(neighbour)).toEqual(['Your report "Claims" is ready']);
  });

  it('is told again once it is chosen again', async () => {
    await api.as(ada).put(path, choose('report_ready', { email: false }));
    await api.as(ada).put(path, { preferences: [] });

    const rows = await queued([{ channel: 'email', userId: ada.userId }]);

    expect(rows).toMatchObject([{ status: 'queued' }]);
  });

  it('is muted in the company where it was chosen, and in no other', async () => {
    const elsewhere = await buildCompany();
    await api.as(ada).put(path, choose('report_ready', { email: false }));
    ({ id: companyId } = elsewhere);

    const rows = await queued([{ channel: 'email', userId: ada.userId }]);

    expect(rows).toMatchObject([{ status: 'queued' }]);
  });
});
