import { AsyncLocalStorage } from 'node:async_hooks';
import { QueryTypes, Sequelize, type Model, type ModelStatic, type Options } from 'sequelize';
import { v7 as uuid, validate as isUuid } from 'uuid';
import { currentContext } from '../context.ts';
import { Conflict, Refusal } from '../errors.ts';
import { failpoint } from '../failpoints.ts';
import { Connection, driver, type LastStatement } from './connection.ts';
import { duplicates } from './duplicates.ts';

export interface DatabaseOptions {
  readonly url: string;
  readonly poolMax: number;
  readonly acquireTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Gets each statement with its milliseconds; also what measures queries. */
  readonly onQuery?: (sql: string, milliseconds: number) => void;
  readonly applicationName: string;
}

/** A value of an appended row that the database finds while it writes it; `$1` marks a bound value. */
export class Computed {
  readonly sql: string;
  readonly values: readonly unknown[];

  constructor(sql: string, values: readonly unknown[]) {
    this.sql = sql;
    this.values = values;
  }
}

/** One row for the batch at the end of the transaction. */
interface PendingRow {
  readonly model: ModelStatic<Model>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A transaction in progress, seen from inside. */
interface Unit {
  readonly door: string;
  readonly companyId: string;
  readonly pending: PendingRow[];
  readonly afterCommit: (() => void)[];
  /** Travels with the commit. */
  last?: LastStatement;
  /** Where the transaction has been given more than the others. */
  statementTimeoutMs?: number;
}

const units = new AsyncLocalStorage<Unit>();
const callScope = new AsyncLocalStorage<Map<string, unknown>>();

// Sequelize looks here for the transaction of the running call, so that no model method needs it.
Sequelize.useCLS({
  bind: (work: () => void) => work,
  run: (work: (store: Map<string, unknown>) => void) => {
    const store = new Map(callScope.getStore());
    callScope.run(store, () => work(store));
    return store;
  },
  get: (key: string) => callScope.getStore()?.get(key),
  set: (key: string, value: unknown) => callScope.getStore()?.set(key, value),
});

let current: Sequelize | undefined;
let watch: DatabaseOptions['onQuery'];

/**
 * So long after the server itself would have given a statement up its connection counts as dead. A
 * network that swallows packets ends no connection: without this its transaction would wait for ever.
 */
const silenceMs = 2000;

/** Opens the one database of this process. The models of `define` belong to it from then on. */
export function openDatabase(
  options: DatabaseOptions,
  define: (sequelize: Sequelize) => void,
): Database {
  const { onQuery } = options;
  const settings: Options & { databaseVersion: string } = {
    dialect: 'postgres',
    dialectModule: driver,
    // The oldest that is supported; named so that a connection does not ask.
    databaseVersion: '14.0.0',
    ...(onQuery
      ? { logging: (sql: string, ms?: number) => onQuery(sql, ms ?? 0), benchmark: true }
      : { logging: false }),
    pool: { max: options.poolMax, min: 0, acquire: options.acquireTimeoutMs, idle: 30_000 },
    dialectOptions: {
      application_name: options.applicationName,
      statement_timeout: options.statementTimeoutMs,
      query_timeout: options.statementTimeoutMs + silenceMs,
      lock_timeout: 2000,
      idle_in_transaction_session_timeout: 10_000,
      connectionTimeoutMillis: 5000,
      keepAlive: true,
    },
    define: { underscored: true, freezeTableName: true },
  };
  const sequelize = new Sequelize(options.url, settings);
  // Without a transaction there is no company either.
  sequelize.addHook('beforeQuery', (asked, { connection }) => {
    if (!asked.transaction) {
      throw new Error('A statement outside withTenant, withIdentity, withGlobal or withSystem');
    }
    const { last, statementTimeoutMs = options.statementTimeoutMs } = openUnit();
    if ('completesTransaction' in asked && connection instanceof Connection) connection.last = last;
    const parameters: unknown = Reflect.get(connection, 'connectionParameters');
    Reflect.set(Object(parameters), 'query_timeout', statementTimeoutMs + silenceMs);
  });
  // The company, its tables and the door's rights come with BEGIN, which travels with what follows.
  Object.assign(Object(sequelize.getQueryInterface().queryGenerator), {
    startTransactionQuery: () => `BEGIN; ${entry(openUnit())}`,
  });
  define(sequelize);
  current = sequelize;
  watch = onQuery;
  return { close: () => sequelize.close(), connections: () => poolCounts(sequelize) };
}

/** Connections of the pool; `waiting` are transactions that want one. */
export interface Database {
  close(): Promise<void>;
  connections(): { readonly using: number; readonly idle: number; readonly waiting: number };
}

/** Sequelize does not type its pool. */
function poolCounts(sequelize: object): ReturnType<Database['connections']> {
  const pool: unknown = Reflect.get(Object(Reflect.get(sequelize, 'connectionManager')), 'pool');
  const count = (name: string): number => Number(Reflect.get(Object(pool), name) ?? 0);
  return { using: count('using'), idle: count('available'), waiting: count('waiting') };
}

/**
 * The only door to company data: one transaction that sees one company. Inside itself the same
 * company joins the open transaction, another company is refused. A deadlock or serialization
 * failure runs `work` again, at most three times in all, so `work` does nothing but database work.
 */
export async function withTenant<T>(companyId: string, work: () => Promise<T>): Promise<T> {
  const open = units.getStore();
  if (open) {
    if (open.door === 'tenant' && open.companyId === companyId) return work();
    throw new Error(`withTenant(${companyId}) inside ${open.door}(${open.companyId})`);
  }
  return transact({ door: 'tenant', companyId }, work);
}

/** Credentials, memberships and tokens; audit lines go to `companyId`. */
export const withIdentity = <T>(companyId: string | null, work: () => Promise<T>): Promise<T> =>
  transact({ door: 'app_auth', companyId: companyId ?? platformCompanyId }, work);

/**
 * Inside `withTenant`, for a change that a company's rows and an account must have together or not at
 * all: `work` has the rights of `withIdentity`, and not those of `withTenant`. When it fails the whole
 * transaction has to.
 */
export const asIdentity = <T>(work: () => Promise<T>): Promise<T> => asRole('app_auth', work);

/** The same for what the platform decides of the company: `work` has the rights of `withGlobal`. */
export const asGlobal = <T>(work: () => Promise<T>): Promise<T> => asRole('app_global', work);

async function asRole<T>(role: 'app_auth' | 'app_global', work: () => Promise<T>): Promise<T> {
  const { door } = openUnit();
  if (door !== 'tenant') throw new Error(`${role} inside ${door}`);
  await flush();
  await select(`SELECT set_config('role', '${role}', true)`);
  const value = await work();
  await flush();
  await select(`SELECT set_config('role', 'none', true)`);
  return value;
}

/** Companies, domains and the audit of all companies, read across; no business rows. */
export const withGlobal = <T>(work: () => Promise<T>): Promise<T> =>
  transact({ door: 'app_global', companyId: platformCompanyId }, work);

/** Background work over all companies: the relay sees the outbox, the sealer the audit. */
export const withSystem = <T>(job: 'relay' | 'sealer', work: () => Promise<T>): Promise<T> =>
  transact({ door: `app_${job}`, companyId: platformCompanyId }, work);

/** Carries what belongs to no company: events before sign-in, global administrators. */
export const platformCompanyId = '00000000-0000-7000-8000-000000000000';

/** The company of the open transaction. */
export const currentCompany = (): string => openUnit().companyId;

/**
 * Adds a row that nothing in this transaction reads back. All such rows go out in one statement
 * with the commit, so a command with many effects stays at few round trips.
 * Company, a new id and who created it are filled in where the table has them.
 * @returns the row's id
 */
export function append<M extends Model>(
  model: ModelStatic<M>,
  values: Readonly<Record<string, unknown>>,
): string {
  const { pending, companyId } = openUnit();
  const id = typeof values['id'] === 'string' ? values['id'] : uuid();
  const { actorId } = currentContext();
  const known = model.getAttributes();
  pending.push({
    model,
    values: {
      ...('id' in known && { id }),
      ...('companyId' in known && { companyId }),
      ...('createdBy' in known && { createdBy: actorId ?? null, updatedBy: actorId ?? null }),
      ...values,
    },
  });
  return id;
}

/** Gives the statements of the open transaction more time than the others have. */
export async function takeTime(statementTimeoutMs: number): Promise<void> {
  openUnit().statementTimeoutMs = statementTimeoutMs;
  await select(`SELECT set_config('statement_timeout', $1, true)`, [String(statementTimeoutMs)]);
}

/** Runs once the open transaction has committed; lost if it does not. */
export const afterCommit = (work: () => void): void => void openUnit().afterCommit.push(work);

/** Writes appended rows now, for a command that goes on to read them. */
export async function flush(): Promise<void> {
  const { pending } = openUnit();
  if (pending.length === 0) return;
  const { sql, bind } = insertStatement(pending.splice(0));
  await database().query(sql, { bind, raw: true });
}

/**
 * Waits for statements that need nothing of each other and so travel together, as one round trip. Where one
 * fails it waits for the others all the same: none comes after the rollback.
 */
export async function together<const Asked extends readonly Promise<unknown>[]>(
  ...asked: Asked
): Promise<{ -readonly [Place in keyof Asked]: Awaited<Asked[Place]> }> {
  const outcomes = await Promise.allSettled(asked);
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  // Others may have failed only because one had.
  const cause = failures.find(({ reason }) => sqlState(reason) !== aborted) ?? failures[0];
  if (cause) throw cause.reason;
  return Promise.all(asked);
}

const aborted = '25P02';

/** One raw SELECT; `$1` marks a bound value. */
export async function select<Row extends object>(
  sql: string,
  bind: readonly unknown[] = [],
): Promise<Row[]> {
  return database().query<Row>(sql, { bind: [...bind], type: QueryTypes.SELECT });
}

/** One raw writing statement. @returns the number of rows it changed. */
export async function execute(sql: string, bind: readonly unknown[] = []): Promise<number> {
  const [, result] = await database().query(sql, { bind: [...bind], raw: true });
  return rowCount(result);
}

/** SQLSTATE of a failed statement, where it was one. */
export function sqlState(error: unknown): string | undefined {
  const cause = error instanceof Error && 'parent' in error ? error.parent : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}

/**
 * Whether a transaction that failed so has left nothing: it was refused, or the server says that it did not
 * take it. Where the connection was lost, or ended, the commit may have come first.
 */
export function isRolledBack(error: unknown): boolean {
  if (error instanceof Refusal) return true;
  const code = sqlState(error) ?? '';
  return /^(?!08|57P)[0-9A-Z]{5}$/.test(code) && code !== 'EPIPE';
}

/** Name of the constraint that a failed statement broke, where it was one. */
function brokenConstraint(error: unknown): string | undefined {
  const cause = error instanceof Error && 'parent' in error ? error.parent : error;
  return cause instanceof Error && 'constraint' in cause ? String(cause.constraint) : undefined;
}

const retryable = new Set(['40001', '40P01']);

async function transact<T>(
  { door, companyId }: Pick<Unit, 'door' | 'companyId'>,
  work: () => Promise<T>,
): Promise<T> {
  const open = units.getStore();
  if (open) throw new Error(`${door} inside ${open.door}: a second connection would be taken`);

  for (let attempt = 1; ; attempt += 1) {
    const unit: Unit = { door, companyId, pending: [], afterCommit: [] };
    let failure: Error | undefined;
    try {
      const result = await units.run(unit, () =>
        database().transaction(async () => {
          const value = await work();
          failpoint('transaction.beforeCommit', door);
          if (unit.pending.length > 0) unit.last = lastOf(unit, (error) => (failure = error));
          return value;
        }),
      );
      if (failure) throw failure;
      failpoint('transaction.afterCommit', door);
      for (const effect of unit.afterCommit) effect();
      return result;
    } catch (error) {
      if (attempt === 3 || !retryable.has(sqlState(error) ?? '')) throw asConflict(error);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * attempt));
    }
  }
}

