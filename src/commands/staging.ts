import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileTypeFromStream } from 'file-type';
import { invalidField, Refusal } from '../errors.ts';
import {
  fileNameProblem,
  hiddenContent,
  isPlainText,
  typeProblem,
  uploadLimits,
} from '../rules/documents.ts';
import { imageSizeOf, isImage } from './imageSize.ts';
import type { Incoming, Measured } from '../storage/storage.ts';

/** A file that has arrived as a whole and is what it says, and is stored nowhere yet. */
export interface StagedFile extends Incoming {
  readonly fileName: string;
  /** Nothing is left of it. Also what ends this process does that. */
  discard(): Promise<void>;
}

/** What the sender says of a file. */
export interface Announced {
  readonly fileName: string;
  readonly declared: string;
}

/**
 * Takes a file in as it flows, in a memory that does not grow with it.
 * @throws Refusal 413 too large, 415 not of a type that is taken or not only of that type, 422 its name
 */
export type Stage = (
  source: Readable,
  announced: Announced,
  signal: AbortSignal,
) => Promise<StagedFile>;

/** @param folder on a disk; in some systems a folder for temporary files is memory */
export const createStaging = (folder: string): Stage =>
  stagingIn(folder, async (file, size, announced) => {
    const mime = await trueType(file, size, announced);
    await refuseLargeImage(file, mime, announced);
    return mime;
  });

/** For tables in CSV: whoever reads one tells what is wrong with it, and in which line. */
export const createTableStaging = (folder: string): Stage =>
  stagingIn(folder, async () => 'text/csv');

/** @param typeOf refuses what is not taken */
const stagingIn =
  (
    folder: string,
    typeOf: (file: FileHandle, size: number, announced: Announced) => Promise<string>,
  ): Stage =>
  async (source, announced, signal) => {
    const nameProblem = fileNameProblem(announced.fileName);
    if (nameProblem) throw invalidField('files', `A file's name ${nameProblem}`);

    const file = await openNameless(folder);
    try {
      const { size, sha256 } = await write(source, file, signal);
      if (size === 0) throw invalidField('files', `${announced.fileName} is empty`);
      const mime = await typeOf(file, size, announced);
      return {
        fileName: announced.fileName,
        size,
        sha256,
        mime,
        open: () => contentOf(file),
        chunks: () => chunksOf(file, Buffer.allocUnsafe(chunkBytes)),
        discard: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  };

/** A file that has lost its name cannot outlive this process, whatever ends it. */
async function openNameless(folder: string): Promise<FileHandle> {
  const place = path.join(folder, `${randomUUID()}.staged`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = await open(place, 'wx+', 0o600);
  try {
    await unlink(place);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function write(
  source: Readable,
  file: FileHandle,
  signal: AbortSignal,
): Promise<Pick<Measured, 'size' | 'sha256'>> {
  const hash = createHash('sha256');
  let size = 0;
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > uploadLimits.fileBytes) return done(tooLarge());
      hash.update(chunk);
      return void file.appendFile(chunk).then(() => done(), done);
    },
  });
  await pipeline(source, sink, { signal });
  return { size, sha256: hash.digest('hex') };
}

const tooLarge = (): Refusal =>
  new Refusal(
    413,
    'PAYLOAD_TOO_LARGE',
    `A file may have up to ${uploadLimits.fileBytes / 1024 / 1024} MB`,
  );

/** What the bytes show, whatever the sender calls them. */
async function trueType(file: FileHandle, size: number, announced: Announced): Promise<string> {
  const mime = (await knownType(file)) ?? ((await isText(file)) ? 'text/plain' : undefined);
  const problem = typeProblem(mime, announced);
  if (mime === undefined || problem) throw wrongType(announced, problem ?? '');
  const hidden = hiddenContent(
    mime,
    await bytesOf(file, 0, Math.min(size, 1024)),
    await bytesOf(file, Math.max(0, size - 65_557), Math.min(size, 65_557)),
  );
  if (hidden) throw wrongType(announced, `is ${mime} and also ${hidden}`);
  return mime;
}

/** Whoever opens it would need memory for all of its points, however small the file is. */
async function refuseLargeImage(
  file: FileHandle,
  mime: string,
  announced: Announced,
): Promise<void> {
  if (!isImage(mime)) return;
  const size = await imageSizeOf(mime, (at, length) => bytesOf(file, at, length));
  if (!size) throw wrongType(announced, `is ${mime} and does not say how large its picture is`);
  if (size.width * size.height > uploadLimits.megapixels * 1_000_000) {
    throw new Refusal(
      413,
      'PAYLOAD_TOO_LARGE',
      `The picture ${announced.fileName} has ${size.width} x ${size.height} points; up to ${uploadLimits.megapixels} megapixels are taken`,
    );
  }
}

const wrongType = ({ fileName }: Announced, why: string): Refusal =>
  new Refusal(415, 'UNSUPPORTED_MEDIA_TYPE', `The file ${fileName} ${why}`);

async function knownType(file: FileHandle): Promise<string | undefined> {
  const content = contentOf(file);
  try {
    return (await fileTypeFromStream(content))?.mime;
  } finally {
    content.destroy();
  }
}

async function isText(file: FileHandle): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of contentOf(file)) {
      if (!isPlainText(decoder.decode(chunk, { stream: true }))) return false;
    }
    decoder.decode();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function bytesOf(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** The streams of Node close a file that they did not open. */
const contentOf = (file: FileHandle): Readable =>
  Readable.from(chunksOf(file), { objectMode: false });

const chunkBytes = 64 * 1024;

/** @param into what is used again and again; else each chunk is a buffer of its own */
async function* chunksOf(file: FileHandle, into?: Buffer): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const target = into ?? Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await file.read(target, 0, target.length, position);
    if (bytesRead === 0) return;
    yield target.subarray(0, bytesRead);
    position += bytesRead;
  }
}
