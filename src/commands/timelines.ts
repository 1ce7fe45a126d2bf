import type { UpdateDefinition } from '@temporalio/common';
import type { Actor } from '../context.ts';
import { withTenant } from '../models/database.ts';
import { Timer, type TimerName } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import type { AcknowledgementAction } from '../rules/acknowledgements.ts';
import type { LifecycleStatus } from '../models/workflowRows.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { uiUrlFor, type FailingStep, type Temporal } from './temporal.ts';
import type { WorkflowCommands } from './workflows.ts';

/** What happened, in business words. */
export interface PastEvent {
  readonly at: Date;
  readonly kind: 'event' | 'timer';
  readonly name: string;
  readonly title: string;
  readonly actorType: string;
  readonly reason: string | null;
}

/** Of a timer, or of what acknowledgements have instead. */
export type DateName = TimerName | AcknowledgementAction;

/** What will happen by itself. */
export interface FutureTimer {
  readonly name: DateName;
  readonly title: string;
  readonly dueAt: Date;
  readonly originalDueAt: Date;
  readonly remainingSeconds: number;
  readonly source: string;
  readonly consequence: string;
}

export interface Timeline {
  readonly workflowId: string;
  /** Where the run is seen, for those who operate runs. */
  readonly workflowUrl: string | null;
  readonly status: LifecycleStatus;
  readonly past: readonly PastEvent[];
  readonly future: readonly FutureTimer[];
}

/** Why it waits, on whom, since when, what would move it, and what happens next. */
export interface Explanation {
  readonly workflowId: string;
  /** Where the run is seen, for those who operate runs. */
  readonly workflowUrl: string | null;
  readonly status: LifecycleStatus;
  readonly summary: string;
  readonly waitsFor: 'nothing' | 'time' | 'person' | 'repair';
  readonly since: Date;
  readonly moves: readonly Move[];
  readonly next: FutureTimer | null;
  readonly consequence: string | null;
  readonly failingStep: Pick<FailingStep, 'name' | 'attempt' | 'error'> | null;
}

/** What would move it, and who may bring that about. */
export interface Move {
  readonly event: string;
  readonly who: string;
}

export interface TimerChange {
  readonly dueAt?: Date | undefined;
  /** Milliseconds, may be negative. */
  readonly extendByMs?: number | undefined;
  readonly reason: string;
  readonly dryRun: boolean;
  /** It is to be due now, which one that has fired was already. */
  readonly skips?: true;
}

/** What a moved timer does to the others. */
export interface TimerChanged {
  readonly dryRun: boolean;
  readonly scheduled: readonly { readonly name: TimerName; readonly dueAt: Date }[];
  readonly cancelled: readonly TimerName[];
}

/** What to send to the workflow for a change of a timer, and what that does to all of them. */
export interface PlannedChange<Wish> {
  readonly wish: Wish;
  readonly shown: TimerChanged;
}

/** How the timers of one kind of workflow are changed. */
interface ChangeableTimers<Wish, Result> {
  readonly workflows: WorkflowCommands;
  readonly update: UpdateDefinition<Result, [Wish]>;
  readonly workflowIdOf: (companyId: string, id: string) => string;
  /** Judges the change by the rows, in the open transaction. */
  readonly plan: (
    id: string,
    name: string,
    change: TimerChange,
    actor: Actor,
  ) => Promise<PlannedChange<Wish>>;
  /** What a change that took effect earlier answers; as a rule the timers that it left behind. */
  readonly shownAgain?: (id: string, name: string, change: TimerChange) => Promise<TimerChanged>;
}

/** The row of a workflow, as far as time and people are concerned. */
interface Living {
  readonly status: LifecycleStatus;
  readonly createdAt: Date;
  readonly workflowClosedAt: Date | null;
}

