import type { DeliveryView, EndpointView, NewSecret } from '../../commands/webhookEndpoints.ts';

export const presentEndpoint = (endpoint: EndpointView) => ({
  id: endpoint.id,
  url: endpoint.url,
  events: [...endpoint.events],
  is_enabled: endpoint.isEnabled,
  disabled_because: endpoint.disabledBecause,
  old_secret_until: endpoint.oldSecretUntil?.toISOString() ?? null,
  created_at: endpoint.createdAt.toISOString(),
  updated_at: endpoint.updatedAt.toISOString(),
  version: endpoint.version,
});

export const presentNewSecret = ({ secret, ...endpoint }: NewSecret) => ({
  ...presentEndpoint(endpoint),
  secret,
});

export const presentDelivery = (delivery: DeliveryView) => ({
  id: delivery.id,
  event: delivery.event,
  entity_type: delivery.entityType,
  entity_id: delivery.entityId,
  occurred_at: delivery.occurredAt.toISOString(),
  status: delivery.status,
  round: delivery.round,
  attempts: delivery.attempts,
  last_status: delivery.lastStatus,
  last_error: delivery.lastError,
  last_attempt_at: delivery.lastAttemptAt?.toISOString() ?? null,
  next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
  delivered_at: delivery.deliveredAt?.toISOString() ?? null,
  created_at: delivery.createdAt.toISOString(),
});
