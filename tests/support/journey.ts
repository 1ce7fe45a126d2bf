import { setTimeout } from 'node:timers/promises';
import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { pino } from 'pino';
import { createDispatcher, type Dispatcher } from '../../src/commands/dispatch.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import type { Subscribe } from '../../src/commands/subscribe.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { createSubscriptions, type Subscriptions } from '../../src/commands/subscriptions.ts';
import {
  createSubscriptionTimelines,
  type SubscriptionTimelines,
} from '../../src/commands/subscriptionTimelines.ts';
import { createWorkflowCommands, type WorkflowCommands } from '../../src/commands/workflows.ts';
import type { Temporal } from '../../src/commands/temporal.ts';
import type { Actor } from '../../src/context.ts';
import type { Company } from '../../src/models/Company.ts';
import type { InsurancePlan } from '../../src/models/InsurancePlan.ts';
import { addDays, dateAt, startOfDay, type CalendarDate } from '../../src/rules/calendar.ts';
import type { Isolation } from '../../src/rules/companies.ts';
import type { Role } from '../../src/rules/permissions.ts';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, buildCompany, buildDedicatedCompany, buildPlan, once } from './build.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';
import { openSkippingTemporal, type Mail, type TestTemporal } from './lifecycle.ts';
import { openTestGateway, type TestGateway } from './payments.ts';

/** Commands, workflows, activities and rows as they run, on a Temporal whose time can be skipped. */
export interface Journeys {
  readonly database: TestDatabase;
  readonly server: TestTemporal;
  readonly subscriptions: Subscriptions;
  readonly timelines: SubscriptionTimelines;
  /** For commands of other kinds of workflow. */
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
  /** A promised start, as the relay carries it out. */
  start(entry: WorkflowStart): Promise<void>;
  /** Waits until nothing is under way in a run. @returns whether it runs on */
  settled(workflowId: string): Promise<boolean>;
  /** Goes from timer to timer of an object until its workflow is over. */
  endOf(workflowId: string, entityId: string): Promise<void>;
  /** `clear` ends this run as well. */
  track(workflowId: string): void;
  /** A company with a plan and a holder who has just bought it. */
  begin(wish?: Begin): Promise<Journey>;
  /** The server's present. */
  now(): number;
  /** Lets all that is due until then happen. */
  passUntil(instant: number): Promise<void>;
  /**
   * Ends the runs that a journey left open, so that the next one has the time for itself. They come to
   * rest first: a run that ends with work under way keeps the server from ever skipping time again.
   */
  clear(): Promise<void>;
  close(): Promise<void>;
}

export interface Begin {
  readonly isolation?: Isolation;
  readonly timeZone?: string;
  readonly settings?: Company['settings'];
  readonly plan?: Partial<Parameters<typeof buildPlan>[0]>;
  readonly autoRenew?: boolean;
  /** Days from today to the start. */
  readonly startsIn?: number;
  /** False: the first mails may be under way still. */
  readonly rest?: boolean;
}

/** One subscription and what can be seen of it. */
export interface Journey {
  readonly id: string;
  readonly workflowId: string;
  readonly policyNumber: string;
  readonly company: Company;
  readonly plan: InsurancePlan;
  readonly holder: Actor & { readonly userId: string; readonly email: string };
  /** Changes the plan, or the subscription's row, behind everybody's back; an SQL SET list. */
  setPlan(changes: string): Promise<void>;
  setRow(changes: string): Promise<void>;
  /** Somebody else of the company. */
  staff(role: Role): Promise<Actor>;
  cancel(
    wish?: { effectiveDate?: CalendarDate; reason?: string },
    key?: string,
    requestId?: string,
  ): Promise<unknown>;
  renew(actor?: Actor): Promise<unknown>;
  moveExpiry(dueAt: number): Promise<unknown>;
  /** Past the commands' own checks: straight to the running workflow. */
  send<Result, Wish>(
    update: UpdateDefinition<Result, [Wish]>,
    commandId: string,
    wish: Wish,
  ): Promise<Result>;
  /** Epoch milliseconds of the first moment of the day, in the company's zone. */
  startOf(date: CalendarDate): number;
  /** The company's date at an instant. */
  dateAt(instant: number): CalendarDate;
  /** Waits until nothing is under way. */
  rest(): Promise<boolean>;
  /** Goes from timer to timer until the workflow is over. */
  end(): Promise<void>;
  row(): Promise<Row>;
  /** Epoch milliseconds of the expiry, as the row has it now. */
  expiresAt(): Promise<number>;
  policy(): Promise<Row>;
  terms(): Promise<Row[]>;
  timers(): Promise<Row[]>;
  transitions(): Promise<Row[]>;
  notifications(): Promise<Row[]>;
  audit(): Promise<Row[]>;
  /** Subjects of the mails to the holder, in order. */
  subjects(): string[];
  mails(): Mail[];
}

