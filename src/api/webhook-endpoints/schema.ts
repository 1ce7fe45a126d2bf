import { webhookEvents, webhookStatuses } from '../../rules/webhooks.ts';
import {
  array,
  boolean,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';

const most = 2_147_483_647;

const event = oneOf(...webhookEvents);

const fields = {
  url: text(2000).description(
    'https on port 443 or 8443, at a public address; looked at again whenever something is sent',
  ),
  events: array(event, { min: 1, max: webhookEvents.length }).description('What it is told of'),
};

export const endpointPath = object({ id: id() });

export const deliveryPath = object({ id: id(), deliveryId: id() });

const paging = {
  page: integer(1, 100).default(1).description('Counted from 1'),
  size: integer(1, 100).default(20).description('Rows of a page'),
};

export const endpointsQuery = object(paging);

export const deliveriesQuery = object({
  status: optional(oneOf(...webhookStatuses)),
  event: optional(event),
  ...paging,
});

export const createEndpointBody = object(fields).id('CreateWebhookEndpoint');

export const editEndpointBody = partial({
  ...fields,
  is_enabled: boolean().description('What happens while it is off is not told later'),
  version: integer(1, most),
});

const shown = {
  id: id(),
  ...fields,
  is_enabled: boolean(),
  disabled_because: nullable(oneOf('asked', 'gone')).description(
    'gone: it answered with 410 and was switched off for that',
  ),
  old_secret_until: nullable(instant()).description(
    'Until then messages bear a signature by the secret of before as well. Rotating again meanwhile ' +
      'replaces the newest secret alone',
  ),
  created_at: instant(),
  updated_at: instant(),
  version: integer(1, most),
};

export const endpointAnswer = object(shown).id('WebhookEndpoint');

export const newSecretAnswer = object({
  ...shown,
  secret: text(100).description('Shown this once; signs as Standard Webhooks says'),
}).id('WebhookEndpointWithSecret');

export const deliveryAnswer = object({
  id: id().description('The webhook-id of every try'),
  event,
  entity_type: nullable(text(50)),
  entity_id: nullable(id()),
  occurred_at: instant(),
  status: oneOf(...webhookStatuses),
  round: integer(1, most).description('How often it was asked for'),
  attempts: integer(0, most).description('Of this round'),
  last_status: nullable(integer(0, 999)).description('What the endpoint answered last'),
  last_error: nullable(text(50)).description(
    'Why there was no answer. SECRET_UNREADABLE: it was sealed under another key; rotate it. ' +
      'COMPANY_NOT_ACTIVE: the company was suspended or closed, so nothing was sent',
  ),
  last_attempt_at: nullable(instant()),
  next_attempt_at: nullable(instant()),
  delivered_at: nullable(instant()),
  created_at: instant(),
}).id('WebhookDelivery');

export const endpointExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6077',
  url: 'https://hooks.insurance.example/surety',
  events: ['claim_denied', 'alert_raised'],
  is_enabled: true,
  disabled_because: null,
  old_secret_until: null,
  created_at: '2027-01-02T00:00:00.000Z',
  updated_at: '2027-01-02T00:00:00.000Z',
  version: 1,
} as const;

export const deliveryExample = {
  id: '01998e3a-7d00-7b22-8c33-1d44e55f6078',
  event: 'claim_denied',
  entity_type: 'claim',
  entity_id: '01998e3a-7d00-7b22-8c33-1d44e55f6079',
  occurred_at: '2027-01-02T00:00:00.000Z',
  status: 'queued',
  round: 1,
  attempts: 1,
  last_status: 503,
  last_error: null,
  last_attempt_at: '2027-01-02T00:00:03.000Z',
  next_attempt_at: '2027-01-02T00:00:08.000Z',
  delivered_at: null,
  created_at: '2027-01-02T00:00:02.000Z',
} as const;
