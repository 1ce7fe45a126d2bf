import { Unauthenticated } from '../errors.ts';
import type { GatewayWebhooks } from '../gateways/paymentGateway.ts';
import { withTenant } from '../models/database.ts';
import { Payment } from '../models/Payment.ts';
import { PaymentEvent } from '../models/PaymentEvent.ts';
import { paymentWorkflowId } from '../rules/workflowIds.ts';
import { gatewayNews } from '../workflows/payment.ts';
import type { Temporal } from './temporal.ts';

/**
 * What the gateway tells by itself. It only makes the payment's workflow ask the gateway now, so a late,
 * repeated or unordered event has no effect of its own.
 */
export const createPaymentWebhooks = ({
  temporal,
  webhooks,
}: {
  readonly temporal: Pick<Temporal, 'tell'>;
  /** Undefined where none are taken: then none is signed. */
  readonly webhooks: GatewayWebhooks | undefined;
}) => ({
  /**
   * Content with what is about nothing of ours, and with what it has heard before.
   * @throws Unauthenticated SIGNATURE_INVALID; Unavailable while Temporal is away: send it again
   */
  async take(header: (name: string) => string, rawBody: string): Promise<void> {
    if (!webhooks) throw new Unauthenticated('No webhooks are taken', 'SIGNATURE_INVALID');
    const event = await webhooks.read(header, rawBody);
    if (!event) return;
    const { companyId, paymentId, eventId, kind } = event;
    const noted = await withTenant(companyId, async () => {
      if ((await Payment.count({ where: { id: paymentId } })) === 0) return undefined;
      return PaymentEvent.note({ provider: webhooks.provider, eventId, kind, paymentId });
    });
    if (!noted?.isNew) return;
    await temporal.tell(gatewayNews, paymentWorkflowId(companyId, paymentId));
    await withTenant(companyId, () =>
      PaymentEvent.update({ handledAt: new Date() }, { where: { id: noted.id } }),
    );
  },
});

export type PaymentWebhooks = ReturnType<typeof createPaymentWebhooks>;