/** A row as Postgres writes it in JSON: dates and instants are texts. */
export type Row = Readonly<Record<string, unknown>>;

export async function openJourneys(
  open: () => Promise<TestTemporal> = openSkippingTemporal,
): Promise<Journeys> {
  const server = await open();
  const database = await openTestDatabase({ poolMax: 20, acquireTimeoutMs: 60_000 });
  // One login is API and worker here; only the worker's may make schemas and retire the audit.
  await database.sql(
    `GRANT EXECUTE ON FUNCTION app.prepare_business_schema(), app.drop_unused_business_schema(),
       app.retire_audit_month() TO app_api`,
  );
  const clock = shiftClock(() => server.env.currentTimeMs());
  const temporal: Pick<Temporal, 'start' | 'command' | 'outcome'> = {
    start: (entry) => clock.paused(() => server.temporal.start(entry)),
    command: (update, target) => clock.paused(() => server.temporal.command(update, target)),
    outcome: (sent) => clock.paused(() => server.temporal.outcome(sent)),
  };
  const log = pino({ level: 'silent' });
  const dispatcher = createDispatcher({ temporal, log });
  const workflows = createWorkflowCommands(temporal);
  const subscriptions = createSubscriptions({ dispatcher, workflows });
  const timelines = createSubscriptionTimelines({ temporal: server.temporal, workflows });
  const begun = new Set<string>();
  await clock.adjust();

  /** Waits until nothing is under way, seen twice in a row. @returns whether the workflow runs on */
  const settled = (workflowId: string): Promise<boolean> =>
    clock.paused(async () => {
      for (let quietSince = -1; ; await setTimeout(50)) {
        const handle = server.temporal.client.workflow.getHandle(workflowId);
        const described = await handle.describe().catch(noneIfRemoved);
        if (described?.status.name !== 'RUNNING') return false;
        const { raw, historyLength } = described;
        const isQuiet =
          !raw.pendingActivities?.length &&
          !raw.pendingWorkflowTask &&
          !(await isTaskUnderWay(handle));
        if (isQuiet && quietSince === historyLength) return true;
        quietSince = isQuiet ? historyLength : -1;
      }
    });

  const nextDueAt = async (id: string): Promise<number> => {
    const [next] = await database.sql<{ dueAt: Date | null }>(
      `SELECT min(due_at) AS "dueAt" FROM core.timers WHERE entity_id = $1 AND status = 'scheduled'`,
      [id],
    );
    return next?.dueAt?.getTime() ?? Date.now() + dayMs;
  };

  async function endOf(workflowId: string, entityId: string): Promise<void> {
    while (await settled(workflowId)) await passUntil((await nextDueAt(entityId)) + 1000);
    await server.temporal.client.workflow.getHandle(workflowId).result();
  }

  async function begin({ isolation, timeZone, settings, plan: overrides, ...wish }: Begin = {}) {
    const facts = { ...(timeZone && { timeZone }), ...(settings && { settings }) };
    const company =
      isolation === 'dedicated_schema'
        ? await buildDedicatedCompany(database.sql, facts)
        : await buildCompany(facts);
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id, ...overrides });
    const { autoRenew = false, startsIn = 0 } = wish;
    const order: Subscribe = {
      insurancePlanId: plan.id,
      autoRenew,
      startDate: dateAt(Date.now() + startsIn * dayMs, company.timeZone),
    };
    const view = await as(holder, () =>
      subscriptions.subscribe(holder, company, order, once(holder)),
    );
    if (view instanceof Replay) throw new Error('A first request is no replay');
    await dispatcher.drained();
    const { id } = view.subscription;
    begun.add(subscriptionWorkflowId(company.id, id));
    if (wish.rest !== false) await settled(subscriptionWorkflowId(company.id, id));
    return journeyOf({ id, policyNumber: view.policyNumber, company, plan, holder });
  }

  function journeyOf(
    facts: Pick<Journey, 'id' | 'policyNumber' | 'company' | 'plan' | 'holder'>,
  ): Journey {
    const { id, company, holder } = facts;
    const business = company.schemaName;
    const workflowId = subscriptionWorkflowId(company.id, id);
    const rows = async (table: string, where: string, order = 'id'): Promise<Row[]> => {
      const found = await database.sql<{ row: Row }>(
        `SELECT to_jsonb(t) AS row FROM ${table} AS t WHERE ${where} ORDER BY ${order}`,
        [id],
      );
      return found.map(({ row }) => row);
    };
    const only = async (table: string, where: string): Promise<Row> => {
      const [row] = await rows(table, where);
      if (!row) throw new Error(`Nothing of the subscription ${id} in ${table}`);
      return row;
    };
    const row = (): Promise<Row> => only(`${business}.policy_subscriptions`, 'id = $1');
    const mails = (): Mail[] => server.mails.filter(({ to }) => to === holder.email);
    return {
      ...facts,
      workflowId,
      async setPlan(changes) {
        const { id: planId } = facts.plan;
        await database.sql(`UPDATE ${business}.insurance_plans SET ${changes} WHERE id = $1`, [
          planId,
        ]);
      },
      async setRow(changes) {
        await database.sql(`UPDATE ${business}.policy_subscriptions SET ${changes} WHERE id = $1`, [
          id,
        ]);
      },
      staff: (role) => buildActor({ companyId: company.id, role }),
      cancel: (wish = {}, key, requestId) =>
        as(holder, () => subscriptions.cancel(holder, id, wish, once(holder, key)), requestId),
      renew: (actor = holder) => as(actor, () => subscriptions.renew(actor, id, {}, once(actor))),
      async moveExpiry(dueAt) {
        const admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
        const change = { dueAt: new Date(dueAt), reason: 'Agreed by phone', dryRun: false };
        return as(admin, () => timelines.changeTimer(admin, id, 'expiry', change, once(admin)));
      },
      send: (update, commandId, wish) =>
        as(holder, () => temporal.command(update, { workflowId, commandId, wish })),
      startOf: (date) => startOfDay(date, company.timeZone),
      dateAt: (instant) => dateAt(instant, company.timeZone),
      rest: () => settled(workflowId),
      end: () => endOf(workflowId, id),
      row,
      expiresAt: async () => instantOf((await row())['expires_at']),
      policy: () =>
        only(
          `${business}.policies`,
          `id = (SELECT policy_id FROM ${business}.policy_subscriptions WHERE id = $1)`,
        ),
      terms: () => rows(`${business}.subscription_terms`, 'subscription_id = $1', 'term_no'),
      timers: () => rows('core.timers', 'entity_id = $1', 'due_at, name'),
      transitions: () => rows('core.transitions', 'entity_id = $1', 'state_version'),
      notifications: () => rows('core.notifications', 'entity_id = $1'),
      audit: () => rows('core.audit_logs', 'entity_id = $1'),
      mails,
      subjects: () => mails().map(({ subject }) => subject),
    };
  }

  async function passUntil(instant: number): Promise<void> {
    await server.env.sleep(Math.max(1, instant - (await server.env.currentTimeMs())));
    await clock.adjust();
  }

  /**
   * Each test begins in the middle of a morning, whatever the hour is: far from midnight, where two looks
   * at the clock may show two dates, and from the hours at which work begins and ends.
   */
  async function passUntilMorning(): Promise<void> {
    if (!server.skipsTime) return;
    const tomorrow = addDays(dateAt(Date.now(), 'Europe/Berlin'), 1);
    await passUntil(startOfDay(tomorrow, 'Europe/Berlin') + morningMs);
  }

  await passUntilMorning();
  return {
    database,
    server,
    subscriptions,
    timelines,
    dispatcher,
    start: temporal.start,
    workflows,
    settled,
    endOf,
    track: (workflowId) => void begun.add(workflowId),
    begin,
    now: () => Date.now(),
    passUntil,
    async clear() {
      for (const workflowId of begun) {
        if ((await settled(workflowId)) && server.skipsTime) await passUntil(Date.now() + 60_000);
        if (await settled(workflowId)) {
          const handle = server.temporal.client.workflow.getHandle(workflowId);
          await clock.paused(() => handle.terminate('The test is over'));
        }
      }
      begun.clear();
      await passUntilMorning();
    },
    async close() {
      clock.restore();
      await dispatcher.drained();
      await server.close();
      await database.close();
    },
  };
}

