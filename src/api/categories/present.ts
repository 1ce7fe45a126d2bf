import type { CategoryView } from '../../commands/categories.ts';

export const presentCategory = (category: CategoryView) => ({
  id: category.id,
  name: category.name,
  segment: category.segment,
  description: category.description ?? null,
  created_at: category.createdAt.toISOString(),
  updated_at: category.updatedAt.toISOString(),
  archived_at: category.archivedAt?.toISOString() ?? null,
  version: category.version,
});
