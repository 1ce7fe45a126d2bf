import { setTimeout as pause } from 'node:timers/promises';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';

/** How long mail gives way at most, so that it goes out on the busiest day, too. */
const longestWaitMs = 2000;
const lookEveryMs = 20;

/** What takes longer, as a report does, is no part of a crowd of steps. */
const longestStepMs = 1000;

/**
 * What changes something comes before what tells of it: where many deadlines pass in one moment, their
 * mails would take a third of the time in which the others wait. Within one process.
 */
export function createPrecedence() {
  let underWay = 0;
  return {
    first: (): ActivityInboundCallsInterceptor => ({
      async execute(input, next) {
        let isCounted = true;
        const leave = (): void => {
          if (isCounted) underWay -= 1;
          isCounted = false;
        };
        underWay += 1;
        const tooLong = setTimeout(leave, longestStepMs);
        try {
          return await next(input);
        } finally {
          clearTimeout(tooLong);
          leave();
        }
      },
    }),

    second: (): ActivityInboundCallsInterceptor => ({
      async execute(input, next) {
        const until = performance.now() + longestWaitMs;
        while (underWay > 0 && performance.now() < until) await pause(lookEveryMs);
        return next(input);
      },
    }),
  };
}
