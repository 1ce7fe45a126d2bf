import {
  cancel,
  changeExpiry,
  chargeInvoice,
  endorse,
  moveDeadline,
  reinstate,
  renew,
} from '../../src/workflows/subscriptionLifecycle.ts';
import type { TestDatabase } from './database.ts';
import type { Journey, Journeys } from './journey.ts';
import { outcomeOf } from './model.ts';
import { invoiceToPay } from './subscriptionRows.ts';
import type { ShownTerm, TermTwin, Wish } from './termModel.ts';

/** A subscription and its workflow as they run, as a model's twin. */
export function runSubscription<Shown extends ShownTerm>(
  { database, now, passUntil }: Journeys,
  journey: Journey,
  shownOf: (database: TestDatabase, id: string) => Promise<Shown>,
  rest: () => Promise<unknown> = journey.rest,
): TermTwin<Shown> {
  let commands = 0;
  let last: (() => Promise<unknown>) | undefined;

  return {
    now,
    async passUntil(instant) {
      await passUntil(instant);
      await rest();
    },
    async order(wish) {
      const commandId = `command-${(commands += 1)}`;
      const invoiceId = await invoiceToPay(database, journey.id);
      const send = () => sendTo(journey, wish, commandId, invoiceId);
      const outcome = await outcomeOf(send);
      last = outcome === 'done' ? send : undefined;
      await rest();
      return outcome;
    },
    async repeat() {
      await last?.();
      await rest();
    },
    setAutoRenew: (isOn) => journey.setRow(`auto_renew = ${isOn}`),
    setSold: (isSold) => journey.setPlan(`is_active = ${isSold}`),
    shown: () => shownOf(database, journey.id),
  };
}

function sendTo(
  { send }: Journey,
  wish: Wish,
  commandId: string,
  invoiceId: string,
): Promise<unknown> {
  switch (wish.kind) {
    case 'cancel':
      return send(cancel, commandId, { effectiveDate: wish.day, reason: null });
    case 'renew':
      return send(renew, commandId, { reason: null });
    case 'pay':
      return send(chargeInvoice, commandId, { invoiceId });
    case 'reinstate':
      return send(reinstate, commandId, { onCredit: wish.onCredit, reason: null });
    case 'endorse':
      return send(endorse, commandId, { premium: wish.premium, reason: 'A new roof' });
    case 'defer': {
      const { name, dueAt } = wish;
      return send(moveDeadline, commandId, { name, dueAt, reason: 'Agreed by phone' });
    }
    case 'move':
      return send(changeExpiry, commandId, { expiresAt: wish.expiresAt, reason: 'Moved' });
    default:
      return wish satisfies never;
  }
}
