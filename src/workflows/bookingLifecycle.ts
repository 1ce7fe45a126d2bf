import { continueAsNew, defineQuery, defineUpdate, workflowInfo } from '@temporalio/workflow';
import type { BookingStep } from '../activities/bookings.ts';
import type {
  BookingLifecycleInput,
  BookingResult,
  BookingState,
  BookingTimerAhead,
  BookingWish,
} from '../models/bookingStart.ts';
import type { PaymentResult } from '../models/paymentStart.ts';
import { allowedBookingEvents, nextBookingStatus } from '../rules/bookings.ts';
import { awaitPayment } from './awaitPayment.ts';
import { doing, inWords } from './doing.ts';
import { illegalTransition, openLifecycle, refuseInTrouble, type StepOrder } from './lifecycle.ts';

export const bookingTransition = defineUpdate<BookingResult, [BookingWish]>('transition');
export const bookingState = defineQuery<BookingState>('state');

/**
 * One stay from the hold on its nights until nothing can come of it any more. Charge and refund have
 * courses of their own, whose end is awaited while commands and clocks go on.
 */
export async function bookingLifecycle(input: BookingLifecycleInput): Promise<void> {
  const ref = { companyId: input.companyId, bookingId: input.bookingId };
  const entity = `booking/${input.bookingId}`;
  const awaited = new Set<string>();
  const ended = new Map<string, PaymentResult>();
  const lifecycle = openLifecycle<BookingState, BookingWish, BookingResult>({
    companyId: ref.companyId,
    noun: 'booking',
    entity,
    begin: input.state,
    notificationIds: input.notificationIds,
    answered: input.answered,
    query: bookingState,
    resultOf: ({ status, stateVersion }) => ({ status, stateVersion }),
    read: () => doing('read again').readBooking(ref),
    carryOut,
    fire,
    advance,
    isReady: () => ended.size > 0,
    isRunComplete: () => workflowInfo().continueAsNewSuggested,
    async endByOperator() {
      if (nextBookingStatus(lifecycle.state.status, 'cancel')) {
        await lifecycle.persist('the end by an operator', cancelledByOperator);
      }
    },
    headline: ({ status, paymentId, refundId }) =>
      `**${status}**${paymentId ? ', a charge is under way' : ''}${refundId ? ', a refund is under way' : ''}`,
  });
  lifecycle.accept(bookingTransition, {
    description: 'One step of the booking, by an event of its table',
    toBody: (wish) => wish,
    refuse: refuseUnlessLegal,
  });

  await lifecycle.run();
  if (!lifecycle.state.isClosed) await startNextRun();

  function refuseUnlessLegal({ event }: BookingWish): void {
    refuseInTrouble(lifecycle.attention, 'booking');
    const { status } = lifecycle.state;
    if (nextBookingStatus(status, event)) return;
    throw illegalTransition(
      `The booking is ${status} and cannot ${inWords(event)}`,
      allowedBookingEvents(status),
      { current_status: status },
    );
  }

  function carryOut(wish: BookingWish, order: StepOrder): Promise<BookingStep> {
    refuseUnlessLegal(wish);
    return doing(inWords(wish.event)).processBooking({ ...ref, ...order, wish });
  }

  function fire({ name, occurrence }: BookingTimerAhead, order: StepOrder): Promise<BookingStep> {
    return doing(inWords(name)).fireBookingTimer({ ...ref, ...order, name, occurrence });
  }

  /** Money that is on its way is awaited, and noted once it is there. */
  async function advance(): Promise<void> {
    for (const [id, result] of ended) {
      ended.delete(id);
      const { paymentId, refundId } = lifecycle.state;
      if (id === paymentId) {
        await lifecycle.persist('the end of the charge', () =>
          doing('note the charge').settleBookingPayment({
            ...orderOf('settle_payment'),
            paymentId: id,
            result,
          }),
        );
      } else if (id === refundId) {
        await lifecycle.persist('the end of the refund', () =>
          doing('note the refund').settleBookingRefund({
            ...orderOf('settle_refund'),
            refundId: id,
            result,
          }),
        );
      }
    }
    for (const id of [lifecycle.state.paymentId, lifecycle.state.refundId]) {
      if (id === null || awaited.has(id)) continue;
      awaited.add(id);
      void noteEnd(id);
    }
  }

  async function noteEnd(paymentId: string): Promise<void> {
    const result = await awaitPayment({ companyId: ref.companyId, paymentId });
    if (result) ended.set(paymentId, result);
  }

  function orderOf(effect: string) {
    const id = `${entity}/${effect}/${lifecycle.state.stateVersion}`;
    return { ...ref, ...lifecycle.order(id) };
  }

  function cancelledByOperator(): Promise<BookingStep> {
    return doing('cancelled by an operator').processBooking({
      ...orderOf('operator_cancel'),
      wish: { event: 'cancel', as: 'operator', by: null, reason: 'Stopped by an operator' },
    });
  }

  function startNextRun(): Promise<never> {
    return continueAsNew<typeof bookingLifecycle>({
      ...input,
      state: lifecycle.state,
      notificationIds: lifecycle.undelivered,
      answered: lifecycle.answered,
    });
  }
}
