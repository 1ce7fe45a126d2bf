import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));

/**
 * The workflows as one script: the file that the build made, or what the sources give. The latter is
 * kept under `node_modules/.cache` by the content it was made from, because bundling takes seconds.
 */
export async function workflowBundle(): Promise<{ code: string }> {
  if (!import.meta.url.endsWith('.ts')) return { code: await read('workflows.js') };
  const kept = `node_modules/.cache/surety/workflows-${digestOfSources()}.js`;
  try {
    return { code: await read(kept) };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  // In a process of its own: bundling takes more memory than all workflows together.
  const making = `${kept}.${process.pid}`;
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'worker/bundle.ts', making], {
    cwd: project,
  });
  await rename(path.join(project, making), path.join(project, kept));
  return { code: await read(kept) };
}

const read = (file: string): Promise<string> => readFile(path.join(project, file), 'utf8');

/** Lint keeps the values that workflows import within these folders and the SDK, which the lock names. */
function digestOfSources(): string {
  const hash = createHash('sha256');
  const files = ['src/workflows', 'src/rules'].flatMap((folder) =>
    readdirSync(path.join(project, folder))
      .toSorted()
      .map((name) => path.join(folder, name)),
  );
  for (const file of [...files, 'worker/createWorker.ts', 'package-lock.json']) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(project, file)))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
