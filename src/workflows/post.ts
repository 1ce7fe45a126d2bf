import { isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { maxSilenceMs, queueOf } from './doing.ts';

const { giveUpNotification } = proxyActivities<Activities>({ startToCloseTimeout: '10 seconds' });

export interface Post {
  /** Sends queued notifications in the background; the workflow's own steps go on. */
  send(notificationIds: readonly string[]): void;
  /** What the next run has to send again. */
  readonly undelivered: readonly string[];
  /** Everything was delivered or given up. */
  readonly isSettled: boolean;
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

  const deliver = async (notificationId: string): Promise<void> => {
    const ref = { companyId, notificationId };
    try {
      for (;;) {
        const held = await deliverNotification({ ...ref, mayWait: true });
        if (!held) break;
        // No less, should the clocks differ.
        await sleep(Math.max(held.until - Date.now(), 1000), { summary: 'mail that can wait' });
      }
    } catch (error) {
      if (!isCancellation(error)) await giveUpNotification(ref);
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
  };
}
