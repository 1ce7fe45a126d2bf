import { randomUUID } from 'node:crypto';
import {
  createCompliancePolicies,
  type CompliancePolicies,
  type CompliancePolicyWish,
} from '../../src/commands/compliancePolicies.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import {
  createPolicyApprovalTimelines,
  type PolicyApprovalTimelines,
} from '../../src/commands/policyApprovalTimelines.ts';
import {
  createPolicyVersions,
  type PolicyCommand,
  type PolicyVersions,
} from '../../src/commands/policyVersions.ts';
import type { Actor } from '../../src/context.ts';
import { withTenant } from '../../src/models/database.ts';
import { OutboxEntry } from '../../src/models/OutboxEntry.ts';
import type { Company } from '../../src/models/Company.ts';
import { policyApprovalWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, buildCompany, once } from './build.ts';
import type { Journeys, Row } from './journey.ts';

export type Person = Actor & { readonly userId: string; readonly email: string };

/** What a document says unless a test says otherwise. */
export const documentWish: CompliancePolicyWish = {
  type: 'custom',
  title: 'Acceptable use',
  templateId: null,
  description: null,
  customerComplianceId: null,
  ownerId: null,
  audienceCustomerId: null,
  audienceRole: null,
  audienceDepartment: null,
  classification: 'internal',
  reviewDate: null,
  content: 'For work',
  documentLink: null,
  documentSha256: null,
  changeLog: null,
  quiz: [],
};

/** One compliance policy with its versions, and what can be seen of them. */
export interface PolicyJourney {
  readonly id: string;
  readonly company: Company;
  /** Wrote it. */
  readonly author: Person;
  /** Two who may decide about it. */
  readonly deciders: readonly [Person, Person];
  readonly policies: CompliancePolicies;
  readonly versions: PolicyVersions;
  readonly timelines: PolicyApprovalTimelines;
  as<T>(actor: Actor, act: (command: PolicyCommand) => Promise<T>, key?: string): Promise<T>;
  /** Submitted by the author, approved by the first decider. */
  toApproved(): Promise<void>;
  toPublished(): Promise<void>;
  /** The next draft, with another text. */
  draftNext(content?: string, requiresReack?: boolean): Promise<void>;
  row(): Promise<Row>;
  /** By its number. */
  version(number: number): Promise<Row>;
  versionId(number: number): Promise<string>;
  workflowId(number: number): Promise<string>;
  rest(number: number): Promise<boolean>;
  /** Starts the run that a step of another version has promised, as the relay does. */
  startOwed(number: number): Promise<void>;
  timers(number: number): Promise<Row[]>;
  dueAt(number: number, name: string): Promise<number>;
  events(number: number): Promise<unknown[]>;
  steps(): Promise<unknown[]>;
  /** `template recipient` of the messages in the application, in the order of queueing. */
  told(template?: string): Promise<string[]>;
}

