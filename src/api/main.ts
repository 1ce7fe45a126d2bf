import { readFileSync } from 'node:fs';
import { readConfig } from '../config.ts';
import { armFailpoint, armOnSignal } from '../failpoints.ts';
import { adoptWarnings, createLogger } from '../logger.ts';
import { startPolling } from '../polling.ts';
import { selfCheck } from '../models/selfCheck.ts';
import { startFailure } from '../errors.ts';
import { stopGracefully } from '../stopping.ts';
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
  if (config.environment === 'test') armOnSignal();
  const { log, access, moduleLog } = createLogger(config, 'api');
  adoptWarnings(log);
  const api = await composeApi({ config, moduleLog, access, version: packageVersion() });
  const advice = await selfCheck();
  if (advice.length > 0) log.warn({ advice }, 'a superuser should run what db:roles prints');
  const { host, port } = config;
  const server = await startServer(api.app, { host, port, lifecycle: api.lifecycle });
  log.info({ url: server.url }, 'API ready');

  const watch = startPolling({
    everyMs: 60_000,
    round: async () => {
      await api.watchWorkers();
      return false;
    },
    onError: (error) => log.warn({ err: error }, 'whether there are workers is looked at later'),
  });
  stopGracefully({
    log,
    steps: {
      streams: () => api.endStreams(),
      server: () => server.stop(),
      watch: () => watch.stop(),
      api: () => api.close(),
    },
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
