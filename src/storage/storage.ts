import type { Readable } from 'node:stream';
import type { Config } from '../config.ts';
import { openFolder } from './folder.ts';

/** What is known of a file before it is stored. */
export interface Measured {
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
  readonly mime: string;
}

/** A file on its way into the storage, read from its beginning as often as needed. */
export interface Incoming extends Measured {
  open(): Readable;
  /** For a reader that is done with a chunk before it asks for the next: all are one buffer. */
  chunks(): AsyncIterable<Uint8Array>;
}

export interface StoredFile {
  readonly key: string;
  readonly modifiedAt: Date;
}

/**
 * Where the bytes of documents are, and the histories of closed runs, by keys of ours: a company's id and
 * names below it. A file is there as a whole or not at all, and is never changed.
 */
export interface Storage {
  /** @throws if it could not be stored as a whole; then nothing is there under the key */
  put(key: string, file: Incoming): Promise<void>;
  /** Rejects where there is no such file. */
  read(key: string): Promise<Readable>;
  /** Also of one that is not there. */
  remove(key: string): Promise<void>;
  /**
   * All files of a company in pages, half-written ones of a crash included.
   * @param below a company's id, or a folder below it
   */
  list(below: string): AsyncIterable<readonly StoredFile[]>;
}

/** A folder unless the configuration names a bucket. */
export async function openStorage({ folder, s3 }: Config['documents']): Promise<Storage> {
  if (!s3) return openFolder(folder);
  // Its library takes a fifth of a second and 25 MB, which a folder need not pay.
  const { openS3 } = await import('./s3.ts');
  return openS3(s3);
}
