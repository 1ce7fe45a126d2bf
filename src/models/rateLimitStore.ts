import pg from 'pg';
import {
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible';

/** So many requests in a window that opens with the first of them. */
export interface Limit {
  readonly name: string;
  readonly points: number;
  readonly seconds: number;
}

export interface Taken {
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** Until the window closes and all is allowed again. */
  readonly msLeft: number;
}

/** Takes one from what the key has left. @throws where the store cannot be asked */
export type Counter = (key: string) => Promise<Taken>;

/** Where requests are counted; another kind of store is one more of these. */
export interface RateLimitStore {
  counter(limit: Limit): Counter;
  close(): Promise<void>;
}

/** Counts in this process alone. */
export const memoryStore = (): RateLimitStore => ({
  counter: ({ name, points, seconds }) =>
    counterOf(new RateLimiterMemory({ keyPrefix: name, points, duration: seconds })),
  close: async () => undefined,
});

/**
 * Counts for all API processes, on connections of its own: neither a busy pool of the business nor
 * the door to a company stands in a request's way here. Its table holds no company's data.
 * @param patienceMs how long a request waits to be counted before the store is taken to be away
 */
export function postgresStore(url: string, { patienceMs = 500 } = {}): RateLimitStore {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'surety-limits',
    max: 4,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
    statement_timeout: patienceMs,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  });
  // A connection that is lost while idle is replaced by the next request.
  pool.on('error', () => undefined);

  return {
    counter: ({ name, points, seconds }) =>
      counterOf(
        new RateLimiterPostgres({
          storeClient: pool,
          schemaName: 'limits',
          tableName: 'counters',
          tableCreated: true,
          keyPrefix: name,
          points,
          duration: seconds,
          // Who is over the limit is refused without a query until the window closes.
          inMemoryBlockOnConsumed: points + 1,
        }),
      ),
    close: () => pool.end(),
  };
}

const counterOf =
  (limiter: RateLimiterAbstract): Counter =>
  async (key) => {
    try {
      return takenOf(await limiter.consume(key), true);
    } catch (error) {
      // Being over the limit is thrown too, but is no error.
      if (error instanceof RateLimiterRes) return takenOf(error, false);
      throw error;
    }
  };

const takenOf = ({ remainingPoints, msBeforeNext }: RateLimiterRes, isAllowed: boolean): Taken => ({
  isAllowed,
  remaining: remainingPoints,
  msLeft: msBeforeNext,
});
