import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { acknowledgementActivities } from '../../src/activities/acknowledgements.ts';
import { webhookActivities } from '../../src/activities/webhooks.ts';
import { createWebhookEndpoints, type NewSecret } from '../../src/commands/webhookEndpoints.ts';
import { outgoingWebhooks } from '../../src/gateways/outgoingWebhooks.ts';
import { signatureOf } from '../../src/gateways/webhookSignature.ts';
import { withTenant } from '../../src/models/database.ts';
import { Notification, type Recipient } from '../../src/models/Notification.ts';
import {
  listeningCompanies,
  promiseWebhooks,
  tellEndpoints,
} from '../../src/models/webhookStart.ts';
import type { TemplateCode } from '../../src/rules/notices.ts';
import { addDays, dateAt, hourOfDay } from '../../src/rules/calendar.ts';
import { webhookSealer } from '../../src/secrets.ts';
import { hire } from '../support/acknowledgements.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';
import { openReceiver, testSealer, type Receiver } from '../support/webhooks.ts';

type Person = Awaited<ReturnType<typeof buildActor>>;

describe('the webhooks of a company', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let companyId: string;
  let admin: Person;
  let endpoint: NewSecret;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    receiver = await openReceiver();
    ({ id: companyId } = await buildCompany());
    admin = await buildActor({ companyId, role: 'tenant_admin' });
    endpoint = await listen(['report_ready', 'alert_raised']);
  });
  afterEach(() => receiver.close());

  const endpoints = () =>
    createWebhookEndpoints({
      config: {
        webhooks: { secretKey: 'a secret of the tests', allowedOrigins: [receiver.origin] },
      },
      dispatch: () => {},
    });
  const listen = (events: readonly TemplateCode[]): Promise<NewSecret> =>
    as(admin, () => endpoints().create(admin, { url: `${receiver.origin}/hook`, events }));
  const activities = () =>
    webhookActivities({
      webhooks: {
        send: outgoingWebhooks({ allowedOrigins: [receiver.origin], timeoutMs: 300 }),
        sealer: testSealer,
      },
    });

  const everybody = (): Recipient[] => [
    { channel: 'email', userId: admin.userId },
    { channel: 'in_app', userId: admin.userId },
    { channel: 'in_app', role: 'tenant_admin' },
  ];
  /** One event, told to several. @returns the report's id */
  async function happen(template: TemplateCode = 'report_ready'): Promise<string> {
    const id = uuid();
    await withTenant(companyId, async () => {
      for (const to of everybody()) {
        Notification.queue({
          to,
          template,
          payload: { reportName: 'Claims of Ada Lovelace' },
          key: `report/${id}/${template}/1`,
          about: { type: 'report', id },
        });
      }
    });
    return id;
  }

  const deliveries = () =>
    database.sql<{ id: string; status: string; attempts: number; last_status: number | null }>(
      `SELECT id, status, attempts, last_status, last_error, entity_type, entity_id, event,
         next_attempt_at IS NOT NULL AS waits
       FROM core.webhook_deliveries WHERE company_id = $1 ORDER BY id`,
      [companyId],
    );

  /** One event that is promised. */
  async function promised() {
    await happen();
    await promiseWebhooks(companyId);
    const [delivery] = await deliveries();
    if (!delivery) throw new Error('Nothing was promised');
    return { companyId, deliveryId: delivery.id, round: 1 };
  }

  describe('that something has happened', () => {
    it('are promised to be told once, however many recipients heard of it', async () => {
      const id = await happen();
      await happen('note_mention');

      const first = await promiseWebhooks(companyId);
      const second = await promiseWebhooks(companyId);

      expect(first.starts).toHaveLength(1);
      expect(second.starts).toEqual([]);
      expect(await deliveries()).toMatchObject([
        { status: 'queued', event: 'report_ready', entity_id: id },
      ]);
      const owed = await database.sql(
        `SELECT workflow_type, entity_type FROM core.outbox
         WHERE company_id = $1 AND dispatched_at IS NULL`,
        [companyId],
      );
      expect(owed).toEqual([{ workflow_type: 'webhookDelivery', entity_type: 'webhook_delivery' }]);
    });

    it('are promised once by several processes at a time', async () => {
      await happen();

      const rounds = await Promise.all(Array.from({ length: 4 }, () => promiseWebhooks(companyId)));

      expect(rounds.flatMap(({ starts }) => starts)).toHaveLength(1);
    });

    it('are not lost while nobody looked, nor where a transaction was long open', async () => {
      await happen();
      await database.sql(
        `UPDATE core.notifications SET created_at = now() - interval '2 days' WHERE company_id = $1`,
        [companyId],
      );
      await database.sql(
        `UPDATE core.webhook_endpoints SET heard_from = now() - interval '3 days',
           swept_until = now() - interval '2 days' + interval '4 minutes' WHERE company_id = $1`,
        [companyId],
      );

      await promiseWebhooks(companyId);

      expect(await deliveries()).toHaveLength(1);
    });

    it('are looked for a quarter of an hour at a time, at once up to the present', async () => {
      await happen();
      await database.sql(
        `UPDATE core.notifications SET created_at = now() - interval '20 minutes'
         WHERE company_id = $1`,
        [companyId],
      );
      await database.sql(
        `UPDATE core.webhook_endpoints SET heard_from = now() - interval '3 days',
           swept_until = now() - interval '40 minutes' WHERE company_id = $1`,
        [companyId],
      );

      const looks = [];
      for (let more = true; more && looks.length < 10;) {
        const { starts, hasMore } = await promiseWebhooks(companyId);
        looks.push(starts.length);
        more = hasMore;
      }

      expect(looks).toEqual([0, 1, 0]);
      const [swept] = await database.sql(
        `SELECT swept_until > now() - interval '1 minute' AS "isPresent"
         FROM core.webhook_endpoints WHERE company_id = $1`,
        [companyId],
      );
      expect(swept).toEqual({ isPresent: true });
    });

    it('name one object where messages of the same event are about two', async () => {
      const [claim, key] = [`f${uuid().slice(1)}`, uuid()];
      await withTenant(companyId, async () => {
        const message = { template: 'report_ready', payload: {}, key } as const;
        Notification.queue({
          ...message,
          to: { channel: 'in_app', role: 'tenant_admin' },
          about: { type: 'company', id: companyId },
        });
        Notification.queue({
          ...message,
          to: { channel: 'in_app', userId: admin.userId },
          about: { type: 'claim', id: claim },
        });
      });

      await promiseWebhooks(companyId);

      expect(await deliveries()).toMatchObject([{ entity_type: 'claim', entity_id: claim }]);
    });

    it('are told to nobody of what was before, or while they were switched off', async () => {
      const { id } = endpoint;
      const change = (isEnabled: boolean) =>
        as(admin, () => endpoints().edit(admin, id, { isEnabled }, undefined));
      await change(false);
      await happen();
      await promiseWebhooks(companyId);
      await change(true);
      await promiseWebhooks(companyId);

      expect(await deliveries()).toEqual([]);
    });

    it('are found among all companies', async () => {
      const nobody = await buildCompany();

      const listening = await listeningCompanies('00000000-0000-0000-0000-000000000000');

      expect(listening).toContain(companyId);
      expect(listening).not.toContain(nobody.id);
    });

    it('are told of alerts only as their rule says', async () => {
      await happen('alert_raised');
      await promiseWebhooks(companyId);
      expect(await deliveries()).toEqual([]);

      const alertId = uuid();
      await withTenant(companyId, () =>
        tellEndpoints(companyId, {
          event: 'alert_raised',
          eventKey: `alert/${alertId}/raised/1`,
          entityType: 'alert',
          entityId: alertId,
          occurredAt: new Date(),
        }),
      );

      expect(await deliveries()).toMatchObject([{ event: 'alert_raised', entity_id: alertId }]);
    });
  });

  describe('that are told', () => {
    it('get ids and no personal data, signed as Standard Webhooks says', async () => {
      const ref = await promised();

      await activities().deliverWebhook(ref);

      const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
      const [delivery] = await deliveries();
      expect(JSON.parse(body)).toEqual({
        type: 'report_ready',
        timestamp: expect.any(String),
        data: {
          company_id: companyId,
          entity_type: 'report',
          entity_id: expect.any(String),
        },
      });
      const id = String(headers['webhook-id']);
      const timestamp = String(headers['webhook-timestamp']);
      const secret = Buffer.from(endpoint.secret.replace('whsec_', ''), 'base64');
      expect(id).toBe(ref.deliveryId);
      expect(secret).toHaveLength(32);
      expect(headers['webhook-signature']).toBe(signatureOf(secret, { id, timestamp }, body));
      expect(delivery).toMatchObject({ status: 'delivered', attempts: 1, last_status: 204 });
    });

    it('say who is late with which document, by how much, and who is told next', async () => {
      await listen(['acknowledgement_alert']);
      await buildActor({ companyId, role: 'hr' });
      const { policyId } = await buildPolicyRow({
        companyId,
        authors: [admin.userId],
        status: 'published',
        title: 'Clean desk',
      });
      await hire(companyId, 1);
      const today = dateAt(Date.now(), 'Europe/Berlin');
      const keep = acknowledgementActivities();
      const run = (work: () => Promise<unknown>) => new MockActivityEnvironment().run(work);
      await run(() => keep.settleAudience({ companyId, policyId, at: Date.now() }));
      const at = hourOfDay(addDays(today, 38), 8, 'Europe/Berlin');
      await run(() => keep.carryOutWave({ companyId, policyId, at }));
      await promiseWebhooks(companyId);
      const [delivery] = await deliveries();

      await activities().deliverWebhook({ companyId, deliveryId: delivery?.id ?? '', round: 1 });

      const [{ body } = { body: '{}' }] = receiver.received;
      expect(JSON.parse(body)).toMatchObject({
        type: 'acknowledgement_alert',
        data: {
          company_id: companyId,
          entity_type: 'compliance_policy',
          entity_id: policyId,
          title: 'Clean desk',
          alerts: [
            {
              level: 'hr',
              count: 1,
              acknowledgement_ids: [expect.any(String)],
              people: [`Employee 1, 8 days late; executives are told on ${addDays(today, 44)}`],
              others: 0,
              next: 'Whoever answers until then is not reported any more.',
            },
          ],
        },
      });
    });

    it('are told once when the step comes twice', async () => {
      const ref = await promised();

      await activities().deliverWebhook(ref);
      await activities().deliverWebhook(ref);

      expect(receiver.received).toHaveLength(1);
    });

    it('bear two signatures for a day after a rotation, and one after it', async () => {
      const rotated = await as(admin, () => endpoints().rotateSecret(admin, endpoint.id));
      await activities().deliverWebhook(await promised());
      await database.sql(
        `UPDATE core.webhook_endpoints SET old_secret_until = now() WHERE company_id = $1`,
        [companyId],
      );
      await happen();
      await promiseWebhooks(companyId);
      const last = (await deliveries()).at(-1);
      await activities().deliverWebhook({ companyId, deliveryId: last?.id ?? '', round: 1 });

      const signatures = receiver.received.map(({ headers, body }) => {
        const signed = {
          id: String(headers['webhook-id']),
          timestamp: String(headers['webhook-timestamp']),
        };
        const by = ({ secret }: NewSecret) =>
          signatureOf(Buffer.from(secret.replace('whsec_', ''), 'base64'), signed, body);
        return {
          sent: headers['webhook-signature'],
          both: `${by(rotated)} ${by(endpoint)}`,
          one: by(rotated),
        };
      });
      expect(signatures[0]?.sent).toBe(signatures[0]?.both);
      expect(signatures[1]?.sent).toBe(signatures[1]?.one);
    });

    it.each([
      ['500', 500],
      ['a redirect', 302],
      ['a bad request', 400],
    ])('are tried again after %s, under the same id', async (_, status) => {
      receiver.answer((_request, response) => response.writeHead(status).end());
      const ref = await promised();

      const refused = await activities()
        .deliverWebhook(ref)
        .catch((error: unknown) => error);

      expect(refused).toMatchObject({ type: 'WEBHOOK_REFUSED', nonRetryable: false });
      expect(Number(Object(refused).nextRetryDelay)).toBeGreaterThanOrEqual(5000);
      expect(Number(Object(refused).nextRetryDelay)).toBeLessThanOrEqual(5500);
      expect(await deliveries()).toMatchObject([
        { status: 'queued', attempts: 1, last_status: status, waits: true },
      ]);
      receiver.answer((_request, response) => response.writeHead(200).end());
      await activities().deliverWebhook(ref);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
      expect(await deliveries()).toMatchObject([{ status: 'delivered', attempts: 2 }]);
    });

    it('are given up after the tenth try, and administrators hear of it once a day', async () => {
      receiver.answer((request) => request.socket.destroy());
      const ref = await promised();
      await database.sql('UPDATE core.webhook_deliveries SET attempts = 9 WHERE id = $1', [
        ref.deliveryId,
      ]);

      const last = await activities()
        .deliverWebhook(ref)
        .catch((error: unknown) => error);
      await activities().giveUpWebhook(ref);
      await activities().giveUpWebhook(ref);
      await happen();
      await promiseWebhooks(companyId);
      const next = (await deliveries()).at(-1);
      await activities().giveUpWebhook({ companyId, deliveryId: next?.id ?? '', round: 1 });

      expect(last).toMatchObject({ nonRetryable: true });
      expect(await deliveries()).toMatchObject([
        { status: 'failed', attempts: 10, last_error: 'CONNECTION_FAILED', waits: false },
        { status: 'failed' },
      ]);
      expect(await toldOf('webhook_failed')).toHaveLength(1);
    });

    it('are switched off by 410, with an audit line and a word to the administrators', async () => {
      receiver.answer((_request, response) => response.writeHead(410).end());
      const ref = await promised();
      await happen();
      await promiseWebhooks(companyId);
      const next = (await deliveries()).at(-1);

      const refused = await activities()
        .deliverWebhook(ref)
        .catch((error: unknown) => error);
      await activities().giveUpWebhook(ref);
      await activities().deliverWebhook({ companyId, deliveryId: next?.id ?? '', round: 1 });

      expect(refused).toMatchObject({ nonRetryable: true });
      expect(receiver.received).toHaveLength(1);
      expect(await as(admin, () => endpoints().get(admin, endpoint.id))).toMatchObject({
        isEnabled: false,
        disabledBecause: 'gone',
        version: 2,
      });
      expect(await deliveries()).toMatchObject([
        { status: 'failed', last_status: 410 },
        { status: 'cancelled', attempts: 0 },
      ]);
      expect(await toldOf('webhook_gone')).toHaveLength(1);
      expect(await toldOf('webhook_failed')).toEqual([]);
    });

    it('are tried on, and not switched off, after 410 of where they were before', async () => {
      const elsewhere = { url: `${receiver.origin}/elsewhere` };
      receiver.answer((_request, response) => {
        void as(admin, () => endpoints().edit(admin, endpoint.id, elsewhere, undefined)).then(() =>
          response.writeHead(410).end(),
        );
      });
      const ref = await promised();

      const refused = await activities()
        .deliverWebhook(ref)
        .catch((error: unknown) => error);

      expect(refused).toMatchObject({ type: 'WEBHOOK_REFUSED', nonRetryable: false });
      expect(await deliveries()).toMatchObject([
        { status: 'queued', last_status: 410, waits: true },
      ]);
      expect(await as(admin, () => endpoints().get(admin, endpoint.id))).toMatchObject({
        ...elsewhere,
        isEnabled: true,
      });
      expect(await toldOf('webhook_gone')).toEqual([]);
    });

    const underAnotherKey = () =>
      webhookSealer({ secretKey: 'another' }).seal(Buffer.alloc(32), endpoint.id);

    it('wait where the secret can no longer be opened, and are told again after a rotation', async () => {
      await database.sql(
        `UPDATE core.webhook_endpoints SET secret_sealed = $2 WHERE company_id = $1`,
        [companyId, underAnotherKey()],
      );
      const ref = await promised();
      const unsigned = await activities()
        .deliverWebhook(ref)
        .catch((error: unknown) => error);

      expect(unsigned).toMatchObject({ type: 'WEBHOOK_REFUSED', nonRetryable: false });
      expect(receiver.received).toEqual([]);
      expect(await deliveries()).toMatchObject([
        { status: 'queued', attempts: 1, last_error: 'SECRET_UNREADABLE', waits: true },
      ]);
      const { oldSecretUntil } = await as(admin, () =>
        endpoints().rotateSecret(admin, endpoint.id),
      );
      await activities().deliverWebhook(ref);

      expect(oldSecretUntil).toBeNull();
      expect(receiver.received).toHaveLength(1);
    });

    it('are told with one signature where the secret before can no longer be opened', async () => {
      await as(admin, () => endpoints().rotateSecret(admin, endpoint.id));
      await database.sql(
        `UPDATE core.webhook_endpoints SET old_secret_sealed = $2 WHERE company_id = $1`,
        [companyId, underAnotherKey()],
      );

      await activities().deliverWebhook(await promised());

      expect(receiver.received).toMatchObject([
        { headers: { 'webhook-signature': expect.stringMatching(/^v1,\S+$/) } },
      ]);
    });

    it.each(['suspended', 'closed'])('are cancelled while the company is %s', async (status) => {
      const ref = await promised();
      await database.sql('UPDATE platform.companies SET status = $2 WHERE id = $1', [
        companyId,
        status,
      ]);

      await activities().deliverWebhook(ref);

      expect(receiver.received).toEqual([]);
      expect(await deliveries()).toMatchObject([
        { status: 'cancelled', attempts: 0, last_error: 'COMPANY_NOT_ACTIVE', waits: false },
      ]);
    });

    it('are not told by a run that was asked for before the latest one', async () => {
      const ref = await promised();
      await activities().giveUpWebhook(ref);
      await as(admin, () => endpoints().redeliver(endpoint.id, ref.deliveryId, once(admin)));

      await activities().deliverWebhook(ref);
      expect(receiver.received).toEqual([]);
      await activities().deliverWebhook({ ...ref, round: 2 });

      expect(receiver.received).toMatchObject([{ headers: { 'webhook-id': ref.deliveryId } }]);
      expect(await deliveries()).toMatchObject([{ status: 'delivered', attempts: 1 }]);
    });
  });

  const toldOf = (template: TemplateCode) =>
    database.sql(
      `SELECT FROM core.notifications
       WHERE company_id = $1 AND template_code = $2 AND recipient_role = 'tenant_admin'`,
      [companyId, template],
    );
});
