import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { ApiKey } from '../models/ApiKey.ts';
import { ApprovalStep } from '../models/ApprovalStep.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import {
  approverOf,
  CompliancePolicyVersion,
  illegalVersionEvent,
  refuseLateUnpublish,
  withAuthor,
} from '../models/CompliancePolicyVersion.ts';
import { ownCompany } from '../models/contract.ts';
import { afterCommit, flush, withTenant } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import type { PolicyVersionWish } from '../models/policyApprovalStart.ts';
import { eligibleApprovers } from '../models/policyApprovers.ts';
import { PolicyConfiguration } from '../models/PolicyConfiguration.ts';
import { getRow, noSuch, refuseStale } from '../models/rows.ts';
import {
  complianceStaff,
  maxPublishAheadMs,
  type ApprovalState,
} from '../rules/compliancePolicies.ts';
import { complianceSettings } from '../rules/complianceSettings.ts';
import { allowedVersionEvents, type PolicyVersionEvent } from '../rules/policyApproval.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/policyApproval.ts';
import { seesAll } from './categories.ts';
import {
  policyViewOf,
  versionViewOf,
  versionViews,
  type CompliancePolicyView,
  type PolicyVersionView,
} from './compliancePolicyViews.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, rowsOnce, type Once, type Replay } from './idempotency.ts';
import {
  addDraft,
  checkedText,
  latestTemplate,
  refuseOptionalFirst,
  refuseOwnDocument,
  sourceFrom,
  textOf,
  type VersionText,
  type VersionTextChanges,
} from './policyDrafts.ts';
import { typedText } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

/** A command to the version of a policy that it concerns. */
export interface PolicyCommand {
  readonly id: string;
  readonly once: Once;
  readonly reason?: string | undefined;
  readonly expectedVersion?: number | undefined;
}

/** How far the newest version has come with those who decide. */
export interface ApprovalRound {
  readonly number: number;
  readonly round: number;
  readonly quorum: number;
  readonly approvals: number;
  readonly steps: readonly {
    readonly approverId: string;
    readonly state: ApprovalState;
    readonly reason: string | null;
    readonly decidedAt: Date | null;
  }[];
}

type Who = Pick<PolicyVersionWish, 'by' | 'reason'>;

