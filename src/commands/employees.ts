import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { Employee } from '../models/Employee.ts';
import {
  byId,
  columnsOf,
  containing,
  madeWithin,
  newestFirst,
  selectFirst,
  selectFirstOfEach,
  selectThose,
  selectWidePage,
  sortedBy,
  type Condition,
  type ListAsked,
} from '../models/list.ts';
import { askAbout } from '../models/keeperStart.ts';
import { archiveRow, editRow, getRow, noSuch, restoreRow } from '../models/rows.ts';
import { dateAt, type CalendarDate } from '../rules/calendar.ts';
import {
  joinProblem,
  leaveProblem,
  returnProblem,
  type EmployeeStatus,
} from '../rules/employees.ts';
import type { Problem } from '../rules/problem.ts';
import { seesAll } from './categories.ts';
import type { KnownCompany } from './companies.ts';
import { holdCustomer, ownCustomer, refuseArchivedCustomer } from './customers.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { findPerson } from './people.ts';
import { typedLine } from './typedText.ts';

export interface EmployeeWish {
  /** The company's own staff unless told. */
  readonly customerId?: string | undefined;
  readonly userId: string | null;
  readonly name: string;
  readonly email: string;
  readonly role: string | null;
  readonly department: string | null;
  readonly managerId: string | null;
  /** Today unless told. */
  readonly joinDate?: CalendarDate | undefined;
}

/** What is undefined stays as it is. */
export type EmployeeChanges = {
  readonly [Name in keyof EmployeeWish]?: EmployeeWish[Name] | undefined;
};

/** Today unless told. */
export interface EmploymentEvent {
  readonly date?: CalendarDate | undefined;
}

export interface EmployeeFilters extends ListAsked<keyof typeof sortColumns> {
  readonly customerId?: string | undefined;
  readonly department?: string | undefined;
  readonly role?: string | undefined;
  readonly status?: EmployeeStatus | undefined;
  readonly managerId?: string | undefined;
  readonly includeArchived: boolean;
}

export interface EmployeeView extends InferAttributes<Employee> {
  /** Who has left keeps those who report to them, until somebody gives them another manager. */
  readonly managerStatus: EmployeeStatus | null;
}

const sortColumns = {
  name: 'lower(e.name)',
  email: 'e.email',
  department: 'e.department',
  joinDate: 'e.join_date',
  createdAt: 'e.created_at',
} as const;

const tables = `employees e
  LEFT JOIN employees m ON m.company_id = e.company_id AND m.id = e.manager_id`;

const columns = (): string => `${columnsOf(Employee, 'e')}, m.status AS "managerStatus"`;

