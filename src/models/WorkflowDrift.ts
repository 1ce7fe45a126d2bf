import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import type { DriftFinding, DriftKind } from '../rules/workflowDrifts.ts';
import { column, coreTable } from './columns.ts';
import { execute } from './database.ts';

/** What an open run shows of the object that it stands for. */
export interface ShownRun {
  readonly stateVersion: number | undefined;
  /** Of its next timer. */
  readonly dueAt: Date | undefined;
}

/** How the two differ, as a person reads it. */
export interface DriftDetails {
  readonly row: { readonly stateVersion: number; readonly dueAt: string | null };
  readonly run: { readonly stateVersion: number | null; readonly dueAt: string | null } | null;
}

export interface FoundDrift {
  readonly kind: DriftKind;
  readonly entityId: string;
  readonly workflowId: string;
  readonly finding: DriftFinding;
  readonly details: DriftDetails;
}

/** A row and its run that the nightly check found to differ. */
export class WorkflowDrift extends Model<
  InferAttributes<WorkflowDrift>,
  InferCreationAttributes<WorkflowDrift>
> {
  declare id: string;
  declare companyId: string;
  declare kind: DriftKind;
  declare entityId: string;
  declare workflowId: string;
  declare finding: DriftFinding;
  declare details: DriftDetails;
  declare foundAt: Date;
  /** By the latest check that found it. */
  declare seenAt: Date;
  declare repairedAt: CreationOptional<Date | null>;
  declare repairedBy: CreationOptional<string | null>;
  /** When a check no longer found it. */
  declare resolvedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    WorkflowDrift.init(
      {
        id: column.id,
        companyId: column.uuid,
        kind: column.text,
        entityId: column.uuid,
        workflowId: column.text,
        finding: column.text,
        details: column.json,
        foundAt: column.instant,
        seenAt: column.instant,
        repairedAt: column.instant,
        repairedBy: column.uuid,
        resolvedAt: column.instant,
      },
      coreTable(sequelize, 'workflow_drifts'),
    );
  }

  /** Writes down what a check found; what is known already is seen once more. */
  static async note(companyId: string, found: readonly FoundDrift[], at: Date): Promise<void> {
    if (found.length === 0) return;
    await execute(
      `INSERT INTO core.workflow_drifts (company_id, id, kind, entity_id, workflow_id, finding, details,
         found_at, seen_at)
       SELECT $1::uuid, v.id, v.kind, v.entity_id, v.workflow_id, v.finding, v.details,
         $2::timestamptz, $2::timestamptz
       FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::jsonb[])
         AS v (id, kind, entity_id, workflow_id, finding, details)
       ON CONFLICT (company_id, workflow_id, finding) WHERE resolved_at IS NULL
       DO UPDATE SET details = EXCLUDED.details, seen_at = EXCLUDED.seen_at`,
      [
        companyId,
        at,
        found.map(() => uuid()),
        found.map(({ kind }) => kind),
        found.map(({ entityId }) => entityId),
        found.map(({ workflowId }) => workflowId),
        found.map(({ finding }) => finding),
        found.map(({ details }) => JSON.stringify(details)),
      ],
    );
  }

  /** What the check that began then has not found again is in order. */
  static async settle(since: Date): Promise<void> {
    await execute(
      `UPDATE core.workflow_drifts SET resolved_at = now()
       WHERE resolved_at IS NULL AND seen_at < $1`,
      [since],
    );
  }
}
