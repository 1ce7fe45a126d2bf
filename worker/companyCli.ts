import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readConfig, type Config } from '../src/config.ts';
import { errorCode, startFailure } from '../src/errors.ts';
import { dropCompany, type EndWorkflows } from '../src/models/companyDrop.ts';
import { exportCompany, rowsIn } from '../src/models/companyExport.ts';
import { restoreCompany } from '../src/models/companyRestore.ts';
import { databaseAdvice } from '../src/models/databaseAdvice.ts';
import { openStorage, type Storage } from '../src/storage/storage.ts';

const usage = `Usage: companyCli, on the database of DATABASE_MIGRATE_URL (or else DATABASE_URL)
  export --company CODE --to FILE
      writes one company to a file
  restore --from FILE [--dry-run]
      puts a company back where it is not there
  drop --company CODE --confirm CODE [--exported FILE] [--with-files] [--without-temporal]
      removes a closed company for good; FILE is an export of it as it is now. It holds no documents:
      those stay in the storage, for a restoration, unless they are to go too`;

/** What the person at the terminal has to change; nothing was done. */
class UsageError extends Error {}

const say = (progress: string): void => console.log(progress);

async function main([command, ...args]: string[]): Promise<void> {
  const config = readConfig();
  const url = config.database.migrateUrl;
  switch (command) {
    case 'export': {
      const { values } = parseArgs({
        args,
        options: { company: { type: 'string' }, to: { type: 'string' } },
      });
      const { company: code, to: file } = values;
      if (!code || !file) throw new UsageError(usage);
      const ending = await exportCompany({ url, code, file }, say);
      return say(`${code}: ${rowsIn(ending)} rows are in ${file}`);
    }
    case 'restore': {
      const { values } = parseArgs({
        args,
        options: { from: { type: 'string' }, 'dry-run': { type: 'boolean' } },
      });
      const { from: file, 'dry-run': isTrial = false } = values;
      if (!file) throw new UsageError(usage);
      const { manifest, ending } = await restoreCompany({ url, file, isTrial }, say);
      const done = isTrial ? 'could come back; nothing was changed' : 'is back';
      return say(`${manifest.company.code} ${done}: ${rowsIn(ending)} rows`);
    }
    case 'drop': {
      const { values } = parseArgs({
        args,
        options: {
          company: { type: 'string' },
          confirm: { type: 'string' },
          exported: { type: 'string' },
          'with-files': { type: 'boolean' },
          'without-temporal': { type: 'boolean' },
        },
      });
      const { company: code, confirm, exported, 'without-temporal': withoutTemporal } = values;
      const removeFiles = values['with-files']
        ? filesOf(await openStorage(config.documents))
        : undefined;
      if (!code) throw new UsageError(usage);
      if (confirm !== code) {
        throw new UsageError(`This removes ${code} for good: say so by --confirm ${code}.`);
      }
      const removed = await withWorkflowsEnded(config, withoutTemporal ?? false, (endWorkflows) =>
        dropCompany({ url, code, exported, removeFiles }, endWorkflows, say),
      );
      const rows = Object.values(removed).reduce((sum, each) => sum + each, 0);
      return say(`${code} is gone: ${rows} rows`);
    }
    default:
      throw new UsageError(usage);
  }
}

const filesOf =
  (storage: Storage) =>
  async (companyId: string): Promise<void> => {
    let removed = 0;
    for await (const page of storage.list(companyId)) {
      await Promise.all(page.map(({ key }) => storage.remove(key)));
      removed += page.length;
      say(`${removed} files removed`);
    }
  };

async function withWorkflowsEnded<T>(
  config: Config,
  withoutTemporal: boolean,
  work: (endWorkflows: EndWorkflows) => Promise<T>,
): Promise<T> {
  if (withoutTemporal) return work(async () => undefined);
  // Large, and needed here alone.
  const { endWorkflowsOf, openTemporal } = await import('../src/commands/temporal.ts');
  const { connection, client } = openTemporal(config);
  const endAll = endWorkflowsOf(client);
  try {
    return await work(async (companyId) => {
      // What was started just now is not listed for a second or so.
      for (let none = 0; none < 2; await setTimeout(1000)) {
        const ended = await endAll(companyId);
        if (ended > 0) say(`${ended} workflows ended`);
        none = ended > 0 ? 0 : none + 1;
      }
    });
  } finally {
    await connection.close();
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isArgument = errorCode(error)?.startsWith('ERR_PARSE_ARGS') ?? false;
  console.error(isArgument ? usage : sentenceFor(error));
  process.exitCode = isArgument || error instanceof UsageError ? 2 : 1;
}

/** One sentence for what people can mend; a bug keeps its stack. */
function sentenceFor(error: unknown): unknown {
  if (error instanceof UsageError) return error.message;
  const advice = databaseAdvice(error);
  if (advice) return advice;
  // About a file: what is missing, full or not ours is in its message.
  return error instanceof Error && 'syscall' in error ? error.message : startFailure(error);
}
