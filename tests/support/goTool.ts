import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import type { Say } from '../../local/progress.ts';
import { answers, firstThatWorks, programOf, runTool, toolCache } from '../../local/toolCache.ts';

export interface GoTool {
  /** Of the program. */
  readonly name: string;
  readonly version: string;
  /** The package that is its program. */
  readonly source: string;
  /** The environment variable that names a program of one's own. */
  readonly variable: string;
  readonly neededBy: string;
}

/**
 * Finds, or builds once, a program: the one that its variable names, else our cache, else a build with Go.
 * @throws Error that says what to install
 */
export async function findGoTool(
  { name, version, source, variable, neededBy }: GoTool,
  { progress = () => {} }: { progress?: Say } = {},
): Promise<string> {
  const given = programOf(variable);
  if (given) return given;
  const cached = path.join(toolCache(), `${name}-${version}`, name);
  if (existsSync(cached)) return cached;
  return firstThatWorks({
    place: path.dirname(cached),
    ways: [
      async (draft) => {
        if (!answers('go', 'version')) return undefined;
        await runTool({
          command: 'go',
          args: ['install', `${source}@v${version}`],
          cwd: draft,
          env: { ...process.env, GOBIN: draft, GOFLAGS: '', CGO_ENABLED: '0' },
          doing: `building ${name} ${version} with Go (minutes, once)`,
          progress,
        });
        mkdirSync(path.dirname(cached), { recursive: true });
        renameSync(path.join(draft, name), cached);
        return cached;
      },
    ],
    advice: `${neededBy} need ${name}: install Go 1.25, or set ${variable} to the path of the program.`,
  });
}
