import { setTimeout as pause } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { sampleOf } from '../../src/activities/companyTexts.ts';
import { notificationActivities } from '../../src/activities/notifications.ts';
import { runInContext } from '../../src/context.ts';
import { withTenant } from '../../src/models/database.ts';
import { Notification, type Recipient, type TemplateCode } from '../../src/models/Notification.ts';
import { createLinks } from '../../src/models/secretLinks.ts';
import type { MailTimes } from '../../src/rules/mailTimes.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Mail } from '../support/lifecycle.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

const overnight = { quietFromHour: 22, quietUntilHour: 7 } as const;
const daily = { digest: 'daily' } as const;
const night = Date.parse('2037-01-10T23:30Z');
const morning = Date.parse('2037-01-11T07:00Z');

describe('mail that can wait', () => {
  let database: TestDatabase;
  let mails: Mail[];
  let clock: number;
  let companyId: string;
  let ada: Person;
  let isRefused: boolean;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(() => {
    mails = [];
    clock = night;
    isRefused = false;
  });

  const activities = notificationActivities({
    sendMail: async (mail) => {
      if (isRefused) throw new Error('busy');
      mails.push(mail);
    },
    mailsPerSecond: 1000,
    now: () => clock,
    links: createLinks({ publicUrl: 'http://127.0.0.1:3000', secretKey: 'a secret of the tests' }),
  });

  async function open(notifications: Partial<MailTimes>): Promise<void> {
    ({ id: companyId } = await buildCompany({ timeZone: 'UTC', settings: { notifications } }));
    ada = await buildActor({ companyId, role: 'claims_manager' });
  }

  /** As of an hour before the night. @returns its id */
  async function queued(
    template: TemplateCode = 'report_ready',
    to: Recipient = { channel: 'email', userId: ada.userId },
    name = 'Claims',
    others: Readonly<Record<string, unknown>> = {},
    workflowId?: string,
  ): Promise<string> {
    const about = { type: 'report', id: uuid() };
    const id = await withTenant(companyId, async () =>
      Notification.queue({
        to,
        template,
        payload: { ...others, reportName: name },
        key: uuid(),
        about,
        workflowId,
      }),
    );
    await database.sql('UPDATE core.notifications SET created_at = $2 WHERE id = $1', [
      id,
      new Date(night - 3_600_000),
    ]);
    return id;
  }

  const deliver = (notificationId: string, mayWait = true) =>
    activities.deliverNotification({ companyId, notificationId, mayWait });

  /** What a keeper of many rows has queued. */
  const deliverOf = (workflowId: string) =>
    new MockActivityEnvironment().run(() =>
      activities.deliverQueued({ companyId, workflowId, at: clock }),
    );
  const nextOf = (workflowId: string) =>
    withTenant(companyId, () => Notification.nextTryOf(workflowId));

  /** None of them can write before all have read what they want to. */
  async function atOnce(ids: readonly string[]): Promise<unknown[]> {
    await database.sql('BEGIN');
    await database.sql('LOCK TABLE core.notifications IN SHARE MODE');
    const all = Promise.all(ids.map((id) => deliver(id)));
    for (let waiting = 0; waiting < ids.length; await pause(5)) {
      const [locks] = await database.sql<{ count: number }>(
        `SELECT count(*)::int FROM pg_locks WHERE NOT granted AND database =
           (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      waiting = locks?.count ?? 0;
    }
    await database.sql('COMMIT');
    return all;
  }

  const rows = (...ids: string[]) =>
    database.sql<{ status: string; attempts: number; digest_id: string | null }>(
      `SELECT status, attempts, digest_id FROM core.notifications WHERE id = ANY ($1)
       ORDER BY array_position($1::uuid[], id)`,
      [ids],
    );

  const digests = () =>
    database.sql<{ id: string; payload: { count: number }; promised: number }>(
      `SELECT n.id, n.payload, (SELECT count(*)::int FROM core.outbox o
         WHERE o.entity_id = n.id AND o.workflow_type = 'notificationDelivery') AS promised
       FROM core.notifications n
       WHERE company_id = $1 AND template_code = 'notification_digest' ORDER BY id`,
      [companyId],
    );

  describe('in quiet hours', () => {
    beforeEach(() => open(overnight));

    it('is held until they end, as often as it is asked for, and then sent once', async () => {
      const id = await queued();

      expect(await deliver(id)).toEqual({ until: morning });
      expect(await deliver(id)).toEqual({ until: morning });
      expect([mails.length, await rows(id)]).toMatchObject([
        0,
        [{ status: 'queued', attempts: 0 }],
      ]);

      clock = morning;
      expect(await deliver(id)).toBeUndefined();
      await deliver(id);
      expect([mails.length, await rows(id)]).toMatchObject([1, [{ status: 'sent', attempts: 1 }]]);
    });

    it('is held for whoever has no account too', async () => {
      const id = await queued('report_ready', { channel: 'email', address: 'kim@home.example' });

      expect(await deliver(id)).toEqual({ until: morning });
    });

    it.each<TemplateCode>(['password_changed', 'alert_raised'])(
      'is not %s, which binds or waits for somebody to act',
      async (template) => {
        const id = await withTenant(companyId, async () =>
          Notification.queue({
            to: { channel: 'email', userId: ada.userId },
            template,
            payload: { what: 'drift', kind: 'drift', count: 1, subjects: 'x', hasMore: false },
            key: uuid(),
            about: { type: 'company', id: companyId },
          }),
        );

        expect(await deliver(id)).toBeUndefined();

        expect(mails).toHaveLength(1);
      },
    );

    it('is not held for a run that would not come again', async () => {
      const id = await queued();

      expect(await deliver(id, false)).toBeUndefined();

      expect(mails).toHaveLength(1);
    });

    it('of a keeper of many is held, and is its next when they end', async () => {
      const keeper = `acknowledgement/${companyId}/${uuid()}`;
      const id = await queued('report_ready', undefined, 'Claims', {}, keeper);

      await deliverOf(keeper);
      expect([mails, await nextOf(keeper)]).toEqual([[], new Date(morning)]);

      clock = morning;
      await deliverOf(keeper);
      expect([mails.length, await rows(id)]).toMatchObject([1, [{ status: 'sent' }]]);
      expect(await nextOf(keeper)).toBeUndefined();
    });

    it('is held again where the mail server refused it by day', async () => {
      clock = night - 7_200_000;
      isRefused = true;
      const id = await queued();
      await expect(deliver(id)).rejects.toMatchObject({ type: 'MAIL_REFUSED' });

      clock = night;

      expect(await deliver(id)).toEqual({ until: morning });
    });
  });

  describe('for a digest', () => {
    beforeEach(() => open(daily));
    const eight = Date.parse('2037-01-11T08:00Z');

    it('goes in one mail with all that waits for the person, once', async () => {
      const neighbour = await buildActor({ companyId });
      const mine = [
        await queued('report_ready', undefined, 'Claims'),
        await queued('report_ready', undefined, 'Renewals'),
        await queued('report_ready', undefined, 'Audit'),
      ];
      const theirs = await queued('report_ready', { channel: 'email', userId: neighbour.userId });
      for (const id of mine) expect(await deliver(id)).toEqual({ until: eight });

      clock = eight;
      const asked = await atOnce(mine);
      const [digest, ...others] = await digests();
      await deliver(digest?.id ?? '');
      await deliver(digest?.id ?? '');

      expect(asked).toEqual([undefined, undefined, undefined]);
      expect([digest?.payload, digest?.promised, others]).toEqual([{ count: 3 }, 1, []]);
      expect(await rows(...mine, theirs)).toMatchObject([
        ...mine.map(() => ({ status: 'sent', digest_id: digest?.id })),
        { status: 'queued', digest_id: null },
      ]);
      expect(mails).toHaveLength(1);
      const [{ to, subject, text } = { to: '', subject: '', text: '' }] = mails;
      expect([to, subject]).toEqual([ada.email, expect.stringMatching(/: 3 messages of the day$/)]);
      const places = ['Claims', 'Renewals', 'Audit'].map((name) => text.indexOf(name));
      expect(places.every((place) => place > 0)).toBe(true);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    });

    it('goes in as many as it takes', async () => {
      const ids: string[] = [];
      for (let n = 0; n < 102; n += 1) ids.push(await queued());
      clock = eight;

      for (const id of ids) expect(await deliver(id)).toBeUndefined();

      expect((await digests()).map(({ payload }) => payload.count)).toEqual([100, 2]);
      expect((await rows(...ids)).every(({ status }) => status === 'sent')).toBe(true);
    });

    it('is not a mail to an address, a letter, or what was tried before', async () => {
      clock = eight;
      const toAddress = await queued('report_ready', {
        channel: 'email',
        address: 'kim@home.example',
      });
      const person = { channel: 'email', userId: ada.userId } as const;
      const letter = await queued('payment_sent', person, '', sampleOf('payment_sent'));
      const tried = await queued();
      isRefused = true;
      await deliver(tried, false).catch(() => undefined);
      isRefused = false;

      await deliver(toAddress);
      await deliver(letter);
      await deliver(tried);

      expect(mails).toHaveLength(3);
      expect(await digests()).toEqual([]);
    });

    it('of a keeper of many is left to a run of its own', async () => {
      const keeper = `acknowledgement/${companyId}/${uuid()}`;
      await queued('report_ready', undefined, 'Claims', {}, keeper);
      clock = eight;

      await runInContext({ requestId: 'a wave', workflowId: keeper }, () => deliverOf(keeper));
      await deliverOf(keeper);

      expect(mails).toEqual([]);
      expect(await digests()).toMatchObject([{ payload: { count: 1 }, promised: 1 }]);
      expect(await nextOf(keeper)).toBeUndefined();
    });

    it('is nothing for whoever was erased', async () => {
      const id = await queued();
      await database.sql('UPDATE platform.memberships SET erased_at = now() WHERE user_id = $1', [
        ada.userId,
      ]);

      expect(await deliver(id)).toBeUndefined();

      expect([mails, await digests(), await rows(id)]).toMatchObject([
        [],
        [],
        [{ status: 'suppressed' }],
      ]);
    });

    it('says what it can where the words of one message are missing', async () => {
      const broken = await queued('note_mention');
      const whole = await queued('report_ready', undefined, 'Renewals');
      clock = eight;

      await deliver(whole);
      const [digest] = await digests();
      await deliver(digest?.id ?? '');

      expect(await rows(broken, whole)).toMatchObject([{ status: 'sent' }, { status: 'sent' }]);
      expect(mails[0]?.text).toContain('* note mention');
      expect(mails[0]?.text).toContain('Renewals');
    });
  });

  describe('about documents', () => {
    const document = sampleOf('acknowledgement_reminder');
    const hour = 3_600_000;

    /** By the keeper of a document of its own. */
    async function told(
      template: TemplateCode = 'acknowledgement_reminder',
      to?: Recipient,
      name?: string,
    ) {
      const keeper = `acknowledgement/${companyId}/${uuid()}`;
      const id = await queued(template, to, name, { ...document, ...sampleOf(template) }, keeper);
      return { keeper, id };
    }

    it.each(['with an account', 'without one'])(
      'goes once, and then with all else that comes within hours, to a person %s',
      async (kind) => {
        await open({});
        const to: Recipient = kind.startsWith('with an')
          ? { channel: 'email', userId: ada.userId }
          : { channel: 'email', address: 'kim@home.example' };
        await deliverOf((await told('acknowledgement_reminder', to)).keeper);
        const first = mails.length;
        const all = [];
        for (let n = 0; n < 19; n += 1) all.push(await told('acknowledgement_reminder', to));

        await Promise.all(all.map(({ keeper }) => deliverOf(keeper)));
        const later = await Promise.all(all.map(({ keeper }) => nextOf(keeper)));
        clock += 4 * hour;
        await Promise.all(all.map(({ keeper }) => deliverOf(keeper)));
        const [digest, ...others] = await digests();
        await deliver(digest?.id ?? '');

        expect(first).toBe(1);
        expect(later.filter((at) => at?.getTime() === clock)).toHaveLength(19);
        expect([digest?.payload, others]).toEqual([{ count: 19 }, []]);
        expect(mails).toHaveLength(2);
        expect((await rows(...all.map(({ id }) => id))).map(({ status }) => status)).toEqual(
          all.map(() => 'sent'),
        );
      },
    );

    it('goes as it is where it alone has waited, and at once where it is of another kind', async () => {
      await open({});
      await deliverOf((await told()).keeper);
      await deliverOf((await told('exemption_asked')).keeper);
      const second = await told();
      await deliverOf(second.keeper);
      const before = mails.length;

      clock += 4 * hour;
      await deliverOf(second.keeper);

      expect([before, mails.length, await digests()]).toEqual([2, 3, []]);
    });

    it('goes by itself where the company gathers nothing', async () => {
      await open({ gatherHours: 0 });

      for (let n = 0; n < 3; n += 1) await deliverOf((await told()).keeper);

      expect(mails).toHaveLength(3);
    });

    it('goes though the worker that had let it go died before it was sent', async () => {
      await open({});
      const { id, keeper } = await told();
      await database.sql('UPDATE core.notifications SET let_go_at = $2 WHERE id = $1', [
        id,
        new Date(clock),
      ]);

      await deliverOf(keeper);

      expect(mails).toHaveLength(1);
    });

    it('waits for the end of the quiet hours', async () => {
      await open(overnight);
      const { keeper } = await told();

      await deliverOf(keeper);

      expect([mails, await nextOf(keeper)]).toEqual([[], new Date(morning)]);
    });
  });
});
