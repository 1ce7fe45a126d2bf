import { proxyActivities, workflowInfo, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/** The activities, each shown under the name of the step in the Temporal UI; tried until they work. */
export const doing = (summary: string): ActivityInterfaceFor<Activities> =>
  proxyActivities<Activities>({
    summary,
    startToCloseTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });

/**
 * Milliseconds without a sign of life after which a step that waits for something outside is given to
 * another worker. The worker speaks for such steps; those with another limit do so themselves.
 */
export const maxSilenceMs = 15_000;

/** The queue beside the workflows' own that runs this kind of activity. */
export const queueOf = (
  kind: 'notifications' | 'webhooks' | 'provisioning' | 'documents' | 'payments',
): string => workflowInfo().taskQueue.replace(/-lifecycle$/, `-${kind}`);

/** A timer's or event's name as people read it. */
export const inWords = (name: string): string => name.replaceAll('_', ' ');
