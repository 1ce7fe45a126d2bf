import { isDeepStrictEqual } from 'node:util';
import { and, type Attributes, type Model, type ModelStatic } from 'sequelize';
import { currentContext } from '../context.ts';
import { Conflict, NotFound } from '../errors.ts';
import { AuditLog, type AuditedChange } from './AuditLog.ts';

/** What every entity has. */
interface Entity {
  id: string;
  version: number;
  archivedAt: Date | null;
}

type EntityModel<M extends Model & Entity> = ModelStatic<M> & { readonly entityType: string };

/**
 * @param options.lock until the commit nobody else changes it
 * @throws NotFound also for a row of another company, which this transaction cannot see.
 */
export async function getRow<M extends Model & Entity>(
  model: EntityModel<M>,
  id: string,
  { archived = false, lock = false }: { archived?: boolean; lock?: boolean } = {},
): Promise<M> {
  const row = await model.findOne({
    where: and({ id }),
    lock,
  });
  if (!row || (row.archivedAt && !archived)) throw noSuch(model.entityType, id);
  return row;
}

/** Those of `ids` that `getRow` would find, in one statement. */
export async function getRows<M extends Model & Entity>(
  model: EntityModel<M>,
  ids: readonly string[],
  { archived = false }: { archived?: boolean } = {},
): Promise<ReadonlyMap<string, M>> {
  const rows = await model.findAll({ where: and({ id: [...ids] }) });
  return new Map(rows.filter((row) => archived || !row.archivedAt).map((row) => [row.id, row]));
}

export const noSuch = (entityType: string, id: string): NotFound =>
  new NotFound(`There is no ${entityType.replaceAll('_', ' ')} ${id}`);

/**
 * Changes some fields of a row as a person asked, if nobody changed it since `expectedVersion`.
 * @param audited what the audit line says otherwise than the changed fields
 * @throws Conflict VERSION_CONFLICT with the current version
 */
export async function editRow<M extends Model & Entity>(
  model: EntityModel<M>,
  row: M,
  changes: Partial<Attributes<M>>,
  expectedVersion: number | undefined,
  action: 'UPDATE' | 'ARCHIVE' | 'RESTORE' | 'STATUS_CHANGE' = 'UPDATE',
  audited: AuditedChange = {},
): Promise<M> {
  const { before, after } = difference(row, changes);
  const { version } = row;
  refuseStale(model, row, expectedVersion);
  if (Object.keys(after).length === 0) return row;

  const [changed] = await model.update(
    { ...changes, version: version + 1, updatedBy: currentContext().actorId ?? null },
    { where: and({ id: row.id, version }) },
  );
  if (changed === 0) throw versionConflict(model.entityType, row.id, version);
  AuditLog.record(action, { type: model.entityType, id: row.id }, { before, after, ...audited });
  return row.reload();
}

/** @throws Conflict VERSION_CONFLICT when the caller has seen another version */
export function refuseStale(
  { entityType }: { readonly entityType: string },
  { id, version }: Entity,
  expectedVersion: number | undefined,
): void {
  if (expectedVersion !== undefined && expectedVersion !== version) {
    throw versionConflict(entityType, id, version);
  }
}

export const versionConflict = (entityType: string, id: string, version: number): Conflict =>
  new Conflict(
    'VERSION_CONFLICT',
    `The ${entityType.replaceAll('_', ' ')} ${id} was changed meanwhile`,
    { current_version: version },
  );

export const archiveRow = <M extends Model & Entity>(
  model: EntityModel<M>,
  row: M,
  expectedVersion?: number,
): Promise<M> => editRow(model, row, { archivedAt: new Date() }, expectedVersion, 'ARCHIVE');

export const restoreRow = <M extends Model & Entity>(
  model: EntityModel<M>,
  row: M,
  expectedVersion?: number,
): Promise<M> => editRow(model, row, { archivedAt: null }, expectedVersion, 'RESTORE');

function difference<M extends Model & Entity>(row: M, changes: Partial<Attributes<M>>) {
  const before: Record<string, unknown> = {};
  const after: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(changes)) {
    const old: unknown = row.get(name);
    // Postgres gives the fields of jsonb back in an order of its own.
    if (isDeepStrictEqual(old, value)) continue;
    before[name] = old;
    after[name] = value;
  }
  return { before, after };
}
