import type { Config } from '../config.ts';
import { httpGateway, httpWebhooks } from './httpGateway.ts';
import { withBreaker, type GatewayWebhooks, type PaymentGateway } from './paymentGateway.ts';

/** The gateway that the settings name; undefined where no money is taken or paid. */
export async function openGateway({
  payments: { gateway, gatewayUrl: url, gatewayKey: key, timeoutMs },
}: Pick<Config, 'payments'>): Promise<PaymentGateway | undefined> {
  switch (gateway) {
    case 'http':
      return url ? withBreaker(httpGateway({ url, key, timeoutMs })) : undefined;
    case 'stripe': {
      const { stripeGateway } = await stripe();
      return withBreaker(stripeGateway({ key, url, timeoutMs }));
    }
    case undefined:
      return undefined;
    default:
      return gateway satisfies never;
  }
}

/** Its webhooks; undefined where none are taken. */
export function openWebhooks({
  payments: { gateway, webhookSecret: secret },
}: Pick<Config, 'payments'>): GatewayWebhooks | undefined {
  if (!secret) return undefined;
  if (gateway !== 'stripe') return httpWebhooks(secret);
  return {
    provider: 'stripe',
    async read(header, rawBody) {
      const { readStripeEvent } = await stripe();
      return readStripeEvent(rawBody, { signature: header('stripe-signature'), secret });
    },
  };
}

/** Its library takes a third of a second and 20 MB, which the others need not pay. */
const stripe = () => import('./stripeGateway.ts');
