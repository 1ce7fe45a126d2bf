import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Koa from 'koa';
import { documentForm } from '../../../src/api/documents/schema.ts';
import { startServer, type RunningServer } from '../../../src/api/server.ts';
import type { RequestState } from '../../../src/api/state.ts';
import { receiveUpload } from '../../../src/api/upload.ts';
import { createStaging } from '../../../src/commands/staging.ts';
import { pdf } from '../../support/files.ts';
import { heldOpen } from '../../support/heldFiles.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'surety-slow-'));
const ended: Promise<unknown>[] = [];
let server: RunningServer;

beforeAll(async () => {
  const app = new Koa<RequestState>();
  const stage = createStaging(folder);
  app.silent = true;
  app.use(async (ctx) => {
    const received = receiveUpload(ctx, documentForm, stage);
    ended.push(received.catch((error: unknown) => error));
    const { files } = await received;
    for (const file of files) await file.discard();
    ctx.body = 'Received';
  });
  server = await startServer(app, {
    host: '127.0.0.1',
    port: 0,
    lifecycle: { isStopping: false },
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** A form that announces more than it has sent yet. */
function beginUpload(): Socket {
  const part =
    '--x\r\nContent-Disposition: form-data; name="document_type"\r\n\r\nreport\r\n' +
    '--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n' +
    'Content-Type: application/pdf\r\n\r\n';
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(
    'POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
      `Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n${part}`,
  );
  socket.write(pdf);
  return socket;
}

const staged = async (): Promise<void> => {
  while (heldOpen(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('a client that trickles its upload', () => {
  it('is cut off, and leaves nothing', async () => {
    const socket = beginUpload();
    const answered: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => answered.push(chunk));
    socket.on('error', () => {});
    await staged();
    const trickle = setInterval(() => socket.write('.'), 500);

    // Not `once`: a drop that meets the end of the connection is an error of the socket, and no other end.
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);

    expect(await Promise.all(ended)).toMatchObject([{ status: 400, code: 'BAD_REQUEST' }]);
    expect(Buffer.concat(answered).toString()).not.toContain('Received');
    expect(heldOpen(folder)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  }, 120_000);
});
