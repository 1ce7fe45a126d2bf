import type { Actor } from '../context.ts';
import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Customer } from '../models/Customer.ts';
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
import { seesAll } from './categories.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedLine } from './typedText.ts';

export interface CustomerWish {
  readonly name: string;
  readonly subscriptionType: Customer['subscriptionType'];
  readonly contactEmail: string | null;
}

/** What is undefined stays as it is. */
export type CustomerChanges = {
  readonly [Name in keyof CustomerWish]?: CustomerWish[Name] | undefined;
};

export interface CustomerFilters extends ListAsked<keyof typeof sortColumns> {
  /** The whole name, in any case. */
  readonly name?: string | undefined;
  readonly subscriptionType?: CustomerWish['subscriptionType'] | undefined;
  readonly isSelf?: boolean | undefined;
  readonly includeArchived: boolean;
}

export type CustomerView = Pick<
  Customer,
  | 'id'
  | 'name'
  | 'subscriptionType'
  | 'isSelf'
  | 'contactEmail'
  | 'createdAt'
  | 'updatedAt'
  | 'archivedAt'
  | 'version'
>;

const sortColumns = {
  name: 'lower(c.name)',
  subscriptionType: 'c.subscription_type',
  createdAt: 'c.created_at',
} as const;

/**
 * The organisations whose workforce a company looks after. The one that stands for its own staff is made
 * with the company and is always there: no request makes another such one, or archives it.
 */
export const createCustomers = () => ({
  list: (actor: Actor, filters: CustomerFilters) =>
    withTenant(actor.companyId, () =>
      selectPage<CustomerView>(
        columnsOf(Customer, 'c'),
        'customers c',
        conditionsOf(actor, filters),
        sortedBy(sortColumns, filters, 'c.id'),
      ),
    ),

  get: (actor: Actor, id: string): Promise<CustomerView> =>
    withTenant(actor.companyId, () => getRow(Customer, id, { archived: seesAll(actor) })),

  /** Those of `ids` that `get` would answer. */
  several: (actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, CustomerView>> =>
    withTenant(actor.companyId, () => getRows(Customer, ids, { archived: seesAll(actor) })),

  /** @throws Conflict CUSTOMER_EXISTS, like every change of a name here */
  create: (wish: CustomerWish, once: Once): Promise<CustomerView | Replay> =>
    rowsOnce(once, async () => {
      const fields = { ...wish, name: typedLine('name', wish.name) };
      const id = append(Customer, fields);
      AuditLog.record('CREATE', { type: Customer.entityType, id }, { after: fields });
      await flush();
      return getRow(Customer, id);
    }),

  edit: (
    actor: Actor,
    id: string,
    changes: CustomerChanges,
    expectedVersion: number | undefined,
  ): Promise<CustomerView> =>
    withTenant(actor.companyId, async () => {
      const customer = await getRow(Customer, id);
      const { subscriptionType = customer.subscriptionType } = changes;
      const { contactEmail = customer.contactEmail } = changes;
      const name = changes.name === undefined ? customer.name : typedLine('name', changes.name);
      const fields = { name, subscriptionType, contactEmail };
      return editRow(Customer, customer, fields, expectedVersion);
    }),

  /** @throws Conflict OWN_CUSTOMER for the company's own staff; CUSTOMER_IN_USE while anything needs it */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<CustomerView> =>
    withTenant(actor.companyId, async () => {
      // Locked, so that nobody is employed there meanwhile (`holdCustomer`).
      const customer = await getRow(Customer, id, { lock: true });
      if (customer.isSelf) {
        throw new Conflict('OWN_CUSTOMER', `The customer ${id} is the company itself and stays`);
      }
      const uses = await usesOf(id);
      if (Object.values(uses).some((count) => count > 0)) {
        throw new Conflict(
          'CUSTOMER_IN_USE',
          `The customer ${id} still has employees, something to comply with or policies for it`,
          uses,
        );
      }
      return archiveRow(Customer, customer, expectedVersion);
    }),

  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<CustomerView> =>
    withTenant(actor.companyId, async () =>
      restoreRow(Customer, await getRow(Customer, id, { archived: true }), expectedVersion),
    ),
});

export type Customers = ReturnType<typeof createCustomers>;

/** Keeps a live customer from being archived until the commit. @returns whether it is live */
export async function holdCustomer(id: string): Promise<boolean> {
  const held = await select(
    'SELECT 1 FROM customers WHERE id = $1 AND archived_at IS NULL FOR SHARE',
    [id],
  );
  return held.length > 0;
}

/** Before something of theirs is restored; they stay until the commit. @throws Conflict CUSTOMER_ARCHIVED */
export async function refuseArchivedCustomer(id: string): Promise<void> {
  if (await holdCustomer(id)) return;
  throw new Conflict('CUSTOMER_ARCHIVED', `The customer ${id} is archived`);
}

/** The id of the one that stands for the company's own staff. */
export async function ownCustomer(): Promise<string | undefined> {
  const [own] = await select<{ id: string }>('SELECT id FROM customers WHERE is_self');
  return own?.id;
}

/** How many live rows need a customer. */
async function usesOf(customerId: string): Promise<Readonly<Record<string, number>>> {
  const [counted = {}] = await select<Record<string, number>>(
    `SELECT
       (SELECT count(*)::int FROM employees
        WHERE customer_id = $1 AND archived_at IS NULL) AS employees,
       (SELECT count(*)::int FROM customer_compliances
        WHERE customer_id = $1 AND archived_at IS NULL) AS compliances,
       (SELECT count(*)::int FROM compliance_policies
        WHERE audience_customer_id = $1 AND archived_at IS NULL) AS policies`,
    [customerId],
  );
  return counted;
}

const conditionsOf = (actor: Actor, filters: CustomerFilters): readonly Condition[] => {
  const { name, subscriptionType, isSelf, search, includeArchived } = filters;
  return [
    ...(includeArchived && seesAll(actor) ? [] : [['c.archived_at IS NULL'] as const]),
    ...(name ? [['lower(c.name) = lower($)', name] as const] : []),
    ...(subscriptionType ? [['c.subscription_type = $', subscriptionType] as const] : []),
    ...(isSelf === undefined ? [] : [['c.is_self = $', isSelf] as const]),
    ...(search
      ? [['(c.name ILIKE $ OR c.contact_email ILIKE $)', containing(search)] as const]
      : []),
    ...madeWithin('c', filters),
  ];
};
