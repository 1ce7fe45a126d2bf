import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { digestOfSources, keptBundle } from '../../worker/workflowBundle.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'surety-bundle-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

const write = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(dir, file)), { recursive: true });
  writeFileSync(path.join(dir, file), text);
};

describe('the bundle of the workflows', () => {
  it('is another one when a file of a folder within changes', () => {
    write('src/workflows/index.ts', '');
    write('src/rules/claims/fees.ts', 'one');
    write('worker/createWorker.ts', '');
    write('package-lock.json', '{}');

    const before = digestOfSources(dir);
    const again = digestOfSources(dir);
    write('src/rules/claims/fees.ts', 'two');
    const after = digestOfSources(dir);

    expect(again).toBe(before);
    expect(after).not.toBe(before);
  });

  it('is made once, and takes the place of those before it', async () => {
    write('workflows-0123456789abcdef.js', 'older');
    write('workflows-fedcba9876543210.js.77', 'another process is making it');
    let makings = 0;
    const bundle = () =>
      keptBundle({
        folder: dir,
        digest: '00000000000000aa',
        make: async (file) => {
          makings += 1;
          writeFileSync(file, 'newer');
        },
      });

    const codes = [await bundle(), await bundle()];

    expect(codes).toEqual(['newer', 'newer']);
    expect(makings).toBe(1);
    expect(readdirSync(dir).toSorted()).toEqual([
      'workflows-00000000000000aa.js',
      'workflows-fedcba9876543210.js.77',
    ]);
  });
});
