import { randomBytes } from 'node:crypto';
import type { InferAttributes } from 'sequelize';
import { v7 as uuid } from 'uuid';
import type { Config } from '../config.ts';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { mayBePublic } from '../gateways/outgoingWebhooks.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { afterCommit, append, flush, select, withTenant } from '../models/database.ts';
import { columnsOf, selectPage, type Condition } from '../models/list.ts';
import { archiveRow, editRow, getRow, noSuch } from '../models/rows.ts';
import { WebhookDelivery } from '../models/WebhookDelivery.ts';
import { WebhookEndpoint } from '../models/WebhookEndpoint.ts';
import { promiseWebhook } from '../models/webhookStart.ts';
import type { TemplateCode } from '../rules/notices.ts';
import { mostEndpoints, overlapHours, urlProblem, type WebhookStatus } from '../rules/webhooks.ts';
import { webhookSealer } from '../secrets.ts';
import type { Dispatcher } from './dispatch.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface EndpointWish {
  readonly url: string;
  readonly events: readonly TemplateCode[];
}

/** What is undefined stays as it is. */
export type EndpointChange = {
  readonly [Name in keyof EndpointWish]?: EndpointWish[Name] | undefined;
} & { readonly isEnabled?: boolean | undefined };

export type EndpointView = Pick<
  WebhookEndpoint,
  | 'id'
  | 'url'
  | 'events'
  | 'isEnabled'
  | 'disabledBecause'
  | 'oldSecretUntil'
  | 'createdAt'
  | 'updatedAt'
  | 'version'
>;

/** The only answers that carry the secret; nothing can show it again. */
export interface NewSecret extends EndpointView {
  readonly secret: string;
}

export type DeliveryView = Omit<InferAttributes<WebhookDelivery>, 'companyId' | 'eventKey'>;

export interface DeliveryFilters {
  readonly status?: WebhookStatus | undefined;
  readonly event?: TemplateCode | undefined;
  readonly page: number;
  readonly size: number;
}

const secretBytes = 32;

