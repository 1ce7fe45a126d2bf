import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Compliance } from '../models/Compliance.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectPage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { archiveRow, editRow, getRow, getRows, restoreRow } from '../models/rows.ts';
import { requirementsProblem, type Requirement } from '../rules/compliance.ts';
import { seesAll } from './categories.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedLine, typedText } from './typedText.ts';

export interface ComplianceWish {
  readonly complianceType: string;
  readonly complianceTitle: string;
  readonly requirements: readonly Requirement[];
}

/** What is undefined stays as it is. */
export type ComplianceChanges = {
  readonly [Name in keyof ComplianceWish]?: ComplianceWish[Name] | undefined;
};

export interface ComplianceFilters extends ListAsked<keyof typeof sortColumns> {
  readonly complianceType?: string | undefined;
  readonly includeArchived: boolean;
}

export type ComplianceView = Pick<
  Compliance,
  | 'id'
  | 'complianceType'
  | 'complianceTitle'
  | 'requirements'
  | 'createdAt'
  | 'updatedAt'
  | 'archivedAt'
  | 'version'
>;

const sortColumns = {
  complianceTitle: 'lower(c.compliance_title)',
  complianceType: 'c.compliance_type',
  createdAt: 'c.created_at',
} as const;

/** What customers can be asked to comply with. */
export const createCompliances = () => ({
  list: (actor: Actor, filters: ComplianceFilters) =>
    withTenant(actor.companyId, () =>
      selectPage<ComplianceView>(
        columnsOf(Compliance, 'c'),
        'compliances c',
        conditionsOf(actor, filters),
        sortedBy(sortColumns, filters, 'c.id'),
      ),
    ),

  get: (actor: Actor, id: string): Promise<ComplianceView> =>
    withTenant(actor.companyId, () => getRow(Compliance, id, { archived: seesAll(actor) })),

  /** Those of `ids` that `get` would answer. */
  several: (actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, ComplianceView>> =>
    withTenant(actor.companyId, () => getRows(Compliance, ids, { archived: seesAll(actor) })),

  /** @throws Conflict COMPLIANCE_EXISTS, like every change of a title here */
  create: (wish: ComplianceWish, once: Once): Promise<ComplianceView | Replay> =>
    rowsOnce(once, async () => {
      const fields = checked(wish);
      const id = append(Compliance, fields);
      AuditLog.record('CREATE', { type: Compliance.entityType, id }, { after: fields });
      await flush();
      return getRow(Compliance, id);
    }),

  edit: (
    actor: Actor,
    id: string,
    changes: ComplianceChanges,
    expectedVersion: number | undefined,
  ): Promise<ComplianceView> =>
    withTenant(actor.companyId, async () => {
      const compliance = await getRow(Compliance, id);
      const { complianceType = compliance.complianceType } = changes;
      const { complianceTitle = compliance.complianceTitle } = changes;
      const { requirements = compliance.requirements } = changes;
      const fields = checked({ complianceType, complianceTitle, requirements });
      return editRow(Compliance, compliance, fields, expectedVersion);
    }),

  /** Whoever has to comply with it still has to; nobody else is asked. */
  archive: (
    actor: Actor,
    id: string,
    expectedVersion: number | undefined,
  ): Promise<ComplianceView> =>
    withTenant(actor.companyId, async () =>
      archiveRow(Compliance, await getRow(Compliance, id), expectedVersion),
    ),

  restore: (
    actor: Actor,
    id: string,
    expectedVersion: number | undefined,
  ): Promise<ComplianceView> =>
    withTenant(actor.companyId, async () =>
      restoreRow(Compliance, await getRow(Compliance, id, { archived: true }), expectedVersion),
    ),
});

export type Compliances = ReturnType<typeof createCompliances>;

/** Keeps a live compliance from being archived until the commit. @returns whether it is live */
export async function holdCompliance(id: string): Promise<boolean> {
  const held = await select(
    'SELECT 1 FROM compliances WHERE id = $1 AND archived_at IS NULL FOR SHARE',
    [id],
  );
  return held.length > 0;
}

/** What may be stored. @throws Invalid */
function checked({ complianceType, complianceTitle, requirements }: ComplianceWish) {
  const typed = requirements.map(({ code, text }, index) => ({
    code: typedLine(`requirements.${index}.code`, code),
    text: typedText(`requirements.${index}.text`, text),
  }));
  const problem = requirementsProblem(typed);
  if (problem) {
    throw invalidField(`requirements.${problem.index}.code`, problem.message, problem.code);
  }
  return {
    complianceType,
    complianceTitle: typedLine('compliance_title', complianceTitle),
    requirements: typed,
  };
}

const conditionsOf = (actor: Actor, filters: ComplianceFilters): readonly Condition[] => {
  const { complianceType, search, includeArchived } = filters;
  return [
    ...(includeArchived && seesAll(actor) ? [] : [['c.archived_at IS NULL'] as const]),
    ...(complianceType ? [['c.compliance_type = $', complianceType] as const] : []),
    ...(search ? [['c.compliance_title ILIKE $', containing(search)] as const] : []),
    ...madeWithin('c', filters),
  ];
};
