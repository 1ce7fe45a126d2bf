import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from '../../local/ports.ts';
import type { Say } from '../../local/progress.ts';
import { answers, firstThatWorks, runTool, toolCache } from '../../local/toolCache.ts';

const version = '0.203.0';
const source = 'github.com/stripe/stripe-mock';

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

/**
 * Finds, or builds once, the program: the one that STRIPE_MOCK names, else our cache, else a build with Go.
 * @throws Error that says what to install
 */
export async function findStripeMock({ progress }: { progress: Say }): Promise<string> {
  const given = process.env['STRIPE_MOCK'];
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`STRIPE_MOCK names ${given}, which is not there.`);
  }
  const cached = path.join(toolCache(), `stripe-mock-${version}`, 'stripe-mock');
  if (existsSync(cached)) return cached;
  return firstThatWorks({
    place: path.dirname(cached),
    ways: [
      async (draft) => {
        if (!answers('go', 'version')) return undefined;
        await runTool({
          command: 'go',
          args: ['install', `${source}@v${version}`],
          cwd: draft,
          env: { ...process.env, GOBIN: draft, GOFLAGS: '', CGO_ENABLED: '0' },
          doing: `building stripe-mock ${version} with Go (about a minute, once)`,
          progress,
        });
        mkdirSync(path.dirname(cached), { recursive: true });
        renameSync(path.join(draft, 'stripe-mock'), cached);
        return cached;
      },
    ],
    advice:
      'The tests of the payment gateways need stripe-mock: install Go 1.25, or set STRIPE_MOCK to the path ' +
      'of the program.',
  });
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