/** All that is appended by the end. Where it fails the server makes a rollback of the commit. */
function lastOf({ pending }: Unit, failed: (error: Error) => void): LastStatement {
  const { sql, bind: values } = insertStatement(pending.splice(0));
  const startedAt = performance.now();
  return {
    sql,
    values,
    answer(error) {
      watch?.(sql, performance.now() - startedAt);
      if (error) failed(error);
    },
  };
}

/** The break of a unique key that people can cause is a refusal, not a bug. */
function asConflict(error: unknown): unknown {
  const duplicate = duplicates[brokenConstraint(error) ?? ''];
  return duplicate ? new Conflict(...duplicate) : error;
}

/** What `app.business_schema` says, without the function's cost in every transaction. */
export const businessSchema = (companyId: string): string =>
  `t_${companyId.replaceAll('-', '').slice(-16).toLowerCase()}`;

/** Company, tables and rights of this transaction; all end with it. */
function entry({ door, companyId }: Unit): string {
  if (!isUuid(companyId)) throw new Error(`Not the id of a company: ${companyId}`);
  const set = (setting: string, value: string): string =>
    `set_config('${setting}', ${value}, true)`;
  const own = `to_regnamespace('${businessSchema(companyId)}')`;
  // Unnamed, temporary tables would come first and outlive the transaction on its connection.
  const path = `concat(coalesce(${own}::text, 'shared'), ', ext, pg_temp')`;
  const role = door === 'tenant' ? [] : [set('role', `'${door}'`)];
  const settings = [set('app.current_company_id', `'${companyId}'`), set('search_path', path)];
  return `SELECT ${[...settings, ...role].join(', ')}`;
}

