import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { startProcess } from './children.ts';
import { openDataDir } from './dataDir.ts';
import { hold } from './holdFile.ts';
import { keptSecrets } from './keptSecrets.ts';
import { keptSigningKey } from '../worker/checkpoints.ts';
import { startMailCatcher } from './mailCatcher.ts';
import { reachDatabase, reachTemporal, refuseKnownLogins } from './outside.ts';
import { claimPort } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { quietStep, type Step } from './progress.ts';
import { rollLogs } from './rollLogs.ts';
import { Services, type ServiceName, type Starter } from './services.ts';
import { findTemporal, startTemporal } from './temporal.ts';

export interface StackOptions {
  readonly dataDir: string;
  /** `usual`: as set in `env` or by default. `free`: any, so that stacks may run side by side. */
  readonly ports?: 'usual' | 'free';
  /** Settings, over those of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly programs?: readonly ('api' | 'worker')[];
  /** Runs what `npm run build` has made, as production does. */
  readonly built?: boolean;
  readonly seeded?: boolean;
  /** Faster, for tests: what a crash of the machine would lose does not matter. */
  readonly throwaway?: boolean;
  readonly step?: Step;
  readonly signal?: AbortSignal;
}

export interface Stack {
  readonly urls: StackUrls;
  readonly dataDir: string;
  /** What the API and the worker were started with. */
  readonly env: NodeJS.ProcessEnv;
  /** The processes that run here now; a service given by URL has none. */
  pids(): Partial<Record<ServiceName, number>>;
  /** Waits until the process has ended, if the signal ends processes. Does not count as failure. */
  kill(name: ServiceName, signal?: NodeJS.Signals): Promise<void>;
  /** Starts again what was killed, on the same port and data. */
  start(name: ServiceName): Promise<void>;
  /** Stops in order: API, worker, Temporal, Postgres, payment gateway, mail. */
  stop(): Promise<void>;
  /** Resolves, to a sentence for the person at the terminal, if a process ends by itself. */
  readonly failed: Promise<string>;
}

export interface StackUrls {
  readonly api: string;
  readonly worker: string;
  readonly docs: string;
  /** Empty where mail goes to a server of the user's own. */
  readonly mailView: string;
  readonly temporalUi: string;
  readonly temporalAddress: string;
  readonly smtp: string;
  readonly adminDatabase: string;
  readonly apiDatabase: string;
  readonly workerDatabase: string;
}

const usualPorts = {
  POSTGRES_PORT: 54_329,
  TEMPORAL_PORT: 7233,
  TEMPORAL_UI_PORT: 8233,
  SMTP_PORT: 1025,
  PAYMENT_GATEWAY_PORT: 8480,
  PORT: 3000,
  WORKER_PORT: 9464,
} as const;
const readyWithinMs = 60_000;

