import { Gauge, Histogram, type Registry } from 'prom-client';
import { withoutValues, type Logger } from './logger.ts';

/** A statement that takes longer has a line in the log. */
const slowMs = 500;

/**
 * What API and worker tell of the database; made before it is opened, so that it sees each query.
 * @param log hears of slow statements, and with `isEchoed` of all of them
 */
export function databaseMetrics(
  registry: Registry,
  log?: Logger,
  { isEchoed = false } = {},
): {
  readonly onQuery: (sql: string, milliseconds: number) => void;
  watchPool(database: { connections(): Readonly<Record<string, number>> }): void;
} {
  const queries = new Histogram({
    name: 'db_query_duration_seconds',
    help: 'SQL statements, pool wait excluded',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  });
  return {
    onQuery: (sql, milliseconds) => {
      queries.observe(milliseconds / 1000);
      if (milliseconds >= slowMs) {
        const facts = { stream: 'performance', sql: withoutValues(sql), milliseconds };
        log?.warn(facts, 'slow query');
      } else if (isEchoed) log?.debug({ sql, milliseconds }, 'query');
    },
    watchPool(database) {
      new Gauge({
        name: 'db_pool_connections',
        help: 'Connections in use and idle, and transactions that wait for one',
        labelNames: ['state'],
        registers: [registry],
        collect() {
          for (const [state, count] of Object.entries(database.connections())) {
            this.set({ state }, count);
          }
        },
      });
    },
  };
}
