import { Conflict, invalidField, NotFound } from '../errors.ts';
import { Payment } from '../models/Payment.ts';
import type { MovePaymentRetry } from '../models/paymentStart.ts';
import { getRow } from '../models/rows.ts';
import { isPaymentTimer, Timer } from '../models/Timer.ts';
import { maxRetryMoveMs, nextPaymentStatus } from '../rules/payments.ts';
import { allows } from '../rules/permissions.ts';
import { paymentWorkflowId } from '../rules/workflowIds.ts';
import { moveRetry } from '../workflows/payment.ts';
import { visiblePayment } from './payments.ts';
import type { Temporal } from './temporal.ts';
import {
  createTimelines,
  createTimerChange,
  type PlannedChange,
  type Story,
  type TimerChange,
} from './timelines.ts';
import type { WorkflowCommands } from './workflows.ts';

const story: Story<Payment> = {
  noun: 'payment',
  workflowId: paymentWorkflowId,
  /** Operators watch every run of the company; others see what they may see of payments. */
  find: (actor, id) =>
    allows(actor, 'workflow:read') ? getRow(Payment, id) : visiblePayment(actor, id),
  eventTitles: {
    open: 'Opened',
    complete: 'Completed',
    postpone: 'Declined for now',
    move_retry: 'Next try moved',
    fail: 'Failed',
    refund_in_part: 'Refunded in part',
    refund: 'Refunded',
  },
  isNotice: () => false,
  titleOf: () => 'Tried again',
  consequenceOf: () => 'The gateway is asked for the same movement of money again',
  movesOf: () => [],
  waitsForPerson: () => undefined,
  withoutDate: 'the gateway is asked until it says what became of the money',
};

export const createPaymentTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  ...createTimelines(temporal, story),

  changeTimer: createTimerChange({
    workflows,
    update: moveRetry,
    workflowIdOf: paymentWorkflowId,
    plan: planMove,
  }),
});

export type PaymentTimelines = ReturnType<typeof createPaymentTimelines>;

async function planMove(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun }: TimerChange,
): Promise<PlannedChange<MovePaymentRetry>> {
  const { status } = await getRow(Payment, id);
  const timer = (await Timer.scheduledFor(id)).find((each) => each.name === name);
  if (!timer || !isPaymentTimer(timer.name)) {
    throw new NotFound(`The payment ${id} has no running timer ${name}`);
  }
  if (!nextPaymentStatus(status, 'move_retry')) {
    throw new Conflict('ILLEGAL_TRANSITION', `A ${status} payment is not tried again`);
  }
  const wanted = dueAt?.getTime() ?? timer.dueAt.getTime() + extendByMs;
  const now = Date.now();
  if (wanted < now || wanted > now + maxRetryMoveMs) {
    throw invalidField(
      'due_at',
      `The next try may be moved from now to ${maxRetryMoveMs / 86_400_000} days ahead`,
      'DEADLINE_OUT_OF_RANGE',
    );
  }
  return {
    wish: { dueAt: wanted, reason },
    shown: { dryRun, scheduled: [{ name: timer.name, dueAt: new Date(wanted) }], cancelled: [] },
  };
}
