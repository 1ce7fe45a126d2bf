import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CompliancePolicy, flushedAtOnce } from '../models/CompliancePolicy.ts';
import { afterCommit, append, flush, withTenant } from '../models/database.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { queueMail } from '../models/mail.ts';
import { Notification } from '../models/Notification.ts';
import { archiveRow, editRow, getRow, restoreRow } from '../models/rows.ts';
import { Template } from '../models/Template.ts';
import { seesAll } from './categories.ts';
import type { Dispatcher } from './dispatch.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { changedDocument, type LinkedDocument } from './linkedDocument.ts';
import { typedLine, typedOrNull } from './typedText.ts';

export interface TemplateText extends LinkedDocument {
  readonly description: string | null;
  readonly changeLog: string | null;
}

/** What is undefined stays as it is. */
export type TemplateChanges = {
  readonly [Name in keyof TemplateText]?: TemplateText[Name] | undefined;
};

export interface TemplateFilters extends ListAsked<keyof typeof sortColumns> {
  /** The whole name, in any case: all its versions. */
  readonly name?: string | undefined;
  readonly isLatest?: boolean | undefined;
  readonly includeArchived: boolean;
}

export type TemplateView = InferAttributes<Template>;

const sortColumns = {
  name: 'lower(t.name)',
  versionNumber: 't.version_number',
  createdAt: 't.created_at',
} as const;

/** Documents that policies are made from, in versions: one of each name is the latest. */
export const createTemplates = ({ dispatch }: Pick<Dispatcher, 'dispatch'>) => ({
  list: (actor: Actor, filters: TemplateFilters) =>
    withTenant(actor.companyId, () =>
      selectPage<TemplateView>(
        columnsOf(Template, 't'),
        'templates t',
        conditionsOf(actor, filters),
        sortedBy(sortColumns, filters, 't.id'),
      ),
    ),

  get: (actor: Actor, id: string): Promise<TemplateView> =>
    withTenant(actor.companyId, () => getRow(Template, id, { archived: seesAll(actor) })),

  /** The first version of a new name, or the next one of a name that is there: it is the latest then. */
  create: (
    actor: Actor,
    { name: wished, ...text }: TemplateText & { readonly name: string },
    once: Once,
  ): Promise<TemplateView | Replay> =>
    rowsOnce(once, async () => {
      const line = typedLine('name', wished);
      await Template.holdName(line);
      const newest = await Template.newestOf(line);
      const { name = line, versionNumber = 0 } = newest ?? {};
      const fields = { name, versionNumber: versionNumber + 1, ...changed(text, {}) };
      const id = append(Template, { ...fields, isLatest: !newest });
      AuditLog.record(
        'CREATE',
        { type: Template.entityType, id },
        { after: { ...fields, isLatest: !newest } },
      );
      await flush();
      await settle(actor, name, dispatch);
      return getRow(Template, id);
    }),

  /**
   * Only the latest version: the others are what somebody may have agreed to.
   * @throws Conflict TEMPLATE_SUPERSEDED
   */
  edit: (
    actor: Actor,
    id: string,
    changes: TemplateChanges,
    expectedVersion: number | undefined,
  ): Promise<TemplateView> =>
    withTenant(actor.companyId, async () => {
      const template = await getRow(Template, id, { lock: true });
      if (!template.isLatest) {
        throw new Conflict(
          'TEMPLATE_SUPERSEDED',
          `Version ${template.versionNumber} of ${template.name} is not the latest one`,
        );
      }
      return editRow(Template, template, changed(template, changes), expectedVersion);
    }),

  /** The newest version that is left becomes the latest. */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<unknown> =>
    withTenant(actor.companyId, async () => {
      const { name } = await getRow(Template, id);
      await Template.holdName(name);
      await archiveRow(Template, await getRow(Template, id), expectedVersion);
      await settle(actor, name, dispatch);
    }),

  /** It becomes the latest where no newer version is left. */
  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<TemplateView> =>
    withTenant(actor.companyId, async () => {
      const { name } = await getRow(Template, id, { archived: true });
      await Template.holdName(name);
      await restoreRow(Template, await getRow(Template, id, { archived: true }), expectedVersion);
      await settle(actor, name, dispatch);
      return getRow(Template, id);
    }),
});

export type Templates = ReturnType<typeof createTemplates>;

/** Which version is the latest, and what that is for the policies that follow it: their owners are told. */
async function settle(
  { companyId }: Actor,
  name: string,
  dispatch: Dispatcher['dispatch'],
): Promise<void> {
  await Template.settleLatest(name);
  await flush();
  const updatable = await CompliancePolicy.followTemplate(name);
  for (const [index, policy] of updatable.entries()) {
    if (index % flushedAtOnce === 0) await flush();
    const { id, title, ownerId, templateId, templateVersion, templateRowVersion } = policy;
    const message = {
      template: 'compliance_policy_update_available',
      payload: { policyId: id, title, templateVersion },
      // A version that is archived and restored is an update once more.
      key: `compliance_policy/${id}/update/${templateId}/${templateRowVersion}`,
    } as const;
    const about = { type: CompliancePolicy.entityType, id };
    if (!ownerId) {
      const to = { channel: 'in_app', role: 'compliance_manager' } as const;
      Notification.queue({ to, ...message, about });
      continue;
    }
    Notification.queue({ to: { channel: 'in_app', userId: ownerId }, ...message, about });
    const mail = queueMail({ companyId, to: { userId: ownerId }, ...message });
    afterCommit(() => dispatch(mail));
  }
}

/** As it is kept. @throws Invalid */
function changed(before: TemplateText, changes: TemplateChanges): TemplateText {
  const { description = before.description, changeLog = before.changeLog } = changes;
  return {
    description: typedOrNull(description),
    ...changedDocument(before, changes),
    changeLog: typedOrNull(changeLog),
  };
}

const conditionsOf = (actor: Actor, filters: TemplateFilters): readonly Condition[] => {
  const { name, isLatest, search, includeArchived } = filters;
  return [
    ...(includeArchived && seesAll(actor) ? [] : [['t.archived_at IS NULL'] as const]),
    ...(name ? [['lower(t.name) = lower($)', name] as const] : []),
    ...(isLatest === undefined ? [] : [['t.is_latest = $', isLatest] as const]),
    ...(search ? [['(t.name ILIKE $ OR t.description ILIKE $)', containing(search)] as const] : []),
    ...madeWithin('t', filters),
  ];
};
