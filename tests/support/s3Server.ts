import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from '../../local/ports.ts';
import type { Say } from '../../local/progress.ts';
import { findGoTool } from './goTool.ts';

/** A gateway that keeps S3's objects in a folder, checks each signature and sum, and serves production. */
const versity = {
  name: 'versitygw',
  version: '1.8.0',
  source: 'github.com/versity/versitygw/cmd/versitygw',
  variable: 'VERSITYGW',
  neededBy: 'The tests of the storage',
} as const;

/** @throws Error that says what to install */
export const findS3Server = (options: { progress?: Say } = {}): Promise<string> =>
  findGoTool(versity, options);

/** A server that speaks S3's protocol, with nothing in it. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  stop(): Promise<void>;
}

export async function startS3(): Promise<S3Server> {
  const program = await findS3Server({ progress: (line) => console.info(line) });
  const port = await claimPort(0, { name: 'the S3 server', variable: 'VERSITYGW' });
  const dir = mkdtempSync(path.join(tmpdir(), 'surety-s3-'));
  // Not every file system takes the attributes that it would put on files.
  const [objects, about] = ['objects', 'about'].map((name) => path.join(dir, name));
  for (const each of [objects, about]) mkdirSync(String(each));
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test-secret' };
  const server = spawn(
    program,
    [
      '--quiet',
      '--port',
      `127.0.0.1:${port}`,
      'posix',
      '--sidecar',
      String(about),
      String(objects),
    ],
    {
      stdio: 'ignore',
      env: {
        ...process.env,
        ROOT_ACCESS_KEY: credentials.accessKeyId,
        ROOT_SECRET_KEY: credentials.secretAccessKey,
      },
    },
  );
  const ended = new Promise((resolve) => server.once('close', resolve));
  const endpoint = `http://127.0.0.1:${port}`;
  for (let isUp = false; !isUp; await pause(50)) {
    if (server.exitCode !== null) throw new Error(`versitygw ended with ${server.exitCode}`);
    isUp = await fetch(endpoint).then(
      () => true,
      () => false,
    );
  }
  return {
    endpoint,
    credentials,
    async stop() {
      server.kill();
      await ended;
      rmSync(dir, { recursive: true });
    },
  };
}
