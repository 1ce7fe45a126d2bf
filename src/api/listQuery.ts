import Joi from 'joi';
import type { ListAsked } from '../models/list.ts';
import {
  boolean,
  camelCase,
  demanded,
  instant,
  integer,
  oneOf,
  optional,
  renaming,
  text,
  type Camel,
  type Fields,
  type InnerFields,
  type Partially,
} from './schema.ts';

/** What every list is asked with, next to its own filters. */
export interface ListQuery<Sort extends string = string> extends ListAsked<Sort> {
  readonly includeArchived: boolean;
}

/** Of lists that are walked by it, too. */
export const cursor = optional(
  text(500).description('next_cursor of an answer to the same filters; takes the place of page'),
);

const common = {
  search: optional(text(200).allow('')),
  created_after: optional(instant()),
  created_before: optional(instant()),
  include_archived: boolean().default(false),
} as const;

/** What most lists can be narrowed or widened by; a list that cannot must not take it. */
export type CommonFilter = keyof typeof common;

type Asked<F extends Fields, S extends string, T extends CommonFilter> = InnerFields<Partially<F>> &
  Omit<ListQuery<Camel<S> & string>, Camel<Exclude<CommonFilter, T>>>;

/**
 * The query conventions of every list: paging, `sort_by` and `sort_order` with the older `page_size`
 * and `ordering=-field`, search, creation window, archived rows. Filters are optional; whatever is
 * not named here is refused, because a filter that is ignored shows more than was asked for.
 */
export function listQuery<
  F extends Fields,
  const S extends string,
  const T extends CommonFilter = CommonFilter,
>({
  filters,
  sorts,
  defaultSort,
  takes,
}: {
  filters: F;
  sorts: readonly S[];
  defaultSort: NoInfer<S | `-${S}`>;
  /** All of the common filters unless told. */
  takes?: readonly T[];
}): Joi.ObjectSchema<Asked<F, S, T>> {
  const orderings = sorts.flatMap((name) => [name, `-${name}`]);
  const taken: readonly string[] = takes ?? Object.keys(common);
  const fields = {
    ...Object.fromEntries(Object.entries(filters).map(([name, field]) => [name, field.optional()])),
    page: integer(1, furthestRow).default(1).description('Counted from 1'),
    size: optional(integer(1, 100).description('Rows of a page, 20 unless told')),
    page_size: optional(integer(1, 100).description('Older name of size')),
    sort_by: optional(oneOf(...sorts)),
    sort_order: optional(oneOf('asc', 'desc')),
    ordering: optional(oneOf(...orderings).description('Older form: field or -field')),
    ...Object.fromEntries(Object.entries(common).filter(([name]) => taken.includes(name))),
  };
  return Joi.object<Asked<F, S, T>, false, Fields>(demanded(fields))
    .custom(renaming(fields))
    .custom((query, helpers) => {
      const { pageSize, ordering, ...rest } = query;
      const at = (name: string) => helpers.state.localize?.([name]);
      if (pageSize !== undefined && rest.size !== undefined)
        return helpers.error('list.twice', {}, at('page_size'));
      if (ordering !== undefined && (rest.sortBy ?? rest.sortOrder) !== undefined)
        return helpers.error('list.twice', {}, at('ordering'));

      const size = rest.size ?? pageSize ?? 20;
      if (rest.page * size > furthestRow) return helpers.error('list.far', {}, at('page'));

      const [defaultBy, defaultOrder] = sorting(ordering ?? defaultSort);
      return {
        ...rest,
        size,
        sortBy: rest.sortBy === undefined ? defaultBy : camelCase(rest.sortBy),
        sortOrder: rest.sortOrder ?? (rest.sortBy === undefined ? defaultOrder : 'asc'),
        search: rest.search || undefined,
      };
    })
    .messages({
      'list.twice': '{{#label}} says again what another parameter says',
      'list.far': `page x size goes up to ${furthestRow}; narrow the filters instead`,
    });
}

const furthestRow = 10_000;

const sorting = (ordering: string): [string, 'asc' | 'desc'] =>
  ordering.startsWith('-') ? [camelCase(ordering.slice(1)), 'desc'] : [camelCase(ordering), 'asc'];