/**
 * Starts the whole product on one data folder: mail catcher, payment gateway, Postgres and Temporal
 * (those that DATABASE_URL, TEMPORAL_ADDRESS, SMTP_URL and PAYMENT_GATEWAY_URL do not replace),
 * migrations, demo data, API and worker. If one step fails, what was started is stopped again. One stack at a time on a folder.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const {
    ports = 'usual',
    programs = ['api', 'worker'],
    built = false,
    seeded = true,
    throwaway = false,
  } = options;
  const { dir, runAs } = openDataDir(options.dataDir);
  const given = settings(options.env);
  const step = abortable(options.step ?? quietStep, options.signal);
  const port = ports === 'free' ? (): number => 0 : readPorts(given);
  const logs = path.join(dir, 'logs');
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const held = await step(`Data in ${dir}`, (say) =>
    hold({ file: path.join(dir, 'stack.pid'), what: `Surety on ${dir}`, onOutput: say }),
  );
  const services = new Services();
  const leaveLogs = rollLogs(logs);

  try {
    const apiPort = await claimPort(port('PORT'), {
      name: 'the API',
      variable: 'PORT',
      isHttp: true,
    });
    const workerPort = await claimPort(port('WORKER_PORT'), {
      name: 'the worker',
      variable: 'WORKER_PORT',
      isHttp: true,
    });
    const smtp = given['SMTP_URL'] || (await step('Mail catcher', startMail));
    const adminDatabase = given['DATABASE_URL']
      ? await step('Database of DATABASE_URL', () => reachDatabase(adminUrlOf(given)))
      : await step('Postgres', startDatabase);
    const temporal = given['TEMPORAL_ADDRESS']
      ? await step('Temporal of TEMPORAL_ADDRESS', () => reachTemporal(given))
      : await startTemporalSteps();
    const database = await step('Migrations', () => migrate(adminDatabase));

    const host = given['HOST'] || '127.0.0.1';
    const reached = host === '0.0.0.0' ? '127.0.0.1' : host;
    const api = `http://${reached}:${apiPort}`;
    const worker = `http://${reached}:${workerPort}`;
    const secrets = keptSecrets(path.join(dir, 'secrets.json'), [
      'SECRET_KEY',
      'JWT_SECRET_KEY',
      'METRICS_TOKEN',
      'PAYMENT_GATEWAY_KEY',
      'PAYMENT_WEBHOOK_SECRET',
    ] as const);
    const webhook = `${api}${given['API_V1_PREFIX'] || '/api/v1'}/payments/webhook`;
    const isStripe = given['PAYMENT_GATEWAY'] === 'stripe';
    const gateway =
      given['PAYMENT_GATEWAY_URL'] ||
      (!isStripe &&
        (await step('Payment gateway', () => startGateway({ ...secrets, ...given }, webhook)))) ||
      '';
    const env: NodeJS.ProcessEnv = {
      ...secrets,
      DEFAULT_COMPANY: 'DEMO',
      // Mail that goes to a server of the user's own is not kept here.
      ...(!given['SMTP_URL'] && { DEV_MAIL_DIR: path.join(dir, 'mails') }),
      AUDIT_CHECKPOINT_DIR: path.join(dir, 'checkpoints'),
      DOCUMENT_STORAGE_DIR: path.join(dir, 'documents'),
      AUDIT_SIGNING_KEY: keptSigningKey(path.join(dir, 'audit-signing.pem')),
      ...given,
      HOST: host,
      PORT: String(apiPort),
      WORKER_PORT: String(workerPort),
      SMTP_URL: smtp,
      PAYMENT_GATEWAY_URL: gateway,
      DATABASE_URL: database.apiUrl,
      DATABASE_WORKER_URL: database.workerUrl,
      DATABASE_MIGRATE_URL: '',
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_UI_URL: temporal.uiUrl,
    };

    if (seeded) {
      await step('Demo data', async (say) => {
        const { seed } = await import('./seed.ts');
        await seed({ env, dataDir: dir, say });
      });
    }
    const startProgram = (name: 'api' | 'worker'): Starter => {
      const main = name === 'api' ? 'src/api/main' : 'worker/main';
      return startChild({
        name,
        script: built ? `dist/${main}.js` : `${main}.ts`,
        env,
        // Whoever waits for an answer comes before what nobody waits for.
        isBackground: name === 'worker' && !throwaway,
        readyUrl: `${name === 'api' ? api : worker}/health/ready`,
      });
    };
    await step('API and worker', async (say) => {
      const starts = programs.map(async (name) => {
        await services.run(name, startProgram(name));
        say(`${name === 'api' ? 'API' : 'worker'} answers`);
      });
      // What starts beside one that fails must be known before all are stopped.
      await Promise.allSettled(starts);
      await Promise.all(starts);
    });

    return {
      urls: {
        api,
        worker,
        docs: `${api}/api/docs`,
        mailView: given['SMTP_URL'] ? '' : `${api}/dev/mail`,
        temporalUi: temporal.uiUrl,
        temporalAddress: temporal.address,
        smtp,
        adminDatabase,
        apiDatabase: database.apiUrl,
        workerDatabase: database.workerUrl,
      },
      dataDir: dir,
      env,
      pids: () => services.pids(),
      kill: (name, signal = 'SIGKILL') => services.kill(name, signal),
      start: (name) => services.startAgain(name),
      stop,
      failed: services.failed,
    };
  } catch (error) {
    await stop();
    throw error;
  }

  async function stop(): Promise<void> {
    await services.stop();
    leaveLogs();
    held.release();
  }

  async function startMail(): Promise<string> {
    let smtpPort = port('SMTP_PORT');
    let url = '';
    await services.run('mail', async () => {
      const mail = await startMailCatcher({ dir: path.join(dir, 'mails'), port: smtpPort });
      ({ port: smtpPort, url } = mail);
      return mail;
    });
    return url;
  }

  async function startGateway(env: NodeJS.ProcessEnv, webhook: string): Promise<string> {
    const gatewayPort = await claimPort(port('PAYMENT_GATEWAY_PORT'), {
      name: 'the payment gateway',
      variable: 'PAYMENT_GATEWAY_PORT',
      isHttp: true,
    });
    const url = `http://127.0.0.1:${gatewayPort}`;
    await services.run(
      'gateway',
      startChild({
        name: 'gateway',
        script: 'local/gatewayMain.ts',
        env: {
          GATEWAY_DIR: path.join(dir, 'gateway'),
          GATEWAY_PORT: String(gatewayPort),
          GATEWAY_KEY: env['PAYMENT_GATEWAY_KEY'],
          GATEWAY_WEBHOOK_URL: webhook,
          GATEWAY_WEBHOOK_SECRET: env['PAYMENT_WEBHOOK_SECRET'],
        },
        readyUrl: `${url}/health/ready`,
      }),
    );
    return url;
  }

  /** A process of ours. Its id is kept with the data: who starts there next waits until it has ended. */
  function startChild(
    child: Omit<Parameters<typeof startProcess>[0], 'logs' | 'timeoutMs'>,
  ): Starter {
    return (begun) =>
      startProcess({
        ...child,
        logs,
        timeoutMs: readyWithinMs,
        onSpawn(running) {
          held.add(running.pid);
          begun(running);
        },
      });
  }

  async function startDatabase(): Promise<string> {
    let databasePort = port('POSTGRES_PORT');
    let url = '';
    await services.run('postgres', async () => {
      const postgres = await startPostgres({
        dir: path.join(dir, 'postgres'),
        port: databasePort,
        runAs,
        throwaway,
        onOutput: appendTo(path.join(logs, 'postgres.log')),
      });
      ({ port: databasePort, url } = postgres);
      return postgres;
    });
    return url;
  }

  async function startTemporalSteps(): Promise<{ address: string; uiUrl: string }> {
    const binary = await step('Temporal program', (say) => findTemporal({ progress: say }));
    let rpcPort = port('TEMPORAL_PORT');
    let uiPort = port('TEMPORAL_UI_PORT');
    let reached = { address: '', uiUrl: '' };
    await step('Temporal', () =>
      services.run('temporal', async () => {
        const temporal = await startTemporal({
          binary,
          dbFile: path.join(dir, 'temporal', 'temporal.db'),
          port: rpcPort,
          uiPort,
          namespace: namespaceOf(given),
          throwaway,
          onOutput: appendTo(path.join(logs, 'temporal.log')),
        });
        ({ port: rpcPort, uiPort } = temporal);
        reached = temporal;
        return temporal;
      }),
    );
    return reached;
  }

  /** With a URL of its own for migrations the others belong to roles that exist. */
  async function migrate(adminUrl: string): Promise<{ apiUrl: string; workerUrl: string }> {
    const { migrateUp, prepareDatabase } = await import('../src/models/migrate.ts');
    const apiUrl = given['DATABASE_URL'];
    if (apiUrl && given['DATABASE_MIGRATE_URL']) {
      await migrateUp(adminUrl);
      return { apiUrl, workerUrl: given['DATABASE_WORKER_URL'] || apiUrl };
    }
    const kept = path.join(dir, 'database.json');
    if (apiUrl && !existsSync(kept)) await refuseKnownLogins(adminUrl);
    const passwords = keptSecrets(kept, ['api', 'worker'] as const);
    return prepareDatabase({ adminUrl, passwords });
  }
}

