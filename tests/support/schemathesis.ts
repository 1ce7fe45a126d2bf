import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Say } from '../../local/progress.ts';
import { answers, firstThatWorks, runTool, toolCache } from '../../local/toolCache.ts';

const version = '4.32.5';

/**
 * Finds, or gets once, the program that tests an API against its OpenAPI document: the one that
 * SCHEMATHESIS names, else our cache, else PyPI into a Python environment in that cache.
 * @throws Error that says what to install
 */
export async function findSchemathesis({
  progress = () => {},
}: { progress?: Say } = {}): Promise<string> {
  const given = process.env['SCHEMATHESIS'];
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`SCHEMATHESIS names ${given}, which is not there.`);
  }
  const home = path.join(toolCache(), `schemathesis-${version}`);
  const program = path.join(home, 'bin', 'schemathesis');
  const isComplete = path.join(home, 'complete');
  if (existsSync(isComplete) && answers(program, '--version')) return program;
  // A Python environment knows its own path, so it is built where it stays.
  rmSync(home, { recursive: true, force: true });

  await firstThatWorks({
    place: home,
    ways: [
      async (draft) => {
        if (!answers('python3', '-m', 'venv', '--help')) return undefined;
        const run = (command: string, args: readonly string[]): Promise<void> =>
          runTool({
            command,
            args,
            cwd: draft,
            doing: `installing schemathesis ${version} from PyPI`,
            progress,
          });
        await run('python3', ['-m', 'venv', home]);
        const pip = path.join(home, 'bin', 'python');
        await run(pip, ['-m', 'pip', 'install', '--quiet', `schemathesis==${version}`]);
        renameSync(draft, isComplete);
        return home;
      },
    ],
    advice:
      'The contract tests need schemathesis: install Python 3.10 or newer with its venv module, ' +
      'or set SCHEMATHESIS to the path of the program.',
  });
  return program;
}
