import { createServer, type ServerResponse } from 'node:http';
import { Server, type AddressInfo } from 'node:net';
import type Koa from 'koa';
import type { RequestState } from './state.ts';

export interface RunningServer {
  readonly url: string;
  /** Not ready and no new connections; then what is open is answered and let go, at most 15 s. */
  stop(): Promise<void>;
}

const second = 1000;
const drainMs = 15 * second;
/** How long those who are connected already are let in, while others keep coming. */
const doorMs = second;
/** How long a client that is between two requests has for the next, which tells it to go. */
const farewellMs = 2 * second;

/** Shared with the readiness route, which turns red before the doors close. */
export interface Lifecycle {
  isStopping: boolean;
}

/** Listens with limits on what a slow or greedy client may hold. */
export async function startServer(
  app: Koa<RequestState>,
  { host, port, lifecycle }: { host: string; port: number; lifecycle: Lifecycle },
): Promise<RunningServer> {
  const handle = app.callback();
  const open = new Set<ServerResponse>();
  let isClosed = false;
  const server = createServer(
    {
      headersTimeout: 10 * second,
      requestTimeout: 30 * second,
      connectionsCheckingInterval: 5 * second,
      keepAliveTimeout: 65 * second,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      open.add(response);
      response.once('close', () => open.delete(response));
      if (isClosed) sendAway(response);
      void handle(request, response);
    },
  );
  server.maxRequestsPerSocket = 1000;
  server.maxConnections = 10_000;
  server.maxHeadersCount = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

  let arrived = 0;
  server.on('connection', () => (arrived += 1));
  /** One is let in for each turn of the loop: what waits in the system's queue would be cut by the end. */
  const letIn = async (): Promise<void> => {
    const until = performance.now() + doorMs;
    for (let quiet = 0; quiet < 10 && performance.now() < until; quiet += 1) {
      const before = arrived;
      await new Promise((resolve) => setImmediate(resolve));
      if (arrived > before) quiet = 0;
    }
  };

  const drain = async (): Promise<void> => {
    lifecycle.isStopping = true;
    // Nobody is sent away before, or they would come back by the same door.
    await letIn();
    isClosed = true;
    for (const response of open) sendAway(response);
    // Not the HTTP server's own close: it cuts idle sockets, and with them requests on their way.
    const closed = new Promise<void>((resolve) => {
      Server.prototype.close.call(server, () => resolve());
    });
    const farewell = performance.now() + farewellMs;
    const idle = setInterval(() => {
      // Right after what has arrived was read: a socket with a request in its buffer is not idle.
      if (performance.now() > farewell) setImmediate(() => server.closeIdleConnections());
    }, 100);
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

/** The client asks for what else it wants on another connection, so of another process. */
const sendAway = (response: ServerResponse): void => {
  if (!response.headersSent) response.setHeader('Connection', 'close');
};

const urlOf = (host: string, address: AddressInfo | string | null): string =>
  typeof address === 'object' && address ? `http://${host}:${address.port}` : String(address);
