import { ApplicationFailure } from '@temporalio/common';
import type { SendWebhook, WebhookMessage, WebhookOutcome } from '../gateways/outgoingWebhooks.ts';
import { signatureOf } from '../gateways/webhookSignature.ts';
import { alertsTold } from '../models/acknowledgementAlerts.ts';
import { ownCompany } from '../models/contract.ts';
import { execute, select, withTenant } from '../models/database.ts';
import { Notification } from '../models/Notification.ts';
import { editRow, getRow } from '../models/rows.ts';
import { WebhookDelivery } from '../models/WebhookDelivery.ts';
import { WebhookEndpoint } from '../models/WebhookEndpoint.ts';
import type { WebhookDeliveryInput } from '../models/webhookStart.ts';
import { retryDelayMs } from '../rules/webhooks.ts';
import type { Sealer } from '../secrets.ts';

export type WebhookRef = Omit<WebhookDeliveryInput, 'v'>;

export interface WebhookDependencies {
  readonly webhooks: {
    readonly send: SendWebhook;
    /** Opens the secrets of endpoints. */
    readonly sealer: Pick<Sealer, 'open'>;
  };
}

/** What nothing can sign, since SECRET_KEY has changed: it waits like what was not taken. */
interface Unsigned {
  readonly url: string;
  readonly error: 'SECRET_UNREADABLE';
}

export const webhookActivities = ({ webhooks: { send, sealer } }: WebhookDependencies) => ({
  /**
   * Safe to repeat: what was told is not told again, and the id in its headers is the same for every
   * try, so that a receiver knows one whose mark was lost. No transaction is open while it is sent.
   */
  async deliverWebhook(ref: WebhookRef): Promise<void> {
    const message = await withTenant(ref.companyId, () => messageOf(ref, sealer));
    if (!message) return;
    const outcome = 'error' in message ? message : await send(message);
    const attempt = await withTenant(ref.companyId, () => note(ref, message.url, outcome));
    if (attempt) throw refusal(outcome, attempt);
  },

  /** Safe to repeat: only what is still queued is given up, and the company hears of it once a day. */
  async giveUpWebhook({ companyId, deliveryId, round }: WebhookRef): Promise<void> {
    await withTenant(companyId, async () => {
      const [failed] = await WebhookDelivery.update(
        { status: 'failed', nextAttemptAt: null },
        { where: { id: deliveryId, round, status: 'queued' } },
      );
      if (failed === 0) return;
      const endpoint = await endpointOf(deliveryId);
      if (!endpoint.isEnabled) return;
      const day = new Date().toISOString().slice(0, 10);
      await tellOnce(endpoint, 'webhook_failed', `${day}/1`);
    });
  },
});

/** Undefined for what is no longer to be told. A company that is not active tells outsiders nothing. */
async function messageOf(
  { deliveryId, round }: WebhookRef,
  sealer: Pick<Sealer, 'open'>,
): Promise<WebhookMessage | Unsigned | undefined> {
  const delivery = await WebhookDelivery.findOne({ where: { id: deliveryId } });
  if (!delivery) throw new Error(`There is no webhook delivery ${deliveryId}`);
  if (delivery.status !== 'queued' || delivery.round !== round) return undefined;
  const endpoint = await endpointOf(deliveryId);
  if (!endpoint.isEnabled || endpoint.archivedAt) return cancel(delivery);
  if ((await ownCompany()).status !== 'active') return cancel(delivery, 'COMPANY_NOT_ACTIVE');
  const secrets = secretsOf(endpoint, sealer);
  if (secrets.length === 0) return { url: endpoint.url, error: 'SECRET_UNREADABLE' };
  const body = JSON.stringify({
    type: delivery.event,
    timestamp: delivery.occurredAt.toISOString(),
    data: {
      company_id: delivery.companyId,
      entity_type: delivery.entityType,
      entity_id: delivery.entityId,
      ...(await detailsOf(delivery)),
    },
  });
  const signed = { id: delivery.id, timestamp: String(Math.floor(Date.now() / 1000)) };
  const signatures = secrets.map((secret) => signatureOf(secret, signed, body));
  return {
    url: endpoint.url,
    headers: {
      'webhook-id': signed.id,
      'webhook-timestamp': signed.timestamp,
      'webhook-signature': signatures.join(' '),
    },
    body,
  };
}

/**
 * What a receiver cannot ask for: whom managers, HR and executives were told of. As it is known now: whose
 * data were erased is not named any more.
 */
async function detailsOf({ event, entityId, eventKey }: WebhookDelivery): Promise<object> {
  if (event !== 'acknowledgement_alert' || entityId === null) return {};
  const alerts = await alertsTold(entityId, eventKey);
  return {
    title: alerts[0]?.title,
    alerts: alerts.map(({ level, count, acknowledgements, people, others, next }) => ({
      level,
      count,
      acknowledgement_ids: acknowledgements,
      people: people.split('\n'),
      others,
      next,
    })),
  };
}

