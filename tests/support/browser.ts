import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import type { Say } from '../../local/progress.ts';
import { answers, firstThatWorks, programOf, runTool, toolCache } from '../../local/toolCache.ts';

/** The program, and what it needs around it. */
interface Installed {
  readonly program: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Of the npm package that carries Chromium for Linux with the libraries it needs. */
const version = '153.0.0';

const onPath = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const onMac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

export async function openBrowser(): Promise<Browser> {
  const { program, env } = await findBrowser();
  return chromium.launch({
    executablePath: program,
    // Without a sandbox of its own, because tests may run as root; it sees our own pages only.
    args: ['--no-sandbox', '--disable-gpu'],
    ...(env && { env: { ...process.env, ...env } }),
  });
}

/**
 * Finds, or gets once, a Chromium: the one that CHROMIUM names, else one that is installed, else our cache,
 * else the npm registry.
 * @throws Error that says what to install
 */
export async function findBrowser({
  progress = () => {},
}: { progress?: Say } = {}): Promise<Installed> {
  const given = programOf('CHROMIUM');
  if (given) return { program: given };
  const installed = [...onPath, onMac].find((name) => answers(name, '--version'));
  if (installed) return { program: installed };

  const home = path.join(toolCache(), `chromium-${version}`);
  const cached: Installed = {
    program: path.join(home, 'chromium'),
    env: {
      LD_LIBRARY_PATH: path.join(home, 'al2023', 'lib'),
      FONTCONFIG_PATH: path.join(home, 'fonts'),
    },
  };
  if (existsSync(cached.program)) return cached;
  await firstThatWorks({
    place: home,
    ways: [
      async (draft) => {
        if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
        await unpack(draft, progress);
        if (!existsSync(home)) renameSync(draft, home);
        return home;
      },
    ],
    advice:
      'The tests in a browser need Chromium or Chrome: install it, or set CHROMIUM to the path of the program.',
  });
  return cached;
}

/** The package unpacks itself where it takes the machine for the one it was made for. */
async function unpack(draft: string, progress: Say): Promise<void> {
  const doing = `getting Chromium ${version} from the npm registry`;
  writeFileSync(path.join(draft, 'package.json'), '{}');
  // It names the Node of its own surroundings; all that is run of it here is the unpacking.
  const install = ['install', '--engine-strict=false', `@sparticuz/chromium@${version}`];
  await runTool({ command: 'npm', args: install, cwd: draft, doing, progress });
  await runTool({
    command: process.execPath,
    args: ['-e', `import('@sparticuz/chromium').then(({ default: it }) => it.executablePath())`],
    cwd: draft,
    env: { ...process.env, TMPDIR: draft, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
    doing,
    progress,
  });
  // Without a single font a page ends the browser; its own looks for them in /tmp.
  writeFileSync(path.join(draft, 'fonts', 'fonts.conf'), fontsBesideIt);
  rmSync(path.join(draft, 'node_modules'), { recursive: true });
}

const fontsBesideIt = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;
