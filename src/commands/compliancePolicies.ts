import { isDeepStrictEqual } from 'node:util';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { ApiKey } from '../models/ApiKey.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Calendar } from '../models/Calendar.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import {
  CompliancePolicyVersion,
  contentHash,
  illegalVersionEvent,
  withAuthor,
} from '../models/CompliancePolicyVersion.ts';
import { afterCommit, append, flush, withTenant } from '../models/database.ts';
import { conflictOf } from '../models/duplicates.ts';
import { askAnew } from '../models/keeperStart.ts';
import type { PolicyVersionWish } from '../models/policyApprovalStart.ts';
import {
  archiveRow,
  editRow,
  getRow,
  refuseStale,
  restoreRow,
  versionConflict,
} from '../models/rows.ts';
import { compareDates, dateAt, type CalendarDate } from '../rules/calendar.ts';
import {
  labelAfter,
  type Classification,
  type CompliancePolicyType,
} from '../rules/compliancePolicies.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { transition } from '../workflows/policyApproval.ts';
import { seesAll } from './categories.ts';
import {
  policyViewOf,
  policyViewsOf,
  policyViews,
  type CompliancePolicyFilters,
  type CompliancePolicyView,
} from './compliancePolicyViews.ts';
import { holdCustomerCompliance } from './customerCompliances.ts';
import { holdCustomer, refuseArchivedCustomer } from './customers.ts';
import type { Dispatcher } from './dispatch.ts';
import { commandOnce, rowsOnce, type Once, type Replay } from './idempotency.ts';
import { findPerson } from './people.ts';
import {
  addDraft,
  checkedText,
  latestTemplate,
  refuseOptionalFirst,
  refuseUnhashed,
  refuseOwnDocument,
  sourceFrom,
  textOf,
  type VersionText,
  type VersionTextChanges,
} from './policyDrafts.ts';
import { typedLine, typedOrNull } from './typedText.ts';
import type { WorkflowCommands } from './workflows.ts';

/** Whom a policy concerns, and whose it is; what it says stands in its versions. */
export interface PolicyFacts {
  readonly title: string;
  readonly description: string | null;
  readonly customerComplianceId: string | null;
  readonly ownerId: string | null;
  readonly audienceCustomerId: string | null;
  readonly audienceRole: string | null;
  readonly audienceDepartment: string | null;
  readonly classification: Classification;
  readonly reviewDate: CalendarDate | null;
}

/** What is undefined stays as it is. */
export type CompliancePolicyChanges = {
  readonly [Name in keyof PolicyFacts]?: PolicyFacts[Name] | undefined;
} & VersionTextChanges;

export interface CompliancePolicyWish
  extends Omit<PolicyFacts, 'title'>, Omit<VersionText, 'requiresReack'> {
  readonly type: CompliancePolicyType;
  /** Of a policy that follows a template the template's name unless told. */
  readonly title?: string | undefined;
  readonly templateId: string | null;
}

