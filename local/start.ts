import { existsSync } from 'node:fs';
import path from 'node:path';
import { accountsTable } from './accounts.ts';
import { prepareDataDir, readDotEnv } from './dataDir.ts';
import { reasonOf } from '../src/errors.ts';
import { step, StepFailed } from './progress.ts';
import { startStack, type Stack } from './stack.ts';

/**
 * Run as a program: the whole product on this machine until Ctrl-C. With `--until-ready` it stops
 * again once everything answers.
 */
process.exitCode = await main({ untilReady: process.argv.includes('--until-ready') });
process.exit();

async function main({ untilReady }: { untilReady: boolean }): Promise<number> {
  const startedAt = performance.now();
  const interrupt = new AbortController();
  const interrupted = new Promise<'interrupted'>((resolve) => {
    interrupt.signal.addEventListener('abort', () => resolve('interrupted'));
  });
  let stack: Stack | undefined;
  onInterrupt(interrupt, () => stack);

  try {
    readDotEnv();
    const { dir } = prepareDataDir();
    const accountsFile = path.join(dir, 'demo-accounts.json');
    const isFirstStart = !existsSync(accountsFile);
    stack = await startStack({ dataDir: dir, step, signal: interrupt.signal });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(screen({ stack, accountsFile, isFirstStart, seconds }));

    const failure = untilReady ? undefined : await Promise.race([stack.failed, interrupted]);
    const isFailure = failure !== undefined && failure !== 'interrupted';
    if (isFailure) console.error(`\n${failure}`);
    await step('Stopping', () => stack?.stop() ?? Promise.resolve());
    return isFailure ? 1 : 0;
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    if (!(error instanceof StepFailed)) {
      console.error(reasonOf(error));
    }
    return 1;
  }
}

/** Ctrl-C once stops in order, twice ends everything at once. */
function onInterrupt(interrupt: AbortController, stack: () => Stack | undefined): void {
  const handle = (): void => {
    if (!interrupt.signal.aborted) {
      interrupt.abort(new Error('interrupted'));
      return;
    }
    for (const [name, pid] of Object.entries(stack()?.pids() ?? {})) {
      process.kill(pid, name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    }
    process.exit(130);
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
}

function screen({
  stack: { urls, env },
  accountsFile,
  isFirstStart,
  seconds,
}: {
  stack: Stack;
  accountsFile: string;
  isFirstStart: boolean;
  seconds: string;
}): string {
  const api = `${urls.api}${env['API_V1_PREFIX'] || '/api/v1'}`;
  const account = `const { email, password } = require('${accountsFile}').find((a) => a.role === 'policyholder'); JSON.stringify({ email, password })`;
  return `
Surety is ready (${seconds} s). Ctrl-C stops it; data stay.

  API documentation  ${urls.docs}
  Temporal UI        ${urls.temporalUi || '(set TEMPORAL_UI_URL)'}
  Mail that was sent ${urls.mailView || 'by the server of SMTP_URL'}
  Demo accounts      ${accountsFile}
${isFirstStart ? accountsTable(accountsFile) : ''}
Try:
  curl -s '${api}/plans?page_size=5'

  TOKEN=$(curl -s ${api}/auth/login -H 'Content-Type: application/json' \\
    -d "$(node -p "${account}")" | sed -E 's/.*"access_token": *"([^"]+)".*/\\1/')

  curl -s ${api}/subscriptions -H "Authorization: Bearer $TOKEN"
`;
}
