import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { documentForm } from '../../src/api/documents/schema.ts';
import type { RequestState } from '../../src/api/state.ts';
import { receiveUpload } from '../../src/api/upload.ts';
import { createStaging } from '../../src/commands/staging.ts';
import { openFolder } from '../../src/storage/folder.ts';

/**
 * Run as a program with a folder as its argument: takes uploads in and stores them as the API does, and
 * answers each with the most memory that this process has ever had.
 */
const folder = process.argv[2] ?? '';
const stage = createStaging(folder);
const storage = openFolder(folder);
const app = new Koa<RequestState>();
let stored = 0;

app.use(async (ctx) => {
  const { files } = await receiveUpload(ctx, documentForm, stage);
  for (const file of files) {
    await storage.put(`company/${(stored += 1)}`, file);
    await file.discard();
  }
  ctx.body = { peakBytes: process.resourceUsage().maxRSS * 1024 };
});

const server = app.listen(0, '127.0.0.1', () => {
  const place: AddressInfo | string | null = server.address();
  process.stdout.write(`${typeof place === 'object' ? place?.port : place}\n`);
});
