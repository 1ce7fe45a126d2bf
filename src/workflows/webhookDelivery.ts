import { isCancellation, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { WebhookDeliveryInput } from '../models/webhookStart.ts';
import { doing, maxSilenceMs, queueOf } from './doing.ts';

/** One event for one endpoint until it is told, or given up after three days. */
export async function webhookDelivery(input: WebhookDeliveryInput): Promise<void> {
  const { companyId, deliveryId, round } = input;
  const ref = { companyId, deliveryId, round };
  /** The activity says itself when an endpoint that did not take it is asked again. */
  const { deliverWebhook } = proxyActivities<Activities>({
    summary: 'webhook',
    taskQueue: queueOf('webhooks'),
    startToCloseTimeout: '30 seconds',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  try {
    await deliverWebhook(ref);
  } catch (error) {
    if (isCancellation(error)) throw error;
    await doing('the end of the tries').giveUpWebhook(ref);
  }
}
