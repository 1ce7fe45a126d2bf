import pg from 'pg';
import { resolved, type CompanySettings } from '../rules/settings.ts';
import { readCompanyFile } from './companyFile.ts';
import { digestsNow } from './companyExport.ts';
import {
  asMigrator,
  companyOf,
  CompanyRefused,
  enter,
  inCompany,
  isBeingDropped,
  isStillReferredTo,
  recordLine,
  takeTurn,
  type CompanyFacts,
} from './companyOwner.ts';
import {
  businessSchemaOf,
  companies,
  companyTables,
  users,
  type CompanyTable,
} from './companyTables.ts';
import { memberships, removePeople } from './companyPeople.ts';
import { platformCompanyId } from './database.ts';

type Say = (progress: string) => void;

/** Ends the open workflows of a company, and those that turn up meanwhile. */
export type EndWorkflows = (companyId: string) => Promise<void>;

/** How many rows went, by table. */
export type Removed = Readonly<Record<string, number>>;

const rowsABatch = 5000;
/** Somebody may still write a last row, such as a seal; the next round takes it along. */
const mostRounds = 5;

/**
 * Removes a closed company for good. One that is killed goes on where it was when it is started again.
 * @param order.exported a file of the company as it is now; without one, its audit must be older than the
 *   company has to keep it
 * @throws CompanyRefused where nothing was removed
 */
export const dropCompany = (
  order: {
    readonly url: string;
    readonly code: string;
    readonly exported: string | undefined;
    /** Once its rows are gone; before the company itself, so that a removal that was killed goes on. */
    readonly removeFiles?: ((companyId: string) => Promise<void>) | undefined;
  },
  endWorkflows: EndWorkflows,
  say: Say,
): Promise<Removed> =>
  asMigrator(order.url, async (client) => {
    const { company, hasBegun } = await inCompany(client, platformCompanyId, async () => {
      const found = await companyOf(client, order.code, platformCompanyId);
      await refuseWhileComingIn(client, found);
      return { company: found, hasBegun: await isBeingDropped(client, found.id) };
    });
    if (company.status !== 'closed') {
      throw new CompanyRefused(
        `${company.code} is ${company.status}: a global administrator has to close it first`,
      );
    }
    await takeTurn(client, company.id);
    const sha256 = hasBegun ? undefined : await mayGo(client, company, order.exported);
    await endWorkflows(company.id);
    await begin(client, company, sha256);
    // Before they end, so that none is started again.
    await emptyTables(client, company.id, ({ name }) => name === 'core.outbox', say);
    await endWorkflows(company.id);
    for (let round = 1; ; round += 1) {
      await removeRows(client, company.id, say);
      await endWorkflows(company.id);
      await order.removeFiles?.(company.id);
      try {
        return await end(client, company);
      } catch (error) {
        if (!isStillReferredTo(error) || round === mostRounds) throw error;
      }
    }
  });

/** A company is closed as well while it is made. */
async function refuseWhileComingIn(client: pg.Client, { id, code }: CompanyFacts): Promise<void> {
  const { rows } = await client.query(
    `SELECT FROM core.registration_requests WHERE new_company_id = $1
       AND status IN ('approved', 'provisioning', 'failed')
       AND NOT EXISTS (SELECT FROM platform.companies WHERE id = $1 AND archived_at IS NOT NULL)`,
    [id],
  );
  if (rows.length > 0) throw new CompanyRefused(`${code} is still being set up`);
}

/** @returns the check sum of the file, where one is needed */
async function mayGo(
  client: pg.Client,
  { id, code }: CompanyFacts,
  exported: string | undefined,
): Promise<string | undefined> {
  if (exported === undefined) {
    const keptUntil = await inCompany(client, id, () => auditKeptUntil(client, id));
    if (keptUntil < new Date()) return undefined;
    throw new CompanyRefused(
      `The audit of ${code} has to be kept until ${keptUntil.toISOString().slice(0, 10)}: ` +
        'export the company and name the file by --exported',
    );
  }
  const { manifest, ending } = await readCompanyFile(exported);
  if (manifest.company.id !== id) {
    throw new CompanyRefused(`${exported} is of another company, ${manifest.company.code}`);
  }
  const now = await inCompany(client, id, () => digestsNow(client, id), {
    begin: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  });
  const changed = Object.entries(now).filter(
    ([table, digest]) => ending.tables[table]?.sha256 !== digest.sha256,
  );
  if (changed.length > 0) {
    const names = changed.map(([table]) => table).join(', ');
    throw new CompanyRefused(
      `${code} has changed since ${exported} was written, in ${names}: export it again`,
    );
  }
  return ending.sha256;
}

async function auditKeptUntil(client: pg.Client, companyId: string): Promise<Date> {
  const { rows } = await client.query<{ settings: CompanySettings; newest: Date | null }>(
    `SELECT settings, (SELECT max(timestamp) FROM core.audit_logs WHERE company_id = $1) AS newest
     FROM platform.companies WHERE id = $1`,
    [companyId],
  );
  const [row] = rows;
  const until = row?.newest ?? new Date(0);
  const retention = resolved(row?.settings ?? {}, { isPlatform: false }).find(
    ({ section, key }) => section === 'audit' && key === 'retentionYears',
  );
  return new Date(
    Date.UTC(
      until.getUTCFullYear() + Number(retention?.value),
      until.getUTCMonth(),
      until.getUTCDate() + 1,
    ),
  );
}