/** Where a company's own programs are told of what happens, and what they were told. */
export const createWebhookEndpoints = ({
  config: { webhooks },
  dispatch,
}: {
  readonly config: Pick<Config, 'webhooks'>;
  readonly dispatch: Dispatcher['dispatch'];
}) => {
  const sealer = webhookSealer(webhooks);

  const newSecret = (endpointId: string) => {
    const secret = randomBytes(secretBytes);
    return {
      shown: `whsec_${secret.toString('base64')}`,
      sealed: sealer.seal(secret, endpointId),
    };
  };

  /** @throws Invalid for an address that nothing is ever sent to */
  const addressOf = (text: string): string => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url) throw invalidField('url', 'must be the address of a page', 'INVALID_FORMAT');
    const { allowedOrigins } = webhooks;
    const problem = urlProblem(url, allowedOrigins);
    if (problem) throw invalidField('url', problem.message, problem.code);
    if (!allowedOrigins.includes(url.origin) && !mayBePublic(url)) {
      throw invalidField('url', 'must lead to a public address', 'ADDRESS_REFUSED');
    }
    url.hash = '';
    return url.href;
  };

  return {
    list: (actor: Actor, { page, size }: { readonly page: number; readonly size: number }) =>
      withTenant(actor.companyId, () =>
        selectPage<EndpointView>(
          columnsOf(WebhookEndpoint, 'e', ['secretSealed', 'oldSecretSealed']),
          'core.webhook_endpoints e',
          [['e.archived_at IS NULL']],
          { by: 'e.created_at', id: 'e.id', order: 'desc', page, size },
        ),
      ),

    get: (actor: Actor, id: string): Promise<EndpointView> =>
      withTenant(actor.companyId, () => getRow(WebhookEndpoint, id)),

    /** @throws Invalid ADDRESS_REFUSED; Conflict ENDPOINT_LIMIT */
    create: (actor: Actor, { url, events }: EndpointWish): Promise<NewSecret> =>
      withTenant(actor.companyId, async () => {
        const fields = { url: addressOf(url), events: [...new Set(events)] };
        await refuseTooMany(actor.companyId);
        const id = uuid();
        const { shown, sealed } = newSecret(id);
        append(WebhookEndpoint, { ...fields, id, secretSealed: sealed });
        AuditLog.record('CREATE', about(id), { after: fields });
        await flush();
        return { ...viewOf(await getRow(WebhookEndpoint, id)), secret: shown };
      }),

    /**
     * What happened while it was switched off is not told.
     * @throws Invalid ADDRESS_REFUSED, NotFound; Conflict VERSION_CONFLICT
     */
    edit: (
      actor: Actor,
      id: string,
      change: EndpointChange,
      expectedVersion: number | undefined,
    ): Promise<EndpointView> =>
      withTenant(actor.companyId, async () => {
        const endpoint = await getRow(WebhookEndpoint, id, { lock: true });
        const { isEnabled = endpoint.isEnabled, events = endpoint.events } = change;
        const now = new Date();
        const switched = isEnabled !== endpoint.isEnabled && {
          isEnabled,
          disabledBecause: isEnabled ? null : ('asked' as const),
          ...(isEnabled && { heardFrom: now, sweptUntil: now }),
        };
        const changes = {
          url: change.url === undefined ? endpoint.url : addressOf(change.url),
          events: [...new Set(events)],
          ...switched,
        };
        return editRow(WebhookEndpoint, endpoint, changes, expectedVersion);
      }),

    /** What still waits for it is not told any more. @throws NotFound; Conflict VERSION_CONFLICT */
    remove: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<void> =>
      withTenant(actor.companyId, async () => {
        const endpoint = await getRow(WebhookEndpoint, id, { lock: true });
        await archiveRow(WebhookEndpoint, endpoint, expectedVersion);
      }),

    /**
     * Another secret; for a day the one before signs as well. Asked again within that day, it replaces the
     * newest alone: receivers may still check by the one of before.
     * @throws NotFound
     */
    rotateSecret: (actor: Actor, id: string): Promise<NewSecret> =>
      withTenant(actor.companyId, async () => {
        const endpoint = await getRow(WebhookEndpoint, id, { lock: true });
        const { shown, sealed } = newSecret(id);
        const old = oldSecretOf(endpoint);
        // What was sealed under another SECRET_KEY signs nothing any more.
        const isOpen = sealer.open(old.oldSecretSealed, id) !== undefined;
        const kept = isOpen ? old : { oldSecretSealed: null, oldSecretUntil: null };
        await endpoint.update({
          secretSealed: sealed,
          ...kept,
          version: endpoint.version + 1,
          updatedBy: actor.userId,
        });
        const { oldSecretUntil } = kept;
        AuditLog.record('KEY_ROTATED', about(id), { after: { oldSecretUntil } });
        return { ...viewOf(endpoint), secret: shown };
      }),

    /** The newest first. @throws NotFound */
    deliveries: (actor: Actor, id: string, { status, event, page, size }: DeliveryFilters) =>
      withTenant(actor.companyId, async () => {
        await getRow(WebhookEndpoint, id);
        const conditions: readonly Condition[] = [
          ['d.endpoint_id = $', id],
          ...(status ? [['d.status = $', status] as const] : []),
          ...(event ? [['d.event = $', event] as const] : []),
        ];
        return selectPage<DeliveryView>(
          columnsOf(WebhookDelivery, 'd', ['companyId', 'eventKey']),
          'core.webhook_deliveries d',
          conditions,
          { by: 'd.created_at', id: 'd.id', order: 'desc', page, size },
        );
      }),

    /**
     * Tries it anew, from the first try on, under the id that it had. One that waits does not wait any
     * longer; its run finds that it is of an earlier round.
     * @throws NotFound; Conflict ENDPOINT_DISABLED
     */
    redeliver: (endpointId: string, id: string, once: Once): Promise<DeliveryView | Replay> =>
      rowsOnce(once, async () => {
        const endpoint = await getRow(WebhookEndpoint, endpointId);
        if (!endpoint.isEnabled) {
          throw new Conflict(
            'ENDPOINT_DISABLED',
            `The webhook endpoint ${endpointId} is switched off; switch it on first`,
          );
        }
        const delivery = await WebhookDelivery.findOne({ where: { id, endpointId }, lock: true });
        if (!delivery) throw noSuch(WebhookDelivery.entityType, id);
        const before = { status: delivery.status, round: delivery.round };
        const round = before.round + 1;
        await delivery.update({
          status: 'queued',
          round,
          attempts: 0,
          nextAttemptAt: null,
          deliveredAt: null,
        });
        AuditLog.record(
          'STATUS_CHANGE',
          { type: WebhookDelivery.entityType, id },
          { before, after: { status: 'queued', round } },
        );
        const start = promiseWebhook(once.companyId, { id, round, event: delivery.event });
        afterCommit(() => dispatch(start));
        return delivery.get();
      }),
  };
};

export type WebhookEndpoints = ReturnType<typeof createWebhookEndpoints>;

const about = (id: string) => ({ type: WebhookEndpoint.entityType, id });

const viewOf = (row: WebhookEndpoint): EndpointView => row.get();

/** What signs along after another rotation: where that is one of before still, the same as till now. */
function oldSecretOf({ secretSealed, oldSecretSealed, oldSecretUntil }: WebhookEndpoint) {
  if (oldSecretSealed && oldSecretUntil && oldSecretUntil.getTime() > Date.now()) {
    return { oldSecretSealed, oldSecretUntil };
  }
  const until = new Date(Date.now() + overlapHours * 3_600_000);
  return { oldSecretSealed: secretSealed, oldSecretUntil: until };
}

/** Of two who add one at once, the second one counts the first's. */
async function refuseTooMany(companyId: string): Promise<void> {
  await select('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [companyId]);
  const [counted] = await select<{ endpoints: number }>(
    `SELECT count(*)::int AS endpoints FROM core.webhook_endpoints WHERE archived_at IS NULL`,
  );
  if ((counted?.endpoints ?? 0) < mostEndpoints) return;
  throw new Conflict('ENDPOINT_LIMIT', `A company has ${mostEndpoints} webhook endpoints at most`);
}
