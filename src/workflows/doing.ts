import { proxyActivities, type ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/** The activities, each shown under the name of the step in the Temporal UI; tried until they work. */
export const doing = (summary: string): ActivityInterfaceFor<Activities> =>
  proxyActivities<Activities>({
    summary,
    startToCloseTimeout: '10 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });

/** A timer's or event's name as people read it. */
export const inWords = (name: string): string => name.replaceAll('_', ' ');
