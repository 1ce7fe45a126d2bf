import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * What a network does to a message: `latency` keeps it back; `reset` cuts both sides before it arrives;
 * `half_open` swallows it and all that follows, and tells nobody; `lost_reply` lets it arrive, and cuts
 * both sides as soon as it is answered.
 */
export const faults = ['latency', 'reset', 'half_open', 'lost_reply'] as const;

export type Fault = (typeof faults)[number];

/** A TCP proxy on loopback that breaks connections as networks do. */
export interface FaultProxy {
  readonly port: number;
  /** How often each fault has happened. */
  readonly happened: Readonly<Record<Fault, number>>;
  /** Ends all connections as a server that is going away does. */
  hangUp(): void;
  /** Cuts what is left. */
  close(): Promise<void>;
}

interface Options {
  /** Port of the server behind it. */
  readonly target: number;
  /** What becomes of a message of a client; it is passed on where this names nothing. */
  readonly choose: (message: Buffer) => Fault | undefined;
  readonly latencyMs?: number;
}

const host = '127.0.0.1';

export async function startFaultProxy({
  target,
  choose,
  latencyMs = 150,
}: Options): Promise<FaultProxy> {
  const happened: Record<Fault, number> = { latency: 0, reset: 0, half_open: 0, lost_reply: 0 };
  const sockets = new Set<Socket>();

  const track = (socket: Socket): void => {
    sockets.add(socket);
    // Whoever is cut off hears of it; what follows is the close.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  };

  const join = (client: Socket): void => {
    const server = connect(target, host);
    track(client);
    track(server);
    let isSilent = false;
    let losesReply = false;
    /** Messages are passed on in their order, also behind one that is kept back. */
    let passedOn = Promise.resolve();

    const cut = (): void => {
      client.resetAndDestroy();
      server.resetAndDestroy();
    };
    const passOn = async (message: Buffer): Promise<void> => {
      if (isSilent || server.destroyed) return;
      const fault = choose(message);
      if (fault) happened[fault] += 1;
      if (fault === 'reset') return cut();
      if (fault === 'half_open') {
        isSilent = true;
        return;
      }
      if (fault === 'latency') await pause(latencyMs);
      if (fault === 'lost_reply') losesReply = true;
      server.write(message);
    };

    client.on('data', (message: Buffer) => {
      passedOn = passedOn.then(() => passOn(message));
    });
    server.on('data', (message: Buffer) => {
      if (isSilent) return;
      if (losesReply) cut();
      else client.write(message);
    });
    client.once('end', () => void passedOn.then(() => isSilent || server.end()));
    server.once('end', () => isSilent || client.end());
    client.once('close', () => void passedOn.then(() => isSilent || server.destroy()));
    server.once('close', () => isSilent || client.destroy());
  };

  const listener = createServer(join);
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, host, resolve);
  });
  const address = listener.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    happened,
    hangUp() {
      for (const socket of sockets) socket.end();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
