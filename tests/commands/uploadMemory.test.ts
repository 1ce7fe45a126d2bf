import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectDir } from '../../local/dataDir.ts';
import { uploadLimits } from '../../src/rules/documents.ts';
import { pdf } from '../support/files.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'surety-uploads-'));
const { NODE_OPTIONS: _jest, ...env } = process.env;
const server = spawn(
  process.execPath,
  ['--import', 'tsx', 'tests/support/uploadServer.ts', folder],
  {
    cwd: projectDir,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);

afterAll(async () => {
  const ended = once(server, 'close');
  server.kill();
  await ended;
  rmSync(folder, { recursive: true });
});

it('takes 100 MB in with less memory than its files have bytes', async () => {
  const [port] = await once(server.stdout, 'data');
  const upload = async (bytes: number, files = 1): Promise<number> => {
    const form = new FormData();
    form.set('document_type', 'report');
    const content = Buffer.concat([pdf, Buffer.alloc(bytes - pdf.length, 7)]);
    for (let file = 0; file < files; file += 1) {
      form.append('files', new Blob([content], { type: 'application/pdf' }), 'a.pdf');
    }
    const address = `http://127.0.0.1:${String(port).trim()}/`;
    const answer = await fetch(address, { method: 'POST', body: form });
    const { peakBytes }: { peakBytes: number } = JSON.parse(await answer.text());
    return peakBytes;
  };
  for (let warming = 0; warming < 3; warming += 1) await upload(200_000);
  const before = await upload(200_000);

  // Node collects used buffers once there are about 30 MB of them, so that the first large one shows.
  const afterOne = await upload(uploadLimits.fileBytes);
  const afterMore = await upload(uploadLimits.fileBytes, 4);

  const [one, more] = [afterOne - before, afterMore - afterOne].map((bytes) => bytes / 2 ** 20);
  console.info(
    `25 MB added ${one?.toFixed(1)} MB to the peak, 100 MB after that ${more?.toFixed(1)} MB`,
  );
  expect(more).toBeLessThan(25);
  expect(readdirSync(path.join(folder, 'company'))).toHaveLength(9);
});