/** From here on no job takes the company for one of ours, and only its removal can go on. */
const begin = (client: pg.Client, { id, code }: CompanyFacts, sha256?: string): Promise<void> =>
  inCompany(client, id, async () => {
    const { rowCount } = await client.query(
      `UPDATE platform.companies SET archived_at = coalesce(archived_at, now())
       WHERE id = $1 AND status = 'closed'`,
      [id],
    );
    if (rowCount === 0) throw new CompanyRefused(`${code} is not closed any more`);
    await client.query(
      `INSERT INTO migrations.company_drops (company_id, code, exported_sha256)
       VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      [id, code, sha256 ?? null],
    );
  });

/** Business tables first, people last: what refers to others goes before them. */
async function removeRows(client: pg.Client, companyId: string, say: Say): Promise<void> {
  const schema = await inCompany(client, companyId, () => businessSchemaOf(client, companyId));
  if (schema !== 'shared') {
    await inCompany(client, companyId, () => dropSchema(client, companyId, schema));
    say(`the schema ${schema} is gone`);
  }
  // Before their seals, or they are sealed anew and the checkpoints know two chains of the company.
  await emptyTables(client, companyId, ({ name }) => name === 'core.audit_logs', say);
  const last: readonly string[] = [companies, users, memberships];
  await emptyTables(client, companyId, ({ name }) => !last.includes(name), say);
  for (;;) {
    const removed = await inCompany(client, companyId, async () => {
      const gone = await removePeople(client, companyId);
      if (gone) await count(client, companyId, gone);
      return gone;
    });
    if (!removed) return;
    say(`${memberships}: ${removed[memberships]} rows removed`);
  }
}

async function dropSchema(client: pg.Client, companyId: string, schema: string): Promise<void> {
  const own = (await companyTables(client, companyId, schema)).filter(
    ({ name }) => !name.includes('.'),
  );
  const counts = own.map(
    ({ name, sql }) => `${pg.escapeLiteral(name)}, (SELECT count(*) FROM ${sql})`,
  );
  const { rows } = await client.query<{ counts: Removed }>(
    `SELECT json_build_object(${counts.join(', ')}) AS counts`,
  );
  await client.query(`DROP SCHEMA ${pg.escapeIdentifier(schema)} CASCADE`);
  await client.query('DELETE FROM migrations.business_schemas WHERE company_id = $1', [companyId]);
  await count(client, companyId, rows[0]?.counts ?? {});
}

/** In batches, each a transaction; in a table the newest rows first: they refer to older ones. */
async function emptyTables(
  client: pg.Client,
  companyId: string,
  isMeant: (table: CompanyTable) => boolean,
  say: Say,
): Promise<void> {
  const tables = await inCompany(client, companyId, () =>
    companyTables(client, companyId, 'shared'),
  );
  for (const table of tables.filter(isMeant).toReversed()) {
    let removed = 0;
    for (let batch = rowsABatch; batch === rowsABatch; removed += batch) {
      batch = await inCompany(client, companyId, () => removeBatch(client, companyId, table));
      if (batch > 0) say(`${table.name}: ${removed + batch} rows removed`);
    }
  }
}

async function removeBatch(
  client: pg.Client,
  companyId: string,
  { name, sql, condition, key }: CompanyTable,
): Promise<number> {
  const columns = key.map((column) => pg.escapeIdentifier(column));
  const { rowCount } = await client.query(
    `DELETE FROM ${sql} WHERE ${condition} AND (${columns.join(', ')}) IN (
       SELECT ${columns.join(', ')} FROM ${sql} WHERE ${condition}
       ORDER BY ${columns.map((column) => `${column} DESC`).join(', ')} LIMIT ${rowsABatch})`,
  );
  if (rowCount) await count(client, companyId, { [name]: rowCount });
  return rowCount ?? 0;
}

/** Commits with what it counts, so that a removal in several runs counts every row once. */
async function count(client: pg.Client, companyId: string, removed: Removed): Promise<void> {
  await client.query(
    `UPDATE migrations.company_drops SET removed = removed || (
       SELECT coalesce(jsonb_object_agg(key, value::bigint + coalesce((removed ->> key)::bigint, 0)), '{}')
       FROM json_each_text($2))
     WHERE company_id = $1`,
    [companyId, JSON.stringify(removed)],
  );
}

/** The company itself, and the one line that tells of it. */
const end = (client: pg.Client, { id, code, name }: CompanyFacts): Promise<Removed> =>
  inCompany(client, id, async () => {
    const { rowCount } = await client.query('DELETE FROM platform.companies WHERE id = $1', [id]);
    if (rowCount !== 1) throw new Error(`The company ${code} could not be removed`);
    const { rows } = await client.query<{ removed: Removed; exported_sha256: string | null }>(
      'DELETE FROM migrations.company_drops WHERE company_id = $1 RETURNING removed, exported_sha256',
      [id],
    );
    const [drop] = rows;
    if (!drop) throw new Error('The removal was not begun');
    const removed = { ...drop.removed, [companies]: 1 };
    await enter(client, platformCompanyId);
    await recordLine(client, 'DELETE', id, { code, name, removed, exported: drop.exported_sha256 });
    return removed;
  });
