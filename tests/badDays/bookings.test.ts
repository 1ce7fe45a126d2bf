import type { Outcome } from '../../local/gatewaySimulator.ts';
import type { BookingState } from '../../src/models/bookingStart.ts';
import { bookingWorkflowId } from '../../src/rules/workflowIds.ts';
import { openProduct, seenBy, transfersOf, until, type Product } from './product.ts';
import { guest, host, openStayClients, rowOf, traceOf, type StayClients } from './stayLedger.ts';

type Course =
  | 'givenUp'
  | 'givenUpByHost'
  | 'declined'
  | 'leftAlone'
  | 'settingsApplied'
  | 'unpaid'
  | 'unpaidInVain'
  | 'acceptedFirst'
  | 'returnedByHand'
  | 'paidLate'
  | 'acceptedAndPaidLate'
  | 'paidInVain'
  | 'unanswered'
  | 'notGivenBack'
  | 'stayed'
  | 'closed';

interface Death {
  readonly of: 'api' | 'worker';
  readonly at: string;
  /** `givenUp` unless told. */
  readonly course?: Course;
}

/**
 * Who dies, and where: behind the commit of each step that a stay can take, with its charge under way, and
 * when the API has booked it. What dies before a step has done nothing of it: that, and what is the same for
 * whatever starts, commands and pays, dies with subscriptions (`deaths.ts`) and payments (`paymentDeaths.ts`).
 */
const deaths: readonly Death[] = [
  { of: 'api', at: 'transaction.afterCommit:tenant#1' },
  // pay, confirm, cancel: before the workflow is asked, and before its answer is kept
  { of: 'api', at: 'command.afterKey#1' },
  { of: 'api', at: 'command.afterKey#2' },
  { of: 'api', at: 'command.afterKey#3' },
  { of: 'api', at: 'command.afterAnswer#1' },
  { of: 'api', at: 'command.afterAnswer#2' },
  { of: 'api', at: 'command.afterAnswer#3' },
  // pay
  { of: 'worker', at: 'activity.after:processBooking#1' },
  { of: 'worker', at: 'gateway.afterSend#1' },
  // take_payment
  { of: 'worker', at: 'activity.after:settleBookingPayment#1' },
  // confirm
  { of: 'worker', at: 'activity.after:processBooking#2' },
  // cancel
  { of: 'worker', at: 'activity.after:processBooking#3' },
  // end_refund
  { of: 'worker', at: 'activity.after:settleBookingRefund#1' },
  { of: 'worker', at: 'activity.after:processBooking#3', course: 'givenUpByHost' },
  { of: 'worker', at: 'activity.after:processBooking#2', course: 'declined' },
  // move_timer
  { of: 'worker', at: 'activity.after:processBooking#1', course: 'leftAlone' },
  // expire_hold
  { of: 'worker', at: 'activity.before:fireBookingTimer#1', course: 'leftAlone' },
  { of: 'worker', at: 'activity.after:fireBookingTimer#1', course: 'leftAlone' },
  // apply_settings
  { of: 'worker', at: 'activity.after:processBooking#1', course: 'settingsApplied' },
  // fail_payment
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'unpaid' },
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'unpaidInVain' },
  // accept, and confirm by the payment
  { of: 'worker', at: 'activity.after:processBooking#1', course: 'acceptedFirst' },
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'acceptedFirst' },
  // end_returned
  { of: 'worker', at: 'activity.after:processBooking#2', course: 'returnedByHand' },
  // revive
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'paidLate' },
  // revive_confirmed
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'acceptedAndPaidLate' },
  // return_payment
  { of: 'worker', at: 'activity.after:settleBookingPayment#1', course: 'paidInVain' },
  // expire_request
  { of: 'worker', at: 'activity.after:fireBookingTimer#1', course: 'unanswered' },
  // fail_refund
  { of: 'worker', at: 'activity.after:settleBookingRefund#1', course: 'notGivenBack' },
  // complete
  { of: 'worker', at: 'activity.after:fireBookingTimer#1', course: 'stayed' },
  // close, behind the end of the stay and the reminder of its review
  { of: 'worker', at: 'activity.after:fireBookingTimer#3', course: 'closed' },
];