/** Documents that people must read: their facts, and the text while it is a draft. */
export const createCompliancePolicies = ({
  dispatcher,
  workflows,
}: {
  readonly dispatcher: Dispatcher;
  readonly workflows: WorkflowCommands;
}) => {
  const send = (
    actor: Actor,
    versionId: string,
    commandId: string,
    prepare: () => Promise<PolicyVersionWish>,
  ): Promise<void> =>
    workflows.command(transition, {
      actor,
      entityId: versionId,
      workflowId: policyApprovalWorkflowId(actor.companyId, versionId),
      commandId,
      prepare,
    });

  return {
    list: (actor: Actor, filters: CompliancePolicyFilters) =>
      withTenant(actor.companyId, () => policyViews(actor, filters)),

    get: (actor: Actor, id: string): Promise<CompliancePolicyView> =>
      withTenant(actor.companyId, () => policyViewOf(id, { archived: seesAll(actor) })),

    /** Those of `ids` that `get` would answer. */
    several: (actor: Actor, ids: readonly string[]) =>
      withTenant(actor.companyId, () => policyViewsOf(ids, { archived: seesAll(actor) })),

    /**
     * With its first version, a draft, and the workflow that carries it: all of it commits together.
     * @throws Invalid; Conflict COMPLIANCE_POLICY_EXISTS, like every change of a title here
     */
    create: (
      actor: Actor,
      { type, templateId: wished, title, ...wish }: CompliancePolicyWish,
      once: Once,
    ): Promise<CompliancePolicyView | Replay> =>
      rowsOnce(once, async () => {
        const { content, documentLink, documentSha256, changeLog, quiz, ...facts } = wish;
        const template = await templateFor(type, wished, wish);
        const source = template
          ? { ...sourceFrom(template).text, ...(changeLog !== null && { changeLog }) }
          : { content, documentLink, documentSha256, changeLog };
        const text = checkedText({ ...source, quiz, requiresReack: true }, {});
        const named = title ?? template?.name;
        if (named === undefined) throw invalidField('title', 'is needed', 'REQUIRED');
        const fields = await checkedFacts({ ...facts, title: named });
        const id = uuid();
        const kept = { type, templateId: template?.id ?? null, ...fields };
        append(CompliancePolicy, { id, ...kept });
        AuditLog.record('CREATE', { type: CompliancePolicy.entityType, id }, { after: kept });
        const start = await addDraft(actor, {
          policyId: id,
          number: 1,
          published: null,
          text,
          templateId: template?.id ?? null,
        });
        afterCommit(() => dispatcher.dispatch(start));
        await flush();
        return policyViewOf(id);
      }),

    /**
     * Facts at any time; the text while a version is on its way. One that was submitted or approved becomes
     * a draft again first.
     * @throws Invalid; Conflict NO_DRAFT, VERSION_CONFLICT
     */
    edit: (
      actor: Actor,
      id: string,
      changes: CompliancePolicyChanges,
      expectedVersion: number | undefined,
      once: Once,
    ): Promise<CompliancePolicyView | Replay> =>
      commandOnce(once, async (commandId) => {
        const { companyId, userId } = actor;
        const plan = (): Promise<EditPlan> => planEdit(id, changes, expectedVersion);
        const { reopens, reviewed } = await withTenant(companyId, plan);
        if (reopens) {
          await send(actor, reopens, `${commandId}/edit`, async () => {
            await plan();
            return { event: 'edit', by: await ApiKey.personOf(actor), reason: null };
          });
        }
        if (reviewed) {
          const { versionId, reviewDate } = reviewed;
          await send(actor, versionId, `${commandId}/review`, async () => {
            await plan();
            return { event: 'plan_review', by: userId, reason: null, reviewDate };
          });
        }
        return withTenant(companyId, async () => {
          await applyEdit(actor, id, changes, expectedVersion);
          return policyViewOf(id);
        });
      }),

    /**
     * Out of sight, with a draft that nobody has published.
     * @throws Conflict POLICY_PUBLISHED, ILLEGAL_TRANSITION while a version waits for approval or publication
     */
    archive: (
      actor: Actor,
      id: string,
      expectedVersion: number | undefined,
      once: Once,
    ): Promise<unknown> =>
      commandOnce(once, async (commandId) => {
        const { companyId, userId: by } = actor;
        /** @returns the draft that goes with it; none where there was none, and the policy is archived */
        const draft = await withTenant(companyId, async () => {
          const policy = await getRow(CompliancePolicy, id, { lock: true });
          const open = await archivable(policy, expectedVersion);
          if (!open) await archiveRow(CompliancePolicy, policy, expectedVersion);
          return open;
        });
        if (!draft) return;
        await send(actor, draft.id, commandId, async () => {
          await archivable(await getRow(CompliancePolicy, id), expectedVersion);
          return { event: 'discard', by, reason: null, withPolicy: true };
        });
      }),

    /** @throws Conflict CUSTOMER_ARCHIVED, CUSTOMER_COMPLIANCE_ARCHIVED where what it is for is */
    restore: (
      actor: Actor,
      id: string,
      expectedVersion: number | undefined,
    ): Promise<CompliancePolicyView> =>
      withTenant(actor.companyId, async () => {
        const policy = await getRow(CompliancePolicy, id, { archived: true });
        const { audienceCustomerId, customerComplianceId } = policy;
        if (audienceCustomerId !== null) await refuseArchivedCustomer(audienceCustomerId);
        if (
          customerComplianceId !== null &&
          !(await holdCustomerCompliance(customerComplianceId))
        ) {
          throw new Conflict(
            'CUSTOMER_COMPLIANCE_ARCHIVED',
            `The customer compliance ${customerComplianceId} is archived`,
          );
        }
        await restoreRow(CompliancePolicy, policy, expectedVersion);
        return policyViewOf(id);
      }),
  };
};

export type CompliancePolicies = ReturnType<typeof createCompliancePolicies>;

