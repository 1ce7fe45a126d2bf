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
import { attribute } from './searchAttributes.ts';

export interface Post {
  /** Sends queued notifications in the background; the workflow's own steps go on. */
  send(notificationIds: readonly string[]): void;
  /** What the next run has to send again. */
  readonly undelivered: readonly string[];
  /** Everything was delivered or given up. */
  readonly isSettled: boolean;
  /** The same, but for what is held back until a later hour. */
  readonly isAtRest: boolean;
  /** What was neither delivered nor given up when the run was cancelled. */
  readonly interrupted: readonly string[];
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
  const interrupted: string[] = [];
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
      if (isCancellation(error)) interrupted.push(notificationId);
      else await doing('give the e-mail up').giveUpNotification(ref);
    }
  };

  return {
    send(notificationIds) {
      for (const id of notificationIds) {
        if (underway.has(id)) continue;
        underway.add(id);
        void deliver(id).finally(() => underway.delete(id));
      }
    },
    get undelivered() {
      return [...underway];
    },
    get isSettled() {
      return underway.size === 0;
    },
    get isAtRest() {
      return underway.size === held;
    },
    interrupted,
  };
}

/**
 * Before a run ends that nobody should wait for: what is held back, refused, or was cancelled with it goes
 * out by runs of its own. A first try may end, so that not two of them send the same mail.
 */
export async function handOver(companyId: string, post: Post): Promise<void> {
  if (!patched('mails-outlive-their-run')) return condition(() => post.isSettled);
  await condition(() => post.isAtRest, '1 minute', { summary: 'mail under way' });
  const left = new Set([...post.interrupted, ...post.undelivered]);
  await Promise.all([...left].map((id) => beginDelivery(companyId, id)));
}

async function beginDelivery(companyId: string, notificationId: string): Promise<void> {
  try {
    await startChild<typeof notificationDelivery>('notificationDelivery', {
      workflowId: notificationWorkflowId(companyId, notificationId),
      args: [{ v: 1, companyId, notificationId }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: 'e-mail',
      typedSearchAttributes: [
        { key: attribute.companyId, value: companyId },
        { key: attribute.entityType, value: 'notification' },
        { key: attribute.entityId, value: notificationId },
      ],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
