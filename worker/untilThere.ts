import type { Connection } from '@temporalio/client';
import { CannotStart, reasonOf } from '../src/errors.ts';
import type { Logger } from '../src/logger.ts';

/** So long a worker waits for Temporal, which may start beside it. */
const patienceMs = 30_000;
const answeredWithinMs = 10_000;
const pauseMs = 1000;

/**
 * Asks Temporal anew while it is not there yet, with one line a time.
 * @throws CannotStart once it has been waited for long enough
 */
export async function untilThere(
  connection: Pick<Connection, 'withDeadline'>,
  log: Pick<Logger, 'warn'>,
  work: () => Promise<void>,
  withinMs = patienceMs,
): Promise<void> {
  const endsAt = Date.now() + withinMs;
  for (;;) {
    try {
      // Without a deadline the client itself tries each call again for long.
      return await connection.withDeadline(Math.min(Date.now() + answeredWithinMs, endsAt), work);
    } catch (error) {
      if (Date.now() + pauseMs >= endsAt) {
        const message = `Temporal cannot be used at TEMPORAL_ADDRESS: ${reasonOf(error)}`;
        throw new CannotStart(message, { cause: error });
      }
      log.warn({ err: error }, 'Temporal is not there yet');
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
