import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
} from '@temporalio/workflow';
import type { PaymentRef, PaymentResult } from '../models/paymentStart.ts';
import { paymentWorkflowId } from '../rules/workflowIds.ts';
import { doing } from './doing.ts';
import type { payment } from './payment.ts';
import { attribute, attributesOf } from './searchAttributes.ts';

/**
 * Has an opened payment carried out as a child, and waits for its end. The child goes on whatever
 * becomes of its parent; a run that stands for the payment already is waited for by its row.
 */
async function runPayment(ref: PaymentRef): Promise<PaymentResult> {
  const { companyId, paymentId } = ref;
  try {
    return await executeChild<typeof payment>('payment', {
      workflowId: paymentWorkflowId(companyId, paymentId),
      args: [{ v: 1, companyId, paymentId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: 'payment',
      typedSearchAttributes: [
        ...attributesOf(companyId, 'payment', paymentId),
        { key: attribute.entityStatus, value: 'pending' },
        { key: attribute.stateVersion, value: 1 },
      ],
    });
  } catch (error) {
    if (isCancellation(error) || !(error instanceof WorkflowExecutionAlreadyStartedError)) {
      throw error;
    }
    return endOf(ref);
  }
}

/**
 * The end of a payment that nothing waits for in line. Where somebody ended its run it is asked for again:
 * the row and the gateway know what became of the money. Never rejects for a cancellation, which nobody
 * would catch; undefined then.
 */
export async function awaitPayment(ref: PaymentRef): Promise<PaymentResult | undefined> {
  try {
    for (;;) {
      const result = await runPayment(ref).catch(contentUnlessCancelled);
      if (result) return result;
      await sleep('1 minute');
    }
  } catch (error) {
    if (isCancellation(error)) return undefined;
    throw error;
  }
}

function contentUnlessCancelled(error: unknown): undefined {
  if (isCancellation(error)) throw error;
}

async function endOf(ref: PaymentRef): Promise<PaymentResult> {
  for (;;) {
    const { status, failureCode } = await doing('read the payment').readPayment(ref);
    if (status !== 'pending') {
      return { status: status === 'failed' ? 'failed' : 'completed', failureCode };
    }
    await sleep('1 minute');
  }
}
