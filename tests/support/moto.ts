import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from '../../local/ports.ts';
import type { Say } from '../../local/progress.ts';
import { findPythonTool } from './pythonTool.ts';

const moto = {
  name: 'moto',
  version: '5.2.5',
  requirement: 'moto[server]',
  program: 'moto_server',
  variable: 'MOTO_SERVER',
  neededBy: 'The tests of the storage',
} as const;

/** @throws Error that says what to install */
export const findS3Server = (options: { progress?: Say } = {}): Promise<string> =>
  findPythonTool(moto, options);

/** A server that speaks S3's protocol, with nothing in it. */
export interface S3Server {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const program = await findS3Server({ progress: (line) => console.info(line) });
  const port = await claimPort(0, { name: 'moto', variable: 'MOTO_SERVER' });
  const server = spawn(program, ['--host', '127.0.0.1', '--port', String(port)], {
    stdio: 'ignore',
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await untilItAnswers(endpoint, server);
  return {
    endpoint,
    async stop() {
      const ended = new Promise((resolve) => server.once('close', resolve));
      server.kill();
      await ended;
    },
  };
}

async function untilItAnswers(endpoint: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`moto_server ended with ${server.exitCode}`);
    try {
      await fetch(`${endpoint}/moto-api/`);
      return;
    } catch {
      await pause(200);
    }
  }
}
