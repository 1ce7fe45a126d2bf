import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { v7 as uuid } from 'uuid';
import { readConfig } from '../../src/config.ts';
import { openStorage, type Incoming, type Storage } from '../../src/storage/storage.ts';
import { startS3, type S3Server } from '../support/s3Server.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'surety-storage-'));
let s3: S3Server;
let storages: Readonly<Record<'folder' | 'bucket', Storage>>;

beforeAll(async () => {
  s3 = await startS3();
  const { accessKeyId, secretAccessKey } = s3.credentials;
  const key = { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey };
  await new S3Client({
    endpoint: s3.endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: s3.credentials,
  }).send(new CreateBucketCommand({ Bucket: 'documents' }));
  const open = (settings: NodeJS.ProcessEnv): Promise<Storage> =>
    openStorage(
      readConfig({
        DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
        DOCUMENT_STORAGE_DIR: folder,
        ...settings,
      }).documents,
    );
  storages = {
    folder: await open({}),
    bucket: await open({ S3_BUCKET: 'documents', S3_ENDPOINT: s3.endpoint, ...key }),
  };
}, 300_000);

afterAll(async () => {
  await s3.stop();
  rmSync(folder, { recursive: true });
});

/** A file of this content, which may break off before its end. */
const incoming = (content: Buffer, endsAfter = content.length): Incoming => {
  async function* chunks() {
    yield content.subarray(0, endsAfter);
    if (endsAfter < content.length) throw new Error('The sender is gone');
  }
  return {
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    mime: 'text/plain',
    open: () => Readable.from(chunks(), { objectMode: false }),
    chunks,
  };
};
const put = (storage: Storage, key: string, content: Buffer): Promise<void> =>
  storage.put(key, incoming(content));

/** All keys of a company, in order. */
async function keysOf(storage: Storage, companyId: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of storage.list(companyId)) keys.push(...page.map(({ key }) => key));
  return keys.toSorted();
}

it('gives nothing to a bucket whose key is wrong, and says so', async () => {
  const stranger = await openStorage(
    readConfig({
      DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
      S3_BUCKET: 'documents',
      S3_ENDPOINT: s3.endpoint,
      S3_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      S3_SECRET_ACCESS_KEY: 'another-secret',
    }).documents,
  );
  const key = `${uuid()}/${uuid()}`;

  await expect(put(stranger, key, Buffer.from('The roof'))).rejects.toThrow(/signature/i);
  expect(await keysOf(storages.bucket, key.split('/')[0] ?? '')).toEqual([]);
});

describe.each(['folder', 'bucket'] as const)('a %s', (kind) => {
  it('gives back what was put, byte for byte, and nothing once it is removed', async () => {
    const storage = storages[kind];
    const key = `${uuid()}/2026-01/${uuid()}`;
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));

    await put(storage, key, content);
    const read = await buffer(await storage.read(key));
    await storage.remove(key);
    await storage.remove(key);

    expect(read.equals(content)).toBe(true);
    await expect(storage.read(key)).rejects.toThrow();
  });

  it('lists the files of one company with their times', async () => {
    const storage = storages[kind];
    const [ours, theirs] = [uuid(), uuid()];
    const before = Date.now();
    await put(storage, `${ours}/2026-01/a`, Buffer.from('a'));
    await put(storage, `${ours}/2026-02/b`, Buffer.from('b'));
    await put(storage, `${theirs}/2026-01/c`, Buffer.from('c'));

    expect(await keysOf(storage, ours)).toEqual([`${ours}/2026-01/a`, `${ours}/2026-02/b`]);
    expect(await keysOf(storage, uuid())).toEqual([]);
    for await (const [file] of storage.list(theirs)) {
      expect(Math.abs(Number(file?.modifiedAt) - before)).toBeLessThan(60_000);
    }
  });

  it('has nothing under the key of a file that broke off', async () => {
    const storage = storages[kind];
    const companyId = uuid();
    const stored = storage.put(`${companyId}/2026-01/a`, incoming(Buffer.alloc(200_000), 100_000));

    await expect(stored).rejects.toThrow();
    expect(await keysOf(storage, companyId)).toEqual([]);
  });
});

describe('a folder', () => {
  it('is left by no key', async () => {
    await expect(put(storages.folder, '../outside', Buffer.from('x'))).rejects.toThrow('Not a key');
    await expect(storages.folder.read('a/../../outside')).rejects.toThrow('Not a key');

    expect(readdirSync(path.dirname(folder))).not.toContain('outside');
  });
});