/** The way of the versions of compliance policies: written, decided, published, taken back. */
export const createPolicyVersions = ({
  dispatcher,
  workflows,
}: {
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
}) => {
  /** One event of a version's course, judged by the rows, and the policy as it then is. */
  const process = (
    actor: Actor,
    command: PolicyCommand,
    event: PolicyVersionWish['event'],
    wishFor: (who: Who, version: CompliancePolicyVersion) => PolicyVersionWish,
    number?: number,
  ): Promise<CompliancePolicyView | Replay> =>
    commandOnce(command.once, async (commandId) => {
      const { companyId } = actor;
      const { id, expectedVersion, reason } = command;
      const { versionId, isDone } = await withTenant(companyId, async () => {
        const version = await subjectOf(id, event, number);
        return { versionId: version.id, isDone: await isDecided(actor, version, event) };
      });
      if (!isDone) {
        await workflows.command(transition, {
          actor,
          entityId: versionId,
          workflowId: policyApprovalWorkflowId(companyId, versionId),
          commandId,
          prepare: async () => {
            const policy = await getRow(CompliancePolicy, id);
            const version = await getRow(CompliancePolicyVersion, versionId, { archived: true });
            refuseUnlessLegal(version, event);
            refuseStale(CompliancePolicy, policy, expectedVersion);
            const why = reason === undefined ? null : typedText('reason', reason);
            // Whose key submits is one of the authors; a key itself decides nothing.
            const by = event === 'submit' ? await ApiKey.personOf(actor) : actor.userId;
            const wish = wishFor({ by, reason: why }, version);
            await refuseByRows(version, wish);
            return wish;
          },
        });
      }
      return withTenant(companyId, () => policyViewOf(id, { archived: true }));
    });

  /** Adds the draft that is numbered next to a policy that is held. */
  const draftNext = async (
    actor: Actor,
    policy: CompliancePolicy,
    draft: Pick<Parameters<typeof addDraft>[1], 'published' | 'text' | 'templateId'>,
  ): Promise<CompliancePolicyView> => {
    const { id: policyId } = policy;
    await policy.follow({ approvalStatus: 'pending' });
    await policy.touch();
    const number = await CompliancePolicyVersion.nextNumber(policyId);
    const start = await addDraft(actor, { policyId, number, ...draft });
    afterCommit(() => dispatcher.dispatch(start));
    await flush();
    return policyViewOf(policyId);
  };

  const plain =
    (event: 'unpublish' | 'retire') =>
    (actor: Actor, command: PolicyCommand): Promise<CompliancePolicyView | Replay> =>
      process(actor, command, event, (who) => ({ ...who, event }));

  const deciding =
    (event: 'approve' | 'reject') =>
    (actor: Actor, command: PolicyCommand): Promise<CompliancePolicyView | Replay> =>
      process(actor, command, event, (who, { round }) => ({ ...who, event, round }));

  return {
    /** Who is asked to decide may be named; who may decide is told otherwise. */
    submit: (
      actor: Actor,
      command: PolicyCommand,
      approvers: readonly string[],
    ): Promise<CompliancePolicyView | Replay> =>
      process(actor, command, 'submit', (who) => ({ ...who, event: 'submit', approvers })),

    /** The same person once more changes nothing. @throws Forbidden for the authors */
    approve: deciding('approve'),
    reject: deciding('reject'),
    unpublish: plain('unpublish'),
    retire: plain('retire'),

    /** Now, or at a time to come. */
    publish: (
      actor: Actor,
      command: PolicyCommand,
      publishAt: Date | undefined,
    ): Promise<CompliancePolicyView | Replay> =>
      publishAt
        ? process(actor, command, 'schedule_publish', (who) => ({
            ...who,
            event: 'schedule_publish',
            publishAt: publishAt.getTime(),
          }))
        : process(actor, command, 'publish', (who) => ({ ...who, event: 'publish' })),

    /** A draft that nobody goes on with; its number stays used. */
    discard: (
      actor: Actor,
      command: PolicyCommand,
      number: number,
    ): Promise<CompliancePolicyView | Replay> =>
      process(
        actor,
        command,
        'discard',
        (who) => ({ ...who, event: 'discard', withPolicy: false }),
        number,
      ),

    /**
     * A draft from what is published, or was last, with changes.
     * @throws Invalid; Conflict VERSION_OPEN while another one is on its way
     */
    create: (
      actor: Actor,
      id: string,
      changes: VersionTextChanges,
      expectedVersion: number | undefined,
      once: Once,
    ): Promise<CompliancePolicyView | Replay> =>
      rowsOnce(once, async () => {
        const { policy, published, base } = await nextOf(id, expectedVersion);
        if (policy.type === 'default') refuseOwnDocument(changes);
        const { text: before, templateId } = base
          ? { text: { ...textOf(base), changeLog: null }, templateId: base.templateId ?? null }
          : await firstText(policy);
        const text = checkedText({ ...before, requiresReack: true }, changes);
        refuseOptionalFirst(published, text.requiresReack);
        return draftNext(actor, policy, { published, text, templateId });
      }),

    /**
     * A draft from the latest version of the template.
     * @throws Conflict NO_UPDATE where the policy has it, VERSION_OPEN while another one is on its way
     */
    acceptUpdate: (
      actor: Actor,
      id: string,
      { requiresReack = true }: Pick<VersionTextChanges, 'requiresReack'>,
      expectedVersion: number | undefined,
      once: Once,
    ): Promise<CompliancePolicyView | Replay> =>
      rowsOnce(once, async () => {
        const { policy, published, base } = await nextOf(id, expectedVersion);
        const { templateId, updateAvailable } = policy;
        if (!templateId || !updateAvailable) {
          throw new Conflict('NO_UPDATE', `The policy ${id} has no newer template to follow`);
        }
        const source = sourceFrom(await latestTemplate(templateId));
        const quiz = base ? textOf(base).quiz : [];
        const text = checkedText({ ...source.text, quiz, requiresReack }, {});
        refuseOptionalFirst(published, requiresReack);
        await policy.follow({ templateId: source.templateId, updateAvailable: false });
        return draftNext(actor, policy, { published, text, templateId: source.templateId });
      }),

    list: (actor: Actor, id: string, query: Parameters<typeof versionViews>[2]) =>
      withTenant(actor.companyId, () => versionViews(actor, id, query)),

    get: (actor: Actor, id: string, number: number): Promise<PolicyVersionView> =>
      withTenant(actor.companyId, () => versionViewOf(actor, id, number)),

    approvals: (actor: Actor, id: string): Promise<ApprovalRound> =>
      withTenant(actor.companyId, async () => {
        await getRow(CompliancePolicy, id, { archived: seesAll(actor) });
        return roundOf(await subjectOf(id, 'approve'));
      }),
  };
};

