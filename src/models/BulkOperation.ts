import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { Actor } from '../context.ts';
import type { BulkStatus, RunAction } from '../rules/runActions.ts';
import type { WorkflowKind } from '../rules/workflowIds.ts';
import { column, coreTable } from './columns.ts';
import type { LifecycleStatus } from './workflowRows.ts';

/** What the runs were found by; the text that was searched for may be a name, and is not kept. */
export interface BulkFilter {
  readonly type?: WorkflowKind | undefined;
  readonly status?: LifecycleStatus | undefined;
  readonly overdue?: boolean | undefined;
  readonly blocked?: boolean | undefined;
  readonly createdAfter?: string | undefined;
  readonly createdBefore?: string | undefined;
}

/** One action on many runs, for whoever asked for it, with the rights that they had then. */
export class BulkOperation extends Model<
  InferAttributes<BulkOperation>,
  InferCreationAttributes<BulkOperation>
> {
  static readonly entityType = 'bulk_operation';

  declare id: string;
  declare companyId: string;
  declare action: RunAction;
  declare filter: BulkFilter;
  declare reason: string;
  declare perSecond: number;
  declare asker: Pick<Actor, 'type' | 'userId' | 'roles' | 'key'>;
  declare createdAt: CreationOptional<Date>;
  declare abortedAt: CreationOptional<Date | null>;
  declare abortedBy: CreationOptional<string | null>;
  declare abortReason: CreationOptional<string | null>;
  /** Nothing is left to be done. */
  declare workflowClosedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    BulkOperation.init(
      {
        id: column.id,
        companyId: column.uuid,
        action: column.text,
        filter: column.json,
        reason: column.text,
        perSecond: column.integer,
        asker: column.json,
        createdAt: column.instant,
        abortedAt: column.instant,
        abortedBy: column.uuid,
        abortReason: column.text,
        workflowClosedAt: column.instant,
      },
      coreTable(sequelize, 'bulk_operations'),
    );
  }
}

export function bulkStatusOf({
  abortedAt,
  workflowClosedAt,
}: Pick<BulkOperation, 'abortedAt' | 'workflowClosedAt'>): BulkStatus {
  if (abortedAt) return 'aborted';
  return workflowClosedAt ? 'finished' : 'running';
}
