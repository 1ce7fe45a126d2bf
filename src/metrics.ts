import { Gauge, Histogram, type Registry } from 'prom-client';

/** What API and worker tell of the database; made before it is opened, so that it sees each query. */
export function databaseMetrics(registry: Registry): {
  observeQuery(milliseconds: number): void;
  watchPool(database: { connections(): Readonly<Record<string, number>> }): void;
} {
  const queries = new Histogram({
    name: 'db_query_duration_seconds',
    help: 'SQL statements, pool wait excluded',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers: [registry],
  });
  return {
    observeQuery: (milliseconds) => queries.observe(milliseconds / 1000),
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