/** The hooks of a suite of journeys: opened before it, cleared after each test, closed at the end. */
export function useJourneys(
  use: (opened: Journeys) => void,
  open?: () => Promise<TestTemporal>,
): void {
  let journeys: Journeys | undefined;

  beforeAll(async () => {
    journeys = await openJourneys(open);
    use(journeys);
  });

  afterEach(() => journeys?.clear());

  afterAll(() => journeys?.close());
}

/** The same, with a simulated gateway that the workers pay by. */
export function useJourneysWithGateway(
  use: (opened: Journeys, gateway: TestGateway) => void,
  open = openSkippingTemporal,
): void {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await openTestGateway();
  });

  afterAll(() => gateway.close());

  useJourneys(
    (journeys) => use(journeys, gateway),
    () => open(() => ({ gateway: gateway.gateway })),
  );
}

export const dayMs = 86_400_000;

/** Twenty past ten: off the hours and half hours by which the acts of models are apart. */
const morningMs = (10 * 60 + 20) * 60_000;

/** Epoch milliseconds of a row's instant. */
export const instantOf = (value: unknown): number => {
  const instant = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(instant)) throw new Error(`Not an instant: ${String(value)}`);
  return instant;
};

export const events = async (journey: Journey): Promise<unknown[]> =>
  (await journey.transitions()).map(({ event }) => event);

