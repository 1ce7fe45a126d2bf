import Stripe from 'stripe';
import { Unauthenticated } from '../errors.ts';
import type {
  GatewayEvent,
  GatewayOutcome,
  Movement,
  PaymentGateway,
  Sent,
} from './paymentGateway.ts';
import { stripeAmount } from './stripeAmounts.ts';
import {
  declined,
  idOf,
  outcomeOfCharges,
  outcomeOfError,
  outcomeOfIntent,
  outcomeOfRefund,
  unknownOrThrown,
} from './stripeOutcomes.ts';

export interface StripeOptions {
  /** `sk_…` or `rk_…` */
  readonly key: string;
  /** Of a server that speaks Stripe's protocol; Stripe's own without it. */
  readonly url?: string | undefined;
  /** Milliseconds that one call may take. */
  readonly timeoutMs: number;
}

/** No call makes more requests to Stripe than these. */
const requestsOfCall = 2;

/**
 * Stripe: a charge is a PaymentIntent off session, a payout a transfer to a connected account, a refund
 * a refund. Stripe answers a key's first result for a day, declines too, so each attempt has a key of
 * its own, made from the payment's. What became of a payment is read from lists, which show at once
 * what was done; Stripe's search shows it late, and finds people alone.
 */
export function stripeGateway({ key, url, timeoutMs }: StripeOptions): PaymentGateway {
  const stripe = new Stripe(key, {
    ...(url !== undefined && addressOf(url)),
    timeout: timeoutMs / requestsOfCall,
    // Temporal tries again, and looks before.
    maxNetworkRetries: 0,
    telemetry: false,
  });

  const personOf = async ({
    companyId,
    customerId,
  }: Movement): Promise<Stripe.Customer | undefined> => {
    if (customerId === null) return undefined;
    const { data } = await stripe.customers.search({
      query: `metadata['company_id']:'${companyId}' AND metadata['user_id']:'${customerId}'`,
      limit: 1,
    });
    return data[0];
  };

  const look = async (sent: Sent): Promise<GatewayOutcome | undefined> => {
    const { paymentId } = sent.movement;
    const isIts = ({ metadata }: { readonly metadata: Stripe.Metadata | null }): boolean =>
      metadata?.['payment_id'] === paymentId;
    const group = { transfer_group: paymentId, limit: 100 };
    switch (sent.kind) {
      case 'charge': {
        const { data } = await stripe.charges.list(group);
        return outcomeOfCharges(data.filter(isIts));
      }
      case 'payout': {
        const transfer = (await stripe.transfers.list(group)).data.find(isIts);
        return transfer && { status: 'completed', transactionId: transfer.id };
      }
      case 'refund': {
        if (!isOfStripe(sent.transactionId)) return undefined;
        const asked = { payment_intent: sent.transactionId, limit: 100 };
        const { data, has_more: hasMore } = await stripe.refunds.list(asked);
        const refund = data.find(isIts);
        if (refund) return outcomeOfRefund(refund);
        return hasMore ? { status: 'unknown' } : undefined;
      }
      default:
        return sent satisfies never;
    }
  };

  return {
    provider: 'stripe',

    charge: (movement) =>
      sending(movement, async (money) => {
        const payer = await personOf(movement);
        // They may come to be known before the next try.
        if (!payer) return declined(movement, 'payer_unknown', { mayPass: true });
        const means = payer.invoice_settings.default_payment_method ?? payer.default_source;
        if (!means) return declined(movement, 'payment_method_missing', { mayPass: true });
        const intent = await stripe.paymentIntents.create(
          {
            ...money,
            customer: payer.id,
            payment_method: idOf(means),
            automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
            off_session: true,
            confirm: true,
          },
          requestOf(movement),
        );
        return outcomeOfIntent(intent, movement);
      }),

    payout: (movement) =>
      sending(movement, async (money) => {
        const payee = await personOf(movement);
        const destination = payee?.metadata['payout_account'];
        if (!destination) return declined(movement, 'payee_unknown');
        const { id } = await stripe.transfers.create(
          { ...money, destination },
          requestOf(movement),
        );
        return { status: 'completed', transactionId: id };
      }),

    refund: (movement, transactionId) =>
      sending(movement, async ({ amount, metadata }) => {
        if (!isOfStripe(transactionId)) return declined(movement, 'paid_elsewhere');
        const refund = await stripe.refunds.create(
          { payment_intent: transactionId, amount, metadata },
          requestOf(movement),
        );
        return outcomeOfRefund(refund);
      }),

    async lookup(sent) {
      try {
        return await look(sent);
      } catch (error) {
        return unknownOrThrown(error);
      }
    },
  };
}

/**
 * What a signed webhook says; undefined for what is no event of a payment of ours. Stripe's objects
 * carry the ids that we gave them.
 * @throws Unauthenticated SIGNATURE_INVALID
 */
export function readStripeEvent(
  rawBody: string,
  { signature, secret }: { readonly signature: string; readonly secret: string },
): GatewayEvent | undefined {
  const event = verified(rawBody, signature, secret);
  const { object } = event.data;
  const metadata = 'metadata' in object ? object.metadata : null;
  const { company_id: companyId = '', payment_id: paymentId = '' } = metadata ?? {};
  if (!isId(companyId) || !isId(paymentId)) return undefined;
  return { eventId: event.id, kind: event.type, companyId, paymentId };
}

function verified(rawBody: string, signature: string, secret: string): Stripe.Event {
  try {
    return Stripe.webhooks.constructEvent(rawBody, signature, secret);
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error;
    throw new Unauthenticated('The signature is missing, wrong or old', 'SIGNATURE_INVALID');
  }
}

const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

interface StripeMoney {
  readonly amount: number;
  readonly currency: string;
  /** By which `lookup` finds it; our own, since Stripe has a single payment in it. */
  readonly transfer_group: string;
  readonly metadata: Record<string, string>;
}

/** Declines and silence are outcomes; whatever no repetition mends is thrown. */
async function sending(
  movement: Movement,
  send: (money: StripeMoney) => Promise<GatewayOutcome>,
): Promise<GatewayOutcome> {
  const { companyId, paymentId, currency, attempt } = movement;
  const amount = stripeAmount(movement.amount, currency);
  if (amount === undefined) return declined(movement, 'amount_invalid');
  try {
    return await send({
      amount,
      currency: currency.toLowerCase(),
      transfer_group: paymentId,
      metadata: { company_id: companyId, payment_id: paymentId, attempt: String(attempt) },
    });
  } catch (error) {
    return outcomeOfError(error, movement);
  }
}

const requestOf = ({ idempotencyKey, attempt }: Movement): Stripe.RequestOptions => ({
  idempotencyKey: `${idempotencyKey}/${attempt}`,
});

const isOfStripe = (transactionId: string): boolean => transactionId.startsWith('pi_');

function addressOf(url: string): Pick<Stripe.StripeConfig, 'host' | 'port' | 'protocol'> {
  const { protocol, hostname, port } = new URL(url);
  const isPlain = protocol === 'http:';
  return {
    protocol: isPlain ? 'http' : 'https',
    host: hostname,
    port: port || (isPlain ? 80 : 443),
  };
}
