import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));

/**
 * The workflows as one script: the file that the build made, or what the sources give. The latter is
 * kept under `node_modules/.cache` by the content it was made from, because bundling takes seconds.
 */
export async function workflowBundle(): Promise<{ code: string }> {
  if (!import.meta.url.endsWith('.ts')) {
    return { code: await readFile(path.join(project, 'workflows.js'), 'utf8') };
  }
  const code = await keptBundle({
    folder: path.join(project, 'node_modules/.cache/surety'),
    digest: digestOfSources(project),
    // In a process of its own: bundling takes more memory than all workflows together.
    make: async (file) => {
      await promisify(execFile)(process.execPath, ['--import', 'tsx', 'worker/bundle.ts', file], {
        cwd: project,
      });
    },
  });
  return { code };
}

/** What was kept under this digest, else what `make` writes; the bundles of other digests then go. */
export async function keptBundle({
  folder,
  digest,
  make,
}: {
  readonly folder: string;
  readonly digest: string;
  readonly make: (file: string) => Promise<void>;
}): Promise<string> {
  const kept = path.join(folder, `workflows-${digest}.js`);
  if (existsSync(kept)) return readFile(kept, 'utf8');
  const making = `${kept}.${process.pid}`;
  await make(making);
  const code = await readFile(making, 'utf8');
  await rename(making, kept);
  for (const name of await readdir(folder)) {
    const isOlder = /^workflows-[0-9a-f]+\.js$/.test(name) && name !== path.basename(kept);
    if (isOlder) await rm(path.join(folder, name), { force: true });
  }
  return code;
}

/** Lint keeps the values that workflows import within these folders and the SDK, which the lock names. */
export function digestOfSources(root: string): string {
  const hash = createHash('sha256');
  const files = ['src/workflows', 'src/rules'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
      .toSorted(),
  );
  for (const file of [...files, 'worker/createWorker.ts', 'package-lock.json']) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
