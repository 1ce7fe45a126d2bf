import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Config } from '../config.ts';
import type { Storage } from './storage.ts';

/** Objects in a bucket of S3, or of whatever speaks its protocol at `endpoint`. */
export function openS3({
  endpoint,
  region,
  bucket,
  accessKeyId,
  secretAccessKey,
}: NonNullable<Config['documents']['s3']>): Storage {
  const client = new S3Client({
    region,
    // Without a key of ours the SDK looks where it always does: environment, profile, machine's role.
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey } }),
    // Names of buckets as hosts need DNS of their own, which other servers than Amazon's rarely have.
    ...(endpoint && { endpoint, forcePathStyle: true }),
    // Not every server knows the newer checksums; ours goes with the file.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 5000, requestTimeout: 20_000 },
  });

  return {
    async put(key, incoming) {
      const { size, sha256, mime } = incoming;
      const content = incoming.open();
      const ending = new AbortController();
      // The SDK would wait for the rest of a file that broke off.
      content.once('error', () => ending.abort());
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: content,
        ContentLength: size,
        ContentType: mime,
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
      });
      try {
        await client.send(command, { abortSignal: ending.signal });
      } finally {
        content.destroy();
      }
    },

    async read(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      if (!(Body instanceof Readable)) throw new Error(`No content came for ${key}`);
      return Body;
    },

    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },

    async *list(below) {
      const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${below}/` });
      for await (const { Contents = [] } of pages) {
        yield Contents.flatMap(({ Key, LastModified }) =>
          Key && LastModified ? [{ key: Key, modifiedAt: LastModified }] : [],
        );
      }
    },
  };
}
