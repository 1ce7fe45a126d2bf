import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Booking, illegalBookingEvent, type BookingChanges } from '../models/Booking.ts';
import {
  addClocks,
  bookingFileOf,
  bookingUnderSettings,
  holdNightsAgain,
  isStayOver,
  leftOf,
  lesser,
  releaseNights,
  refuseOver,
  releaseNightsFrom,
  setBookingTimers,
  setClocks,
  tell,
  tellStaff,
  timesOf,
  type BookingFile,
} from '../models/bookingFile.ts';
import { bookingStateOf, type BookingState, type BookingWish } from '../models/bookingStart.ts';
import { ownCompany } from '../models/contract.ts';
import { flush, withTenant } from '../models/database.ts';
import type { Step } from '../models/moveRow.ts';
import { Payment } from '../models/Payment.ts';
import { openPayment, type PaymentResult } from '../models/paymentStart.ts';
import { Review } from '../models/Review.ts';
import { getRow } from '../models/rows.ts';
import { moveUnderSettings } from '../models/settingsChange.ts';
import { Timer } from '../models/Timer.ts';
import { User } from '../models/User.ts';
import {
  clocksAfterMove,
  refundClocks,
  requestClocks,
  reviewClocks,
  stayClocks,
  type BookingTimerName,
  type DueBookingTimer,
} from '../rules/bookingClocks.ts';
import { refundDue, type StayRefund } from '../rules/bookingRefunds.ts';
import {
  compensationsOf,
  isReadyToConfirm,
  mayRevive,
  nextBookingStatus,
  type BookingEvent,
  type Canceller,
} from '../rules/bookings.ts';
import { dateAt } from '../rules/calendar.ts';
import { add, compare, isPositive, zero, type Money } from '../rules/money.ts';
import { oneStep, type Outcome } from './oneStep.ts';

export interface BookingRef {
  readonly companyId: string;
  readonly bookingId: string;
}

