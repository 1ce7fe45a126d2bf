import type { PolicySubscription } from '../models/PolicySubscription.ts';
import type { TimerName } from '../models/Timer.ts';
import type { SubscriptionStatus } from '../rules/subscriptions.ts';
import { maxExpiryMoveMs } from '../rules/termTimers.ts';

/** The other timers are told, once past, by the transition they cause. */
export const isNotice = (name: TimerName): boolean =>
  name.startsWith('renewal_') || name.startsWith('grace_reminder_');

/** Past events, by their names in the history. */
export const eventTitles: Readonly<Record<string, string>> = {
  subscribe: 'Bought',
  start: 'Cover began',
  expire: 'Expired',
  cancel: 'Cancelled',
  schedule_cancel: 'Cancellation planned',
  renew: 'Renewed',
  late_renew: 'Renewed late',
  change_expiry: 'Expiry moved',
  endorse: 'Premium or cover changed',
  order: 'Ordered',
  charge: 'Collected once more',
  pay: 'Premium paid',
  not_taken_up: 'Not paid in time',
  miss_payment: 'Premium overdue',
  lapse: 'Cover lapsed',
  ask_reinstatement: 'Reinstatement asked for',
  reinstate: 'Reinstated',
  move_deadline: 'Deadline moved',
};

/** A timer, in business words. */
export function titleOf(name: TimerName): string {
  switch (name) {
    case 'start':
      return 'Cover begins';
    case 'renewal_offer':
      return 'Renewal offer to the holder';
    case 'renewal_call':
      return 'Call centre calls the holder';
    case 'expiry':
      return 'Cover ends';
    case 'late_renewal_close':
      return 'Late renewal closes';
    case 'cancellation':
      return 'Cancellation takes effect';
    case 'payment_window':
      return 'Payment window ends';
    case 'invoice_due':
      return 'Premium is due';
    case 'grace_end':
      return 'Grace ends';
    case 'reinstatement_close':
      return 'Reinstatement closes';
    default:
      return name.startsWith(inGrace)
        ? `Reminder ${inDays(name.slice(inGrace.length))} after the missed payment`
        : `Reminder ${inDays(name.slice('renewal_reminder_'.length))} before the end`;
  }
}

const inGrace = 'grace_reminder_';

const inDays = (days: string): string => (days === '1' ? '1 day' : `${days} days`);

/** What happens when the timer is due. */
export function consequenceOf(
  name: TimerName,
  { autoRenew, cancelEffectiveDate }: Pick<PolicySubscription, 'autoRenew' | 'cancelEffectiveDate'>,
): string {
  const isLeaving = cancelEffectiveDate !== null;
  if (isLeaving && name.startsWith('renewal_'))
    return 'Nothing: a cancellation is pending, so nobody is told';
  switch (name) {
    case 'start':
      return 'The policy becomes active';
    case 'renewal_call':
      return 'The call centre gets a task unless the holder has chosen to renew';
    case 'expiry':
      return autoRenew && !isLeaving
        ? 'It renews for another term while its plan is sold, else it expires'
        : 'It expires and the holder is told';
    case 'late_renewal_close':
      return 'It can no longer be renewed';
    case 'cancellation':
      return 'It is cancelled and the holder is told';
    case 'payment_window':
      return 'Without the premium it ends before it began';
    case 'invoice_due':
      return 'Without the premium the grace begins; the cover stays';
    case 'grace_end':
      return 'Without the premium the cover ends and what is open is written off';
    case 'reinstatement_close':
      return 'It expires with the day on which it lapsed';
    default:
      return 'The holder is reminded by e-mail';
  }
}

/** Who may bring an event about. */
export const whoMay: Readonly<Record<string, string>> = {
  cancel: 'the holder, or a tenant admin with a reason',
  schedule_cancel: 'the holder, or a tenant admin with a reason',
  renew: 'the holder, the call centre or a tenant admin',
  endorse: 'the call centre or a tenant admin',
  charge: 'the holder, the call centre or a tenant admin',
  ask_reinstatement: 'the holder, who pays the arrears',
  reinstate: 'a tenant admin with a reason',
  late_renew: 'the call centre or a tenant admin',
  move_deadline: 'a tenant admin or an operator, with a reason',
  change_expiry: `a tenant admin or an operator, up to ${maxExpiryMoveMs / 86_400_000} days from now`,
};

/** Whom it waits for where time alone does not mend it. */
export const waitsFor: Readonly<Partial<Record<SubscriptionStatus, string>>> = {
  pending_payment: 'the first premium from the holder',
  grace: 'the overdue premium from the holder',
  lapsed: 'the arrears from the holder, or a tenant admin who reinstates it',
};
