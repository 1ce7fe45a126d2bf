import { v7 as uuid } from 'uuid';
import type { TemplateCode } from '../rules/notices.ts';
import { webhookWorkflowId } from '../rules/workflowIds.ts';
import { append, execute, select, withSystem, withTenant } from './database.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';
import { WebhookDelivery } from './WebhookDelivery.ts';

export interface WebhookDeliveryInput {
  readonly v: 1;
  readonly companyId: string;
  readonly deliveryId: string;
  readonly round: number;
}

/** Promises, with the open transaction, that a delivery is tried until it is told or given up. */
export function promiseWebhook(
  companyId: string,
  { id: deliveryId, round, event }: Pick<WebhookDelivery, 'id' | 'round' | 'event'>,
): WorkflowStart {
  const input: WebhookDeliveryInput = { v: 1, companyId, deliveryId, round };
  return OutboxEntry.promise({
    companyId,
    entityType: WebhookDelivery.entityType,
    entityId: deliveryId,
    workflowType: 'webhookDelivery',
    workflowId: webhookWorkflowId(companyId, deliveryId, round),
    input,
    summary: `Webhook: ${event.replaceAll('_', ' ')}`,
    attributes: {
      CompanyId: companyId,
      EntityType: WebhookDelivery.entityType,
      EntityId: deliveryId,
    },
  });
}

const pageSize = 500;

/** Companies that have somewhere to be told, in pages. @param behind the last one of the page before */
export const listeningCompanies = async (behind: string): Promise<readonly string[]> => {
  const rows = await withSystem('relay', () =>
    select<{ companyId: string }>(
      `SELECT DISTINCT company_id AS "companyId" FROM core.webhook_endpoints
       WHERE is_enabled AND archived_at IS NULL AND company_id > $1
       ORDER BY company_id LIMIT ${pageSize}`,
      [behind],
    ),
  );
  return rows.map(({ companyId }) => companyId);
};

const batch = 200;

/** So much is looked through at once, however long nobody looked. */
const stretch = '15 minutes';

/** A transaction that is still open has written rows that are older than what was seen last. */
const lateness = '5 minutes';

/** Their own rules say whether endpoints are told of them. */
const byRule: readonly TemplateCode[] = ['alert_raised'];

/** What happened, for one endpoint. */
interface Happened {
  readonly endpointId: string;
  readonly event: TemplateCode;
  readonly eventKey: string;
  readonly entityType: string | null;
  readonly entityId: string | null;
  readonly occurredAt: Date;
}

/** Promises, with the open transaction, to tell every endpoint of the company that listens for it. */
export async function tellEndpoints(
  companyId: string,
  happened: Omit<Happened, 'endpointId'>,
): Promise<void> {
  const listening = await select<{ id: string }>(
    `SELECT id FROM core.webhook_endpoints
     WHERE is_enabled AND archived_at IS NULL AND jsonb_exists(events, $1) ORDER BY id`,
    [happened.event],
  );
  for (const { id } of listening) promiseNew(companyId, { ...happened, endpointId: id });
}

function promiseNew(companyId: string, happened: Happened): WorkflowStart {
  const delivery = { ...happened, id: uuid(), round: 1 };
  append(WebhookDelivery, { ...delivery, status: 'queued' });
  return promiseWebhook(companyId, delivery);
}

/**
 * Finds what has happened in the company since the last look and promises to tell it. Doing it twice, or
 * in two processes at once, promises nothing twice.
 * @returns the promised starts, and whether there may be more
 */
export const promiseWebhooks = (
  companyId: string,
): Promise<{ readonly starts: readonly WorkflowStart[]; readonly hasMore: boolean }> =>
  withTenant(companyId, async () => {
    const locked = await select<{ id: string; isBehind: boolean }>(
      `SELECT id, swept_until + interval '${stretch}' < now() AS "isBehind"
       FROM core.webhook_endpoints WHERE is_enabled AND archived_at IS NULL
       ORDER BY id FOR UPDATE SKIP LOCKED`,
    );
    if (locked.length === 0) return { starts: [], hasMore: false };
    const ids = locked.map(({ id }) => id);
    const happened = await select<Happened>(
      `SELECT e.id AS "endpointId", n.template_code AS event, n.event_key AS "eventKey",
         ${ofFirst('n.entity_type')} AS "entityType", ${ofFirst('n.entity_id')} AS "entityId",
         min(n.created_at) AS "occurredAt"
       FROM core.webhook_endpoints e
         JOIN core.notifications n ON n.created_at >= e.heard_from
           AND n.created_at >= e.swept_until - interval '${lateness}'
           AND n.created_at < e.swept_until + interval '${stretch}'
       WHERE e.id = ANY ($1::uuid[]) AND n.event_key IS NOT NULL
         AND jsonb_exists(e.events, n.template_code)
         AND n.template_code <> ALL ($2::text[])
         AND NOT EXISTS (SELECT 1 FROM core.webhook_deliveries d WHERE d.endpoint_id = e.id
           AND d.event = n.template_code AND d.event_key = n.event_key)
       GROUP BY e.id, n.template_code, n.event_key
       ORDER BY "occurredAt" LIMIT ${batch}`,
      [ids, byRule],
    );
    const starts = happened.map((each) => promiseNew(companyId, each));
    const isFull = happened.length === batch;
    await execute(
      `UPDATE core.webhook_endpoints
       SET swept_until = least(swept_until + interval '${stretch}', seen.until)
       FROM (SELECT coalesce($2::timestamptz, now()) AS until) AS seen
       WHERE id = ANY ($1::uuid[]) AND swept_until < seen.until - interval '1 minute'`,
      [ids, isFull ? happened.at(-1)?.occurredAt : null],
    );
    return { starts, hasMore: isFull || locked.some(({ isBehind }) => isBehind) };
  });

/** Of one message of an event, and always the same one; of what it is about rather than of the company. */
const ofFirst = (column: string): string =>
  `(array_agg(${column} ORDER BY (n.entity_type = 'company'), n.id))[1]`;
