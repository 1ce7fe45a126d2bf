import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../errors.ts';
import type { Incoming, Storage, StoredFile } from './storage.ts';

const pageSize = 500;

/** Files in a folder that API and worker share. */
export function openFolder(folder: string): Storage {
  const root = path.resolve(folder);
  /** Keys are ours; one that leads out of the folder would be a bug. */
  const placeOf = (key: string): string => {
    const place = path.resolve(root, key);
    if (!place.startsWith(`${root}${path.sep}`))
      throw new Error(`Not a key of the storage: ${key}`);
    return place;
  };

  return {
    async put(key, incoming) {
      const place = placeOf(key);
      // What a crash has left under this name, or another writer has begun, is in nobody's way.
      const draft = `${place}.${randomUUID()}.part`;
      await mkdir(path.dirname(place), { recursive: true, mode: 0o700 });
      try {
        await writeWhole(draft, incoming);
        await rename(draft, place);
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    },

    async read(key) {
      const file = await open(placeOf(key), constants.O_RDONLY);
      return file.createReadStream();
    },

    async remove(key) {
      await rm(placeOf(key), { force: true });
    },

    async *list(below) {
      let page: StoredFile[] = [];
      for await (const file of filesBelow(placeOf(below))) {
        const modifiedAt = await modified(file);
        if (modifiedAt) page.push({ key: keyOf(path.relative(root, file)), modifiedAt });
        if (page.length < pageSize) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    },
  };
}

/** On the disk, not only in the system's memory: the row that names it is about to commit. */
async function writeWhole(place: string, incoming: Incoming): Promise<void> {
  const file = await open(place, 'wx', 0o600);
  try {
    for await (const chunk of incoming.chunks()) await file.appendFile(chunk);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(folder)) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) yield* filesBelow(place);
      else yield place;
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** Undefined for what was renamed or removed meanwhile. */
async function modified(file: string): Promise<Date | undefined> {
  try {
    return (await stat(file)).mtime;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const keyOf = (relative: string): string => relative.split(path.sep).join('/');
