import { Conflict, invalidField } from '../errors.ts';
import { deadlineMoveProblem, type MovableDeadline } from '../rules/billing.ts';
import { startOfDay } from '../rules/calendar.ts';
import type { Contract } from './contract.ts';
import { PremiumInvoice } from './PremiumInvoice.ts';
import { Timer } from './Timer.ts';

export interface MoveBillingDeadline {
  readonly name: MovableDeadline;
  /** Epoch milliseconds. */
  readonly dueAt: number;
  readonly reason: string;
}

/** What moving a premium's deadline means; the same for the preview and for the act. */
export interface DeadlineMove {
  /** The next one of that name. */
  readonly timer: Timer;
  /** What is to be paid by then. */
  readonly invoices: readonly PremiumInvoice[];
  /** Reminders that would come after the end of the grace. */
  readonly cancelled: readonly Timer[];
}

/**
 * @param wish `dueAt` and `at`, the present, are epoch milliseconds
 * @throws Conflict TIMER_NOT_RUNNING, Invalid DEADLINE_OUT_OF_RANGE
 */
export async function deadlineMoveOf(
  { subscription: { id, expiresAt }, company }: Contract,
  {
    name,
    dueAt,
    at,
  }: { readonly name: MovableDeadline; readonly dueAt: number; readonly at: number },
): Promise<DeadlineMove> {
  const timers = await Timer.scheduledFor(id);
  const timer = timers.find((each) => each.name === name);
  if (!timer) throw new Conflict('TIMER_NOT_RUNNING', `The timer ${name} is not running`);
  const invoices = (await PremiumInvoice.dueOf(id)).filter(
    (invoice) => invoice.status === 'open' && invoice.dueAt.getTime() === timer.dueAt.getTime(),
  );
  const starts = invoices.map(({ periodStart }) => startOfDay(periodStart, company.timeZone));
  const problem = deadlineMoveProblem(name, {
    dueAt,
    now: at,
    coverStartsAt: Math.max(0, ...starts),
    expiresAt: expiresAt.getTime(),
  });
  if (problem) throw invalidField('due_at', problem.message, problem.code);
  return {
    timer,
    invoices,
    cancelled: timers.filter(
      (each) =>
        name === 'grace_end' &&
        each.name.startsWith('grace_reminder_') &&
        each.dueAt.getTime() >= dueAt,
    ),
  };
}