interface Played {
  /** Whether it begins today in a house of its own. */
  readonly isTonight?: boolean;
  readonly go: (id: string) => Promise<void>;
  /** What happens once the process is there again. */
  readonly goOn?: (id: string) => Promise<void>;
  readonly row: object;
  readonly left: object;
}

describe('a stay whose processes die', () => {
  let product: Product;
  let stays: StayClients;
  let holdMinutes = 20;

  beforeAll(async () => {
    product = await openProduct();
    stays = await openStayClients(product);
  }, 300_000);

  afterAll(() => product.close(), 120_000);

  /** What becomes of the next transfer. */
  const script = async (outcome: Outcome): Promise<void> => {
    const { env } = product.stack;
    const scripted = await fetch(`${env['PAYMENT_GATEWAY_URL']}/admin/script`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${env['PAYMENT_GATEWAY_KEY']}` },
      body: JSON.stringify({ outcomes: [outcome] }),
    });
    await scripted.body?.cancel();
  };

  /** The gateway takes the next transfer, and dies before it has said what became of it. */
  const dyingWith = async (
    outcome: Outcome,
    act: () => Promise<void>,
    meanwhile: () => Promise<void> = async () => undefined,
  ): Promise<void> => {
    const before = transfersOf(product).length;
    await script(outcome);
    await act();
    await until('the gateway has it', () => transfersOf(product).length > before, 60_000);
    await product.stack.kill('gateway');
    await meanwhile();
    await product.stack.start('gateway');
  };

  const confirmed = async (id: string): Promise<void> => {
    await stays.pay(id);
    await stays.step(host, id, 'confirm');
    await stays.reaches(id, 'confirmed', ({ status }) => status === 'confirmed');
  };
  /** The gateway is away until the hold has lapsed; the stay is revived, and given up by the guest. */
  const payLate = async (id: string, revived: string): Promise<void> => {
    await product.stack.kill('gateway');
    await stays.step(guest, id, 'pay');
    await stays.endSoon(id, 'hold');
    await stays.reaches(id, 'cancelled', ({ status }) => status === 'cancelled');
    await product.stack.start('gateway');
    await stays.reaches(id, 'revived', ({ status }) => status === revived);
    await stays.step(guest, id, 'cancel');
  };
  const stay = async (id: string): Promise<void> => {
    await confirmed(id);
    await stays.endSoon(id, 'check_out');
  };
  /** Nothing is under way, and the run is where its row is, also where it goes on. */
  const rests = async (id: string): Promise<void> => {
    const { company_id: companyId } = await rowOf(product, id);
    await until(
      'the run rests',
      async () => {
        const row = await rowOf(product, id);
        if (row['is_charging'] === true || row['is_refunding'] === true) return false;
        const workflowId = bookingWorkflowId(String(companyId), id);
        const { stateVersion, run } = await seenBy<BookingState>(product, workflowId);
        const isOver = row['workflow_closed_at'] !== null;
        return stateVersion === row['state_version'] && (run === 'COMPLETED') === isOver;
      },
      300_000,
    );
  };

  const close = async (id: string): Promise<void> => {
    await stays.reaches(id, 'completed', ({ status }) => status === 'completed');
    // A new worker hears of it some seconds late.
    await rests(id);
    await stays.endSoon(id, 'review_window');
  };

  const givenBack = {
    status: 'cancelled',
    isHeld: false,
    payments: ['booking refunded 300.00 1', 'refund completed 300.00 1'],
    transfers: ['charge 300.00 completed', 'refund 300.00 completed'],
    kept: '0.00',
    repeated: 0,
  };
  const neverPaid = { ...givenBack, payments: [], transfers: [] };
  const kept = {
    ...givenBack,
    status: 'completed',
    payments: ['booking completed 300.00 1'],
    transfers: ['charge 300.00 completed'],
    kept: '300.00',
  };
  const taken = ['book', 'pay', 'take_payment'];
  const stayed = [...taken, 'confirm', 'move_timer', 'complete', 'move_timer', 'close'];

  /** Each from its booking to its end, whatever dies on the way. */
  const courses: Readonly<Record<Course, Played>> = {
    givenUp: {
      async go(id) {
        await confirmed(id);
        await stays.step(guest, id, 'cancel');
      },
      row: { cancelled_by: 'guest', refund_amount: 300 },
      left: { ...givenBack, events: [...taken, 'confirm', 'cancel', 'end_refund'] },
    },
    givenUpByHost: {
      async go(id) {
        await confirmed(id);
        await stays.step(host, id, 'cancel');
      },
      row: { cancelled_by: 'host', host_strike: true, refund_amount: 300 },
      left: { ...givenBack, events: [...taken, 'confirm', 'cancel', 'end_refund'] },
    },
    declined: {
      async go(id) {
        await stays.pay(id);
        await stays.step(host, id, 'decline');
      },
      row: { cancelled_by: 'host', host_strike: false, refund_amount: 300 },
      left: { ...givenBack, events: [...taken, 'decline', 'end_refund'] },
    },
    leftAlone: {
      go: (id) => stays.endSoon(id, 'hold'),
      row: { cancelled_by: 'hold', refund_amount: 0 },
      left: { ...neverPaid, events: ['book', 'move_timer', 'expire_hold'] },
    },
    unpaid: {
      async go(id) {
        await script('decline');
        await stays.step(guest, id, 'pay');
      },
      async goOn(id) {
        await stays.reaches(id, 'unpaid', ({ is_charging: isCharging }) => isCharging === false);
        await stays.step(guest, id, 'cancel');
      },
      row: { cancelled_by: 'guest', paid_at: null, refund_amount: 0 },
      left: {
        ...neverPaid,
        payments: ['booking failed 300.00 1'],
        transfers: ['charge 300.00 declined'],
        events: ['book', 'pay', 'fail_payment', 'cancel'],
      },
    },
    /** The gateway never hears of the charge, which the guest gave up before it was there again. */
    unpaidInVain: {
      async go(id) {
        await product.stack.kill('gateway');
        await stays.step(guest, id, 'pay');
        await stays.step(guest, id, 'cancel');
        await product.stack.start('gateway');
      },
      row: { cancelled_by: 'guest', paid_at: null, refund_amount: 0 },
      left: {
        ...neverPaid,
        payments: ['booking failed 300.00 1'],
        events: ['book', 'pay', 'cancel', 'fail_payment'],
      },
    },
    /** New settings give the guest more time, of which somebody takes the rest away. */
    settingsApplied: {
      async go(id) {
        holdMinutes += 1;
        await stays.ask(host, 'PATCH', '/companies/current/settings', {
          booking: { hold_minutes: holdMinutes },
        });
        await stays.ask(host, 'POST', '/companies/current/settings/apply-to-bookings', {
          reason: 'A bad day',
        });
        await stays.endSoon(id, 'hold');
      },
      row: { cancelled_by: 'hold', refund_amount: 0 },
      left: { ...neverPaid, events: ['book', 'apply_settings', 'move_timer', 'expire_hold'] },
    },
    acceptedFirst: {
      async go(id) {
        await stays.step(host, id, 'confirm');
        await stays.pay(id);
        await stays.step(guest, id, 'cancel');
      },
      row: { cancelled_by: 'guest', refund_amount: 300 },
      left: { ...givenBack, events: ['book', 'accept', 'pay', 'confirm', 'cancel', 'end_refund'] },
    },
    /** All of it has gone back by hand by the time that the host confirms. */
    returnedByHand: {
      async go(id) {
        await stays.pay(id);
        const { payment_id: paymentId } = await rowOf(product, id);
        await stays.ask(host, 'POST', `/payments/${String(paymentId)}/refund`, {
          amount: '300.00',
          reason: 'A bad day',
        });
        const isBack = async (): Promise<boolean> => {
          const { payments } = await traceOf(product, id);
          return payments.includes('refund completed 300.00 1');
        };
        await until('the money is back', isBack, 120_000);
        await stays.step(host, id, 'confirm');
      },
      row: { cancelled_by: 'refund', refund_amount: 0 },
      left: { ...givenBack, events: [...taken, 'end_returned'] },
    },
    paidLate: {
      go: (id) => payLate(id, 'pending'),
      row: { cancelled_by: 'guest', refund_amount: 300 },
      left: {
        ...givenBack,
        events: ['book', 'pay', 'move_timer', 'expire_hold', 'revive', 'cancel', 'end_refund'],
      },
    },
    acceptedAndPaidLate: {
      async go(id) {
        await stays.step(host, id, 'confirm');
        await payLate(id, 'confirmed');
      },
      row: { cancelled_by: 'guest', refund_amount: 300 },
      left: {
        ...givenBack,
        events: [
          'book',
          'accept',
          'pay',
          'move_timer',
          'expire_hold',
          'revive_confirmed',
          'cancel',
          'end_refund',
        ],
      },
    },
    /** The guest gives it up while nobody knows whether they have paid. */
    paidInVain: {
      go: (id) =>
        dyingWith(
          'timeout_after_success',
          () => stays.step(guest, id, 'pay'),
          () => stays.step(guest, id, 'cancel'),
        ),
      row: { cancelled_by: 'guest', refund_amount: 300 },
      left: { ...givenBack, events: ['book', 'pay', 'cancel', 'return_payment', 'end_refund'] },
    },
    unanswered: {
      async go(id) {
        await stays.pay(id);
        await stays.endSoon(id, 'host_confirmation');
      },
      row: { cancelled_by: 'request', refund_amount: 300 },
      left: { ...givenBack, events: [...taken, 'move_timer', 'expire_request', 'end_refund'] },
    },
    /** It is looked into for ten days. */
    notGivenBack: {
      async go(id) {
        await confirmed(id);
        await script('decline');
        await stays.step(guest, id, 'cancel');
      },
      row: { cancelled_by: 'guest', refund_amount: 300, workflow_closed_at: null },
      left: {
        ...kept,
        status: 'cancelled',
        payments: ['booking completed 300.00 1', 'refund failed 300.00 1'],
        transfers: ['charge 300.00 completed', 'refund 300.00 declined'],
        events: [...taken, 'confirm', 'cancel', 'fail_refund'],
      },
    },
    stayed: {
      isTonight: true,
      go: stay,
      goOn: close,
      row: { cancelled_by: null, refund_amount: 0 },
      left: { ...kept, events: stayed },
    },
    closed: {
      isTonight: true,
      async go(id) {
        await stay(id);
        await close(id);
      },
      row: { cancelled_by: null, refund_amount: 0 },
      left: { ...kept, events: stayed },
    },
  };

  it.each(deaths.map(({ course = 'givenUp', ...death }) => ({ course, ...death })))(
    'is charged and given back once at most when the $of dies at $at, $course',
    async ({ of, at, course }) => {
      const { isTonight = false, go, goOn, row, left } = courses[course];
      await product.arm(of, at);

      const going = (isTonight ? stays.bookTonight() : stays.book()).then(async (id) => {
        await go(id);
        return id;
      });
      await product.died(of);
      await product.restart(of);
      const id = await going;
      await goOn?.(id);
      if (!('workflow_closed_at' in row)) await stays.over(id);
      await rests(id);

      expect(await rowOf(product, id)).toMatchObject(row);
      expect(await traceOf(product, id)).toEqual(left);
      expect(product.broken).toEqual([]);
    },
    400_000,
  );

  it('is charged once and given back once when the gateway dies with either in its hands', async () => {
    const id = await stays.book();

    await dyingWith('timeout_after_success', () => stays.step(guest, id, 'pay'));
    await stays.reaches(id, 'paid', ({ paid_at: paidAt }) => paidAt !== null);
    await stays.step(host, id, 'confirm');
    await dyingWith('processing', () => stays.step(guest, id, 'cancel'));
    await stays.over(id);

    expect(await traceOf(product, id)).toEqual({
      ...courses.givenUp.left,
      transfers: ['charge 300.00 completed', 'refund 300.00 processing', 'refund 300.00 completed'],
    });
    expect(product.broken).toEqual([]);
  }, 400_000);
});