export async function beginPolicy(
  journeys: Journeys,
  {
    settings,
    ...wish
  }: Partial<CompliancePolicyWish> & { readonly settings?: Company['settings'] } = {},
): Promise<PolicyJourney> {
  const { database, dispatcher, workflows, server } = journeys;
  const company = await buildCompany(settings ? { settings } : {});
  const { id: companyId } = company;
  const author = await buildActor({ companyId, role: 'compliance_manager' });
  const deciders = [
    await buildActor({ companyId, role: 'compliance_manager' }),
    await buildActor({ companyId, role: 'tenant_admin' }),
  ] as const;
  const policies = createCompliancePolicies({ dispatcher, workflows });
  const versions = createPolicyVersions({ dispatcher, workflows });
  const timelines = createPolicyApprovalTimelines({ temporal: server.temporal, workflows });
  const made = await as(author, () =>
    policies.create(author, { ...documentWish, ...wish }, once(author)),
  );
  if (made instanceof Replay) throw new Error('A first request is no replay');
  const { id } = made.policy;

  const rows = async (table: string, where: string, order: string, of = id): Promise<Row[]> => {
    const found = await database.sql<{ row: Row }>(
      `SELECT to_jsonb(t) AS row FROM ${table} AS t WHERE ${where} ORDER BY ${order}`,
      [of],
    );
    return found.map(({ row }) => row);
  };
  const business = company.schemaName;
  const allVersions = (): Promise<Row[]> =>
    rows(`${business}.compliance_policy_versions`, 'policy_id = $1', 'number');
  const version = async (number: number): Promise<Row> => {
    const row = (await allVersions()).find((each) => each['number'] === number);
    if (!row) throw new Error(`The policy ${id} has no version ${number}`);
    return row;
  };
  const versionId = async (number: number): Promise<string> =>
    String((await version(number))['id']);
  const workflowId = async (number: number): Promise<string> =>
    policyApprovalWorkflowId(companyId, await versionId(number));
  const timers = async (number: number): Promise<Row[]> =>
    rows('core.timers', 'entity_id = $1', 'due_at, name', await versionId(number));
  /** The run of a new version is begun, and ended with the test. */
  const begun = async (number: number): Promise<void> => {
    await dispatcher.drained();
    journeys.track(await workflowId(number));
    await journeys.settled(await workflowId(number));
  };
  await begun(1);

  const journey: PolicyJourney = {
    id,
    company,
    author,
    deciders,
    policies,
    versions,
    timelines,
    as: (actor, act, key = randomUUID()) =>
      as(actor, () => act({ id, once: once(actor, key), reason: 'For a reason' })),
    async toApproved() {
      const [decider] = deciders;
      await journey.as(author, (command) => versions.submit(author, command, []));
      await journey.as(decider, (command) => versions.approve(decider, command));
    },
    async toPublished() {
      await journey.toApproved();
      await journey.as(author, (command) => versions.publish(author, command, undefined));
    },
    async draftNext(content = 'For work alone', requiresReack = true) {
      await journey.as(author, ({ once: request }) =>
        versions.create(author, id, { content, requiresReack }, undefined, request),
      );
      await begun((await allVersions()).length);
    },
    async row() {
      const [row] = await rows(`${business}.compliance_policies`, 'id = $1', 'id');
      if (!row) throw new Error(`There is no policy ${id}`);
      return row;
    },
    version,
    versionId,
    workflowId,
    rest: async (number) => journeys.settled(await workflowId(number)),
    async startOwed(number) {
      const entityId = await versionId(number);
      const owed = await withTenant(companyId, () =>
        OutboxEntry.findAll({ where: { entityId, dispatchedAt: null } }),
      );
      for (const entry of owed) dispatcher.dispatch(entry);
      await dispatcher.drained();
      await journeys.settled(await workflowId(number));
    },
    timers,
    async dueAt(number, name) {
      const timer = (await timers(number)).find(
        (each) => each['name'] === name && each['status'] === 'scheduled',
      );
      if (!timer) throw new Error(`The timer ${name} is not running`);
      return Date.parse(String(timer['due_at']));
    },
    events: async (number) =>
      (
        await rows('core.transitions', 'entity_id = $1', 'state_version', await versionId(number))
      ).map(({ event }) => event),
    steps: async () =>
      (
        await rows(
          `${business}.approval_steps`,
          `version_id IN (SELECT id FROM ${business}.compliance_policy_versions WHERE policy_id = $1)`,
          'decided_at, id',
        )
      ).map(({ round, state, approver_id: approver }) => [round, state, approver]),
    async told(template) {
      const messages = await rows(
        'core.notifications',
        `channel = 'in_app' AND entity_id IN (
           SELECT id FROM ${business}.compliance_policy_versions WHERE policy_id = $1)`,
        'id',
      );
      return messages
        .filter((each) => template === undefined || each['template_code'] === template)
        .map(
          (each) =>
            `${String(each['template_code'])} ${String(each['recipient_role'] ?? each['recipient_user_id'])}`,
        );
    },
  };
  return journey;
}