/** What a test runner sets for itself is not meant for the product. */
function settings(own: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const {
    NODE_ENV: _mode,
    NODE_OPTIONS: _options,
    JEST_WORKER_ID: _worker,
    ...inherited
  } = process.env;
  return { ...inherited, ...own };
}

type PortName = keyof typeof usualPorts;

/** All are looked at before anything starts. */
function readPorts(env: NodeJS.ProcessEnv): (name: PortName) => number {
  const ports = new Map(
    Object.entries(usualPorts).map(([name, usual]) => {
      const port = Number(env[name] || usual);
      if (Number.isInteger(port) && port > 0 && port < 65_536) return [name, port];
      throw new Error(`${name}=${env[name]} is not a port: give a number from 1 to 65535.`);
    }),
  );
  return (name) => ports.get(name) ?? usualPorts[name];
}

const namespaceOf = (env: NodeJS.ProcessEnv): string => env['TEMPORAL_NAMESPACE'] || 'default';

const adminUrlOf = (env: NodeJS.ProcessEnv): string =>
  env['DATABASE_MIGRATE_URL'] || env['DATABASE_URL'] || '';

const appendTo =
  (file: string) =>
  (line: string): void =>
    appendFileSync(file, `${line}\n`, { mode: 0o600 });

/** Gives up waiting at once; what the step started is tied to this process and ends with it. */
const abortable =
  (step: Step, signal?: AbortSignal): Step =>
  (title, fn) =>
    step(title, async (say) => {
      signal?.throwIfAborted();
      if (!signal) return fn(say);
      let giveUp = (): void => {};
      const aborted = new Promise<never>((_resolve, reject) => {
        giveUp = () => reject(new Error('interrupted', { cause: signal.reason }));
        signal.addEventListener('abort', giveUp, { once: true });
      });
      try {
        return await Promise.race([fn(say), aborted]);
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    });
