import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import {
  digestOfRows,
  format,
  writeCompanyFile,
  type Ending,
  type TableDigest,
} from './companyFile.ts';
import {
  asMigrator,
  companyOf,
  CompanyRefused,
  inCompany,
  isBeingDropped,
  recordLine,
  takeTurn,
  type CompanyFacts,
} from './companyOwner.ts';
import { businessSchemaOf, companyTables, lasting, rowTexts } from './companyTables.ts';
import { platformCompanyId } from './database.ts';

type Say = (progress: string) => void;

/** The sealer is at most ten seconds behind. */
const sealedWithinMs = 15_000;
const everyRows = 20_000;

/**
 * Writes one company to a file, as it is at one moment; people go on working. The file holds hashes of
 * passwords and the key of the audit's digests: whoever has it has the company.
 * @param file must not be there yet; it stands there when it is complete, never before
 */
export const exportCompany = (
  { url, code, file }: { readonly url: string; readonly code: string; readonly file: string },
  say: Say,
): Promise<Ending> =>
  asMigrator(url, async (client) => {
    if (existsSync(file)) throw new CompanyRefused(`${file} is there already`);
    const company = await inCompany(client, platformCompanyId, async () => {
      const found = await companyOf(client, code, platformCompanyId);
      if (await isBeingDropped(client, found.id)) {
        throw new CompanyRefused(
          `The removal of ${code} has begun: there is no whole company left`,
        );
      }
      return found;
    });
    await takeTurn(client, company.id);
    // First, so that nobody takes a company away unseen, and with a seal in the file.
    const line = await inCompany(client, company.id, () =>
      recordLine(client, 'EXPORT', company.id, { code }),
    );
    if (!(await isSealedSoon(client, company.id, line))) {
      say('No worker seals the audit: its newest lines get their seals when they are restored');
    }

    const part = `${file}.part`;
    await rm(part, { force: true });
    const ending = await inCompany(client, company.id, () => write(client, company, part, say), {
      begin: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    }).catch(async (error: unknown) => {
      await rm(part, { force: true });
      throw error;
    });
    const { sha256 } = ending;
    await inCompany(client, platformCompanyId, () =>
      recordLine(client, 'EXPORT', company.id, { code, rows: rowsIn(ending), sha256 }),
    );
    await rename(part, file);
    return ending;
  });

export const rowsIn = ({ tables }: Ending): number =>
  Object.values(tables).reduce((sum, { rows }) => sum + rows, 0);

async function write(
  client: pg.Client,
  company: CompanyFacts,
  part: string,
  say: Say,
): Promise<Ending> {
  const { id, code, name, isolation } = company;
  const schema = await businessSchemaOf(client, id);
  const tables = lasting(await companyTables(client, id, schema));
  const manifest = {
    format,
    company: { id, code, name, isolation },
    migrations: await appliedMigrations(client),
    exportedAt: new Date().toISOString(),
    tables: tables.map(({ name: table, columns }) => ({
      name: table,
      columns: columns.map((column) => column.name),
    })),
  } as const;
  const known = new Map(tables.map((table) => [table.name, table]));

  return writeCompanyFile(part, manifest, async function* rowsOf(tableName) {
    const table = known.get(tableName);
    if (!table) throw new Error(`There is no table ${tableName}`);
    let rows = 0;
    for await (const texts of rowTexts(client, table)) {
      yield texts;
      rows += texts.length;
      if (rows % everyRows === 0) say(`${tableName}: ${rows} rows`);
    }
    if (rows > 0) say(`${tableName}: ${rows} rows in all`);
  });
}

/** What a file of the company would say of its tables now. */
export async function digestsNow(
  client: pg.Client,
  companyId: string,
): Promise<Record<string, TableDigest>> {
  const schema = await businessSchemaOf(client, companyId);
  const digests: Record<string, TableDigest> = {};
  for (const table of lasting(await companyTables(client, companyId, schema))) {
    const digest = digestOfRows();
    for await (const texts of rowTexts(client, table)) digest.add(texts);
    digests[table.name] = digest.end();
  }
  return digests;
}

export async function appliedMigrations(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT name FROM migrations.applied ORDER BY name',
  );
  return rows.map(({ name }) => name);
}

async function isSealedSoon(client: pg.Client, companyId: string, line: string): Promise<boolean> {
  const isSealed = () =>
    inCompany(client, companyId, async () => {
      const { rows } = await client.query(
        'SELECT FROM core.audit_seals WHERE company_id = $1 AND audit_id = $2',
        [companyId, line],
      );
      return rows.length > 0;
    });
  for (const until = Date.now() + sealedWithinMs; Date.now() < until; await setTimeout(500)) {
    if (await isSealed()) return true;
  }
  return false;
}
