import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import type { RequestState } from './state.ts';

export interface RunningServer {
  readonly url: string;
  /** Not ready, then no new connections, then the open requests, at most 15 s. */
  stop(): Promise<void>;
}

const second = 1000;
const drainMs = 15 * second;

/** Shared with the readiness route, which turns red before the doors close. */
export interface Lifecycle {
  isStopping: boolean;
}

/** Listens with limits on what a slow or greedy client may hold (reliability 7). */
export async function startServer(
  app: Koa<RequestState>,
  { host, port, lifecycle }: { host: string; port: number; lifecycle: Lifecycle },
): Promise<RunningServer> {
  const server = createServer(
    {
      headersTimeout: 10 * second,
      requestTimeout: 30 * second,
      connectionsCheckingInterval: 5 * second,
      keepAliveTimeout: 65 * second,
      maxHeaderSize: 16 * 1024,
    },
    app.callback(),
  );
  server.maxRequestsPerSocket = 1000;
  server.maxConnections = 10_000;
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

  const drain = async (): Promise<void> => {
    lifecycle.isStopping = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Sockets that only wait for a next request would keep the server open.
    const idle = setInterval(() => server.closeIdleConnections(), 100);
    const force = setTimeout(() => server.closeAllConnections(), drainMs);
    await closed;
    clearInterval(idle);
    clearTimeout(force);
  };
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(host, server.address()),
    stop: () => (stopped ??= drain()),
  };
}

const urlOf = (host: string, address: AddressInfo | string | null): string =>
  typeof address === 'object' && address ? `http://${host}:${address.port}` : String(address);
