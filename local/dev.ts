import { existsSync, watch } from 'node:fs';
import path from 'node:path';
import { accountsTable } from './accounts.ts';
import { prepareDataDir, projectDir, readDotEnv } from './dataDir.ts';
import { reasonOf } from '../src/errors.ts';
import { step, StepFailed } from './progress.ts';
import { startStack, type Stack } from './stack.ts';

/**
 * Run as a program: the whole product, with API and worker started anew when a source changes. Data
 * and servers stay up in between.
 */
const quietMs = 200;

try {
  readDotEnv();
  const { dir } = prepareDataDir();
  const accountsFile = path.join(dir, 'demo-accounts.json');
  const isFirstStart = !existsSync(accountsFile);
  const stack = await startStack({ dataDir: dir, step });
  console.log(
    `\nAPI ${stack.urls.api}/api/docs, Temporal ${stack.urls.temporalUi}. Waiting for changes.\n` +
      (isFirstStart ? accountsTable(accountsFile) : ''),
  );
  const stop = (): void => void stack.stop().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  restartOnChange(stack);
  console.error(await stack.failed);
  await stack.stop();
  process.exitCode = 1;
} catch (error) {
  if (!(error instanceof StepFailed)) console.error(reasonOf(error));
  process.exitCode = 1;
}

function restartOnChange(stack: Stack): void {
  let timer: NodeJS.Timeout | undefined;
  let restarting = Promise.resolve();
  const restart = async (): Promise<void> => {
    for (const name of ['api', 'worker'] as const) {
      if (stack.pids()[name] !== undefined) await stack.kill(name, 'SIGTERM');
      await step(`Restart ${name}`, () => stack.start(name)).catch(() => undefined);
    }
  };
  for (const folder of ['src', 'worker']) {
    watch(path.join(projectDir, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        restarting = restarting.then(restart);
      }, quietMs);
    });
  }
}
