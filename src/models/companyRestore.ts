import pg from 'pg';
import { readCompanyFile, type Ending, type Manifest, type Row } from './companyFile.ts';
import { appliedMigrations, rowsIn } from './companyExport.ts';
import {
  asMigrator,
  CompanyRefused,
  enter,
  inCompany,
  isBeingDropped,
  recordLine,
  takeTurn,
} from './companyOwner.ts';
import { removedAddress } from './companyPeople.ts';
import { sealTheRest } from './companySeals.ts';
import {
  businessSchemaOf,
  companies,
  companyTables,
  lasting,
  users,
  type CompanyTable,
} from './companyTables.ts';
import { platformCompanyId } from './database.ts';

type Say = (progress: string) => void;

export interface Restored {
  readonly manifest: Manifest;
  readonly ending: Ending;
}

const everyRows = 20_000;
const atMostNamed = 20;

/**
 * Puts a company back, all of it or nothing, into a database that does not have it. People who are
 * still there are left as they are. Runs of workflows are not in the file: the reconciler starts those
 * that should be open.
 * @param isTrial does everything and then takes it back
 * @throws CompanyRefused before anything is written where the file is cut or changed
 */
export const restoreCompany = (
  {
    url,
    file,
    isTrial,
  }: { readonly url: string; readonly file: string; readonly isTrial: boolean },
  say: Say,
): Promise<Restored> =>
  asMigrator(url, async (client) => {
    const { manifest, ending } = await readCompanyFile(file);
    const { id, code } = manifest.company;
    say(`${file} is whole: ${rowsIn(ending)} rows of ${code}`);
    await takeTurn(client, id);
    const work = async (): Promise<void> => {
      await refuse(client, manifest);
      const again = await readCompanyFile(file, rowWriter(client, manifest, say));
      if (again.ending.sha256 !== ending.sha256) {
        throw new CompanyRefused(`${file} was changed while it was read`);
      }
      await sealTheRest(client, id);
      // Last: a line that waits long for its commit would come too late for its seal.
      const { sha256 } = ending;
      await recordLine(client, 'RESTORE', id, { code });
      await enter(client, platformCompanyId);
      await recordLine(client, 'RESTORE', id, { code, rows: rowsIn(ending), sha256 });
    };
    await inCompany(client, id, work, { isTrial }).catch((error: unknown) => {
      throw inOneSentence(error);
    });
    return { manifest, ending };
  });

async function refuse(
  client: pg.Client,
  { company: { id, code, name }, migrations, tables }: Manifest,
): Promise<void> {
  const applied = await appliedMigrations(client);
  if (applied.join() !== migrations.join()) {
    const missing = migrations.filter((each) => !applied.includes(each));
    const added = applied.filter((each) => !migrations.includes(each));
    throw new CompanyRefused(
      `The database has other migrations than the file: it lacks ${missing.join(', ') || 'none'} ` +
        `and has besides ${added.join(', ') || 'none'}`,
    );
  }
  if (await isBeingDropped(client, id)) {
    throw new CompanyRefused(`The removal of ${code} has begun: let it end first`);
  }
  const { rows } = await client.query<{ code: string; name: string }>(
    `SELECT code, name FROM platform.companies WHERE id = $1 OR code = $2
       OR (lower(name) = lower($3) AND archived_at IS NULL AND status <> 'closed')`,
    [id, code, name],
  );
  const [there] = rows;
  if (there) {
    throw new CompanyRefused(
      `${code} cannot come in: the company ${there.code}, ${there.name}, is there already`,
    );
  }
  const known = lasting(await companyTables(client, id, 'shared'));
  const shape = (all: readonly { name: string; columns: readonly string[] }[]): string =>
    JSON.stringify(all.map(({ name: table, columns }) => [table, columns]));
  const ours = known.map((table) => ({
    name: table.name,
    columns: table.columns.map((column) => column.name),
  }));
  if (shape(ours) !== shape(tables)) {
    throw new CompanyRefused('The tables of the file are not those of the database');
  }
}

