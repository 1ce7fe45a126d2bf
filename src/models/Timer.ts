import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import {
  isBookingTimer,
  type BookingTimer,
  type BookingTimerName,
} from '../rules/bookingClocks.ts';
import { isClaimTimer, type ClaimTimer, type ClaimTimerName } from '../rules/claimClocks.ts';
import type { OnboardingTimer, OnboardingTimerName } from '../rules/onboarding.ts';
import type { PaymentTimer, PaymentTimerName } from '../rules/payments.ts';
import { isPolicyTimer, type PolicyTimer, type PolicyTimerName } from '../rules/policyClocks.ts';
import type { TimerName as TermTimerName, TimerPlan as TermTimer } from '../rules/termTimers.ts';
import { grouped } from '../rules/grouped.ts';
import { column, coreTable } from './columns.ts';
import { currentContext } from '../context.ts';
import { append, execute } from './database.ts';

export type TimerName =
  | TermTimerName
  | OnboardingTimerName
  | ClaimTimerName
  | PaymentTimerName
  | PolicyTimerName
  | BookingTimerName;

export type TimerPlan =
  TermTimer | OnboardingTimer | ClaimTimer | PaymentTimer | PolicyTimer | BookingTimer;

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

export const isPaymentTimer = (name: TimerName): name is PaymentTimerName =>
  name === 'payment_retry';

export const isTermTimer = (name: TimerName): name is TermTimerName =>
  !isOnboardingTimer(name) &&
  !isClaimTimer(name) &&
  !isPaymentTimer(name) &&
  !isPolicyTimer(name) &&
  !isBookingTimer(name);

/** A deadline ahead, as a workflow sees it; `dueAt` is epoch milliseconds. */
export interface TimerAhead<Name extends TimerName> {
  readonly name: Name;
  readonly occurrence: number;
  readonly dueAt: number;
}

/**
 * What lies ahead of one entity, soonest first.
 * @param known the same, of whoever has just set them; read from the rows when it is left out
 */
export async function timersAhead<Name extends TimerName>(
  entityId: string,
  isOfKind: (name: TimerName) => name is Name,
  known?: readonly TimerAhead<Name>[],
): Promise<readonly TimerAhead<Name>[]> {
  if (known) {
    return known
      .map(({ name, occurrence, dueAt }) => ({ name, occurrence, dueAt }))
      .toSorted((a, b) => a.dueAt - b.dueAt);
  }
  return aheadAmong(await Timer.scheduledFor(entityId), isOfKind);
}

/** The same of several entities at once. */
export async function timersAheadOfAll(entityIds: readonly string[]) {
  const rows = await Timer.findAll({
    where: { entityId: [...entityIds], status: 'scheduled' },
    order: [
      ['dueAt', 'ASC'],
      ['name', 'ASC'],
    ],
  });
  const timers = grouped(rows.map((row) => [row.entityId, row] as const));
  return <Name extends TimerName>(
    entityId: string,
    isOfKind: (name: TimerName) => name is Name,
  ): readonly TimerAhead<Name>[] => aheadAmong(timers.of(entityId), isOfKind);
}

const aheadAmong = <Name extends TimerName>(
  rows: readonly Timer[],
  isOfKind: (name: TimerName) => name is Name,
): readonly TimerAhead<Name>[] =>
  rows.flatMap(({ name, occurrence, dueAt }) =>
    isOfKind(name) ? [{ name, occurrence, dueAt: dueAt.getTime() }] : [],
  );

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
  /** Since when it stands still. */
  declare pausedAt: CreationOptional<Date | null>;
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
        pausedAt: column.instant,
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

  /** @returns when it was due; undefined when it had fired or was cancelled before. */
  static async fire(
    ref: { entityId: string; occurrence: number; name: TimerName },
    at: Date,
  ): Promise<Date | undefined> {
    const [, [fired]] = await Timer.update(
      { status: 'fired', firedAt: at },
      { where: { ...ref, status: 'scheduled' }, returning: true },
    );
    return fired?.dueAt;
  }

  /**
   * Sets the given timers to their new times, in one statement; one that stands still goes on standing.
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
         AND t.status IN ('scheduled', 'paused') AND t.due_at <> v.due_at`,
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

  /** Running or standing still, soonest first. */
  static setFor(entityId: string): Promise<Timer[]> {
    return Timer.findAll({
      where: { entityId, status: ['scheduled', 'paused'] },
      order: [
        ['dueAt', 'ASC'],
        ['name', 'ASC'],
      ],
    });
  }

  /** The same of several entities at once. */
  static async setForAll(entityIds: readonly string[]) {
    const rows = await Timer.findAll({
      where: { entityId: [...entityIds], status: ['scheduled', 'paused'] },
      order: [
        ['dueAt', 'ASC'],
        ['name', 'ASC'],
      ],
    });
    return grouped(rows.map((row) => [row.entityId, row] as const));
  }

  /** The number under which clocks of an entity are set next. */
  static async nextOccurrence(entityId: string): Promise<number> {
    const latest: unknown = await Timer.max('occurrence', { where: { entityId } });
    return Number(latest ?? 0) + 1;
  }

  /** Lets timers stand still; what is left of them is given back by `resume`. */
  static async pause(timers: readonly Timer[], at: Date, reason: string): Promise<void> {
    if (timers.length === 0) return;
    await Timer.update(
      { status: 'paused', pausedAt: at, reason },
      { where: { id: timers.map(({ id }) => id) } },
    );
  }

  /** Lets timers that stood still go on, each until its new time (epoch milliseconds). */
  static async resume(
    timers: readonly { readonly timer: Timer; readonly dueAt: number }[],
  ): Promise<void> {
    if (timers.length === 0) return;
    await execute(
      `UPDATE core.timers AS t
       SET status = 'scheduled', due_at = v.due_at, paused_at = NULL, updated_at = now()
       FROM unnest($1::uuid[], $2::timestamptz[]) AS v (id, due_at)
       WHERE t.id = v.id AND t.status = 'paused'`,
      [timers.map(({ timer }) => timer.id), timers.map(({ dueAt }) => new Date(dueAt))],
    );
  }

  /** Takes the given ones back. */
  static async cancel(timers: readonly Timer[], reason: string): Promise<void> {
    if (timers.length === 0) return;
    await Timer.update(
      { status: 'cancelled', reason },
      { where: { id: timers.map(({ id }) => id) } },
    );
  }

  /** Takes back all that runs or stands still, or only the named ones. */
  static async cancelSet(
    entityId: string,
    reason: string,
    names?: readonly TimerName[],
  ): Promise<void> {
    await Timer.update(
      { status: 'cancelled', reason },
      {
        where: { entityId, status: ['scheduled', 'paused'], ...(names && { name: [...names] }) },
      },
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
