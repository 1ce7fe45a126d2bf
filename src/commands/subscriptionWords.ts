import type { PolicySubscription } from '../models/PolicySubscription.ts';
import type { TimerName } from '../models/Timer.ts';
import { maxExpiryMoveMs } from '../rules/termTimers.ts';

/** The other timers are told, once past, by the transition they cause. */
export const isNotice = (name: TimerName): boolean => name.startsWith('renewal_');

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
    default:
      return `Reminder ${inDays(name.slice('renewal_reminder_'.length))} before the end`;
  }
}

const inDays = (days: string): string => (days === '1' ? '1 day' : `${days} days`);

/** What happens when the timer is due. */
export function consequenceOf(
  name: TimerName,
  { autoRenew, cancelEffectiveDate }: Pick<PolicySubscription, 'autoRenew' | 'cancelEffectiveDate'>,
): string {
  const isLeaving = cancelEffectiveDate !== null;
  if (isLeaving && isNotice(name)) return 'Nothing: a cancellation is pending, so nobody is told';
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
    default:
      return 'The holder is reminded by e-mail';
  }
}

/** Who may bring an event about. */
export const whoMay: Readonly<Record<string, string>> = {
  cancel: 'the holder, or a tenant admin with a reason',
  schedule_cancel: 'the holder, or a tenant admin with a reason',
  renew: 'the holder, the call centre or a tenant admin',
  late_renew: 'the call centre or a tenant admin',
  change_expiry: `a tenant admin or an operator, up to ${maxExpiryMoveMs / 86_400_000} days from now`,
};
