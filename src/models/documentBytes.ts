import { execute, select } from './database.ts';

/** The row of `core.counters`. */
const name = 'document_bytes';

/** What all documents of the company take in the storage, archived ones included: they keep their files. */
export async function documentBytes(): Promise<number> {
  const [counted] = await select<{ value: string }>(
    'SELECT value FROM core.counters WHERE name = $1 AND slot = 0',
    [name],
  );
  return Number(counted?.value ?? 0);
}

/**
 * Takes so many bytes of the company's quota within the open transaction; others wait for its end, so
 * that two uploads cannot share what is left.
 * @returns false where they are not left
 */
export async function takeDocumentBytes(bytes: number, quota: number): Promise<boolean> {
  if (await take(bytes, quota)) return true;
  await begin();
  return take(bytes, quota);
}

const take = async (bytes: number, quota: number): Promise<boolean> =>
  (await execute(
    `UPDATE core.counters SET value = value + $2
     WHERE name = $1 AND slot = 0 AND value + $2 <= $3`,
    [name, bytes, quota],
  )) > 0;

/** Adds up once what is there; who comes at the same moment waits for its commit. */
const begin = (): Promise<number> =>
  execute(
    `INSERT INTO core.counters (company_id, name, slot, value)
     SELECT app.company_id(), $1, 0, (SELECT coalesce(sum(size), 0) FROM documents)
     WHERE NOT EXISTS (SELECT 1 FROM core.counters WHERE name = $1 AND slot = 0)
     ON CONFLICT DO NOTHING`,
    [name],
  );
