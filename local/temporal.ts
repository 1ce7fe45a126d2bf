import { Connection, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { existsSync, mkdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hold } from './holdFile.ts';
import { claimPort } from './ports.ts';
import type { Say } from './progress.ts';
import { describeExit, startTied, type TiedProcess } from './tiedProcess.ts';
import { answers, downloadOfficial, firstThatWorks, runTool, toolCache } from './toolCache.ts';

export interface TemporalServer {
  readonly address: string;
  /** Empty if it is thrown away. */
  readonly uiUrl: string;
  readonly port: number;
  readonly uiPort: number;
  readonly pid: number;
  /** Resolves, to a sentence, when the server has ended for whatever reason. */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

export interface TemporalOptions {
  readonly binary: string;
  /** Always a file: what is in memory is gone with the connection to it. */
  readonly dbFile: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly uiPort?: number;
  readonly namespace: string;
  /** For tests: no UI, and faster; a crash of the machine would lose data (one of the server would not). */
  readonly throwaway?: boolean;
  /** Overrides of the server's settings; each value is JSON. */
  readonly dynamicConfig?: Readonly<Record<string, string>>;
  readonly onOutput?: (line: string) => void;
}

/**
 * Before 1.40.1 Go's SQLite kept what a cancelled call had opened; every call after it was
 * "interrupted (9)" then, until the server was started again. The release has a later one.
 */
const released = '1.9.1';
/** The newest that `go install` takes, with the SQLite of the release. */
const built = { temporal: '1.5.1', sqlite: '1.51.0', libc: '1.72.3' } as const;
const startWithinMs = 60_000;
/** As in `deploy/temporal/dynamicConfig.yaml`: without it the fairness key of a start has no effect. */
const likeDeployed = { 'matching.enableFairness': 'true' } as const;
const retention = '720h';

/**
 * Finds, or gets once, the Temporal CLI, whose dev server keeps its state in one file: a
 * `temporal` on the PATH, else our cache, the official download, or a build with Go (minutes).
 * @throws Error that says what to install
 */
export async function findTemporal({
  progress = () => {},
}: { progress?: Say } = {}): Promise<string> {
  if (answers('temporal', 'server', 'start-dev', '--help')) return 'temporal';

  const fromRelease = path.join(toolCache(), `temporal-cli-${released}`, 'temporal');
  const fromSource = path.join(
    toolCache(),
    `temporal-cli-${built.temporal}-sqlite-${built.sqlite}`,
    'temporal',
  );
  const cached = [fromRelease, fromSource].find((program) => existsSync(program));
  if (cached) return cached;

  return firstThatWorks({
    place: path.dirname(fromSource),
    ways: [
      async (draft) => {
        const program = await downloadOfficial({
          program: 'cli',
          version: `v${released}`,
          into: draft,
          progress,
        });
        return program && settle(program, fromRelease);
      },
      async (draft) => {
        if (!answers('go', 'version')) return undefined;
        writeFileSync(path.join(draft, 'go.mod'), goModule);
        await runTool({
          command: 'go',
          args: ['install', '-mod=mod', 'github.com/temporalio/cli/cmd/temporal'],
          cwd: draft,
          env: { ...process.env, GOBIN: draft, GOFLAGS: '', CGO_ENABLED: '0' },
          doing: `building Temporal ${built.temporal} with Go (about 5 minutes, once)`,
          progress,
        });
        return settle(path.join(draft, 'temporal'), fromSource);
      },
    ],
    advice:
      'Temporal is missing and could not be downloaded: install the Temporal CLI ' +
      '(docs.temporal.io/cli) or Go 1.25, or set TEMPORAL_ADDRESS to a server of your own.',
  });
}

const goModule = `module surety/temporal

go 1.25

require (
\tgithub.com/temporalio/cli v${built.temporal}
\tmodernc.org/libc v${built.libc}
\tmodernc.org/sqlite v${built.sqlite}
)
`;

/**
 * Starts a real Temporal server on 127.0.0.1 and waits until it answers. It ends with this
 * process. Closed runs are kept for 30 days. Search attributes are the product's own concern.
 * @throws Error one sentence for the person at the terminal
 */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const { binary, namespace, throwaway = false, onOutput } = options;
  const dbFile = realPath(options.dbFile);
  // Two servers on one file start without complaint and ruin it.
  const held = await hold({ file: `${dbFile}.pid`, what: `Temporal on ${dbFile}`, onOutput });
  try {
    const port = await claimPort(options.port, { name: 'Temporal', variable: 'TEMPORAL_PORT' });
    const uiPort = throwaway
      ? 0
      : await claimPort(options.uiPort ?? 0, {
          name: 'the Temporal UI',
          variable: 'TEMPORAL_UI_PORT',
          isHttp: true,
        });
    const server = await startTied({
      command: binary,
      args: [
        'server',
        'start-dev',
        '--log-level=warn',
        `--namespace=${namespace}`,
        '--ip=127.0.0.1',
        `--port=${port}`,
        ...(throwaway ? ['--headless'] : ['--ui-ip=127.0.0.1', `--ui-port=${uiPort}`]),
        `--db-filename=${dbFile}`,
        '--sqlite-pragma=journal_mode=wal',
        `--sqlite-pragma=synchronous=${throwaway ? 'off' : 'normal'}`,
        ...Object.entries({ ...likeDeployed, ...options.dynamicConfig }).map(
          ([key, value]) => `--dynamic-config-value=${key}=${value}`,
        ),
      ],
      deathSignal: 'TERM',
      isBackground: !throwaway,
      onOutput,
    });
    held.add(server.pid);
    const exited = server.exited.then((exit) => {
      held.release();
      return `Temporal ${describeExit(exit)}.`;
    });
    const stop = () => server.stop(['SIGTERM'], 15_000);
    const address = `127.0.0.1:${port}`;
    try {
      await untilReady({ server, address, namespace });
    } catch (error) {
      await stop();
      throw error;
    }
    const uiUrl = throwaway ? '' : `http://127.0.0.1:${uiPort}`;
    return { address, uiUrl, port, uiPort, pid: server.pid, exited, stop };
  } catch (error) {
    held.release();
    throw error;
  }
}

function settle(program: string, cached: string): string {
  mkdirSync(path.dirname(cached), { recursive: true });
  renameSync(program, cached);
  return cached;
}

function realPath(file: string): string {
  const dir = path.dirname(path.resolve(file));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return path.join(realpathSync(dir), path.basename(file));
}

async function untilReady({
  server,
  address,
  namespace,
}: {
  server: TiedProcess;
  address: string;
  namespace: string;
}): Promise<void> {
  const deadline = Date.now() + startWithinMs;
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  for (;;) {
    if (await keepsClosedRuns({ address, namespace })) return;
    if (ended) {
      const reason = server.lastLines().findLast((line) => line.trim() !== '');
      throw new Error(`Temporal did not start: ${reason ?? 'it gave no reason.'}`);
    }
    if (Date.now() > deadline) {
      throw new Error(`Temporal was not ready within ${startWithinMs / 1000} s.`);
    }
    await pause(100);
  }
}

/** The server's own default is one day. False while it does not answer yet. */
async function keepsClosedRuns({
  address,
  namespace,
}: {
  address: string;
  namespace: string;
}): Promise<boolean> {
  // A new connection each time: a failed one waits a second before it tries again.
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: msToTs(retention) },
      }),
    );
    return true;
  } catch (error) {
    if (isGrpcServiceError(error)) return false;
    throw error;
  } finally {
    await connection.close();
  }
}