/** The template that the policy follows; none of a custom one. @throws Invalid */
async function templateFor(
  type: CompliancePolicyType,
  templateId: string | null,
  changes: VersionTextChanges,
) {
  if (type === 'custom') {
    if (templateId === null) return undefined;
    throw invalidField('template_id', 'A custom policy follows no template');
  }
  if (templateId === null) throw invalidField('template_id', 'Say which template', 'REQUIRED');
  // Of a new one null says that there is none of its own.
  const { content, documentLink, documentSha256 } = changes;
  refuseOwnDocument({
    content: content ?? undefined,
    documentLink: documentLink ?? undefined,
    documentSha256: documentSha256 ?? undefined,
  });
  return latestTemplate(templateId);
}

/** What an edit needs of workflows before the rows are changed. */
interface EditPlan {
  /** The version that becomes a draft again. */
  readonly reopens: string | undefined;
  /** The published version whose review gets another date. */
  readonly reviewed: { readonly versionId: string; readonly reviewDate: CalendarDate } | undefined;
}

async function planEdit(
  id: string,
  changes: CompliancePolicyChanges,
  expectedVersion: number | undefined,
): Promise<EditPlan> {
  const policy = await getRow(CompliancePolicy, id);
  refuseStale(CompliancePolicy, policy, expectedVersion);
  const { title } = await checkedFacts(factsOf(policy, changes), policy);
  // Else the versions would have taken their step before the key refuses the change.
  if (await CompliancePolicy.isTitleTaken(title, id)) {
    throw conflictOf('compliance_policies_title_key');
  }
  const { version, differs } = await editedText(policy, changes);
  const published = await CompliancePolicyVersion.publishedOf(id);
  const { reviewDate } = changes;
  const isMoved = movesReview(policy, changes);
  if (published && reviewDate === null && isMoved) {
    throw invalidField('review_date', 'What is published is reviewed one day', 'REQUIRED');
  }
  return {
    reopens: differs && version.status !== 'draft' ? version.id : undefined,
    reviewed:
      published && reviewDate && isMoved ? { versionId: published.id, reviewDate } : undefined,
  };
}

const movesReview = (policy: CompliancePolicy, { reviewDate }: CompliancePolicyChanges): boolean =>
  reviewDate !== undefined && reviewDate !== (policy.reviewDate ?? null);

const changesAudience = (changes: CompliancePolicyChanges): boolean =>
  changes.audienceCustomerId !== undefined ||
  changes.audienceRole !== undefined ||
  changes.audienceDepartment !== undefined;

async function applyEdit(
  actor: Actor,
  id: string,
  changes: CompliancePolicyChanges,
  expectedVersion: number | undefined,
): Promise<void> {
  const policy = await getRow(CompliancePolicy, id, { lock: true });
  refuseStale(CompliancePolicy, policy, expectedVersion);
  // Somebody published it in between: its clocks follow the date by a step of the version alone.
  if (movesReview(policy, changes) && (await CompliancePolicyVersion.publishedOf(id))) {
    throw versionConflict(CompliancePolicy.entityType, id, policy.version);
  }
  const fields = await checkedFacts(factsOf(policy, changes), policy);
  const edit = await editedText(policy, changes);
  const { version: seen } = policy;
  await editRow(CompliancePolicy, policy, fields, expectedVersion);
  if (policy.policyVersion > 0 && changesAudience(changes)) await askAnew([id]);
  if (!edit.differs) return;
  const { version, text } = edit;
  // Somebody submitted it in between.
  if (version.status !== 'draft') throw illegalVersionEvent(version, 'edit');
  await editVersion(actor, version, text);
  if (policy.version === seen) await policy.touch();
}

/** The audit tells what a text was by its hash. */
async function editVersion(
  actor: Actor,
  version: CompliancePolicyVersion,
  text: VersionText,
): Promise<void> {
  const published = await CompliancePolicyVersion.publishedOf(version.policyId);
  const fields = {
    ...text,
    ...labelAfter(published ?? undefined, text.requiresReack),
    contentSha256: contentHash(text.content),
    authors: withAuthor(version, await ApiKey.personOf(actor)),
  };
  const { content: _, quiz: __, ...told } = fields;
  const before = Object.fromEntries(Object.keys(told).map((name) => [name, version.get(name)]));
  await editRow(CompliancePolicyVersion, version, fields, undefined, 'UPDATE', {
    before,
    after: told,
  });
}

type EditedText =
  | { readonly differs: false; readonly version: null }
  | {
      readonly differs: true;
      readonly version: CompliancePolicyVersion;
      readonly text: VersionText;
    };

