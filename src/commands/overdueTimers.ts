import { select, withSystem } from '../models/database.ts';
import { createCache } from './cache.ts';

const freshMs = 20_000;

/**
 * How many timers, over all companies, were due more than a minute ago and have not fired; counted up
 * to 10,000, and once in 20 s however often it is asked.
 */
export function createOverdueTimers(): () => Promise<number> {
  const counted = createCache<number>({ freshMs, most: 1 });
  return () => counted.get('overdue', count);
}

const count = (): Promise<number> =>
  withSystem('relay', async () => {
    const [row] = await select<{ overdue: number }>(
      `SELECT count(*)::int AS overdue FROM (
         SELECT FROM core.timers
         WHERE status = 'scheduled' AND due_at < now() - interval '1 minute' LIMIT 10000) AS late`,
    );
    return row?.overdue ?? 0;
  });
