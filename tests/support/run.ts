/**
 * `npm test [-- files and jest options]`: starts what the tests need (a real Postgres, a real Temporal
 * server, the time-skipping one), runs them and stops it all.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { openDataDir } from '../../local/dataDir.ts';
import { startPostgres } from '../../local/postgres.ts';
import { step, StepFailed, type Say } from '../../local/progress.ts';
import { findTemporal, startTemporal } from '../../local/temporal.ts';
import { findTestServer } from '../../local/testServer.ts';
import { prepareDatabase } from '../../src/models/migrate.ts';
import { workflowBundle } from '../../worker/workflowBundle.ts';
import { findBrowser } from './browser.ts';
import { findS3Server } from './s3Server.ts';
import { findClamd } from './realClamd.ts';
import { findSchemathesis } from './schemathesis.ts';
import { serialise, type Services } from './services.ts';
import { findStripeMock } from './stripeMock.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { dir, runAs } = openDataDir(await mkdtemp(path.join(os.tmpdir(), 'surety-tests-')));
  const stops: (() => Promise<void>)[] = [];
  let isStopping = false;
  const tellUnlessStopping = (sentence: string): void => {
    if (!isStopping) console.error(sentence);
  };
  try {
    const { temporal: binary, testServer } = await step('Programs', (say) =>
      findPrograms(isWholeRun(args), say),
    );
    const postgres = await step('Start Postgres', () =>
      startPostgres({ dir: path.join(dir, 'postgres'), port: 0, throwaway: true, runAs }),
    );
    stops.push(postgres.stop);
    void postgres.exited.then(tellUnlessStopping);
    const passwords = { api: 'test-api', worker: 'test-worker' };
    await step('Migrate', () => prepareDatabase({ adminUrl: postgres.url, passwords }));
    const temporal = await step('Start Temporal', () =>
      startTemporal({
        binary,
        dbFile: path.join(dir, 'temporal.db'),
        port: 0,
        namespace: 'default',
        throwaway: true,
      }),
    );
    stops.push(temporal.stop);
    void temporal.exited.then(tellUnlessStopping);
    const bundle = await step('Build', () => build(path.join(dir, 'dist')));
    const exitCode = await runJest(args, dir, {
      adminUrl: postgres.url,
      temporalAddress: temporal.address,
      temporalBinary: binary,
      testServer,
      bundle,
      passwords,
    });
    await printTotals(dir);
    return exitCode;
  } catch (error) {
    if (error instanceof StepFailed) return 1;
    throw error;
  } finally {
    isStopping = true;
    for (const stop of stops.toReversed()) await stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Neither files nor titles are named. */
function isWholeRun(args: readonly string[]): boolean {
  return args.every((arg) => arg.startsWith('-'));
}

/**
 * The servers, and for a whole run what single files need: all at once, because each is mostly waited
 * for, and now, because else it shows late.
 */
async function findPrograms(
  isWhole: boolean,
  say: Say,
): Promise<{ temporal: string; testServer: string }> {
  const options = (name: string) => ({ progress: (line: string) => say(`${name}: ${line}`) });
  const [temporal, testServer] = await Promise.all([
    findTemporal(options('Temporal server')),
    findTestServer(options('time-skipping server')),
    isWhole && findSchemathesis(options('contract tester')),
    isWhole && findS3Server(options('S3 server')),
    isWhole && findStripeMock(options("Stripe's mock server")),
    isWhole && findBrowser(options('browser')),
    isWhole && findClamd(options('virus scanner')),
  ]);
  return { temporal, testServer };
}

/**
 * The product as `npm run build` makes it; types are asked about by `npm run check`. Only what has
 * changed is put in its place, each file at once: another run may be starting processes from there.
 * @returns the file with the bundled workflows
 */
async function build(draft: string): Promise<string> {
  const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck'];
  await promisify(execFile)(process.execPath, [...tsc, '--sourceMap', 'false', '--outDir', draft]);
  const bundle = path.join(draft, 'workflows.js');
  await writeFile(bundle, (await workflowBundle()).code);

  for (const entry of await readdir(draft, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const made = path.join(entry.parentPath, entry.name);
    const place = path.join('dist', path.relative(draft, made));
    const content = await readFile(made);
    if (existsSync(place) && content.equals(await readFile(place))) continue;
    await mkdir(path.dirname(place), { recursive: true });
    const aside = `${place}.${process.pid}`;
    await writeFile(aside, content);
    await rename(aside, place);
  }
  return bundle;
}

/** The last line of a run, for people and for the build. A file that cannot run counts as failed. */
async function printTotals(dir: string): Promise<void> {
  const totals: { passed: number; failed: number } = JSON.parse(
    await readFile(path.join(dir, 'totals.json'), 'utf8'),
  );
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
}

function runJest(args: readonly string[], dir: string, services: Services): Promise<number> {
  const jest = spawn(
    process.execPath,
    // A test file that failed may leave a connection open; the run ends all the same.
    [
      '--import',
      'tsx',
      '--no-warnings',
      // A file opens and drops a whole API: with the usual room for new objects an eighth of its time goes to tidying.
      '--max-semi-space-size=64',
      // The watchdog asks a process that is stuck for it.
      '--report-on-signal',
      `--report-directory=${dir}`,
      'node_modules/jest/bin/jest.js',
      '--forceExit',
      ...args,
    ],
    { stdio: 'inherit', env: { ...process.env, ...serialise(services), TEST_RUN_DIR: dir } },
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => jest.kill(signal));
  return new Promise((resolve, reject) => {
    jest.once('error', reject);
    jest.once('exit', (code) => resolve(code ?? 1));
  });
}
