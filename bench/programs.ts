import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Job, Outcome } from './client.ts';

const programArgs = (name: string): string[] => [
  '--import',
  'tsx',
  path.join(import.meta.dirname, `${name}.ts`),
];

/** Runs one job by the client program, so that its work is not done in a measured process. */
export async function runClient(job: Job): Promise<Outcome> {
  const child = spawn(process.execPath, programArgs('client'), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const tooLong = setTimeout(() => child.kill('SIGKILL'), (job.pace.seconds + 90) * 1000);
  try {
    child.stdin.end(JSON.stringify(job));
    const [written] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (written === '') throw new Error('The client program ended without a result');
    const outcome: Outcome = JSON.parse(written);
    return outcome;
  } finally {
    clearTimeout(tooLong);
  }
}

/** A program that says in its first line where it listens, and ends when its input does. */
export async function startServerProgram(
  name: string,
  input: object,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly origin: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, programArgs(name), {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  child.stdin.write(`${JSON.stringify(input)}\n`);
  const lines = createInterface({ input: child.stdout });
  const origin = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('close', (code) => reject(new Error(`${name} ended with code ${code}`)));
  });
  return {
    origin,
    async stop() {
      child.stdin.end();
      await closed;
    },
  };
}
