import { readFileSync } from 'node:fs';
import { readConfig } from '../config.ts';
import { armFailpoint } from '../failpoints.ts';
import { createLogger } from '../logger.ts';
import { selfCheck } from '../models/selfCheck.ts';
import { startFailure } from '../errors.ts';
import { composeApi } from './compose.ts';
import { startServer } from './server.ts';

/** Run as a program: the API until SIGTERM or Ctrl-C. */
try {
  await main();
} catch (error) {
  console.error(startFailure(error));
  process.exit(1);
}

async function main(): Promise<void> {
  const config = readConfig();
  armFailpoint(config.failpoint);
  const { log, access } = createLogger(config, 'api');
  const api = composeApi({ config, log, access, version: packageVersion() });
  await selfCheck();
  const { host, port } = config;
  const server = await startServer(api.app, { host, port, lifecycle: api.lifecycle });
  log.info({ url: server.url }, 'API ready');

  let stopping: Promise<void> | undefined;
  const stop = (reason: string, exitCode: number): void => {
    stopping ??= (async () => {
      log.info({ reason }, 'stopping');
      await server.stop();
      await api.close();
      process.exit(exitCode);
    })();
  };
  process.once('SIGTERM', () => stop('SIGTERM', 0));
  process.once('SIGINT', () => stop('SIGINT', 0));
  process.once('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    stop('unhandled rejection', 1);
  });
}

function packageVersion(): string {
  const file = new URL(
    import.meta.url.endsWith('.ts') ? '../../package.json' : '../../../package.json',
    import.meta.url,
  );
  const { version }: { version: string } = JSON.parse(readFileSync(file, 'utf8'));
  return version;
}
