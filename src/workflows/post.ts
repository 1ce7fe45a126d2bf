import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  condition,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  sleep,
  startChild,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { notificationWorkflowId } from '../rules/workflowIds.ts';
import { doing, maxSilenceMs, queueOf } from './doing.ts';
import type { notificationDelivery } from './notificationDelivery.ts';
import { attributesOf } from './searchAttributes.ts';

export interface Post {
  /** Sends queued notifications in the background; the workflow's own steps go on. */
  send(notificationIds: readonly string[]): void;
  /** What the next run has to send again. */
  readonly undelivered: readonly string[];
  /** Everything was delivered or given up. */
  readonly isSettled: boolean;
  /**
   * Before a run ends that nobody should wait for: what is held back, refused, or was cancelled with it
   * goes out by runs of its own. A first try may end, so that not two of them send the same mail.
   */
  handOver(): Promise<void>;
}

export function openPost(companyId: string): Post {
  /** The activity says itself when a mail server that refused is asked again. */
  const { deliverNotification } = proxyActivities<Activities>({
    summary: 'e-mail',
    taskQueue: queueOf('notifications'),
    startToCloseTimeout: '30 seconds',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const underway = new Set<string>();
  /** And what was cancelled with the run, which is under way no more. */
  const undelivered = new Set<string>();
  let held = 0;

  const deliver = async (notificationId: string): Promise<void> => {
    const ref = { companyId, notificationId };
    try {
      for (;;) {
        const wait = await deliverNotification({ ...ref, mayWait: true });
        if (!wait) break;
        held += 1;
        try {
          // No less, should the clocks differ.
          await sleep(Math.max(wait.until - Date.now(), 1000), { summary: 'mail that can wait' });
        } finally {
          held -= 1;
        }
      }
    } catch (error) {
      if (isCancellation(error)) return;
      await doing('give the e-mail up').giveUpNotification(ref);
    }
    undelivered.delete(notificationId);
  };

  return {
    send(notificationIds) {
      for (const id of notificationIds) {
        if (underway.has(id)) continue;
        underway.add(id);
        undelivered.add(id);
        void deliver(id).finally(() => underway.delete(id));
      }
    },
    get undelivered() {
      return [...undelivered];
    },
    get isSettled() {
      return underway.size === 0;
    },
    async handOver() {
      if (!patched('mails-outlive-their-run')) return condition(() => underway.size === 0);
      // What is held back until a later hour is at rest.
      await condition(() => underway.size === held, '1 minute', { summary: 'mail under way' });
      await Promise.all([...undelivered].map((id) => beginDelivery(companyId, id)));
    },
  };
}

async function beginDelivery(companyId: string, notificationId: string): Promise<void> {
  try {
    await startChild<typeof notificationDelivery>('notificationDelivery', {
      workflowId: notificationWorkflowId(companyId, notificationId),
      args: [{ v: 1, companyId, notificationId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: 'e-mail',
      typedSearchAttributes: attributesOf(companyId, 'notification', notificationId),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
