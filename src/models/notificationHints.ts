import pg from 'pg';
import { startPolling, type Polling } from '../polling.ts';

/**
 * Hears which companies have messages written or read, on one connection of its own: what listens cannot
 * be lent by a pool. A hint says nothing but where to look; one can be lost with the connection.
 * @param onHint gets the company's id, or undefined once it hears again: it may be any company
 */
export function listenForNotifications({
  url,
  onHint,
  onError,
}: {
  readonly url: string;
  readonly onHint: (companyId: string | undefined) => void;
  readonly onError: (error: unknown) => void;
}): Polling {
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const listening = startPolling({
    everyMs: 1000,
    async round() {
      const client = new pg.Client({
        connectionString: url,
        application_name: 'surety-streams',
        connectionTimeoutMillis: 5000,
        keepAlive: true,
      });
      const lost = new Promise<void>((resolve) => client.once('end', resolve));
      client.on('error', onError);
      client.on('notification', ({ payload }) => onHint(payload));
      try {
        await client.connect();
        await client.query('LISTEN notifications');
        onHint(undefined);
        await Promise.race([lost, stopped]);
      } finally {
        await client.end();
      }
      return false;
    },
    onError,
  });

  return {
    stop() {
      stop();
      return listening.stop();
    },
  };
}
