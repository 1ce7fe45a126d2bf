import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

const host = '127.0.0.1';
/** A server whose parent was killed ends by itself, but keeps its port for about a second. */
const graceMs = 3_000;
/** Below the range from which systems number outgoing connections, which could take it meanwhile. */
const pickFrom = [15_000, 32_000] as const;

/**
 * The port to use: the wanted one once it is free, or any free one for 0.
 * @throws Error one sentence that names the setting, if another program holds the port.
 */
export async function claimPort(
  wanted: number,
  { name, variable }: { name: string; variable?: string },
): Promise<number> {
  const deadline = Date.now() + graceMs;
  for (;;) {
    const port = wanted || randomInt(...pickFrom);
    if (await isFree(port)) return port;
    if (Date.now() > deadline) break;
    if (wanted) await pause(150);
  }
  const advice = variable ? `: stop that program or set ${variable} to another port` : '';
  throw new Error(`Port ${wanted} for ${name} is taken by another program${advice}.`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else if (error.code === 'EACCES') {
        reject(new Error(`Port ${port} needs more rights than this user has.`));
      } else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
