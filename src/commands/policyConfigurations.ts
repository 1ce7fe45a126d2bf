import type { InferAttributes } from 'sequelize';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { ApiKey } from '../models/ApiKey.ts';
import { ApprovalStep } from '../models/ApprovalStep.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import { CompliancePolicyVersion, withAuthor } from '../models/CompliancePolicyVersion.ts';
import { afterCommit, append, flush, withTenant } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { columnsOf, madeWithin, selectPage, sortedBy, type ListAsked } from '../models/list.ts';
import { Notification } from '../models/Notification.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { policyApprovalStart, policyApprovalStateOf } from '../models/policyApprovalStart.ts';
import { PolicyConfiguration } from '../models/PolicyConfiguration.ts';
import { policyFileOf } from '../models/policyFile.ts';
import { putInForce, supersede } from '../models/policyInForce.ts';
import { archiveRow, editRow, getRow, refuseStale } from '../models/rows.ts';
import { Transition } from '../models/Transition.ts';
import { configuredIn } from '../models/watchedPolicy.ts';
import { configuredDays } from '../rules/acknowledgements.ts';
import { labelAfter, type ConfigurationStatus } from '../rules/compliancePolicies.ts';
import { seesAll } from './categories.ts';
import type { Dispatcher } from './dispatch.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { textOf } from './policyDrafts.ts';
import { previewConfigured, type SettingsPreview } from './settingsPreview.ts';
import { typedLine, typedText } from './typedText.ts';

export type PolicyConfigurationView = InferAttributes<PolicyConfiguration>;

export interface PolicyConfigurationFilters extends ListAsked<keyof typeof sortColumns> {
  readonly policyId?: string | undefined;
  readonly key?: string | undefined;
  readonly status?: ConfigurationStatus | undefined;
  readonly includeArchived: boolean;
}

interface Decision {
  readonly reason?: string | undefined;
  readonly expectedVersion: number | undefined;
  readonly once: Once;
}

const sortColumns = { createdAt: 'k.created_at', key: 'k.key' } as const;

/** Values that compliance policies are carried out by; one that is approved makes a version of its policy. */
export const createPolicyConfigurations = ({ dispatch }: Pick<Dispatcher, 'dispatch'>) => ({
  list: (actor: Actor, filters: PolicyConfigurationFilters) =>
    withTenant(actor.companyId, () => {
      const { policyId, key, status, includeArchived } = filters;
      return selectPage<PolicyConfigurationView>(
        columnsOf(PolicyConfiguration, 'k'),
        'policy_configurations k',
        [
          ...(includeArchived && seesAll(actor) ? [] : [['k.archived_at IS NULL'] as const]),
          ...(policyId ? [['k.policy_id = $', policyId] as const] : []),
          ...(key ? [['k.key = $', key] as const] : []),
          ...(status ? [['k.status = $', status] as const] : []),
          ...madeWithin('k', filters),
        ],
        sortedBy(sortColumns, filters, 'k.id'),
      );
    }),

  get: (actor: Actor, id: string): Promise<PolicyConfigurationView> =>
    withTenant(actor.companyId, () =>
      getRow(PolicyConfiguration, id, { archived: seesAll(actor) }),
    ),

  /**
   * Which steps of running acknowledgements would move once it is approved; nothing is changed.
   * @throws Conflict ILLEGAL_TRANSITION once it is decided
   */
  preview: (actor: Actor, id: string): Promise<SettingsPreview> =>
    withTenant(actor.companyId, async () => {
      const row = await getRow(PolicyConfiguration, id);
      refuseDecided(row);
      return previewConfigured(row.policyId, configuredIn({ [row.key]: row.value }));
    }),

  /** Waits for somebody else to decide. @throws Invalid */
  create: (
    wish: Pick<PolicyConfigurationView, 'policyId' | 'key' | 'value'>,
    once: Once,
  ): Promise<PolicyConfigurationView | Replay> =>
    rowsOnce(once, async () => {
      const policy = await CompliancePolicy.findOne({
        where: { id: wish.policyId, archivedAt: null },
      });
      if (!policy) throw invalidField('policy_id', 'There is no such compliance policy');
      const fields = { ...wish, value: valueOf(wish.key, wish.value) };
      const id = append(PolicyConfiguration, fields);
      AuditLog.record('CREATE', { type: PolicyConfiguration.entityType, id }, { after: fields });
      await flush();
      return getRow(PolicyConfiguration, id);
    }),

  /** By whoever asked for it, while nobody has decided. @throws Invalid; Forbidden; Conflict ILLEGAL_TRANSITION */
  edit: (
    actor: Actor,
    id: string,
    { value }: { readonly value?: string | undefined },
    expectedVersion: number | undefined,
  ): Promise<PolicyConfigurationView> =>
    withTenant(actor.companyId, async () => {
      const row = await getRow(PolicyConfiguration, id, { lock: true });
      if (row.createdBy !== actor.userId) {
        throw new Forbidden('Whoever asked for it changes it; others approve or reject it');
      }
      refuseDecided(row);
      const fields = value === undefined ? {} : { value: valueOf(row.key, value) };
      return editRow(PolicyConfiguration, row, fields, expectedVersion);
    }),

  /**
   * It is in force, as the next version of its policy: published, with the same text, which nobody has to
   * read again.
   * @throws Forbidden for whoever asked for it; Conflict NOT_PUBLISHED, VERSION_OPEN
   */
  approve: (
    actor: Actor,
    id: string,
    { reason, expectedVersion, once }: Decision,
  ): Promise<PolicyConfigurationView | Replay> =>
    rowsOnce(once, async () => {
      const { policyId } = await getRow(PolicyConfiguration, id);
      await getRow(CompliancePolicy, policyId, { lock: true });
      const { row, decision } = await decided(actor, id, reason, expectedVersion);
      const before = await CompliancePolicyVersion.publishedOf(policyId);
      if (!before) {
        throw new Conflict('NOT_PUBLISHED', `No version of the policy ${policyId} is published`);
      }
      if (await CompliancePolicyVersion.openOf(policyId)) {
        throw conflictOf('compliance_policy_versions_open_key');
      }
      const { start, number } = await publishConfigured(before, row, decision);
      const earlier = await PolicyConfiguration.findOne({
        where: { policyId, key: row.key, status: 'active', archivedAt: null },
      });
      if (earlier) await archiveRow(PolicyConfiguration, earlier);
      const active = { ...decision, status: 'active', policyVersion: number } as const;
      await editRow(PolicyConfiguration, row, active, expectedVersion, 'STATUS_CHANGE');
      afterCommit(() => dispatch(start));
      return row;
    }),

  /** @throws Forbidden for whoever asked for it */
  reject: (
    actor: Actor,
    id: string,
    { reason, expectedVersion, once }: Decision,
  ): Promise<PolicyConfigurationView | Replay> =>
    rowsOnce(once, async () => {
      const { row, decision } = await decided(actor, id, reason, expectedVersion);
      const rejected = { ...decision, status: 'rejected' } as const;
      return editRow(PolicyConfiguration, row, rejected, expectedVersion, 'STATUS_CHANGE');
    }),
});