/**
 * Whether the workflow's own code is to run. The server that skips time does not say so when it describes a
 * run: only its history does.
 */
async function isTaskUnderWay(handle: Pick<WorkflowHandle, 'fetchHistory'>): Promise<boolean> {
  const history = await handle.fetchHistory();
  const last = history.events?.findLast(
    (event) =>
      event.workflowTaskScheduledEventAttributes ??
      event.workflowTaskStartedEventAttributes ??
      event.workflowTaskCompletedEventAttributes ??
      event.workflowTaskFailedEventAttributes ??
      event.workflowTaskTimedOutEventAttributes,
  );
  return Boolean(
    last?.workflowTaskScheduledEventAttributes ?? last?.workflowTaskStartedEventAttributes,
  );
}

interface ShiftedClock {
  adjust(): Promise<void>;
  /** Runs work that measures its deadlines by this machine's clock. */
  paused<T>(work: () => Promise<T>): Promise<T>;
  restore(): void;
}

/** The commands run in this process and read its clock, so that it follows the server's. */
function shiftClock(present: () => Promise<number>): ShiftedClock {
  const real = Date.now;
  let ahead = 0;
  let pauses = 0;
  Date.now = () => real() + (pauses > 0 ? 0 : ahead);
  return {
    async adjust() {
      ahead = Math.round((await present()) - real());
    },
    async paused(work) {
      pauses += 1;
      try {
        return await work();
      } finally {
        pauses -= 1;
      }
    },
    restore() {
      Date.now = real;
    },
  };
}

function noneIfRemoved(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