/** @throws Invalid; Conflict NO_DRAFT where no version is on its way and the text would change */
async function editedText(
  policy: CompliancePolicy,
  changes: CompliancePolicyChanges,
): Promise<EditedText> {
  const isText = textNames.some((name) => changes[name] !== undefined);
  if (!isText) return { differs: false, version: null };
  const open = await CompliancePolicyVersion.openOf(policy.id);
  const version = open ?? (await CompliancePolicyVersion.newestOf(policy.id));
  const before = version && textOf(version);
  if (policy.type === 'default') refuseOwnDocument(differing(changes, before));
  if (!version || !before) throw noDraft(policy.id);
  const text = checkedText(before, changes);
  if (isDeepStrictEqual(text, before)) return { differs: false, version: null };
  if (!open) throw noDraft(policy.id);
  refuseUnhashed(text);
  refuseOptionalFirst(await CompliancePolicyVersion.publishedOf(policy.id), text.requiresReack);
  return { differs: true, version, text };
}

const noDraft = (id: string): Conflict =>
  new Conflict('NO_DRAFT', `No version of the policy ${id} is on its way; make a new one first`);

const textNames = [
  'content',
  'documentLink',
  'documentSha256',
  'changeLog',
  'quiz',
  'requiresReack',
] as const;

/** Without what is as it was. */
const differing = (changes: VersionTextChanges, before: VersionText | null): VersionTextChanges =>
  Object.fromEntries(
    textNames
      .filter((name) => !isDeepStrictEqual(changes[name], before?.[name]))
      .map((name) => [name, changes[name]]),
  );

/** The facts as they will be. */
const factsOf = (policy: CompliancePolicy, changes: CompliancePolicyChanges): PolicyFacts => {
  const { title = policy.title, description = policy.description ?? null } = changes;
  const { customerComplianceId = policy.customerComplianceId ?? null } = changes;
  const { ownerId = policy.ownerId ?? null, classification = policy.classification } = changes;
  const { audienceCustomerId = policy.audienceCustomerId ?? null } = changes;
  const { audienceRole = policy.audienceRole ?? null } = changes;
  const { audienceDepartment = policy.audienceDepartment ?? null } = changes;
  const { reviewDate = policy.reviewDate ?? null } = changes;
  return {
    title,
    description,
    customerComplianceId,
    ownerId,
    audienceCustomerId,
    audienceRole,
    audienceDepartment,
    classification,
    reviewDate,
  };
};

/** What may be stored; what is as before is not judged again. @throws Invalid */
async function checkedFacts(facts: PolicyFacts, before?: CompliancePolicy): Promise<PolicyFacts> {
  const { customerComplianceId, ownerId, audienceCustomerId, reviewDate } = facts;
  const isNew = (name: keyof PolicyFacts): boolean => facts[name] !== (before?.[name] ?? null);
  if (customerComplianceId !== null && isNew('customerComplianceId')) {
    const isLive = await holdCustomerCompliance(customerComplianceId);
    if (!isLive) {
      throw invalidField('customer_compliance_id', 'There is no such customer compliance');
    }
  }
  if (audienceCustomerId !== null && isNew('audienceCustomerId')) {
    if (!(await holdCustomer(audienceCustomerId))) {
      throw invalidField('audience_customer_id', 'There is no such customer');
    }
  }
  if (ownerId !== null && isNew('ownerId')) {
    const owner = await findPerson(ownerId);
    if (!owner || owner.archivedAt) {
      throw invalidField('owner_id', 'Nobody in the company has this account');
    }
  }
  if (reviewDate !== null && isNew('reviewDate')) {
    const { timeZone } = await Calendar.ofCompany();
    if (compareDates(reviewDate, dateAt(Date.now(), timeZone)) <= 0) {
      throw invalidField('review_date', 'must be after today', 'DATE_PAST');
    }
  }
  const line = (field: string, text: string | null): string | null =>
    text === null ? null : typedLine(field, text);
  return {
    ...facts,
    title: typedLine('title', facts.title),
    description: typedOrNull(facts.description),
    audienceRole: line('audience_role', facts.audienceRole),
    audienceDepartment: line('audience_department', facts.audienceDepartment),
  };
}

/** @returns the draft that would go with it. @throws Conflict */
async function archivable(
  policy: CompliancePolicy,
  expectedVersion: number | undefined,
): Promise<CompliancePolicyVersion | null> {
  refuseStale(CompliancePolicy, policy, expectedVersion);
  if (await CompliancePolicyVersion.publishedOf(policy.id)) {
    throw new Conflict(
      'POLICY_PUBLISHED',
      `A version of ${policy.id} is published; retire it first`,
    );
  }
  const open = await CompliancePolicyVersion.openOf(policy.id);
  if (open && open.status !== 'draft') throw illegalVersionEvent(open, 'discard');
  return open;
}