/** One kind of workflow in business words. */
export interface Story<Row extends Living> {
  /** `subscription`, as it stands in a sentence. */
  readonly noun: string;
  workflowId(companyId: string, id: string): string;
  /** In the open transaction. @throws NotFound for whoever may not look */
  find(actor: Actor, id: string): Promise<Row>;
  readonly eventTitles: Readonly<Record<string, string>>;
  /** Timers that are told when they fired; the others show as the event they cause. */
  isNotice(name: TimerName): boolean;
  titleOf(name: TimerName): string;
  /** What happens when the timer is due. */
  consequenceOf(name: TimerName, row: Row): string;
  movesOf(row: Row): readonly Move[];
  /** Whom it waits for before its next date, if anybody. */
  waitsForPerson(row: Row): string | undefined;
  /** The id of another workflow that it waits for now: what fails there holds it up as well. */
  awaits?(row: Row): string | undefined;
  /** What goes on while an open one has no date ahead; left out where there is always one. */
  readonly withoutDate?: string;
  /** Of a kind that has neither steps nor timers. In the open transaction. */
  readonly told?: {
    past(row: Row, most: number): Promise<readonly PastEvent[]>;
    /** Soonest first. */
    future(row: Row, most: number): Promise<readonly FutureTimer[]>;
  };
}

/** Of what goes on for years or is moved again and again only the last steps and timers are told. */
const mostShown = 1000;

/** Past, future and reasons of one kind of workflow, from its rows alone. */
export const createTimelines = <Row extends Living>(
  temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>,
  story: Story<Row>,
) => {
  const asFuture = ({ name, dueAt, originalDueAt, source }: Timer, row: Row): FutureTimer => ({
    name,
    title: story.titleOf(name),
    dueAt,
    originalDueAt,
    remainingSeconds: Math.max(0, Math.round((dueAt.getTime() - Date.now()) / 1000)),
    source,
    consequence: story.consequenceOf(name, row),
  });

  return {
    timeline: (actor: Actor, id: string): Promise<Timeline> =>
      withTenant(actor.companyId, async () => {
        const row = await story.find(actor, id);
        const transitions = await Transition.findAll({
          where: { entityId: id },
          order: [['stateVersion', 'DESC']],
          limit: mostShown,
        });
        const lastTimers = await Timer.findAll({
          where: { entityId: id, status: ['fired', 'scheduled'] },
          order: [
            ['dueAt', 'DESC'],
            ['name', 'DESC'],
          ],
          limit: mostShown,
        });
        const timers = lastTimers.toReversed();
        const events = transitions.toReversed().map((transition): PastEvent => ({
          at: transition.at,
          kind: 'event',
          name: transition.event,
          title: story.eventTitles[transition.event] ?? transition.event,
          actorType: transition.actorType,
          reason: transition.reason,
        }));
        const fired = timers.flatMap(({ firedAt, name }): PastEvent[] =>
          firedAt && story.isNotice(name)
            ? [
                {
                  at: firedAt,
                  kind: 'timer',
                  name,
                  title: story.titleOf(name),
                  actorType: 'workflow',
                  reason: null,
                },
              ]
            : [],
        );
        const { told } = story;
        const past = told ? await told.past(row, mostShown) : [...events, ...fired];
        const future = told
          ? await told.future(row, mostShown)
          : timers
              .filter(({ status }) => status === 'scheduled')
              .map((timer) => asFuture(timer, row));
        const workflowId = story.workflowId(actor.companyId, id);
        return {
          workflowId,
          workflowUrl: uiUrlFor(actor, temporal, workflowId),
          status: row.status,
          past: past.toSorted((a, b) => a.at.getTime() - b.at.getTime()),
          future,
        };
      }),

    async explain(actor: Actor, id: string): Promise<Explanation> {
      const workflowId = story.workflowId(actor.companyId, id);
      const { row, latest, ahead } = await withTenant(actor.companyId, async () => {
        const found = await story.find(actor, id);
        const [timer] = await Timer.scheduledFor(id);
        const [told] = (await story.told?.future(found, 1)) ?? [];
        return {
          row: found,
          latest: await Transition.findOne({
            where: { entityId: id },
            order: [['stateVersion', 'DESC']],
          }),
          ahead: told ?? (timer && asFuture(timer, found)),
        };
      });
      const isClosed = row.workflowClosedAt !== null;
      const own = isClosed ? undefined : await temporal.failingStep(workflowId);
      const awaited = isClosed || own ? undefined : story.awaits?.(row);
      const failingStep = own ?? (awaited && (await temporal.failingStep(awaited)));
      const next = ahead && !isClosed ? ahead : null;
      return {
        workflowId,
        workflowUrl: uiUrlFor(actor, temporal, workflowId),
        status: row.status,
        ...(failingStep
          ? repairOf(failingStep, story.movesOf(row), awaited)
          : standingOf(story, row, next)),
        since: latest?.at ?? row.createdAt,
        next,
        consequence: next && next.consequence,
        failingStep: failingStep
          ? { name: failingStep.name, attempt: failingStep.attempt, error: failingStep.error }
          : null,
      };
    },
  };
};