function rowWriter(client: pg.Client, { company }: Manifest, say: Say) {
  const tables = new Map<string, CompanyTable>();
  const know = async (schema: string): Promise<void> => {
    for (const table of lasting(await companyTables(client, company.id, schema))) {
      tables.set(table.name, table);
    }
  };
  const written = new Map<string, number>();
  return {
    start: () => know('shared'),
    async rows(name: string, rows: readonly Row[]) {
      const table = tables.get(name);
      if (!table) throw new Error(`There is no table ${name}`);
      if (name === users) await refuseTaken(client, table, rows);
      await client.query(insertInto(table), [JSON.stringify(rows)]);
      if (name === companies && company.isolation === 'dedicated_schema') {
        await client.query('SELECT app.prepare_business_schema()');
        await know(await businessSchemaOf(client, company.id));
      }
      const before = written.get(name) ?? 0;
      const count = before + rows.length;
      written.set(name, count);
      if (Math.floor(count / everyRows) > Math.floor(before / everyRows)) {
        say(`${name}: ${count} rows`);
      }
    },
  };
}

/** Whoever is there stays as they are, unless all that is left of them is their id. */
function insertInto({ name, sql, columns }: CompanyTable): string {
  const names = columns.map((column) => pg.escapeIdentifier(column.name));
  const values = columns.map(({ type }, place) => `(r ->> ${place})::${type}`);
  const back = names.map((column) => `${column} = excluded.${column}`);
  return `INSERT INTO ${sql} ${name === users ? 'AS u' : ''} (${names.join(', ')})
    SELECT ${values.join(', ')} FROM json_array_elements($1::json) AS r
    ${name === users ? `ON CONFLICT (id) DO UPDATE SET ${back.join(', ')} WHERE u.email = ${removedAddress('u')}` : ''}`;
}

/** @throws CompanyRefused where an address, name or number belongs to somebody else by now */
async function refuseTaken(
  client: pg.Client,
  { sql, columns }: CompanyTable,
  rows: readonly Row[],
): Promise<void> {
  const at = (column: string): number => columns.findIndex(({ name }) => name === column);
  const value = (column: string): string => `(r ->> ${at(column)})`;
  const { rows: taken } = await client.query<{ email: string }>(
    `WITH given AS (
       SELECT ${value('id')}::uuid AS id, ${value('email')} AS email,
         ${value('username')} AS username, ${value('phone_number')} AS phone_number
       FROM json_array_elements($1::json) AS r)
     SELECT g.email FROM given g JOIN ${sql} u ON u.email = g.email AND u.id <> g.id
     UNION SELECT g.email FROM given g
       JOIN ${sql} u ON lower(u.username) = lower(g.username) AND u.id <> g.id
     UNION SELECT g.email FROM given g
       JOIN ${sql} u ON u.phone_number = g.phone_number AND u.id <> g.id
     ORDER BY 1`,
    [JSON.stringify(rows)],
  );
  if (taken.length === 0) return;
  const named = taken.slice(0, atMostNamed).map(({ email }) => email);
  const others = taken.length - named.length;
  throw new CompanyRefused(
    'The address, user name or phone number of these people belongs to somebody else by now: ' +
      `${named.join(', ')}${others > 0 ? ` and ${others} others` : ''}`,
  );
}

/** A key that somebody else has taken is no bug. */
function inOneSentence(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code === '54000') return new CompanyRefused(`It cannot come in: ${error.message}`);
  if (error.code !== '23505') return error;
  const what = taken[error.constraint ?? ''] ?? `what ${error.constraint} keeps apart`;
  return new CompanyRefused(`The company cannot come in: somebody else has ${what} by now`);
}

const taken: Readonly<Record<string, string>> = {
  domains_domain_key: 'one of its domains',
  companies_name_key: 'its name',
  companies_code_key: 'its code',
};
