import { setTimeout as pause } from 'node:timers/promises';

/**
 * Waits before the next of several tries, longer each time up to 8 s, as clients do that do not want to
 * make a busy server busier.
 * @param tries how many there have been
 */
export const backOff = (tries: number): Promise<void> =>
  pause(Math.min(8000, 300 * 1.6 ** tries) * (0.5 + Math.random() / 2));
