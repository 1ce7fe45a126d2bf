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
 * @throws Error one sentence that names the setting, if another program holds the port.
 */
export async function claimPort(
  wanted: number,
  { name, variable }: { name: string; variable?: string },
): Promise<number> {
  const deadline = Date.now() + graceMs;
  for (;;) {
    const port = wanted || randomInt(...pickFrom);
    if ((wanted || (await isOurs(port))) && (await isFree(port))) return port;
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
