import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from '../../local/ports.ts';
import type { Say } from '../../local/progress.ts';
import { findGoTool } from './goTool.ts';

const stripeMock = {
  name: 'stripe-mock',
  version: '0.203.0',
  source: 'github.com/stripe/stripe-mock',
  variable: 'STRIPE_MOCK',
  neededBy: 'The tests of the payment gateways',
} as const;

/** @throws Error that says what to install */
export const findStripeMock = (options: { progress?: Say } = {}): Promise<string> =>
  findGoTool(stripeMock, options);

/** Stripe's own mock: it refuses what Stripe's description does not allow, and remembers nothing. */
export interface StripeMock {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startStripeMock(): Promise<StripeMock> {
  const program = await findStripeMock({ progress: (line) => console.info(line) });
  const port = await claimPort(0, { name: 'stripe-mock', variable: 'STRIPE_MOCK' });
  const server = spawn(program, ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  await untilItAnswers(url, server);
  return {
    url,
    async stop() {
      const ended = new Promise((resolve) => server.once('close', resolve));
      server.kill();
      await ended;
    },
  };
}

async function untilItAnswers(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`stripe-mock ended with ${server.exitCode}`);
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      return;
    } catch {
      await pause(100);
    }
  }
}