/** `WITH i0 AS (INSERT …), i1 AS (INSERT …) SELECT 1`: keys are checked when all rows are in. */
function insertStatement(pending: readonly PendingRow[]): { sql: string; bind: unknown[] } {
  const bind: unknown[] = [];
  const groups = new Map<string, { head: string; rows: string[] }>();
  for (const { model, values } of pending) {
    const attributes = model.getAttributes();
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    const columns = given.map(([name]) => {
      const column = attributes[name]?.field;
      if (!column) throw new Error(`${model.name} has no column for ${name}`);
      return `"${column}"`;
    });
    const marks = given.map(([, value]) => marked(value, bind));
    const head = `${tableName(model)} (${columns.join(', ')})`;
    const group = groups.get(head) ?? { head, rows: [] };
    group.rows.push(`(${marks.join(', ')})`);
    groups.set(head, group);
  }
  const inserts = [...groups.values()].map(
    ({ head, rows }, index) => `i${index} AS (INSERT INTO ${head} VALUES ${rows.join(', ')})`,
  );
  return { sql: `WITH ${inserts.join(',\n')} SELECT 1`, bind };
}

/** The place of a value in the statement; its bound values are added to `bind`. */
function marked(value: unknown, bind: unknown[]): string {
  if (!(value instanceof Computed)) return `$${bind.push(asParameter(value))}`;
  const places = value.values.map((each) => `$${bind.push(asParameter(each))}`);
  return value.sql.replaceAll(/\$(\d)/g, (_, place: string) => places[Number(place) - 1] ?? '');
}

/** Sequelize hands on the driver's result, but for an INSERT the count alone. */
function rowCount(result: unknown): number {
  if (typeof result === 'number') return result;
  const hasCount = typeof result === 'object' && result !== null && 'rowCount' in result;
  return hasCount ? Number(result.rowCount ?? 0) : 0;
}

const asParameter = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !(value instanceof Date)
    ? JSON.stringify(value)
    : value;

function tableName(model: ModelStatic<Model>): string {
  const table = model.getTableName();
  return typeof table === 'string' ? `"${table}"` : `"${table.schema}"."${table.tableName}"`;
}

function openUnit(): Unit {
  const unit = units.getStore();
  if (!unit) throw new Error('Not inside withTenant, withIdentity, withGlobal or withSystem');
  return unit;
}

function database(): Sequelize {
  if (!current) throw new Error('openDatabase was not called');
  return current;
}
