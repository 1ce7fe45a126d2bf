import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { OnboardingTimer, OnboardingTimerName } from '../rules/onboarding.ts';
import type { TimerName as TermTimerName, TimerPlan as TermTimer } from '../rules/termTimers.ts';
import { column, coreTable } from './columns.ts';
import { currentContext } from '../context.ts';
import { append, execute } from './database.ts';

export type TimerName = TermTimerName | OnboardingTimerName;

export type TimerPlan = TermTimer | OnboardingTimer;

const onboardingTimers: ReadonlySet<string> = new Set<OnboardingTimerName>([
  'verify_email',
  'review_reminder',
  'review_escalation',
  'review_expiry',
  'activation_reminder',
  'activation',
]);

export const isOnboardingTimer = (name: TimerName): name is OnboardingTimerName =>
  onboardingTimers.has(name);

export const isTermTimer = (name: TimerName): name is TermTimerName => !isOnboardingTimer(name);

/** A deadline as data: what the workflow waits for, who set it and who moved it. */
export class Timer extends Model<InferAttributes<Timer>, InferCreationAttributes<Timer>> {
  declare id: string;
  declare companyId: string;
  declare workflowId: string;
  declare entityType: string;
  declare entityId: string;
  /** Counts how often the same clock was set anew: the term number of a subscription. */
  declare occurrence: number;
  declare name: TimerName;
  declare dueAt: Date;
  declare originalDueAt: Date;
  declare source: TimerPlan['source'];
  declare status: 'scheduled' | 'fired' | 'cancelled' | 'paused';
  declare firedAt: CreationOptional<Date | null>;
  declare changedBy: CreationOptional<string | null>;
  declare reason: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;

  static define(sequelize: Sequelize): void {
    Timer.init(
      {
        id: column.id,
        companyId: column.uuid,
        workflowId: column.text,
        entityType: column.text,
        entityId: column.uuid,
        occurrence: column.integer,
        name: column.text,
        dueAt: column.instant,
        originalDueAt: column.instant,
        source: column.text,
        status: column.text,
        firedAt: column.instant,
        changedBy: column.uuid,
        reason: column.text,
        createdAt: column.instant,
        updatedAt: column.instant,
      },
      { ...coreTable<Timer>(sequelize, 'timers'), timestamps: true },
    );
  }

  /** Sets the clocks of one entity; they commit with the step that sets them. */
  static schedule(
    about: Pick<Timer, 'workflowId' | 'entityType' | 'entityId'>,
    plans: readonly TimerPlan[],
  ): void {
    for (const { name, occurrence, dueAt, source } of plans) {
      append(Timer, {
        ...about,
        name,
        occurrence,
        source,
        dueAt: new Date(dueAt),
        originalDueAt: new Date(dueAt),
        status: 'scheduled',
      });
    }
  }

  /** What still lies ahead of one entity, soonest first. */
  static scheduledFor(entityId: string): Promise<Timer[]> {
    return Timer.findAll({
      where: { entityId, status: 'scheduled' },
      order: [
        ['dueAt', 'ASC'],
        ['name', 'ASC'],
      ],
    });
  }

  /** @returns false when it had fired or was cancelled before. */
  static async fire(
    ref: { entityId: string; occurrence: number; name: TimerName },
    at: Date,
  ): Promise<boolean> {
    const [fired] = await Timer.update(
      { status: 'fired', firedAt: at },
      { where: { ...ref, status: 'scheduled' } },
    );
    return fired === 1;
  }

  /**
   * Sets the given timers to their new times, in one statement.
   * @param source whose numbers these are; as before where it is left out
   */
  static async move(
    entityId: string,
    timers: readonly Pick<TimerPlan, 'name' | 'occurrence' | 'dueAt'>[],
    reason: string,
    source: TimerPlan['source'] | null = null,
  ): Promise<void> {
    await execute(
      `UPDATE core.timers AS t
       SET due_at = v.due_at, reason = $5, changed_by = $6, source = coalesce($7, t.source),
         updated_at = now()
       FROM unnest($2::text[], $3::integer[], $4::timestamptz[]) AS v (name, occurrence, due_at)
       WHERE t.entity_id = $1 AND t.name = v.name AND t.occurrence = v.occurrence
         AND t.status = 'scheduled' AND t.due_at <> v.due_at`,
      [
        entityId,
        timers.map(({ name }) => name),
        timers.map(({ occurrence }) => occurrence),
        timers.map(({ dueAt }) => new Date(dueAt)),
        reason,
        currentContext().actorId ?? null,
        source,
      ],
    );
  }

  /** Takes back all that is still scheduled, or only the named ones. */
  static async cancelScheduled(
    entityId: string,
    reason: string,
    names?: readonly TimerName[],
  ): Promise<void> {
    await Timer.update(
      { status: 'cancelled', reason },
      { where: { entityId, status: 'scheduled', ...(names && { name: [...names] }) } },
    );
  }
}
