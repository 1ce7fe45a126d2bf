import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import type { AlertKind } from '../rules/alerts.ts';
import { objectOf, type WorkflowKind } from '../rules/workflowIds.ts';
import { column, coreTable } from './columns.ts';
import { execute, select } from './database.ts';

/** What is wrong at present, and with what. */
export interface Cause {
  readonly kind: AlertKind;
  /** The id of a run, the name of a task queue, or whose counts they are. */
  readonly subject: string;
  readonly since: Date;
  /** The step, the timer, why a start failed, or the differences. */
  readonly detail: string | null;
  /** How often a step has failed. */
  readonly attempts: number | null;
}

/** One thing that somebody has to look at, from when it was found until it is no longer so. */
export class Alert extends Model<InferAttributes<Alert>, InferCreationAttributes<Alert>> {
  static readonly entityType = 'alert';

  declare id: string;
  declare companyId: string;
  declare kind: AlertKind;
  declare subject: string;
  /** Of the object that the run stands for; NULL for jobs and queues. */
  declare type: CreationOptional<WorkflowKind | null>;
  declare entityId: CreationOptional<string | null>;
  declare since: Date;
  declare detail: CreationOptional<string | null>;
  declare attempts: CreationOptional<number | null>;
  declare raisedAt: Date;
  /** By the latest look that found it. */
  declare seenAt: Date;
  declare acknowledgedAt: CreationOptional<Date | null>;
  declare acknowledgedBy: CreationOptional<string | null>;
  /** Why it was acknowledged. */
  declare reason: CreationOptional<string | null>;
  /** When a look no longer found it. */
  declare resolvedAt: CreationOptional<Date | null>;

  static define(sequelize: Sequelize): void {
    Alert.init(
      {
        id: column.id,
        companyId: column.uuid,
        kind: column.text,
        subject: column.text,
        type: column.text,
        entityId: column.uuid,
        since: column.instant,
        detail: column.text,
        attempts: column.integer,
        raisedAt: column.instant,
        seenAt: column.instant,
        acknowledgedAt: column.instant,
        acknowledgedBy: column.uuid,
        reason: column.text,
        resolvedAt: column.instant,
      },
      coreTable(sequelize, 'alerts'),
    );
  }

  /**
   * Writes down what was found; what is known already is seen once more.
   * @returns those that are new
   */
  static async note(
    companyId: string,
    causes: readonly Cause[],
    at: Date,
  ): Promise<readonly RaisedAlert[]> {
    if (causes.length === 0) return [];
    const ids = causes.map(() => uuid());
    const objects = causes.map(({ subject }) => objectOf(subject));
    const noted = await select<RaisedAlert>(
      `INSERT INTO core.alerts (company_id, id, kind, subject, type, entity_id, since, detail,
         attempts, raised_at, seen_at)
       SELECT $1::uuid, v.id, v.kind, v.subject, v.type, v.entity_id, v.since, v.detail, v.attempts,
         $2::timestamptz, $2::timestamptz
       FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::timestamptz[],
           $9::text[], $10::integer[])
         AS v (id, kind, subject, type, entity_id, since, detail, attempts)
       ON CONFLICT (company_id, kind, subject) WHERE resolved_at IS NULL
       DO UPDATE SET seen_at = EXCLUDED.seen_at, detail = EXCLUDED.detail,
         attempts = EXCLUDED.attempts
       RETURNING id, kind, subject`,
      [
        companyId,
        at,
        ids,
        causes.map(({ kind }) => kind),
        causes.map(({ subject }) => subject),
        objects.map((object) => object?.kind ?? null),
        objects.map((object) => object?.id ?? null),
        causes.map(({ since }) => since),
        causes.map(({ detail }) => detail),
        causes.map(({ attempts }) => attempts),
      ],
    );
    const made = new Set(ids);
    return noted.filter(({ id }) => made.has(id));
  }

  /** What the look of that time has not found again is over. @returns how many */
  static settle(kinds: readonly AlertKind[], at: Date): Promise<number> {
    return execute(
      `UPDATE core.alerts SET resolved_at = now()
       WHERE resolved_at IS NULL AND kind = ANY ($1::text[]) AND seen_at < $2`,
      [kinds, at],
    );
  }
}

export type RaisedAlert = Pick<Alert, 'id' | 'kind' | 'subject'>;
