import { isBookingTimer } from '../rules/bookingClocks.ts';
import { isClaimTimer } from '../rules/claimClocks.ts';
import { isPolicyTimer } from '../rules/policyClocks.ts';
import { Booking } from './Booking.ts';
import { bookingStart, bookingStateOf } from './bookingStart.ts';
import { BulkOperation } from './BulkOperation.ts';
import { bulkStart } from './bulkStart.ts';
import { Claim } from './Claim.ts';
import { claimStart, claimStateOf } from './claimStart.ts';
import { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import { flush } from './database.ts';
import { keptAmong } from './keepers.ts';
import { keeperStart } from './keeperStart.ts';
import { Notification } from './Notification.ts';
import { onboardingStart, onboardingStateOf } from './onboardingStart.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';
import { Payment } from './Payment.ts';
import { paymentStart } from './paymentStart.ts';
import { policyApprovalStart, policyApprovalStateOf } from './policyApprovalStart.ts';
import { PolicySubscription } from './PolicySubscription.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import { RegistrationRequest } from './RegistrationRequest.ts';
import { Report } from './Report.ts';
import { reportStart } from './reportStart.ts';
import { stateOf, subscriptionStart } from './subscriptionStart.ts';
import { isOnboardingTimer, isTermTimer, timersAheadOfAll } from './Timer.ts';

/**
 * Promises the starts of objects anew from their rows as they are; of those whose workflow has ended
 * none. A run that is open meets such a start and goes on.
 */
export async function promiseStarts(ids: readonly string[]): Promise<readonly WorkflowStart[]> {
  const starts: WorkflowStart[] = [];
  const where = { id: [...ids], workflowClosedAt: null };
  const unsent = await Notification.unsentAboutAll(ids);
  const ahead = await timersAheadOfAll(ids);
  const payments = await PremiumInvoice.paymentsOfAll(ids);
  for (const subscription of await PolicySubscription.findAll({ where })) {
    const { id } = subscription;
    const state = await stateOf(subscription, ahead(id, isTermTimer), payments.of(id));
    const start = subscriptionStart(subscription, state, unsent.of(id));
    starts.push(OutboxEntry.promise({ ...start, isRestart: true }));
  }
  for (const claim of await Claim.findAll({ where })) {
    const state = await claimStateOf(claim, ahead(claim.id, isClaimTimer));
    starts.push(
      OutboxEntry.promise({ ...claimStart(claim, state, unsent.of(claim.id)), isRestart: true }),
    );
  }
  const superseded = await CompliancePolicyVersion.supersededByAll(ids);
  for (const version of await CompliancePolicyVersion.findAll({ where })) {
    const { id } = version;
    const timers = ahead(id, isPolicyTimer);
    const state = await policyApprovalStateOf(version, { timers, superseded });
    const start = policyApprovalStart(version, state, unsent.of(id));
    starts.push(OutboxEntry.promise({ ...start, isRestart: true }));
  }
  for (const policy of await keptAmong(ids)) {
    // Due already, so that nobody joins it: it may be started at once, and not by the relay.
    starts.push(OutboxEntry.promise(keeperStart(policy.companyId, policy), new Date()));
  }
  for (const booking of await Booking.findAll({ where })) {
    const { id } = booking;
    const state = await bookingStateOf(booking, ahead(id, isBookingTimer));
    const start = bookingStart(booking, state, unsent.of(id));
    starts.push(OutboxEntry.promise({ ...start, isRestart: true }));
  }
  for (const payment of await Payment.findAll({ where })) {
    starts.push(OutboxEntry.promise({ ...paymentStart(payment), isRestart: true }));
  }
  for (const registration of await RegistrationRequest.findAll({ where })) {
    const { id } = registration;
    const state = await onboardingStateOf(registration, ahead(id, isOnboardingTimer));
    const start = onboardingStart(registration, state, unsent.of(id));
    starts.push(OutboxEntry.promise({ ...start, isRestart: true }));
  }
  for (const report of await Report.findAll({ where })) {
    starts.push(OutboxEntry.promise({ ...reportStart(report), isRestart: true }));
  }
  for (const bulk of await BulkOperation.findAll({ where })) {
    starts.push(OutboxEntry.promise({ ...bulkStart(bulk), isRestart: true }));
  }
  await flush();
  return starts;
}