/** A step as the workflow orders it; `at` (epoch milliseconds) is the workflow's clock. */
export interface BookingOrder extends BookingRef {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

export type BookingStep = Outcome<BookingState>;

export const bookingActivities = () => ({
  /** Safe to repeat: it only reads. */
  readBooking: ({ companyId, bookingId }: BookingRef): Promise<BookingState> =>
    withTenant(companyId, async () =>
      bookingStateOf(await getRow(Booking, bookingId, { archived: true })),
    ),

  /** Safe to repeat: what already happened answers with what is. */
  processBooking: (order: BookingOrder & { readonly wish: BookingWish }): Promise<BookingStep> =>
    inOneStep({ ...order, reason: order.wish.reason }, (file, step) =>
      carryOut(file, step, order.wish),
    ),

  /** Safe to repeat: a charge ends once. */
  settleBookingPayment: (
    order: BookingOrder & { readonly paymentId: string; readonly result: PaymentResult },
  ): Promise<BookingStep> =>
    inOneStep(order, async (file, step) => {
      const { booking } = file;
      if (!booking.isCharging || booking.paymentId !== order.paymentId) return;
      if (order.result.status === 'completed') return takePayment(file, step);
      const facts = { failure_code: order.result.failureCode };
      const isOver = booking.status === 'cancelled';
      await booking.move(
        'fail_payment',
        { ...step, facts },
        {
          isCharging: false,
          ...(isOver && { workflowClosedAt: step.at }),
        },
      );
    }),

  /** Safe to repeat: a refund ends once. */
  settleBookingRefund: (
    order: BookingOrder & { readonly refundId: string; readonly result: PaymentResult },
  ): Promise<BookingStep> =>
    inOneStep(order, async (file, step) => {
      const { booking } = file;
      if (!booking.isRefunding || booking.refundId !== order.refundId) return;
      const { status, failureCode } = order.result;
      if (status === 'completed') {
        const other = await refundUnderWay(booking);
        return booking.move(
          'end_refund',
          step,
          other ? { refundId: other.id } : { isRefunding: false, workflowClosedAt: step.at },
        );
      }
      // Administrators are told by the payment; what watches over it goes on climbing.
      const facts = { failure_code: failureCode };
      const other = await madeUpBy(booking);
      await booking.move(
        'fail_refund',
        { ...step, facts },
        other ? awaiting(other, step) : { isRefunding: false },
      );
      if (!other) await watchRefundAgain(file, step);
    }),

  /** Safe to repeat: a timer fires once, the row keeps that it did. */
  fireBookingTimer: (
    order: BookingOrder & { readonly name: BookingTimerName; readonly occurrence: number },
  ): Promise<BookingStep> =>
    inOneStep(order, async (file, step) => {
      const { name, occurrence } = order;
      const ref = { entityId: file.booking.id, occurrence, name };
      if (await Timer.fire(ref, step.at)) await onTimer(file, step, name);
    }),
});

const inOneStep = (
  order: BookingOrder & { readonly reason?: string | null },
  act: (file: BookingFile, step: Step) => Promise<void>,
): Promise<BookingStep> =>
  oneStep(
    {
      ...order,
      model: Booking,
      id: order.bookingId,
      stateOf: (booking) => bookingStateOf(booking),
    },
    async (booking, step) => act(await bookingFileOf(booking), step),
  );

/** One event that somebody asked for. */
async function carryOut(file: BookingFile, step: Step, wish: BookingWish): Promise<void> {
  const { booking } = file;
  switch (wish.event) {
    case 'pay':
      return charge(file, step);
    case 'accept':
      refuseIllegal(booking, 'accept');
      if (booking.acceptedAt) {
        throw new Conflict('ALREADY_ACCEPTED', `The host has confirmed the booking ${booking.id}`);
      }
      refuseOver(booking, step.at.getTime());
      if (!booking.paidAt) return booking.move('accept', step, { acceptedAt: step.at });
      return (await isMoneyLeft(booking))
        ? confirm(file, step, 'confirm', { acceptedAt: step.at })
        : endReturned(file, step);
    case 'decline':
      await end(file, step, 'decline', 'host');
      tell(file, 'guest', 'booking_declined', step.commandId, refundFacts(booking, wish));
      return;
    case 'cancel':
      return cancel(file, step, wish);
    case 'move_timer':
      return moveTimer(file, step, wish);
    case 'apply_settings':
      return applySettings(file, step, wish.reason);
    default:
      return wish satisfies never;
  }
}

/** The row names the payment before the gateway hears of it; its key makes it one movement of money. */
async function charge({ booking }: BookingFile, step: Step): Promise<void> {
  refuseIllegal(booking, 'pay');
  if (booking.paidAt) throw new Conflict('ALREADY_PAID', `The booking ${booking.id} is paid`);
  if (booking.isCharging) {
    throw new Conflict('PAYMENT_UNDER_WAY', `A payment of the booking ${booking.id} is under way`);
  }
  const payment = openPayment({
    purpose: 'booking',
    bookingId: booking.id,
    userId: booking.guestId,
    payeeName: await nameOf(booking.guestId),
    amount: booking.totalAmount,
    currency: booking.currency,
    idempotencyKey: `booking/${booking.id}/charge/${step.expectedVersion}`,
    at: step.at,
  });
  await flush();
  await booking.move('pay', step, { paymentId: payment.id, isCharging: true });
}

async function takePayment(file: BookingFile, step: Step): Promise<void> {
  const { booking } = file;
  const paid = { isCharging: false, paidAt: step.at };
  const isReady = isReadyToConfirm({
    isPaid: true,
    isAccepted: Boolean(booking.acceptedAt),
    instantBook: booking.config.instantBook,
  });
  const isLeft = await isMoneyLeft(booking);
  if (booking.status === 'pending') {
    if (!isLeft) return endReturned(file, step, paid);
    return isReady
      ? confirm(file, step, 'confirm', paid)
      : askHost(file, step, 'take_payment', paid);
  }
  const mayHold = isLeft && mayRevive(booking.cancelledBy ?? null);
  if (mayHold && (await holdNightsAgain(file, step.at))) {
    const revived = { ...paid, cancelledBy: null, cancelledAt: null, cancellationReason: null };
    return isReady
      ? confirm(file, step, 'revive_confirmed', revived)
      : askHost(file, step, 'revive', revived);
  }
  const returned = await openRefund(file, step, booking.totalAmount);
  // Where all of it went back by hand already, nothing is left to watch.
  const closed = returned.isRefunding ? {} : { workflowClosedAt: step.at };
  await booking.move('return_payment', step, { ...paid, ...returned, ...closed });
  await setClocks(file, clocksOfRefund(file, step), 'The payment came too late');
  tell(file, 'guest', 'booking_payment_late', step.commandId);
}

/** Nothing is missing any more: the stay is the guest's. */
async function confirm(
  file: BookingFile,
  step: Step,
  event: 'confirm' | 'revive_confirmed',
  changes: BookingChanges,
): Promise<void> {
  const { booking } = file;
  await booking.move(event, step, { ...changes, confirmedAt: step.at });
  await setClocks(file, stayClocks(timesOf(booking, step.at)), 'The booking is confirmed');
  const { checkInTime } = booking.config.house;
  const { address } = file.property;
  tell(file, 'guest', 'booking_confirmed', step.commandId, { checkInTime, address });
  tell(file, 'host', 'booking_confirmed_host', step.commandId);
}

/** It is paid, and the host has so long to take it. */
async function askHost(
  file: BookingFile,
  step: Step,
  event: 'take_payment' | 'revive',
  changes: BookingChanges,
): Promise<void> {
  const { booking } = file;
  await booking.move(event, step, changes);
  await setClocks(file, requestClocks(timesOf(booking, step.at)), 'The booking is paid');
  tell(file, 'host', 'booking_request', step.commandId);
  // They have heard that it had ended.
  if (event === 'revive') tell(file, 'guest', 'booking_revived', step.commandId);
}

async function cancel(
  file: BookingFile,
  step: Step,
  wish: Extract<BookingWish, { event: 'cancel' }>,
): Promise<void> {
  const { booking } = file;
  const wasConfirmed = booking.status === 'confirmed';
  if (wasConfirmed) {
    // Whoever stops its run ends a stay that is over as its clock would have.
    if (wish.as === 'operator' && isStayOver(booking, step.at.getTime()))
      return complete(file, step);
    refuseOver(booking, step.at.getTime());
  }
  await end(file, step, 'cancel', wish.as, {
    hostStrike: wasConfirmed && wish.as === 'host',
    cancellationReason: wish.reason,
  });
  const facts = refundFacts(booking, wish);
  tell(file, 'guest', 'booking_cancelled', step.commandId, facts);
  tell(file, 'host', 'booking_cancelled', step.commandId, facts);
}

/** There is no stay without its money: all of it went back by hand, or is on its way. */
async function endReturned(
  file: BookingFile,
  step: Step,
  changes: BookingChanges = {},
): Promise<void> {
  await end(file, step, 'end_returned', 'refund', changes);
  const facts = refundFacts(file.booking, {});
  tell(file, 'guest', 'booking_cancelled', step.commandId, facts);
  tell(file, 'host', 'booking_cancelled', step.commandId, facts);
}

/** Ends it before the stay: what was done for it is undone, the last thing first. */
async function end(
  file: BookingFile,
  step: Step,
  event: Extract<
    BookingEvent,
    'cancel' | 'decline' | 'expire_hold' | 'expire_request' | 'end_returned'
  >,
  by: Canceller,
  changes: BookingChanges = {},
): Promise<void> {
  const { booking } = file;
  refuseIllegal(booking, event);
  const due = refundDue(booking, by, step.at.getTime());
  const { paidAt, isCharging } = { ...booking.get(), ...changes };
  let refund: BookingChanges = {};
  for (const compensation of compensationsOf({ isPaid: Boolean(paidAt) })) {
    if (compensation === 'refund_charge') refund = await openRefund(file, step, due.amount);
    else await releaseNights(booking.id, step.at);
  }
  await booking.move(
    event,
    { ...step, facts: refundRule(booking, due) },
    {
      ...changes,
      ...refund,
      cancelledBy: by,
      cancelledAt: step.at,
      ...(!refund.isRefunding && !isCharging && { workflowClosedAt: step.at }),
    },
  );
  await setClocks(file, clocksOfRefund(file, step), 'The booking is cancelled');
}

const clocksOfRefund = ({ booking }: BookingFile, { at }: Step): DueBookingTimer[] =>
  booking.isRefunding ? refundClocks(timesOf(booking, at)) : [];

/**
 * Opens what goes back of the charge: no more than is left of it, since part of it may have gone back by
 * hand. Nothing is opened for nothing; what is still on its way back by hand is awaited instead.
 */
async function openRefund(
  { booking }: BookingFile,
  step: Step,
  due: Money,
): Promise<Pick<BookingChanges, 'refundId' | 'refundAmount' | 'isRefunding'>> {
  const paid = await chargeOf(booking, { lock: true });
  const amount = lesser(due, leftOf(paid));
  if (!isPositive(amount)) {
    const other = await refundUnderWay(booking);
    return other ? { refundId: other.id, refundAmount: other.amount, isRefunding: true } : {};
  }
  await paid.setAside(amount);
  const refund = openPayment({
    purpose: 'refund',
    parentPaymentId: paid.id,
    userId: paid.userId,
    payeeName: paid.payeeName,
    payeeEmail: paid.payeeEmail ?? null,
    amount,
    currency: paid.currency,
    idempotencyKey: `booking/${booking.id}/refund/${paid.id}`,
    at: step.at,
  });
  await flush();
  return { refundId: refund.id, refundAmount: amount, isRefunding: true };
}

/** Of what was paid; whoever gives it back by hand waits until the step has ended. */
const isMoneyLeft = async (booking: Booking): Promise<boolean> =>
  isPositive(leftOf(await chargeOf(booking, { lock: true })));

function chargeOf({ id, paymentId }: Booking, { lock = false } = {}): Promise<Payment> {
  if (!paymentId) throw new Error(`The booking ${id} was never charged`);
  return getRow(Payment, paymentId, { archived: true, lock });
}

/** Of the charge, by hand: one that fails counts as not given back, and nobody else would watch it. */
const refundUnderWay = ({ paymentId }: Booking): Promise<Payment | null> =>
  Payment.findOne({
    where: { parentPaymentId: paymentId ?? null, status: 'pending' },
    order: [['id', 'ASC']],
  });

/**
 * By hand, in the place of a refund that failed: the one that is still under way, or the last of those that
 * have arrived. Undefined where all of them together give back less than it would have.
 */
async function madeUpBy({ paymentId, refundId }: Booking): Promise<Payment | undefined> {
  if (!paymentId || !refundId) return undefined;
  const failed = await getRow(Payment, refundId, { archived: true });
  const refunds = await Payment.findAll({
    where: { parentPaymentId: paymentId, status: ['pending', 'completed'] },
    order: [['id', 'ASC']],
  });
  const since = refunds.filter(({ id }) => id > failed.id);
  const given = since.reduce((sum, { amount }) => add(sum, amount), zero);
  if (compare(given, failed.amount) < 0) return undefined;
  return since.find(({ status }) => status === 'pending') ?? since.at(-1);
}

const awaiting = ({ id: refundId, status }: Payment, { at }: Step): BookingChanges =>
  status === 'pending'
    ? { refundId, isRefunding: true }
    : { refundId, isRefunding: false, workflowClosedAt: at };

/** Where it failed, and was given back by hand meanwhile. @returns whether nobody has to look into it */
async function isMadeUpFor({ booking }: BookingFile, step: Step): Promise<boolean> {
  const other = booking.isRefunding ? undefined : await madeUpBy(booking);
  if (!other) return false;
  await booking.move('adopt_refund', step, awaiting(other, step));
  return true;
}

/** It may fail long after both of its watches were over, and somebody has to hear of that, too. */
async function watchRefundAgain(file: BookingFile, step: Step): Promise<void> {
  const { booking } = file;
  if ((await Timer.scheduledFor(booking.id)).length > 0) return;
  await addClocks(booking, refundClocks(timesOf(booking, step.at)), 'setting');
}

async function onTimer(file: BookingFile, step: Step, name: BookingTimerName): Promise<void> {
  const { booking } = file;
  switch (name) {
    case 'hold':
      // The money has come, and its run has not said so yet.
      if (booking.isCharging && (await chargeOf(booking)).status === 'completed') {
        return takePayment(file, step);
      }
      await end(file, step, 'expire_hold', 'hold');
      tell(file, 'guest', 'booking_hold_expired', step.commandId);
      return;
    case 'host_reminder':
      tell(file, 'host', 'booking_request_reminder', step.commandId);
      return;
    case 'host_confirmation':
      await end(file, step, 'expire_request', 'request');
      tell(file, 'guest', 'booking_request_expired', step.commandId, refundFacts(booking, {}));
      tell(file, 'host', 'booking_request_expired', step.commandId, refundFacts(booking, {}));
      return;
    case 'check_out':
      return complete(file, step);
    case 'review_reminder':
      if ((await Review.count({ where: { bookingId: booking.id } })) > 0) return;
      tell(file, 'guest', 'review_invitation', step.commandId, await reviewFacts(booking));
      return;
    case 'review_window':
      return booking.move('close', step, { workflowClosedAt: step.at });
    case 'refund_watch':
      if (await isMadeUpFor(file, step)) return;
      tellStaff(file, 'tenant_admin', 'booking_refund_stuck', step.commandId);
      return;
    case 'refund_escalation':
      if (await isMadeUpFor(file, step)) return;
      tellStaff(file, 'operator', 'booking_refund_stuck', step.commandId);
      // Nobody is left to tell; a refund that is still under way is waited for.
      if (!booking.isRefunding) await booking.move('close', step, { workflowClosedAt: step.at });
      return;
    default:
      tell(file, 'guest', 'booking_reminder', step.commandId, {
        checkInTime: booking.config.house.checkInTime,
        address: file.property.address,
      });
  }
}

/** The guest has left. */
async function complete(file: BookingFile, step: Step): Promise<void> {
  const { booking } = file;
  const day = dateAt(step.at.getTime(), booking.config.house.timeZone);
  await releaseNightsFrom(booking, day, step.at);
  await booking.move('complete', step, { completedAt: step.at });
  await setClocks(file, reviewClocks(timesOf(booking, step.at)), 'The stay is over');
  tell(file, 'guest', 'review_invitation', step.commandId, await reviewFacts(booking));
  tell(file, 'host', 'booking_completed', step.commandId, {
    amount: leftOf(await chargeOf(booking)),
  });
}

/** What reminds of a deadline moves with it. */
async function moveTimer(
  { booking }: BookingFile,
  step: Step,
  { event, name, dueAt, reason }: Extract<BookingWish, { event: 'move_timer' }>,
): Promise<void> {
  const rows = await Timer.scheduledFor(booking.id);
  const timer = rows.find((each) => each.name === name);
  if (!timer) throw new Conflict('TIMER_NOT_RUNNING', `The timer ${name} is not running`);
  const moved = new Date(dueAt);
  await booking.move(
    event,
    { ...step, facts: { timer: name, due_at: moved.toISOString() } },
    name === 'hold' ? { holdExpiresAt: moved } : {},
  );
  const { due, cancelled } = clocksAfterMove(
    { name, dueAt },
    setBookingTimers(rows),
    timesOf(booking, step.at),
  );
  const runs = (clock: DueBookingTimer) => rows.find((each) => each.name === clock.name);
  await Timer.cancelScheduled(booking.id, reason ?? '', cancelled);
  await Timer.move(
    booking.id,
    due.flatMap((clock) => {
      const before = runs(clock);
      return before ? [{ ...clock, occurrence: before.occurrence }] : [];
    }),
    reason ?? '',
    'command',
  );
  const added = due.filter((clock) => !runs(clock));
  if (added.length > 0) await addClocks(booking, added, 'command');
  AuditLog.record(
    'TIMER_CHANGE',
    { type: Booking.entityType, id: booking.id },
    {
      before: { timer: name, dueAt: timer.dueAt },
      after: { timer: name, dueAt: moved, reason },
    },
  );
}

/** The settings as they are now hold for the booking, and its clocks follow them. */
async function applySettings(file: BookingFile, step: Step, reason: string | null): Promise<void> {
  const { booking } = file;
  const company = await ownCompany();
  const today = { company, at: step.at };
  const timers = await Timer.scheduledFor(booking.id);
  const { settings, change } = bookingUnderSettings(file, today, timers);
  const hold = change.moved.find(({ timer }) => timer.name === 'hold');
  const facts = {
    config_version: company.version,
    moved: change.moved.map(({ timer }) => timer.name),
  };
  await booking.move(
    'apply_settings',
    { ...step, facts },
    {
      config: { ...booking.config, settings },
      ...(hold && { holdExpiresAt: new Date(hold.dueAt) }),
    },
  );
  await moveUnderSettings({ type: Booking.entityType, id: booking.id }, change, reason);
  if (change.added.length > 0) await addClocks(booking, change.added, 'setting');
}

/** The clock may have been moved since the stay ended. */
async function reviewFacts(booking: Booking): Promise<Readonly<Record<string, string>>> {
  const timers = await Timer.scheduledFor(booking.id);
  const window = timers.find(({ name }) => name === 'review_window');
  if (!window) return {};
  return { reviewUntil: dateAt(window.dueAt.getTime(), booking.config.house.timeZone) };
}

const refundFacts = (
  booking: Booking,
  { reason = null }: { readonly reason?: string | null },
): Readonly<Record<string, string>> => ({
  ...(booking.isRefunding && { refundAmount: booking.refundAmount }),
  ...(reason && { reason }),
});

const refundRule = (booking: Booking, due: StayRefund): Readonly<Record<string, unknown>> =>
  booking.paidAt ? { refund_rule: due.rule, refund_due: due.amount } : {};

const nameOf = async (userId: string): Promise<string> =>
  (await User.findOne({ where: { id: userId }, rejectOnEmpty: true })).fullName();

function refuseIllegal(booking: Booking, event: BookingEvent): void {
  if (!nextBookingStatus(booking.status, event)) throw illegalBookingEvent(booking, event);
}
