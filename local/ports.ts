import { randomInt } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HeldError, hold } from './holdFile.ts';

const host = '127.0.0.1';
/** A server whose parent was killed ends by itself, but keeps its port for about a second. */
const graceMs = 3_000;
/** Below the ranges from which systems number outgoing connections, which could take it meanwhile. */
const pickFrom = [10_000, 16_000] as const;

/**
 * The port to use: the wanted one once it is free, or any free one for 0. Such a one stays with this
 * process until it ends: it may be bound much later, and again after its server was killed.
 * @throws Error one sentence that names the setting, if another program holds the port, or if
 * browsers would not go there.
 */
export async function claimPort(
  wanted: number,
  { name, variable, isHttp = false }: { name: string; variable?: string; isHttp?: boolean },
): Promise<number> {
  if (wanted && isHttp && (await isBlocked(wanted))) {
    throw new Error(`Browsers refuse to go to port ${wanted}: set ${variable} to another port.`);
  }
  const deadline = Date.now() + graceMs;
  for (;;) {
    const port = wanted || randomInt(...pickFrom);
    const isMine = wanted || (await isOurs(port));
    if (isMine && (await isFree(port)) && (wanted || !(await isBlocked(port)))) return port;
    if (Date.now() > deadline) break;
    if (wanted) await pause(150);
  }
  const advice = variable ? `: stop that program or set ${variable} to another port` : '';
  throw new Error(`Port ${wanted} for ${name} is taken by another program${advice}.`);
}

/** Stacks that run side by side pick from the same numbers. What a dead process picked is free again. */
async function isOurs(port: number): Promise<boolean> {
  const dir = path.join(tmpdir(), `surety-ports-${process.getuid?.() ?? ''}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  try {
    await hold({ file: path.join(dir, String(port)), what: `Port ${port}` });
    return true;
  } catch (error) {
    if (error instanceof HeldError) return false;
    throw error;
  }
}

/** Ports of older protocols, which Fetch goes to for no page: https://fetch.spec.whatwg.org/#port-blocking */
const isBlocked = (port: number): Promise<boolean> =>
  fetch(`http://${host}:${port}`, { method: 'HEAD', signal: AbortSignal.timeout(1_000) }).then(
    () => false,
    ({ cause }: Error) => cause instanceof Error && cause.message === 'bad port',
  );

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
