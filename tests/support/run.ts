/**
 * `npm test [-- files and jest options]`: starts what the tests need (a real Postgres, a real Temporal
 * server, the time-skipping one), runs them and stops it all.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openDataDir } from '../../local/dataDir.ts';
import { startPostgres } from '../../local/postgres.ts';
import { step } from '../../local/progress.ts';
import { findTemporal, startTemporal } from '../../local/temporal.ts';
import { findTestServer } from '../../local/testServer.ts';
import { prepareDatabase } from '../../src/models/migrate.ts';
import { bundleWorkflows } from '../../worker/createWorker.ts';
import { serialise, type Services } from './services.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { dir, runAs } = openDataDir(await mkdtemp(path.join(os.tmpdir(), 'surety-tests-')));
  const stops: (() => Promise<void>)[] = [];
  try {
    const binary = await step('Temporal server', (say) => findTemporal({ progress: say }));
    const testServer = await step('Time-skipping Temporal server', (say) =>
      findTestServer({ progress: say }),
    );
    const postgres = await step('Start Postgres', () =>
      startPostgres({ dir: path.join(dir, 'postgres'), port: 0, throwaway: true, runAs }),
    );
    stops.push(postgres.stop);
    const passwords = { api: 'test-api', worker: 'test-worker' };
    await step('Migrate', () => prepareDatabase({ adminUrl: postgres.url, passwords }));
    const temporal = await step('Start Temporal', () =>
      startTemporal({ binary, port: 0, namespace: 'default', headless: true }),
    );
    stops.push(temporal.stop);
    const bundle = path.join(dir, 'workflows.js');
    await step('Bundle the workflows', async () =>
      writeFile(bundle, (await bundleWorkflows()).code),
    );
    const report = path.join(dir, 'report.json');
    const exitCode = await runJest(['--json', `--outputFile=${report}`, ...args], {
      adminUrl: postgres.url,
      temporalAddress: temporal.address,
      temporalBinary: binary,
      testServer,
      bundle,
      passwords,
    });
    await printTotals(report);
    return exitCode;
  } finally {
    for (const stop of stops.toReversed()) await stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The last line of a run, for people and for the build. A file that cannot run counts as failed. */
async function printTotals(report: string): Promise<void> {
  const totals: {
    numPassedTests: number;
    numFailedTests: number;
    numRuntimeErrorTestSuites: number;
  } = JSON.parse(await readFile(report, 'utf8'));
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = totals;
  console.log(`${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed`);
}

function runJest(args: readonly string[], services: Services): Promise<number> {
  const jest = spawn(
    process.execPath,
    ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', ...args],
    // With --json jest prints the report; the file has it.
    { stdio: ['inherit', 'ignore', 'inherit'], env: { ...process.env, ...serialise(services) } },
  );
  return new Promise((resolve, reject) => {
    jest.once('error', reject);
    jest.once('exit', (code) => resolve(code ?? 1));
  });
}
