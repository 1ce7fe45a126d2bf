import { createLinks } from '../../src/models/secretLinks.ts';
import { createActivities } from '../../src/activities/index.ts';
import { withTenant } from '../../src/models/database.ts';
import { queueMail } from '../../src/models/mail.ts';
import { Notification } from '../../src/models/Notification.ts';
import { buildActor, buildCompany, buildSubscription } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';
import type { Mail } from '../support/lifecycle.ts';
import { reportSchedulesInMemory } from '../support/reportSchedules.ts';
import { noClosedRuns } from '../support/closedRuns.ts';
import { noTroubledRuns } from '../support/troubledRuns.ts';
import { noDocuments } from '../support/documents.ts';
import { noWebhooks } from '../support/webhooks.ts';

describe('delivering a notification', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });

  afterAll(() => database.close());

  /** Activities with an outbox of their own, and the one e-mail that a sale has queued. */
  async function prepare(sendMail?: () => Promise<void>) {
    const mails: Mail[] = [];
    const { companyId, id, holder } = await buildSubscription();
    const [queued] = await database.sql<{ id: string }>(
      `SELECT id FROM core.notifications WHERE entity_id = $1 AND channel = 'email'`,
      [id],
    );
    if (!queued) throw new Error('The sale queued no mail');
    const activities = createActivities({
      sendMail: sendMail ?? (async (mail) => void mails.push(mail)),
      closedRuns: noClosedRuns(),
      troubledRuns: noTroubledRuns(),
      openWorkflows: () => Promise.resolve(new Map()),
      replayRun: () => Promise.resolve(undefined),
      reportSchedules: reportSchedulesInMemory(),
      operateRun: () => Promise.reject(new Error('No run here')),
      answerRequest: () => Promise.resolve(),
      mailsPerSecond: 1000,
      links: createLinks({
        publicUrl: 'http://127.0.0.1:3000',
        secretKey: 'a secret of the tests',
      }),
      allowedHosts: [],
      platformDomain: undefined,
      documents: noDocuments(),
      webhooks: noWebhooks(),
    });
    return { activities, mails, holder, order: { companyId, notificationId: queued.id } };
  }

  it('sends one mail when it comes twice', async () => {
    const { activities, mails, holder, order } = await prepare();

    await activities.deliverNotification(order);
    const afterOnce = await ledgerOf(database, order.companyId);
    await activities.deliverNotification(order);

    expect(mails).toMatchObject([{ to: holder.email }]);
    expect(await ledgerOf(database, order.companyId)).toEqual(afterOnce);
    expect(await statusOf(order.notificationId)).toEqual({ status: 'sent', attempts: 1 });
  });

  it('sends nothing to a person whom the company has erased, wherever else they belong', async () => {
    const { activities, mails, holder, order } = await prepare();
    await database.sql('UPDATE platform.memberships SET erased_at = now() WHERE user_id = $1', [
      holder.userId,
    ]);

    await activities.deliverNotification(order);

    expect(mails).toEqual([]);
    expect(await statusOf(order.notificationId)).toEqual({ status: 'suppressed', attempts: 0 });
  });

  it('sends nothing to outsiders while the company is suspended, but to staff and about accounts', async () => {
    const { activities, mails, holder, order } = await prepare();
    const { companyId } = order;
    const staff = await buildActor({ companyId, role: 'call_center' });
    const [forStaff, ofAccount] = await withTenant(companyId, async () => [
      Notification.queue({
        to: { channel: 'email', userId: staff.userId },
        template: 'delivery_failed',
        payload: { notificationId: order.notificationId, template: 'subscription_confirmed' },
        key: `subscription/${order.notificationId}/told/1`,
        about: { type: 'subscription', id: order.notificationId },
      }),
      queueMail({ companyId, to: { address: holder.email }, template: 'password_changed' })
        .entityId,
    ]);
    await database.sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [
      companyId,
    ]);

    for (const notificationId of [order.notificationId, forStaff, ofAccount]) {
      await activities.deliverNotification({ companyId, notificationId: notificationId ?? '' });
    }

    expect(await statusOf(order.notificationId)).toEqual({ status: 'suppressed', attempts: 0 });
    expect(mails.map(({ to, subject }) => [to, subject])).toEqual([
      [staff.email, 'A message could not be delivered'],
      [holder.email, 'Your password was changed'],
    ]);
  });

  it('tells outsiders nothing in the application either, one by one and many at once', async () => {
    const { holder, order } = await prepare();
    const { companyId, notificationId: id } = order;
    const staff = await buildActor({ companyId, role: 'call_center' });
    await database.sql(`UPDATE platform.companies SET status = 'suspended' WHERE id = $1`, [
      companyId,
    ]);
    const message = { payload: {}, about: { type: 'claim', id } };

    await withTenant(companyId, async () => {
      for (const { userId } of [holder, staff]) {
        const to = { channel: 'in_app', userId } as const;
        // One that people may do without, and one that they may not.
        for (const template of ['note_mention', 'claim_approved'] as const) {
          Notification.queue({ ...message, to, template, key: `claim/${id}/${template}/1` });
        }
        const about = { type: 'company', id: companyId };
        const key = `company/${id}/told/1`;
        Notification.queue({ ...message, to, template: 'note_mention', key, about });
      }
      await Notification.queueMany(
        [holder, staff].map(({ userId }) => {
          const to = { userId };
          return { ...message, to, template: 'claim_approved', key: `claim/${id}/many/1` };
        }),
        'a run',
      );
    });

    const writtenTo = ({ userId }: { readonly userId: string }) =>
      database.sql(
        `SELECT event_key AS key, status, sent_at IS NOT NULL AS "isSent", suppressed_because AS because
         FROM core.notifications WHERE recipient_user_id = $1 AND channel = 'in_app'
           AND event_key LIKE '%' || $2 || '%' AND payload = '{}' ORDER BY event_key`,
        [userId, id],
      );
    const sent = { status: 'sent', isSent: true, because: null };
    const held = { status: 'suppressed', isSent: false, because: 'company_suspended' };
    const keys = ['claim_approved', 'many', 'note_mention'].map((what) => `claim/${id}/${what}/1`);
    const aboutCompany = { key: `company/${id}/told/1`, ...sent };
    expect(await writtenTo(staff)).toEqual([
      ...keys.map((key) => ({ key, ...sent })),
      aboutCompany,
    ]);
    expect(await writtenTo(holder)).toEqual([
      ...keys.map((key) => ({ key, ...held })),
      aboutCompany,
    ]);
  });

  it("keeps no mail server's words on a message that was erased while it was sent", async () => {
    const { activities, order } = await prepare(async () => {
      await database.sql(`UPDATE core.notifications SET status = 'suppressed' WHERE id = $1`, [
        order.notificationId,
      ]);
      throw new Error('<kim@home.example>: no such mailbox');
    });

    await activities.deliverNotification(order).catch(() => undefined);

    expect(
      await database.sql('SELECT last_error FROM core.notifications WHERE id = $1', [
        order.notificationId,
      ]),
    ).toEqual([{ last_error: null }]);
  });

  it('names the same Message-ID when the mark of the first try was lost', async () => {
    const { activities, mails, order } = await prepare();

    await activities.deliverNotification(order);
    await database.sql(
      `UPDATE core.notifications SET status = 'queued', sent_at = NULL WHERE id = $1`,
      [order.notificationId],
    );
    await activities.deliverNotification(order);

    expect(mails).toHaveLength(2);
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
  });

  it('is refused five times within a day before it is over, each time without the words', async () => {
    const words = Object.assign(new Error('<kim@home.example>: busy'), { responseCode: 451 });
    const { activities, order } = await prepare(() => Promise.reject(words));

    const refusals: unknown[] = [];
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      refusals.push(await activities.deliverNotification(order).catch((error: unknown) => error));
    }

    const refusal = { type: 'MAIL_REFUSED', message: expect.stringContaining('(451)') };
    expect(refusals).toMatchObject([
      { ...refusal, nonRetryable: false, nextRetryDelay: 5 * 60_000 },
      { ...refusal, nonRetryable: false, nextRetryDelay: 30 * 60_000 },
      { ...refusal, nonRetryable: false, nextRetryDelay: 3 * 3_600_000 },
      { ...refusal, nonRetryable: false, nextRetryDelay: 18 * 3_600_000 },
      { ...refusal, nonRetryable: true },
    ]);
    expect(String(refusals)).not.toContain('kim@home');
    expect(await statusOf(order.notificationId)).toEqual({ status: 'queued', attempts: 5 });
    expect(await lastErrorOf(order.notificationId)).toBe('<kim@home.example>: busy');
  });

  it('is given up once, with one word to the operators', async () => {
    const { activities, mails, order } = await prepare();

    await activities.giveUpNotification(order);
    const afterOnce = await ledgerOf(database, order.companyId);
    await activities.giveUpNotification(order);
    await activities.deliverNotification(order);

    expect(await ledgerOf(database, order.companyId)).toEqual(afterOnce);
    expect(await statusOf(order.notificationId)).toEqual({ status: 'failed', attempts: 0 });
    expect(mails).toEqual([]);
  });

  it('is not given up after it was sent', async () => {
    const { activities, order } = await prepare();
    await activities.deliverNotification(order);
    const sent = await ledgerOf(database, order.companyId);

    await activities.giveUpNotification(order);

    expect(await ledgerOf(database, order.companyId)).toEqual(sent);
  });

  it('does not find the notification of another company', async () => {
    const { activities, mails, order } = await prepare();
    const stranger = await buildCompany();

    const foreign = activities.deliverNotification({ ...order, companyId: stranger.id });

    await expect(foreign).rejects.toThrow('There is no notification');
    expect(mails).toEqual([]);
  });

  const lastErrorOf = async (id: string): Promise<unknown> => {
    const [row] = await database.sql<{ last_error: string }>(
      'SELECT last_error FROM core.notifications WHERE id = $1',
      [id],
    );
    return row?.last_error;
  };

  const statusOf = async (id: string): Promise<unknown> => {
    const [row] = await database.sql(
      'SELECT status, attempts FROM core.notifications WHERE id = $1',
      [id],
    );
    return row;
  };
});
