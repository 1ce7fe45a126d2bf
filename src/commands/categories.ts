import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import { containing, madeWithin, selectPage, sortedBy, type ListAsked } from '../models/list.ts';
import { PropertyCategory, type segments } from '../models/PropertyCategory.ts';
import { archiveRow, editRow, getRow, getRows, restoreRow } from '../models/rows.ts';
import { allows } from '../rules/permissions.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface CategoryWish {
  readonly name: string;
  readonly segment: (typeof segments)[number];
  readonly description?: string | null | undefined;
}

/** What is undefined stays as it is. */
export type CategoryChanges = {
  readonly [Name in keyof CategoryWish]?: CategoryWish[Name] | undefined;
};

export interface CategoryFilters extends ListAsked<keyof typeof sortColumns> {
  readonly segment?: CategoryWish['segment'] | undefined;
  readonly includeArchived: boolean;
}

export type CategoryView = Pick<
  PropertyCategory,
  'id' | 'name' | 'segment' | 'description' | 'createdAt' | 'updatedAt' | 'archivedAt' | 'version'
>;

const sortColumns = {
  name: 'lower(c.name)',
  segment: 'c.segment',
  createdAt: 'c.created_at',
} as const;

/** What kinds of property a company insures. Anybody may read; the routes say who may write. */
export const createCategories = () => ({
  list: (companyId: string, visitor: Actor | undefined, filters: CategoryFilters) =>
    withTenant(companyId, () => {
      const { segment, search, includeArchived } = filters;
      return selectPage<CategoryView>(
        `c.id, c.name, c.segment, c.description, c.created_at AS "createdAt",
         c.updated_at AS "updatedAt", c.archived_at AS "archivedAt", c.version`,
        'property_categories c',
        [
          ...(includeArchived && seesAll(visitor) ? [] : [['c.archived_at IS NULL'] as const]),
          ...(segment ? [['c.segment = $', segment] as const] : []),
          ...(search
            ? [['(c.name ILIKE $ OR c.description ILIKE $)', containing(search)] as const]
            : []),
          ...madeWithin('c', filters),
        ],
        sortedBy(sortColumns, filters, 'c.id'),
      );
    }),

  get: (companyId: string, visitor: Actor | undefined, id: string): Promise<CategoryView> =>
    withTenant(companyId, () => getRow(PropertyCategory, id, { archived: seesAll(visitor) })),

  /** Those of `ids` that `get` would answer. */
  several: (
    companyId: string,
    visitor: Actor | undefined,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, CategoryView>> =>
    withTenant(companyId, () => getRows(PropertyCategory, ids, { archived: seesAll(visitor) })),

  /** @throws Conflict CATEGORY_EXISTS, like every change of a name here */
  create: (wish: CategoryWish, once: Once): Promise<CategoryView | Replay> =>
    rowsOnce(once, async () => {
      const { name, segment, description = null } = wish;
      const id = append(PropertyCategory, { name, segment, description });
      AuditLog.record('CREATE', about(id), { after: { name, segment, description } });
      await flush();
      return getRow(PropertyCategory, id);
    }),

  edit: (
    actor: Actor,
    id: string,
    changes: CategoryChanges,
    expectedVersion: number | undefined,
  ): Promise<CategoryView> =>
    withTenant(actor.companyId, async () => {
      const category = await getRow(PropertyCategory, id);
      const { name = category.name, segment = category.segment } = changes;
      const { description = category.description } = changes;
      return editRow(PropertyCategory, category, { name, segment, description }, expectedVersion);
    }),

  /** @throws Conflict CATEGORY_IN_USE while an active plan belongs to it */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<CategoryView> =>
    withTenant(actor.companyId, async () => {
      // Held until the commit, so that no plan becomes active here meanwhile (`holdCategory`).
      await select('SELECT 1 FROM property_categories WHERE id = $1 FOR UPDATE', [id]);
      const category = await getRow(PropertyCategory, id);
      const [used] = await select<{ plans: string }>(
        `SELECT count(*) AS plans FROM insurance_plans
         WHERE property_category_id = $1 AND is_active AND archived_at IS NULL`,
        [id],
      );
      if (Number(used?.plans) > 0) {
        throw new Conflict('CATEGORY_IN_USE', `The category ${id} still has active plans`, {
          active_plans: Number(used?.plans),
        });
      }
      return archiveRow(PropertyCategory, category, expectedVersion);
    }),

  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<CategoryView> =>
    withTenant(actor.companyId, async () =>
      restoreRow(
        PropertyCategory,
        await getRow(PropertyCategory, id, { archived: true }),
        expectedVersion,
      ),
    ),
});

export type Categories = ReturnType<typeof createCategories>;

/** Whether somebody also reads what is archived or not for sale: who may read the audit. */
export const seesAll = (visitor: Actor | undefined): boolean =>
  visitor !== undefined && allows(visitor, 'audit:read');

/** Keeps a live category from being archived until the commit. @returns whether it is live */
export async function holdCategory(id: string): Promise<boolean> {
  const held = await select(
    'SELECT 1 FROM property_categories WHERE id = $1 AND archived_at IS NULL FOR SHARE',
    [id],
  );
  return held.length > 0;
}

const about = (id: string) => ({ type: PropertyCategory.entityType, id });
