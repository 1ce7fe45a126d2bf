import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createClaims, type Claims } from '../../src/commands/claims.ts';
import { createClaimTimelines, type ClaimTimelines } from '../../src/commands/claimTimelines.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import type { ReportClaim } from '../../src/commands/reportClaim.ts';
import type { Actor } from '../../src/context.ts';
import type { Role } from '../../src/rules/permissions.ts';
import { claimWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, once } from './build.ts';
import type { Begin, Journey, Journeys, Row } from './journey.ts';
import type { Mail } from './lifecycle.ts';

/** One claim and what can be seen of it. */
export interface ClaimJourney {
  readonly id: string;
  readonly workflowId: string;
  readonly contract: Journey;
  readonly claims: Claims;
  readonly timelines: ClaimTimelines;
  /** Somebody of the company with the role; the same one each time. */
  person(role: Role): Promise<Actor & { readonly userId: string; readonly email: string }>;
  /** Carries a command out as somebody, with the present version of nothing but the claim's id. */
  as<T>(
    actor: Actor,
    act: (command: { id: string; once: ReturnType<typeof once>; reason: string }) => Promise<T>,
    reason?: string,
    key?: string,
  ): Promise<T>;
  /** Assigned to the adjuster, whose review has begun. */
  toReview(): Promise<void>;
  /** And submitted for so much. */
  toApproval(amount: string): Promise<void>;
  row(): Promise<Row>;
  timers(): Promise<Row[]>;
  events(): Promise<unknown[]>;
  /** Template and recipient (`user`, role or address) of each message in the order of queueing. */
  messages(): Promise<Row[]>;
  /** Of each name the timers that were set, with their status. */
  statusesOf(name: string): Promise<unknown[]>;
  dueAt(name: string): Promise<number>;
  rest(): Promise<boolean>;
  /** Waits until the row has had a payment and is in the status. */
  reaches(status: string): Promise<void>;
  end(): Promise<void>;
  mails(): Mail[];
}

export async function beginClaim(
  journeys: Journeys,
  wish: Partial<ReportClaim> & { readonly by?: Role; readonly begin?: Begin } = {},
): Promise<ClaimJourney> {
  const contract = await journeys.begin(wish.begin ?? {});
  const { company, holder } = contract;
  const claims = createClaims({ dispatcher: journeys.dispatcher, workflows: journeys.workflows });
  const timelines = createClaimTimelines({
    temporal: journeys.server.temporal,
    workflows: journeys.workflows,
  });
  const people = new Map<Role, Awaited<ReturnType<typeof buildActor>>>();
  const person: ClaimJourney['person'] = async (role) => {
    const known = people.get(role) ?? (await buildActor({ companyId: company.id, role }));
    people.set(role, known);
    return known;
  };
  const reporter = wish.by ? await person(wish.by) : holder;
  const { by: _by, begin: _begin, ...facts } = wish;
  const { policy_id: policyId } = await contract.row();
  const reported = await as(reporter, () =>
    claims.report(
      reporter,
      String(policyId),
      {
        title: 'Burst pipe',
        description: 'Water in the kitchen',
        incidentDate: contract.dateAt(journeys.now()),
        ...facts,
      },
      once(reporter),
    ),
  );
  if (reported instanceof Replay) throw new Error('A first request is no replay');
  await journeys.dispatcher.drained();
  const { id } = reported.claim;
  const workflowId = claimWorkflowId(company.id, id);
  journeys.track(workflowId);
  await journeys.settled(workflowId);

  const rows = async (table: string, where: string, order: string): Promise<Row[]> => {
    const found = await journeys.database.sql<{ row: Row }>(
      `SELECT to_jsonb(t) AS row FROM ${table} AS t WHERE ${where} ORDER BY ${order}`,
      [id],
    );
    return found.map(({ row }) => row);
  };
  const timers = () => rows('core.timers', 'entity_id = $1', 'due_at, name');
  const act: ClaimJourney['as'] = (actor, work, reason = 'For a reason', key = randomUUID()) =>
    as(actor, () => work({ id, once: once(actor, key), reason }));
  const journey: ClaimJourney = {
    id,
    workflowId,
    contract,
    claims,
    timelines,
    person,
    as: act,
    async toReview() {
      const adjuster = await person('adjuster');
      const manager = await person('claims_manager');
      await act(manager, (command) => claims.assign(manager, command, adjuster.userId));
      await act(adjuster, (command) => claims.updateStatus(adjuster, command, 'under_review', {}));
    },
    async toApproval(amount) {
      await journey.toReview();
      const adjuster = await person('adjuster');
      await act(adjuster, (command) =>
        claims.updateStatus(adjuster, command, 'waiting_approval', {
          amount,
          rationale: 'As the estimate says',
        }),
      );
    },
    async row() {
      const [row] = await rows(`${company.schemaName}.claims`, 'id = $1', 'id');
      if (!row) throw new Error(`There is no claim ${id}`);
      return row;
    },
    timers,
    events: async () =>
      (await rows('core.transitions', 'entity_id = $1', 'state_version')).map(({ event }) => event),
    messages: () => rows('core.notifications', 'entity_id = $1', 'id'),
    statusesOf: async (name) =>
      (await timers()).filter((each) => each['name'] === name).map(({ status }) => status),
    async dueAt(name) {
      const timer = (await timers()).find(
        (each) => each['name'] === name && each['status'] === 'scheduled',
      );
      if (!timer) throw new Error(`The timer ${name} is not running`);
      return Date.parse(String(timer['due_at']));
    },
    async reaches(status) {
      for (;;) {
        const row = await journey.row();
        if (row['status'] === status && row['payment_id'] !== null) return;
        await setTimeout(100);
      }
    },
    rest: () => journeys.settled(workflowId),
    end: () => journeys.endOf(workflowId, id),
    mails: () => journeys.server.mails.filter(({ to }) => to === holder.email),
  };
  return journey;
}
