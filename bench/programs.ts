import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Job, Outcome } from './client.ts';
import { insureAfter, insuredSoFar } from './requests.ts';

const programArgs = (name: string): string[] => [
  '--import',
  'tsx',
  path.join(import.meta.dirname, `${name}.ts`),
];

/** Runs one job by the client program, so that its work is not done in a measured process. */
export async function runClient(job: Omit<Job, 'insured'>): Promise<Outcome> {
  const input: Job = { ...job, insured: insuredSoFar() };
  const outcome: Outcome = JSON.parse(await runProgram('client', input, job.pace.seconds + 90));
  insureAfter(outcome.insured);
  return outcome;
}

/** Gives a program its input and waits for its end. @returns what it wrote */
export async function runProgram(
  name: string,
  input: object,
  withinSeconds: number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const child = spawn(process.execPath, programArgs(name), {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const tooLong = setTimeout(() => child.kill('SIGKILL'), withinSeconds * 1000);
  try {
    child.stdin.end(JSON.stringify(input));
    const [written] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (written === '') throw new Error(`The program ${name} ended without a result`);
    return written;
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
