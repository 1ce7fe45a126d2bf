import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { CannotStart, errorCode } from '../errors.ts';
import type { AuditAction } from './AuditLog.ts';

/** What an operator asks of one company as a whole; its message is one sentence for them. */
export class CompanyRefused extends CannotStart {}

export interface CompanyFacts {
  readonly id: string;
  readonly code: string;
  readonly name: string;
  readonly status: 'active' | 'suspended' | 'closed';
  readonly isolation: 'shared' | 'dedicated_schema';
}

/** One connection for one company at a time. @param url of whoever migrates */
export async function asMigrator<T>(
  url: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'surety-company' });
  // A connection that is lost fails the statement under way as well; without this it ends the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Values as text are exact, and mean the same wherever they are read. */
const exactly = `SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres';
  SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL search_path = pg_catalog`;

/**
 * A transaction of the tables' owner, whom the wall shows this company alone.
 * @param as.begin how it begins; `isTrial` takes everything back at its end
 */
export async function inCompany<T>(
  client: pg.Client,
  companyId: string,
  work: () => Promise<T>,
  { begin = 'BEGIN', isTrial = false }: { begin?: string; isTrial?: boolean } = {},
): Promise<T> {
  try {
    await client.query(`${begin}; SET LOCAL ROLE app_owner; ${exactly}`);
    await enter(client, companyId);
    const result = await work();
    await client.query(isTrial ? 'ROLLBACK' : 'COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** From here on to the end of the transaction it is about this company. */
export async function enter(client: pg.Client, companyId: string): Promise<void> {
  await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [companyId]);
}

/** Whoever asks for a second tool at the same company is refused until this session ends. */
export async function takeTurn(client: pg.Client, companyId: string): Promise<void> {
  const { rows } = await client.query<{ ours: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended('company/' || $1, 0)) AS ours`,
    [companyId],
  );
  if (!rows[0]?.ours) throw new CompanyRefused('Somebody else is at this company: wait for them');
}

/** @throws CompanyRefused where no company has the code; the platform counts as none */
export async function companyOf(
  client: pg.Client,
  code: string,
  platformId: string,
): Promise<CompanyFacts> {
  const { rows } = await client.query<CompanyFacts>(
    'SELECT id, code, name, status, isolation FROM platform.companies WHERE code = $1 AND id <> $2',
    [code, platformId],
  );
  const [company] = rows;
  if (!company) throw new CompanyRefused(`There is no company ${code}`);
  return company;
}

export async function isBeingDropped(client: pg.Client, companyId: string): Promise<boolean> {
  const { rows } = await client.query(
    'SELECT FROM migrations.company_drops WHERE company_id = $1',
    [companyId],
  );
  return rows.length > 0;
}

/** In the audit of the company that was entered. @returns the line's id */
export async function recordLine(
  client: pg.Client,
  action: AuditAction,
  aboutCompanyId: string,
  after: Readonly<Record<string, unknown>>,
): Promise<string> {
  const id = uuid();
  await client.query(
    `INSERT INTO core.audit_logs
       (company_id, id, timestamp, actor_type, action, entity_type, entity_id, after)
     VALUES (app.company_id(), $1, $2, 'system', $3, 'company', $4, $5)`,
    [id, new Date(), action, aboutCompanyId, JSON.stringify(after)],
  );
  return id;
}

/** A row could not go because of a foreign key; Postgres 18 has a code of its own for RESTRICT. */
export const isStillReferredTo = (error: unknown): boolean =>
  ['23503', '23001'].includes(errorCode(error) ?? '');