export type PolicyConfigurations = ReturnType<typeof createPolicyConfigurations>;

/** @throws Invalid for what a deadline could not be read from */
function valueOf(key: string, typed: string): string {
  const value = typedLine('value', typed);
  const read = configuredDays(key, value);
  if (read && 'problem' in read)
    throw invalidField('value', read.problem.message, read.problem.code);
  return value;
}

/** What somebody decides about a row that is held. */
async function decided(
  { userId }: Actor,
  id: string,
  reason: string | undefined,
  expectedVersion: number | undefined,
) {
  const row = await getRow(PolicyConfiguration, id, { lock: true });
  if (userId === null || (await askerOf(row)) === userId) {
    throw new Forbidden('Whoever asked for a configuration does not decide about it');
  }
  refuseDecided(row);
  refuseStale(PolicyConfiguration, row, expectedVersion);
  const decision = {
    decidedBy: userId,
    decidedAt: new Date(Date.now()),
    reason: reason === undefined ? null : typedText('reason', reason),
  };
  return { row, decision };
}

/** Whoever asked for it, by a key of theirs too. */
const askerOf = ({ createdBy }: PolicyConfiguration): Promise<string | null> =>
  ApiKey.personBehind(createdBy ?? null);

function refuseDecided({ id, status }: PolicyConfiguration): void {
  if (status === 'pending') return;
  throw new Conflict('ILLEGAL_TRANSITION', `The configuration ${id} is ${status} already`, {
    current_status: status,
  });
}

/** The next version with the text of the one before, which it supersedes in the same transaction. */
async function publishConfigured(
  before: CompliancePolicyVersion,
  configuration: PolicyConfiguration,
  { decidedBy, decidedAt: at }: { readonly decidedBy: string; readonly decidedAt: Date },
): Promise<{ readonly start: WorkflowStart; readonly number: number }> {
  const { key, value } = configuration;
  const id = uuid();
  const number = await CompliancePolicyVersion.nextNumber(before.policyId);
  const commandId = `${CompliancePolicyVersion.entityType}/${id}/configure/1`;
  const step = { commandId, expectedVersion: 0, at };
  await supersede(before, step);
  const version = CompliancePolicyVersion.build({
    id,
    companyId: before.companyId,
    policyId: before.policyId,
    number,
    ...labelAfter(before, false),
    ...textOf(before),
    requiresReack: false,
    changeLog: `${key} = ${value}`,
    contentSha256: before.contentSha256,
    templateId: before.templateId ?? null,
    authors: withAuthor(before, await askerOf(configuration)),
    approvers: [],
    quorum: 1,
    round: 1,
    status: 'published',
    stateVersion: 1,
    isEscalated: false,
    submittedAt: at,
    approvedAt: at,
    publishedAt: at,
    publishedBy: decidedBy,
    createdAt: at,
    updatedAt: at,
    version: 1,
  });
  append(CompliancePolicyVersion, version.get());
  append(ApprovalStep, {
    versionId: id,
    round: 1,
    approverId: decidedBy,
    state: 'approved',
    decidedAt: at,
  });
  Transition.record({
    entityType: CompliancePolicyVersion.entityType,
    entityId: id,
    stateVersion: 1,
    event: 'configure',
    fromStatus: null,
    toStatus: 'published',
    commandId,
    at,
    facts: { key, value },
  });
  AuditLog.record(
    'CREATE',
    { type: CompliancePolicyVersion.entityType, id },
    { after: { policyId: before.policyId, number, changeLog: version.changeLog } },
  );
  await flush();
  await putInForce(await policyFileOf(version), step);
  await flush();
  const state = await policyApprovalStateOf(version);
  const mails = await Notification.unsentAbout(id);
  return { start: OutboxEntry.promise(policyApprovalStart(version, state, mails)), number };
}
