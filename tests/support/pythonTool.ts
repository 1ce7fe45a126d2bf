import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Say } from '../../local/progress.ts';
import { answers, firstThatWorks, programOf, runTool, toolCache } from '../../local/toolCache.ts';

/** A program of PyPI, in one version. */
export interface PythonTool {
  readonly name: string;
  readonly version: string;
  /** What pip installs. */
  readonly requirement: string;
  readonly program: string;
  /** Names the program where it is there already. */
  readonly variable: string;
  /** Whose tests need it. */
  readonly neededBy: string;
}

/**
 * Finds, or gets once, the program: the one that its variable names, else our cache, else PyPI into a
 * Python environment in that cache.
 * @throws Error that says what to install
 */
export async function findPythonTool(
  { name, version, requirement, program, variable, neededBy }: PythonTool,
  { progress = () => {} }: { progress?: Say } = {},
): Promise<string> {
  const given = programOf(variable);
  if (given) return given;
  const home = path.join(toolCache(), `${name}-${version}`);
  const place = path.join(home, 'bin', program);
  const isComplete = path.join(home, 'complete');
  if (existsSync(isComplete) && existsSync(place)) return place;
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
            doing: `installing ${name} ${version} from PyPI`,
            progress,
          });
        await run('python3', ['-m', 'venv', home]);
        const pip = path.join(home, 'bin', 'python');
        await run(pip, ['-m', 'pip', 'install', '--quiet', `${requirement}==${version}`]);
        renameSync(draft, isComplete);
        return home;
      },
    ],
    advice:
      `${neededBy} need ${name}: install Python 3.10 or newer with its venv module, ` +
      `or set ${variable} to the path of the program.`,
  });
  return place;
}
