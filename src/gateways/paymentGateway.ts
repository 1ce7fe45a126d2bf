import { Unavailable } from '../errors.ts';
import type { Money } from '../rules/money.ts';

/** One movement of money as a gateway is asked for it. */
export interface Movement {
  /** The gateway moves the money once under it, however often it is asked. */
  readonly idempotencyKey: string;
  /** A declined movement is tried anew under its key by a higher number; an equal one asks again. */
  readonly attempt: number;
  readonly companyId: string;
  readonly paymentId: string;
  readonly amount: Money;
  readonly currency: string;
  /** Who pays or is paid, as the gateway may know them from before. */
  readonly customerId: string | null;
  readonly name: string;
}

/** What became of it. */
export type GatewayOutcome =
  | { readonly status: 'completed'; readonly transactionId: string }
  | {
      readonly status: 'declined';
      /** The gateway's reason, `insufficient_funds`. */
      readonly code: string;
      /** Whether it may succeed later. */
      readonly mayPass: boolean;
      readonly attempt: number;
    }
  /** The money may have moved, or may move yet: ask by its key before anything else is done. */
  | { readonly status: 'unknown' };

/** A movement and the way it went, as it is looked up. */
export type Sent = { readonly movement: Movement } & (
  | { readonly kind: 'charge' | 'payout' }
  /** `transactionId` of the charge that is given back. */
  | { readonly kind: 'refund'; readonly transactionId: string }
);

/** What a gateway tells of a payment by itself; which state that is in, only `lookup` says. */
export interface GatewayEvent {
  readonly eventId: string;
  readonly kind: string;
  readonly companyId: string;
  readonly paymentId: string;
}

/**
 * What no repetition mends: a wrong key, or a request that the gateway does not take. Nothing was moved, and
 * the payment waits for an operator.
 */
export const refusedBy = (gateway: string, why: string): Unavailable =>
  new Unavailable(`${gateway} refused the request: ${why}`, 'GATEWAY_REFUSED');

/**
 * Money in and out of the house. No call rejects because the gateway is away: that is `unknown`.
 * Each @throws Unavailable GATEWAY_REFUSED
 */
export interface PaymentGateway {
  readonly provider: string;
  /** Takes money from a customer. */
  charge(movement: Movement): Promise<GatewayOutcome>;
  /** Pays money out. */
  payout(movement: Movement): Promise<GatewayOutcome>;
  /** @param transactionId of the charge that is given back, in full or in part */
  refund(movement: Movement, transactionId: string): Promise<GatewayOutcome>;
  /** Undefined when the gateway has never seen the movement's key. */
  lookup(sent: Sent): Promise<GatewayOutcome | undefined>;
}

/** What a gateway sends to us. */
export interface GatewayWebhooks {
  readonly provider: string;
  /**
   * Undefined for what is no event of a payment of ours.
   * @throws Unauthenticated SIGNATURE_INVALID
   */
  read(header: (name: string) => string, rawBody: string): Promise<GatewayEvent | undefined>;
}

const [mostFailures, restMs] = [5, 30_000];

/**
 * Leaves a gateway alone for half a minute once five calls in a row brought no answer. Nothing is sent
 * meanwhile, and what became of a movement is as unknown as before.
 */
export function withBreaker(gateway: PaymentGateway, now = Date.now): PaymentGateway {
  let failures = 0;
  let closedUntil = 0;

  const guarded = async <T extends GatewayOutcome | undefined>(
    call: () => Promise<T>,
  ): Promise<T | GatewayOutcome> => {
    if (now() < closedUntil) return { status: 'unknown' };
    const outcome = await call();
    failures = outcome?.status === 'unknown' ? failures + 1 : 0;
    if (failures >= mostFailures) {
      failures = 0;
      closedUntil = now() + restMs;
    }
    return outcome;
  };

  return {
    provider: gateway.provider,
    charge: (movement) => guarded(() => gateway.charge(movement)),
    payout: (movement) => guarded(() => gateway.payout(movement)),
    refund: (movement, id) => guarded(() => gateway.refund(movement, id)),
    lookup: (sent) => guarded(() => gateway.lookup(sent)),
  };
}