/** The people of the customers: what is known of them, to whom they report, when they came and went. */
export const createEmployees = () => ({
  list: (actor: Actor, filters: EmployeeFilters) =>
    withTenant(actor.companyId, () =>
      selectWidePage<EmployeeView>(
        columns(),
        { from: tables, narrow: 'employees e' },
        conditionsOf(actor, filters),
        sortedBy(sortColumns, filters, 'e.id'),
      ),
    ),

  get: (actor: Actor, id: string): Promise<EmployeeView> =>
    withTenant(actor.companyId, () => viewOf(id, { archived: seesAll(actor) })),

  /** Those of `ids` that `get` would answer. */
  several: (actor: Actor, ids: readonly string[]) =>
    withTenant(actor.companyId, async () => {
      const conditions = seesAll(actor) ? [] : [live];
      return byId(await selectThose<EmployeeView>(columns(), tables, ['e.id', ids], conditions));
    }),

  /** For each customer the first that `list` would answer. */
  ofCustomers: (actor: Actor, ids: readonly string[], size: number) =>
    withTenant(actor.companyId, () =>
      selectFirstOfEach<EmployeeView>(columns(), tables, ['e.customer_id', ids], [live], {
        ...newestFirst('e'),
        size,
      }),
    ),

  /** @throws Invalid; Conflict EMPLOYEE_EXISTS for an address or an account that another one has */
  create: (company: KnownCompany, wish: EmployeeWish, once: Once): Promise<EmployeeView | Replay> =>
    rowsOnce(once, async () => {
      const { userId, email, managerId, joinDate = todayOf(company) } = wish;
      const customerId = await customerFor(wish.customerId);
      await refuseNoMember(userId);
      await refuseNoManager(managerId);
      const fields = { customerId, userId, email, managerId, joinDate, ...typed(wish) };
      const id = append(Employee, fields);
      AuditLog.record('CREATE', { type: Employee.entityType, id }, { after: fields });
      await flush();
      return changedView(id);
    }),

  /** @throws Invalid, also for a manager who reports to them; Conflict EMPLOYEE_EXISTS */
  edit: (
    actor: Actor,
    id: string,
    changes: EmployeeChanges,
    expectedVersion: number | undefined,
  ): Promise<EmployeeView> =>
    withTenant(actor.companyId, async () => {
      if (changes.managerId) await Employee.holdManagers();
      const employee = await getRow(Employee, id);
      const { customerId = employee.customerId, userId = employee.userId } = changes;
      const { email = employee.email, managerId = employee.managerId } = changes;
      const { joinDate = employee.joinDate } = changes;
      const { name = employee.fullName, role = employee.role } = changes;
      const { department = employee.department } = changes;
      if (customerId !== employee.customerId) await customerFor(customerId);
      if (userId !== employee.userId) await refuseNoMember(userId);
      if (managerId !== employee.managerId) await refuseManager(id, managerId);
      const { leaveDate, returnDate } = employee;
      refuse('join_date', joinProblem({ joinDate, leaveDate, returnDate }));
      const fields = { customerId, userId, email, managerId, joinDate };
      const named = typed({ name, role, department });
      const isElsewhere =
        customerId !== employee.customerId ||
        named.role !== employee.role ||
        named.department !== employee.department;
      await editRow(Employee, employee, { ...fields, ...named }, expectedVersion);
      return isElsewhere ? changedView(id) : viewOf(id);
    }),

  /** @throws Conflict EMPLOYEE_HAS_REPORTS while somebody reports to them */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<void> =>
    withTenant(actor.companyId, async () => {
      const employee = await getRow(Employee, id, { lock: true });
      const reports = await Employee.reportsTo(id);
      if (reports > 0) {
        throw new Conflict(
          'EMPLOYEE_HAS_REPORTS',
          `${reports} employees report to the employee ${id}: give them another manager first`,
          { reports },
        );
      }
      await archiveRow(Employee, employee, expectedVersion);
      await askAbout([id]);
    }),

  /** @throws Conflict CUSTOMER_ARCHIVED, MANAGER_ARCHIVED, EMPLOYEE_EXISTS */
  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<EmployeeView> =>
    withTenant(actor.companyId, async () => {
      const employee = await getRow(Employee, id, { archived: true });
      const { customerId, managerId } = employee;
      await refuseArchivedCustomer(customerId);
      if (managerId !== null && !(await Employee.hold(managerId))) {
        throw new Conflict('MANAGER_ARCHIVED', `The manager ${managerId} is archived`);
      }
      await restoreRow(Employee, employee, expectedVersion);
      return changedView(id);
    }),

  /** @throws Invalid for a day before they came; Conflict ILLEGAL_TRANSITION for whoever has left */
  leave: (
    company: KnownCompany,
    id: string,
    { date = todayOf(company) }: EmploymentEvent,
    expectedVersion: number | undefined,
    once: Once,
  ): Promise<EmployeeView | Replay> =>
    rowsOnce(once, async () => {
      const employee = await getRow(Employee, id);
      refuseStatus(employee, 'inactive');
      refuse('date', leaveProblem(employee, date, todayOf(company)));
      const left = { status: 'inactive', leaveDate: date } as const;
      await editRow(Employee, employee, left, expectedVersion, 'STATUS_CHANGE');
      return changedView(id);
    }),

  /** @throws Invalid for a day before they left; Conflict ILLEGAL_TRANSITION for whoever is there */
  return: (
    company: KnownCompany,
    id: string,
    { date = todayOf(company) }: EmploymentEvent,
    expectedVersion: number | undefined,
    once: Once,
  ): Promise<EmployeeView | Replay> =>
    rowsOnce(once, async () => {
      const employee = await getRow(Employee, id);
      refuseStatus(employee, 'active');
      refuse('date', returnProblem(employee, date, todayOf(company)));
      const back = { status: 'active', leaveDate: null, returnDate: date } as const;
      await editRow(Employee, employee, back, expectedVersion, 'STATUS_CHANGE');
      return changedView(id);
    }),
});

