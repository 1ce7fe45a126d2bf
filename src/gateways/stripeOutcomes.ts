import Stripe from 'stripe';
import { refusedBy, type GatewayOutcome, type Movement } from './paymentGateway.ts';

export const declined = (
  { attempt }: Movement,
  code: string,
  { mayPass = false }: { readonly mayPass?: boolean } = {},
): GatewayOutcome => ({ status: 'declined', code, mayPass, attempt });

/** @throws Unavailable GATEWAY_REFUSED */
export function outcomeOfError(error: unknown, { attempt }: Movement): GatewayOutcome {
  if (error instanceof Stripe.errors.StripeCardError) {
    const { decline_code: reason, code, advice_code } = error;
    return declinedCard(attempt, { code: reason || code, advice_code });
  }
  if (error instanceof Stripe.errors.StripeInvalidRequestError) {
    const { code = '' } = error;
    const mayPass = refusals.get(code);
    if (mayPass !== undefined) return { status: 'declined', code, mayPass, attempt };
  }
  return unknownOrThrown(error);
}

/** @throws Unavailable GATEWAY_REFUSED, without Stripe's own words, which may hold what is nobody's business */
export function unknownOrThrown(error: unknown): GatewayOutcome {
  const { errors } = Stripe;
  if (
    error instanceof errors.StripeConnectionError ||
    error instanceof errors.StripeAPIError ||
    error instanceof errors.StripeRateLimitError ||
    // The key is in use, or was used for something else: a look shows what became of it.
    error instanceof errors.StripeIdempotencyError
  ) {
    return { status: 'unknown' };
  }
  if (!(error instanceof errors.StripeError)) throw error;
  const { statusCode = '', code = '', requestId = '' } = error;
  throw refusedBy('Stripe', [statusCode, code, requestId].join(' ').trim());
}

export function outcomeOfIntent(
  { id, status, last_payment_error: failure }: Stripe.PaymentIntent,
  { attempt }: Movement,
): GatewayOutcome {
  switch (status) {
    case 'succeeded':
      return { status: 'completed', transactionId: id };
    case 'canceled':
      return { status: 'declined', code: 'canceled', mayPass: false, attempt };
    case 'requires_payment_method':
      return declinedCard(attempt, { ...failure, code: failure?.decline_code ?? failure?.code });
    default:
      return { status: 'unknown' };
  }
}

/** Each attempt has made one; undefined where there is none. */
export function outcomeOfCharges(charges: readonly Stripe.Charge[]): GatewayOutcome | undefined {
  const done = charges.find(({ status }) => status === 'succeeded');
  if (done) {
    return {
      status: 'completed',
      transactionId: done.payment_intent === null ? done.id : idOf(done.payment_intent),
    };
  }
  if (charges.some(({ status }) => status === 'pending')) return { status: 'unknown' };
  const [latest] = charges.toSorted((a, b) => attemptOf(b) - attemptOf(a));
  if (!latest) return undefined;
  return declinedCard(attemptOf(latest), {
    ...latest.outcome,
    code: latest.outcome?.reason ?? latest.failure_code,
  });
}

export function outcomeOfRefund(refund: Stripe.Refund): GatewayOutcome {
  switch (refund.status) {
    case 'succeeded':
      return { status: 'completed', transactionId: refund.id };
    case 'failed':
    case 'canceled':
      return {
        status: 'declined',
        code: refund.failure_reason ?? refund.status,
        mayPass: false,
        attempt: attemptOf(refund),
      };
    default:
      return { status: 'unknown' };
  }
}

/** Stripe gives an object, or its id alone. */
export const idOf = (object: string | { readonly id: string }): string =>
  typeof object === 'string' ? object : object.id;

/** Refused requests that say something of the payment and not of us; whether they may pass later. */
const refusals: ReadonlyMap<string, boolean> = new Map([
  ['balance_insufficient', true],
  ['insufficient_funds', true],
  ['account_invalid', false],
  ['account_closed', false],
  ['amount_too_large', false],
  ['amount_too_small', false],
  ['charge_already_refunded', false],
  ['charge_disputed', false],
  ['insufficient_capabilities_for_transfer', false],
  ['payouts_not_allowed', false],
  ['transfers_not_allowed', false],
]);

/** Of Stripe's errors of cards those that time may mend, where it gives no advice of its own. */
const mayPassByCode: ReadonlySet<string> = new Set([
  'approve_with_id',
  'balance_insufficient',
  'card_velocity_exceeded',
  'do_not_honor',
  'generic_decline',
  'insufficient_funds',
  'issuer_not_available',
  'processing_error',
  'reenter_transaction',
  'try_again_later',
  'withdrawal_count_limit_exceeded',
]);

function declinedCard(
  attempt: number,
  reason: {
    readonly code?: string | null | undefined;
    readonly advice_code?: string | null | undefined;
  },
): GatewayOutcome {
  const code = reason.code || 'declined';
  const mayPass = reason.advice_code
    ? reason.advice_code === 'try_again_later'
    : mayPassByCode.has(code);
  return { status: 'declined', code, mayPass, attempt };
}

const attemptOf = ({ metadata }: { readonly metadata: Stripe.Metadata | null }): number =>
  Number(metadata?.['attempt'] ?? 1);