export type PolicyVersions = ReturnType<typeof createPolicyVersions>;

/** A policy that is held, and what its next version is drafted from. @throws Conflict VERSION_OPEN */
async function nextOf(id: string, expectedVersion: number | undefined) {
  const policy = await getRow(CompliancePolicy, id, { lock: true });
  refuseStale(CompliancePolicy, policy, expectedVersion);
  if (await CompliancePolicyVersion.openOf(id)) {
    throw conflictOf('compliance_policy_versions_open_key');
  }
  const published = await CompliancePolicyVersion.publishedOf(id);
  return { policy, published, base: published ?? (await CompliancePolicyVersion.newestOf(id)) };
}

/**
 * The version that the event is about: the one on its way, or the one in force; else the newest, which then
 * says why not. @throws NotFound; Conflict NO_DRAFT
 */
async function subjectOf(
  id: string,
  event: PolicyVersionEvent,
  number?: number,
): Promise<CompliancePolicyVersion> {
  await getRow(CompliancePolicy, id, { archived: true });
  if (number !== undefined) {
    const numbered = await CompliancePolicyVersion.findOne({ where: { policyId: id, number } });
    if (!numbered) throw noSuch('version', `${number} of the compliance policy ${id}`);
    return numbered;
  }
  const isInForce = event === 'unpublish' || event === 'retire';
  const wanted = isInForce
    ? await CompliancePolicyVersion.publishedOf(id)
    : await CompliancePolicyVersion.openOf(id);
  const version = wanted ?? (await CompliancePolicyVersion.newestOf(id));
  if (version) return version;
  throw new Conflict(
    'NO_DRAFT',
    `No version of the policy ${id} is on its way; make a new one first`,
  );
}

/** @throws Conflict ILLEGAL_TRANSITION, also for what only a clock or another version brings about */
function refuseUnlessLegal(version: CompliancePolicyVersion, event: PolicyVersionEvent): void {
  const { status, archivedAt } = version;
  if (archivedAt || !allowedVersionEvents(status).includes(event)) {
    throw illegalVersionEvent(version, event);
  }
}

/** The person has approved this submission, and nothing changes when they do so again. */
async function isDecided(
  { userId }: Actor,
  version: CompliancePolicyVersion,
  event: PolicyVersionEvent,
): Promise<boolean> {
  if (event !== 'approve' || userId === null || version.status === 'draft') return false;
  const steps = await ApprovalStep.ofRound(version);
  return steps.some(({ approverId, state }) => approverId === userId && state === 'approved');
}