export type Employees = ReturnType<typeof createEmployees>;

export const todayOf = ({ timeZone }: Pick<KnownCompany, 'timeZone'>): CalendarDate =>
  dateAt(Date.now(), timeZone);

/** Keeps the customer from being archived. @throws Invalid where there is none */
export async function customerFor(wished: string | undefined): Promise<string> {
  const id = wished ?? (await ownCustomer());
  if (id === undefined) {
    throw invalidField('customer_id', 'The company has no customer of its own', 'REQUIRED');
  }
  if (!(await holdCustomer(id))) throw invalidField('customer_id', 'There is no such customer');
  return id;
}

async function refuseNoMember(userId: string | null): Promise<void> {
  if (userId === null) return;
  const person = await findPerson(userId);
  if (!person || person.archivedAt) {
    throw invalidField('user_id', 'Nobody in the company has this account');
  }
}

async function refuseNoManager(managerId: string | null): Promise<void> {
  if (managerId !== null && !(await Employee.hold(managerId))) {
    throw invalidField('manager_id', 'There is no such employee');
  }
}

async function refuseManager(id: string, managerId: string | null): Promise<void> {
  await refuseNoManager(managerId);
  if (managerId !== null && (await Employee.wouldCircle(id, managerId))) {
    const why = 'reports to the employee, or stands too far down to have anybody report to them';
    throw invalidField('manager_id', why, 'MANAGER_CYCLE');
  }
}

function refuse(field: string, problem: Problem | undefined): void {
  if (problem) throw invalidField(field, problem.message, problem.code);
}

function refuseStatus({ id, status }: Employee, wished: EmployeeStatus): void {
  if (status !== wished) return;
  throw new Conflict(
    'ILLEGAL_TRANSITION',
    `The employee ${id} ${status === 'active' ? 'is there' : 'has left already'}`,
  );
}

/** What people typed, as it is kept. */
export const typed = ({
  name,
  role,
  department,
}: {
  readonly name: string;
  readonly role: string | null;
  readonly department: string | null;
}) => ({
  fullName: typedLine('name', name),
  role: role === null ? null : typedLine('role', role),
  department: department === null ? null : typedLine('department', department),
});

const live: Condition = ['e.archived_at IS NULL'];

/** Whom documents concern may be others now. */
async function changedView(id: string): Promise<EmployeeView> {
  await askAbout([id]);
  return viewOf(id);
}

/** @throws NotFound also for an archived one, unless these are asked for */
async function viewOf(id: string, { archived = false } = {}): Promise<EmployeeView> {
  const conditions: Condition[] = [['e.id = $', id], ...(archived ? [] : [live])];
  const [row] = await selectFirst<EmployeeView>(columns(), tables, conditions, {
    by: 'e.id',
    id: 'e.id',
    order: 'asc',
    size: 1,
  });
  if (!row) throw noSuch(Employee.entityType, id);
  return row;
}

const conditionsOf = (actor: Actor, filters: EmployeeFilters): readonly Condition[] => {
  const { customerId, department, role, status, managerId, search, includeArchived } = filters;
  return [
    ...(includeArchived && seesAll(actor) ? [] : [live]),
    ...(customerId ? [['e.customer_id = $', customerId] as const] : []),
    ...(department ? [['e.department = $', department] as const] : []),
    ...(role ? [['e.role = $', role] as const] : []),
    ...(status ? [['e.status = $', status] as const] : []),
    ...(managerId ? [['e.manager_id = $', managerId] as const] : []),
    ...(search
      ? [['e.id IN (SELECT * FROM search_employee_ids($))', containing(search)] as const]
      : []),
    ...madeWithin('e', filters),
  ];
};
