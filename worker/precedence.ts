import { setTimeout as pause } from 'node:timers/promises';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';

/** Between two steps of a crowd its workflows are at work: so long nothing must have been under way. */
const quietMs = 200;
/** What lasts longer is no crowd that passes but the load of the day, and mail is a part of that. */
const longestCrowdMs = 10_000;
/** How long mail gives way at most, so that it goes out on the busiest day, too. */
const longestWaitMs = { crowd: 4000, load: 2000 };
const lookEveryMs = 20;

/** What takes longer, as a report does, is no part of a crowd of steps. */
const longestStepMs = 1000;

/**
 * What changes something comes before what tells of it: where many deadlines pass in one moment, their
 * mails would take a third of the time in which the others wait. Within one process.
 */
export function createPrecedence() {
  let underWay = 0;
  let lastEndAt = -Infinity;
  let crowdSince = -Infinity;

  const isQuiet = (): boolean => underWay === 0 && performance.now() - lastEndAt > quietMs;
  const isCrowd = (): boolean => performance.now() - crowdSince < longestCrowdMs;

  function mayGo(waitedMs: number): boolean {
    if (isCrowd()) return isQuiet() || waitedMs > longestWaitMs.crowd;
    return underWay === 0 || waitedMs > longestWaitMs.load;
  }

  return {
    first: (): ActivityInboundCallsInterceptor => ({
      async execute(input, next) {
        let isCounted = true;
        const leave = (): void => {
          if (!isCounted) return;
          isCounted = false;
          underWay -= 1;
          lastEndAt = performance.now();
        };
        if (isQuiet()) crowdSince = performance.now();
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
        const since = performance.now();
        while (!mayGo(performance.now() - since)) await pause(lookEveryMs);
        return next(input);
      },
    }),
  };
}
