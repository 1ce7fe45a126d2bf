import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Logger } from './logger.ts';

/**
 * What API and worker tell of the database; made before it is opened, so that it sees each query.
 * @param echo where statements are logged, if they are
 */
export function databaseMetrics(
  registry: Registry,
  echo?: Logger,
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
      echo?.debug({ sql, milliseconds }, 'query');
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
