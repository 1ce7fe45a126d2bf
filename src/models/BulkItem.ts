import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import type { BulkResult } from '../rules/runActions.ts';
import type { WorkflowKind } from '../rules/workflowIds.ts';
import { column, coreTable } from './columns.ts';
import { execute, select } from './database.ts';

/** What became of one run. */
export interface ItemOutcome {
  readonly result: Exclude<BulkResult, 'pending'>;
  readonly code?: string;
  readonly message?: string;
}

/** Those that are still to be carried out: after an abort only what was begun, to its end. */
const due = `i.result = 'pending' AND (i.tries > 0 OR NOT EXISTS (
  SELECT FROM core.bulk_operations b
  WHERE b.company_id = i.company_id AND b.id = i.bulk_id AND b.aborted_at IS NOT NULL))`;

/** One run of a bulk operation, fixed when that began. */
export class BulkItem extends Model<InferAttributes<BulkItem>, InferCreationAttributes<BulkItem>> {
  declare id: string;
  declare companyId: string;
  declare bulkId: string;
  declare kind: WorkflowKind;
  declare entityId: string;
  declare result: CreationOptional<BulkResult>;
  /** How often it was begun. */
  declare tries: CreationOptional<number>;
  declare code: CreationOptional<string | null>;
  declare message: CreationOptional<string | null>;
  declare endedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    BulkItem.init(
      {
        id: column.id,
        companyId: column.uuid,
        bulkId: column.uuid,
        kind: column.text,
        entityId: column.uuid,
        result: column.text,
        tries: column.integer,
        code: column.text,
        message: column.text,
        endedAt: column.instant,
      },
      coreTable(sequelize, 'bulk_items'),
    );
  }

  /** In the order in which they are carried out. */
  static async fix(
    companyId: string,
    bulkId: string,
    runs: readonly { readonly kind: WorkflowKind; readonly id: string }[],
  ): Promise<void> {
    await execute(
      `INSERT INTO core.bulk_items (company_id, id, bulk_id, kind, entity_id)
       SELECT $1::uuid, v.id, $2::uuid, v.kind, v.entity_id
       FROM unnest($3::uuid[], $4::text[], $5::uuid[]) AS v (id, kind, entity_id)`,
      [
        companyId,
        bulkId,
        runs.map(() => uuid()),
        runs.map(({ kind }) => kind),
        runs.map(({ id }) => id),
      ],
    );
  }

  /** The next ones; what nobody answered about waits until all others had their turn. */
  static next(
    bulkId: string,
    most: number,
  ): Promise<Pick<BulkItem, 'id' | 'kind' | 'entityId' | 'tries'>[]> {
    return select(
      `SELECT i.id, i.kind, i.entity_id AS "entityId", i.tries FROM core.bulk_items i
       WHERE i.bulk_id = $1 AND ${due} ORDER BY i.tries, i.id LIMIT $2`,
      [bulkId, most],
    );
  }

  /** How many are left, and how often each of them was begun at least. */
  static async left(bulkId: string): Promise<{ readonly left: number; readonly tries: number }> {
    const [counted] = await select<{ left: number; tries: number }>(
      `SELECT count(*)::integer AS left, coalesce(min(i.tries), 0) AS tries
       FROM core.bulk_items i WHERE i.bulk_id = $1 AND ${due}`,
      [bulkId],
    );
    return counted ?? { left: 0, tries: 0 };
  }

  /** @returns the number of the try; undefined where nothing is to be done any more */
  static async begin(id: string): Promise<number | undefined> {
    const [begun] = await select<{ tries: number }>(
      `WITH begun AS (UPDATE core.bulk_items i SET tries = i.tries + 1
         WHERE i.id = $1 AND ${due} RETURNING i.tries)
       SELECT tries FROM begun`,
      [id],
    );
    return begun?.tries;
  }

  /** @returns false where an outcome is there already, which stays */
  static async end(id: string, { result, code, message }: ItemOutcome): Promise<boolean> {
    const [ended] = await BulkItem.update(
      {
        result,
        code: code ?? null,
        message: message?.slice(0, 500) ?? null,
        endedAt: new Date(),
      },
      { where: { id, result: 'pending' } },
    );
    return ended > 0;
  }
}
