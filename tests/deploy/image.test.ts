import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

describe('the image', () => {
  const context = mkdtempSync(path.join(tmpdir(), 'surety-image-'));

  afterAll(() => rmSync(context, { recursive: true }));

  it('is built of what .dockerignore lets in, and of nothing else', () => {
    const admitted = readFileSync('.dockerignore', 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    for (const file of admitted) cpSync(file, path.join(context, file), { recursive: true });
    const modules = path.resolve('node_modules');
    symlinkSync(modules, path.join(context, 'node_modules'));
    const compile = [path.join(modules, 'typescript/bin/tsc'), '-p', 'tsconfig.build.json'];

    const build = () => execFileSync(process.execPath, compile, { cwd: context });

    expect(build).not.toThrow();
    const copied = [...readFileSync('Dockerfile', 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    const missing = copied
      .flatMap(([, files = '']) => files.split(' '))
      .filter((file) => !admitted.some((each) => each === file || each.startsWith(`${file}/`)));
    expect(missing).toEqual([]);
  });
});