/** What the table does not know: four eyes, people, times. It is judged again when it is carried out. */
async function refuseByRows(
  version: CompliancePolicyVersion,
  wish: PolicyVersionWish,
): Promise<void> {
  switch (wish.event) {
    case 'submit':
      return refuseWithoutApprovers(withAuthor(version, wish.by), wish.approvers);
    case 'approve':
    case 'reject':
      return refuseDecided(version, approverOf(version, wish.by));
    case 'schedule_publish':
      return refuseTime(wish.publishAt);
    case 'unpublish': {
      refuseLateUnpublish(version, new Date(Date.now()));
      await PolicyConfiguration.refuseConfigured(version);
      const next = await CompliancePolicyVersion.openOf(version.policyId);
      // It is given up with this one; its run has to be there to hear of it.
      if (next && (await OutboxEntry.isOwed(next.id))) {
        throw conflictOf('compliance_policy_versions_open_key');
      }
      return;
    }
    default:
  }
}

/** Never a dead end: who submits is told beforehand that too few could decide. */
async function refuseWithoutApprovers(
  authors: readonly string[],
  named: readonly string[],
): Promise<void> {
  const eligible = await eligibleApprovers(authors);
  const stranger = named.findIndex((userId) => !eligible.includes(userId));
  if (stranger >= 0) {
    throw invalidField(
      `approvers.${stranger}`,
      'must be somebody who may approve and had no part in the version',
      'NOT_ELIGIBLE',
    );
  }
  const { approvalQuorum } = complianceSettings((await ownCompany()).settings.compliance);
  if (eligible.length >= approvalQuorum) return;
  throw new Conflict(
    'NO_APPROVER',
    `${approvalQuorum} people who had no part in the version have to approve it, and ${eligible.length} could; invite somebody as ${complianceStaff.join(' or ')}`,
    { roles: complianceStaff, quorum: approvalQuorum },
  );
}

async function refuseDecided(version: CompliancePolicyVersion, approverId: string): Promise<void> {
  const steps = await ApprovalStep.ofRound(version);
  if (steps.some((step) => step.approverId === approverId)) {
    throw conflictOf('approval_steps_company_id_version_id_round_approver_id_key');
  }
}

function refuseTime(publishAt: number): void {
  const ahead = publishAt - Date.now();
  if (ahead > 0 && ahead <= maxPublishAheadMs) return;
  const most = maxPublishAheadMs / 86_400_000;
  throw invalidField('publish_at', `must be from now to ${most} days ahead`, 'OUT_OF_RANGE');
}

/** Where no version was ever published: of a policy that follows a template the template's text. */
async function firstText(
  policy: CompliancePolicy,
): Promise<{ readonly text: VersionText; readonly templateId: string | null }> {
  const rest = { quiz: [], requiresReack: true };
  if (!policy.templateId) {
    const empty = { content: null, documentLink: null, documentSha256: null, changeLog: null };
    return { text: { ...empty, ...rest }, templateId: null };
  }
  const { text, templateId } = sourceFrom(await latestTemplate(policy.templateId));
  return { text: { ...text, ...rest }, templateId };
}

/** Those who were named and have not decided stand there too while it waits. */
async function roundOf(version: CompliancePolicyVersion): Promise<ApprovalRound> {
  const decided = await ApprovalStep.ofRound(version);
  const isWaiting = version.status === 'pending_approval';
  const awaited = version.approvers.filter(
    (userId) => isWaiting && !decided.some(({ approverId }) => approverId === userId),
  );
  return {
    number: version.number,
    round: version.round,
    quorum: version.quorum,
    approvals: decided.filter(({ state }) => state === 'approved').length,
    steps: [
      ...decided.map(({ approverId, state, reason, decidedAt }) => ({
        approverId,
        state,
        reason: reason ?? null,
        decidedAt,
      })),
      ...awaited.map((approverId) => ({
        approverId,
        state: 'pending' as const,
        reason: null,
        decidedAt: null,
      })),
    ],
  };
}
