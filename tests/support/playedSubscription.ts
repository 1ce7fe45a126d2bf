import { deadlineActivities } from '../../src/activities/deadlines.ts';
import { endorsementActivities } from '../../src/activities/endorsements.ts';
import { paymentActivities } from '../../src/activities/payments.ts';
import { premiumActivities } from '../../src/activities/premiums.ts';
import { reinstatementActivities } from '../../src/activities/reinstatements.ts';
import { subscriptionActivities } from '../../src/activities/subscriptions.ts';
import type { SubscriptionOrder, SubscriptionStep } from '../../src/activities/subscriptionStep.ts';
import type { SubscriptionState } from '../../src/models/subscriptionStart.ts';
import { nextStatus } from '../../src/rules/subscriptions.ts';
import type { TimerName } from '../../src/rules/termTimers.ts';
import type { Bank } from './billingModel.ts';
import type { TestDatabase } from './database.ts';
import { PlayedLoop } from './playedLoop.ts';
import { invoiceToPay } from './subscriptionRows.ts';
import type { ShownTerm, TermTwin, Wish } from './termModel.ts';

const activities = {
  ...subscriptionActivities(),
  ...deadlineActivities(),
  ...endorsementActivities(),
  ...premiumActivities(),
  ...reinstatementActivities(),
  ...paymentActivities({}),
};

/** A subscription that was just sold, as a model's twin; workflow and bank are played by hand. */
export async function playSubscription<Shown extends ShownTerm>(
  database: TestDatabase,
  { id, companyId }: { readonly id: string; readonly companyId: string },
  shownOf: (database: TestDatabase, id: string) => Promise<Shown>,
): Promise<TermTwin<Shown> & { setBank(says: Bank): Promise<void> }> {
  const ref = { companyId, subscriptionId: id };
  const loop = new PlayedLoop<SubscriptionState, TimerName>(
    `subscription/${id}`,
    await activities.readSubscription(ref),
    Date.now(),
  );
  let bank: Bank = 'silent';

  async function settle(): Promise<void> {
    if (bank === 'silent') return;
    for (const paymentId of loop.state.payments ?? []) {
      await activities.settlePayment({
        companyId,
        paymentId,
        commandId: `payment/${paymentId}/settle/1`,
        expectedVersion: 1,
        at: loop.now,
        attempt: 1,
        settlement:
          bank === 'ok'
            ? { status: 'completed', transactionId: `tr_${paymentId}` }
            : { status: 'declined', code: 'account_closed', mayPass: false },
      });
      if (loop.state.isClosed) continue;
      const order = loop.orderOf(`subscription/${id}/settle_premium/${paymentId}`);
      ({ state: loop.state } = await activities.settlePremium({ ...ref, ...order, paymentId }));
    }
  }

  return {
    now: () => loop.now,
    passUntil: (instant) =>
      loop.passUntil(
        instant,
        (order) => activities.fireSubscriptionTimer({ ...ref, ...order }),
        settle,
      ),
    async order(wish) {
      const events = {
        cancel: 'cancel',
        renew: loop.state.status === 'expired' ? 'late_renew' : 'renew',
        move: 'change_expiry',
        endorse: 'endorse',
        pay: 'charge',
        reinstate: 'reinstate',
        defer: 'move_deadline',
      } as const;
      if (!nextStatus(loop.state.status, events[wish.kind])) return 'ILLEGAL_TRANSITION';
      const order = { ...ref, ...loop.nextOrder() };
      const invoiceId = await invoiceToPay(database, id);
      return loop.answerTo(async () => {
        await loop.carryOut(() => stepOf(wish, order, invoiceId));
        await settle();
      });
    },
    async repeat() {
      expect((await loop.again()).stateVersion).toBe(loop.state.stateVersion);
    },
    async setAutoRenew(isOn) {
      await database.sql('UPDATE shared.policy_subscriptions SET auto_renew = $2 WHERE id = $1', [
        id,
        isOn,
      ]);
    },
    async setSold(isSold) {
      await database.sql(
        `UPDATE shared.insurance_plans SET is_active = $2 WHERE id =
           (SELECT insurance_plan_id FROM shared.policy_subscriptions WHERE id = $1)`,
        [id, isSold],
      );
    },
    async setBank(says) {
      bank = says;
      await settle();
    },
    shown: () => shownOf(database, id),
  };
}

function stepOf(
  wish: Wish,
  order: SubscriptionOrder,
  invoiceId: string,
): Promise<SubscriptionStep> {
  switch (wish.kind) {
    case 'cancel':
      return activities.cancelSubscription({ ...order, effectiveDate: wish.day, reason: null });
    case 'renew':
      return activities.renewSubscription({ ...order, reason: null });
    case 'pay':
      return activities.chargeInvoice({ ...order, invoiceId });
    case 'reinstate': {
      const { onCredit } = wish;
      return activities.reinstateSubscription({ ...order, onCredit, reason: null });
    }
    case 'endorse': {
      const { premium } = wish;
      return activities.endorseSubscription({ ...order, premium, reason: 'A new roof' });
    }
    case 'defer': {
      const { name, dueAt } = wish;
      const reason = 'Agreed by phone';
      return activities.moveBillingDeadline({ ...order, name, dueAt, reason });
    }
    case 'move': {
      const { expiresAt } = wish;
      return activities.changeSubscriptionExpiry({ ...order, expiresAt, reason: 'Moved' });
    }
    default:
      return wish satisfies never;
  }
}
