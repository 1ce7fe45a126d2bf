import { Counter, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Middleware } from '../state.ts';

/** The process's registry with its default metrics, event loop lag among them. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Counts and times requests by declared route, never by URL: labels stay few. */
export function httpMetrics(registry: Registry): Middleware {
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered',
    labelNames: ['method', 'endpoint', 'status'],
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the request line to the answer',
    labelNames: ['method', 'endpoint'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });

  return async (ctx, next) => {
    const startedAt = performance.now();
    await next();
    const { route, endpoint = 'unmatched' } = ctx.state;
    const labels = { method: route?.method ?? 'other', endpoint };
    requests.inc({ ...labels, status: ctx.status });
    duration.observe(labels, (performance.now() - startedAt) / 1000);
  };
}