/** Unless it was asked for anew meanwhile. */
async function cancel({ id, round }: WebhookDelivery, lastError?: string): Promise<undefined> {
  await WebhookDelivery.update(
    { status: 'cancelled', nextAttemptAt: null, ...(lastError && { lastError }) },
    { where: { id, round, status: 'queued' } },
  );
}

/** The present one, and for a while one before it that can be opened; none without the present one. */
function secretsOf(endpoint: WebhookEndpoint, sealer: Pick<Sealer, 'open'>): readonly Buffer[] {
  const { id, secretSealed, oldSecretSealed, oldSecretUntil } = endpoint;
  const secret = sealer.open(secretSealed, id);
  if (!secret) return [];
  const isOverlap = oldSecretUntil && oldSecretUntil.getTime() > Date.now();
  const old = isOverlap && oldSecretSealed ? sealer.open(oldSecretSealed, id) : undefined;
  return old ? [secret, old] : [secret];
}

async function endpointOf(deliveryId: string): Promise<WebhookEndpoint> {
  const delivery = await WebhookDelivery.findOne({ where: { id: deliveryId } });
  const endpoint =
    delivery && (await WebhookEndpoint.findOne({ where: { id: delivery.endpointId } }));
  if (!endpoint) throw new Error(`The webhook delivery ${deliveryId} has no endpoint`);
  return endpoint;
}

interface Attempt {
  readonly number: number;
  /** Undefined after the last. */
  readonly nextRetryMs: number | undefined;
}

/** Undefined where it is told, or was settled meanwhile. */
async function note(
  { deliveryId, round }: WebhookRef,
  url: string,
  outcome: WebhookOutcome | Unsigned,
): Promise<Attempt | undefined> {
  const answered = 'status' in outcome ? outcome.status : undefined;
  const isTold = answered !== undefined && answered >= 200 && answered < 300;
  const [counted] = await select<{ attempts: number }>(
    `UPDATE core.webhook_deliveries
     SET attempts = attempts + 1, last_attempt_at = now(), next_attempt_at = NULL,
       last_status = $3, last_error = $4,
       status = CASE WHEN $5 THEN 'delivered' ELSE status END,
       delivered_at = CASE WHEN $5 THEN now() END
     WHERE id = $1 AND round = $2 AND status = 'queued' RETURNING attempts`,
    [deliveryId, round, answered ?? null, 'error' in outcome ? outcome.error : null, isTold],
  );
  if (!counted || isTold) return undefined;
  const isOver = answered === gone && (await isSwitchedOff(deliveryId, url));
  const nextRetryMs = isOver ? undefined : retryDelayMs(counted.attempts, Math.random());
  if (nextRetryMs !== undefined) {
    await execute(
      `UPDATE core.webhook_deliveries SET next_attempt_at = now() + make_interval(secs => $2)
       WHERE id = $1`,
      [deliveryId, nextRetryMs / 1000],
    );
  }
  return { number: counted.attempts, nextRetryMs };
}

const gone = 410;

/**
 * It is gone, as it says itself, and is switched off; what waits for it is not sent any more.
 * @param url that said so
 * @returns false where the endpoint leads elsewhere by now, and is asked there
 */
async function isSwitchedOff(deliveryId: string, url: string): Promise<boolean> {
  const { id } = await endpointOf(deliveryId);
  const endpoint = await getRow(WebhookEndpoint, id, { archived: true, lock: true });
  if (endpoint.url !== url) return false;
  if (!endpoint.isEnabled) return true;
  const switched = { isEnabled: false, disabledBecause: 'gone' } as const;
  const { version } = await editRow(WebhookEndpoint, endpoint, switched, undefined);
  await tellOnce(endpoint, 'webhook_gone', String(version));
  return true;
}

/** Of very many that fail together the first is told. */
async function tellOnce(
  { id, url }: WebhookEndpoint,
  template: 'webhook_failed' | 'webhook_gone',
  occasion: string,
): Promise<void> {
  const key = `webhook_endpoint/${id}/${template}/${occasion}`;
  await getRow(WebhookEndpoint, id, { archived: true, lock: true });
  const told = await select(
    'SELECT FROM core.notifications WHERE entity_id = $1 AND event_key = $2 LIMIT 1',
    [id, key],
  );
  if (told.length > 0) return;
  Notification.queue({
    to: { channel: 'in_app', role: 'tenant_admin' },
    template,
    payload: { host: new URL(url).host, endpointId: id },
    key,
    about: { type: WebhookEndpoint.entityType, id },
  });
}

function refusal(
  outcome: WebhookOutcome | Unsigned,
  { number, nextRetryMs }: Attempt,
): ApplicationFailure {
  const why = 'status' in outcome ? outcome.status : outcome.error;
  return ApplicationFailure.create({
    message: `The endpoint did not take it (${why}), attempt ${number}`,
    type: 'WEBHOOK_REFUSED',
    nonRetryable: nextRetryMs === undefined,
    ...(nextRetryMs !== undefined && { nextRetryDelay: nextRetryMs }),
  });
}