export type Timelines = ReturnType<typeof createTimelines>;

/** Moves a running timer; `dryRun` shows what would follow and changes nothing. */
export const createTimerChange =
  <Wish, Result>({
    workflows,
    update,
    workflowIdOf,
    plan,
    shownAgain = runningTimers,
  }: ChangeableTimers<Wish, Result>) =>
  async (
    actor: Actor,
    id: string,
    name: string,
    change: TimerChange,
    once: Once,
  ): Promise<TimerChanged | Replay> => {
    if (change.dryRun) {
      return withTenant(actor.companyId, async () => (await plan(id, name, change, actor)).shown);
    }
    return commandOnce(once, async (commandId) => {
      let changed: TimerChanged | undefined;
      await workflows.command(update, {
        actor,
        entityId: id,
        workflowId: workflowIdOf(actor.companyId, id),
        commandId,
        prepare: async () => {
          const { wish, shown } = await plan(id, name, change, actor);
          changed = shown;
          return wish;
        },
      });
      return changed ?? withTenant(actor.companyId, () => shownAgain(id, name, change));
    });
  };

const runningTimers = async (id: string): Promise<TimerChanged> => ({
  dryRun: false,
  scheduled: (await Timer.scheduledFor(id)).map(({ name, dueAt }) => ({ name, dueAt })),
  cancelled: [],
});

type Standing = Pick<Explanation, 'summary' | 'waitsFor' | 'moves'>;

/**
 * What stands in the way comes before what would be next.
 * @param awaited the other workflow whose step it is
 */
function repairOf(
  { name, movedBy }: FailingStep,
  moves: readonly Move[],
  awaited: string | undefined,
): Standing {
  switch (movedBy) {
    case 'retry':
      return {
        summary: `The step ${name} keeps failing and is tried again`,
        waitsFor: 'repair',
        moves,
      };
    case 'retryStep':
      return {
        summary: `The step ${name} failed for good; an operator must remove the cause and send retryStep to the workflow${awaited ? ` ${awaited}` : '. Until then every other command is refused'}`,
        waitsFor: 'repair',
        moves: [{ event: 'retryStep', who: 'an operator, where operators see the run' }],
      };
    case 'release':
      return {
        summary:
          'A fault in the program keeps it from going on; nothing is lost, and a release that mends the fault lets it go on by itself',
        waitsFor: 'repair',
        moves: [{ event: 'release', who: 'whoever releases the worker' }],
      };
    default:
      return movedBy satisfies never;
  }
}

/** A date that has come is no reason to wait. */
function standingOf<Row extends Living>(
  story: Story<Row>,
  row: Row,
  next: FutureTimer | null,
): Standing {
  const is = `The ${story.noun} is ${row.status.replaceAll('_', ' ')}`;
  if (row.workflowClosedAt) {
    return { summary: `${is}; nothing more will happen`, waitsFor: 'nothing', moves: [] };
  }
  const moves = story.movesOf(row);
  if (next && next.dueAt.getTime() <= Date.now()) {
    const summary = `${is}; "${next.title}" is due and being carried out`;
    return { summary, waitsFor: 'nothing', moves };
  }
  const person = story.waitsForPerson(row);
  if (person) return { summary: `${is} and waits for ${person}`, waitsFor: 'person', moves };
  if (!next && story.withoutDate) {
    return { summary: `${is}; ${story.withoutDate}`, waitsFor: 'nothing', moves };
  }
  return { summary: `${is} and waits for its next date`, waitsFor: 'time', moves };
}
