import Joi from 'joi';
import { Unauthenticated } from '../errors.ts';
import {
  refusedBy,
  type GatewayEvent,
  type GatewayOutcome,
  type GatewayWebhooks,
  type Movement,
  type PaymentGateway,
} from './paymentGateway.ts';
import { isSigned } from './webhookSignature.ts';

export interface HttpGatewayOptions {
  /** `https://payments.example/v1` */
  readonly url: string;
  readonly key: string;
  /** Milliseconds that one call may take. */
  readonly timeoutMs: number;
}

/** A transfer as the gateway tells of it. */
interface Transfer {
  readonly id: string;
  readonly status: 'completed' | 'declined' | 'processing';
  readonly attempt: number;
  readonly decline_code?: string | null;
  readonly may_pass?: boolean;
}

const transferShape = Joi.object<Transfer>({
  id: Joi.string().max(255).required(),
  status: Joi.valid('completed', 'declined', 'processing').required(),
  attempt: Joi.number().integer().min(1).required(),
  decline_code: Joi.string().max(100).allow(null),
  may_pass: Joi.boolean(),
}).unknown();

/** A gateway that takes transfers as JSON; the simulator is one. */
export function httpGateway({ url, key, timeoutMs }: HttpGatewayOptions): PaymentGateway {
  const call = async (
    path: string,
    asked: { readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {},
  ): Promise<Response | undefined> => {
    try {
      return await fetch(`${url}${path}`, {
        ...(asked.body !== undefined && { method: 'POST', body: asked.body }),
        redirect: 'error',
        headers: { ...asked.headers, Authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch {
      // Whether it arrived nobody can say: refused, cut off and late look alike from here.
      return undefined;
    }
  };

  const send = async (
    kind: 'charge' | 'payout' | 'refund',
    movement: Movement,
    original?: string,
  ): Promise<GatewayOutcome> => {
    const response = await call('/transfers', {
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': movement.idempotencyKey,
      },
      body: JSON.stringify({
        kind,
        attempt: movement.attempt,
        company_id: movement.companyId,
        payment_id: movement.paymentId,
        amount: movement.amount,
        currency: movement.currency,
        customer_id: movement.customerId,
        name: movement.name,
        original_id: original ?? null,
      }),
    });
    return outcomeOf(response);
  };

  return {
    provider: 'http',
    charge: (movement) => send('charge', movement),
    payout: (movement) => send('payout', movement),
    refund: (movement, transactionId) => send('refund', movement, transactionId),
    async lookup({ movement }) {
      const response = await call(`/transfers/${encodeURIComponent(movement.idempotencyKey)}`);
      if (response?.status !== 404) return outcomeOf(response);
      await response.body?.cancel();
      return undefined;
    },
  };
}

/** The gateway is busy, or at work under the same key: a look shows what became of it. */
const passing: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** @throws Unavailable GATEWAY_REFUSED */
async function outcomeOf(response: Response | undefined): Promise<GatewayOutcome> {
  if (!response) return { status: 'unknown' };
  const { status } = response;
  const body: unknown = await response.json().catch(() => undefined);
  if (status >= 400 && status < 500 && !passing.has(status)) {
    throw refusedBy('The payment gateway', String(status));
  }
  const { value, error } = transferShape.validate(body);
  if (status !== 200 || error) return { status: 'unknown' };
  switch (value.status) {
    case 'completed':
      return { status: 'completed', transactionId: value.id };
    case 'declined':
      return {
        status: 'declined',
        code: value.decline_code ?? 'declined',
        mayPass: value.may_pass ?? false,
        attempt: value.attempt,
      };
    case 'processing':
      return { status: 'unknown' };
    default:
      return value.status satisfies never;
  }
}

/** Webhooks as Standard Webhooks signs them. */
export const httpWebhooks = (secret: string): GatewayWebhooks => ({
  provider: 'http',
  async read(header, rawBody) {
    const signed = {
      id: header('webhook-id'),
      timestamp: header('webhook-timestamp'),
      signature: header('webhook-signature'),
    };
    if (!isSigned(secret, signed, rawBody, Date.now())) {
      throw new Unauthenticated('The signature is missing, wrong or old', 'SIGNATURE_INVALID');
    }
    return readGatewayEvent(rawBody);
  },
});

const eventShape = Joi.object({
  id: Joi.string().min(1).max(255).required(),
  type: Joi.string().min(1).max(100).required(),
  data: Joi.object({
    company_id: Joi.string().guid().lowercase().required(),
    payment_id: Joi.string().guid().lowercase().required(),
  })
    .unknown()
    .required(),
}).unknown();

/** What a signed webhook says; undefined for what is no event of a payment of ours. */
export function readGatewayEvent(rawBody: string): GatewayEvent | undefined {
  const { value, error } = eventShape.validate(parsed(rawBody), { convert: true });
  if (error) return undefined;
  return {
    eventId: value.id,
    kind: value.type,
    companyId: value.data.company_id,
    paymentId: value.data.payment_id,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
