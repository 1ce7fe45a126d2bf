import { Unauthenticated } from '../errors.ts';
import type { GatewayWebhooks } from '../gateways/paymentGateway.ts';
import { afterCommit, withTenant } from '../models/database.ts';
import { Payment } from '../models/Payment.ts';
import { PaymentEvent } from '../models/PaymentEvent.ts';
import { promiseNews } from '../models/paymentStart.ts';
import type { Dispatcher } from './dispatch.ts';

/**
 * What the gateway tells by itself. It only makes the payment's workflow ask the gateway now, so a late,
 * repeated or unordered event has no effect of its own. That is owed to the workflow from the commit on, and
 * the gateway has its answer before.
 */
export const createPaymentWebhooks = ({
  dispatcher,
  webhooks,
}: {
  readonly dispatcher: Pick<Dispatcher, 'dispatch'>;
  /** Undefined where none are taken: then none is signed. */
  readonly webhooks: GatewayWebhooks | undefined;
}) => ({
  /**
   * Content with what is about nothing of ours, and with what it has heard before.
   * @throws Unauthenticated SIGNATURE_INVALID
   */
  async take(header: (name: string) => string, rawBody: string): Promise<void> {
    if (!webhooks) throw new Unauthenticated('No webhooks are taken', 'SIGNATURE_INVALID');
    const event = await webhooks.read(header, rawBody);
    if (!event) return;
    const { companyId, paymentId, eventId, kind } = event;
    await withTenant(companyId, async () => {
      const payment = await Payment.findOne({ where: { id: paymentId } });
      if (!payment) return;
      const { provider } = webhooks;
      if (!(await PaymentEvent.note({ provider, eventId, kind, paymentId }))) return;
      const news = promiseNews(payment);
      afterCommit(() => dispatcher.dispatch(news));
    });
  },
});

export type PaymentWebhooks = ReturnType<typeof createPaymentWebhooks>;
