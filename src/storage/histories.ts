import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { platformCompanyId } from '../models/database.ts';
import { companyIn } from '../rules/workflowIds.ts';
import type { Storage } from './storage.ts';

/** A run that is over; of one id there may be several. */
export interface ClosedRun {
  readonly workflowId: string;
  readonly runId: string;
  readonly closedAt: Date;
}

/** Whose the files of a run are: the platform's own where it has no company yet. */
export const ownerOf = (workflowId: string): string => companyIn(workflowId) ?? platformCompanyId;

/** Jobs and replays leave nothing behind that is worth it. */
export const isExported = (workflowId: string): boolean => !/^(schedule|replay)\//.test(workflowId);

/** Documents lie below a month instead; a half-written file is none. */
export const isHistory = (key: string): boolean => /^[^/]+\/histories\/.*\.json\.gz$/.test(key);

const folderOf = (workflowId: string): string => {
  const owner = ownerOf(workflowId);
  return `${owner}/histories/${workflowId.replace(`/${owner}/`, '/')}`;
};

/** One file a run, which is the same whenever it is written. */
export async function keepHistory(
  storage: Storage,
  { workflowId, runId, closedAt }: ClosedRun,
  history: string,
): Promise<void> {
  const content = await promisify(gzip)(history);
  await storage.put(`${folderOf(workflowId)}/${closedAt.toISOString()}_${runId}.json.gz`, {
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    mime: 'application/gzip',
    open: () => Readable.from([content]),
    async *chunks() {
      yield content;
    },
  });
}

/** The run of an id that closed last, of those that are kept. */
export async function lastHistory(
  storage: Storage,
  workflowId: string,
): Promise<{ readonly runId: string; readonly history: string } | undefined> {
  let last = '';
  for await (const files of storage.list(folderOf(workflowId))) {
    for (const { key } of files) if (isHistory(key) && key > last) last = key;
  }
  const [, runId] = /_([^_/]+)\.json\.gz$/.exec(last) ?? [];
  if (!runId) return undefined;
  const content = await promisify(gunzip)(await buffer(await storage.read(last)));
  return { runId, history: content.toString() };
}
