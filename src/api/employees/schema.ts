import { employeeStatuses, importLimits, importModes } from '../../rules/employees.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  email,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  parser,
  partial,
  text,
} from '../schema.ts';

const fields = {
  customer_id: optional(id().description("The company's own staff unless told")),
  user_id: nullable(id()).default(null).description('The account of a member of the company'),
  name: text(200),
  email: email().description('Unique in the company'),
  role: nullable(text(100)).default(null),
  department: nullable(text(100)).default(null),
  manager_id: nullable(id()).default(null).description('An employee who does not report to them'),
  join_date: optional(calendarDate().description('Today unless told')),
};
const version = integer(1, 2_147_483_647);

export const employeePath = object({ id: id() });

export const createEmployeeBody = object(fields).id('CreateEmployee');
export const replaceEmployeeBody = object({
  ...fields,
  customer_id: id(),
  join_date: calendarDate(),
  version: optional(version),
});
export const editEmployeeBody = partial({ ...fields, version });

export const eventBody = object({
  date: optional(calendarDate().description('Today, which is also the latest, unless told')),
  version: optional(version),
});

export const employeesQuery = listQuery({
  filters: {
    customer_id: id(),
    department: text(100),
    role: text(100),
    status: oneOf(...employeeStatuses),
    manager_id: id(),
  },
  sorts: ['name', 'email', 'department', 'join_date', 'created_at'],
  defaultSort: 'name',
});

export const employeeAnswer = object({
  id: id(),
  customer_id: id(),
  user_id: nullable(id()),
  name: text(200),
  email: email(),
  role: nullable(text(100)),
  department: nullable(text(100)),
  manager_id: nullable(id()),
  manager_status: nullable(oneOf(...employeeStatuses)).description(
    'inactive: the manager has left, and nobody has taken over',
  ),
  status: oneOf(...employeeStatuses),
  join_date: calendarDate(),
  leave_date: nullable(calendarDate()),
  return_date: nullable(calendarDate()).description('The last time that they came back'),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
}).id('Employee');

export const employeeExample = {
  id: '01998e3a-8e20-7c3d-9f52-6e7081920314',
  customer_id: '01998e3a-7d10-7b2c-8e41-5d6f70819203',
  user_id: null,
  name: 'Grace Hopper',
  email: 'grace@harbour.example',
  role: 'Dispatcher',
  department: 'Operations',
  manager_id: '01998e3a-8e20-7c3d-9f52-6e7081920310',
  manager_status: 'active',
  status: 'active',
  join_date: '2026-01-31',
  leave_date: null,
  return_date: null,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;

/** A line of a file has the rules of a body. */
export const readEmployeeLine = parser(
  object({
    email: fields.email,
    name: fields.name,
    role: optional(text(100)),
    department: optional(text(100)),
    manager_email: optional(email()),
    join_date: fields.join_date,
  }),
  'address',
);

export const importForm = object({
  mode: oneOf(...importModes)
    .default('all_or_nothing')
    .description('good_rows: bad lines are left out'),
  dry_run: boolean().default(false).description('Tells what would happen, and changes nothing'),
  customer_id: fields.customer_id,
});

export const problemsForm = object({ customer_id: fields.customer_id });

const lines = integer(0, importLimits.lines);

export const importAnswer = object({
  mode: oneOf(...importModes),
  dry_run: boolean(),
  lines: lines.description('Without the first, which names the columns'),
  created: lines,
  updated: lines,
  unchanged: lines,
  bad_lines: lines,
  problems: array(
    object({
      line: integer(1, 2_147_483_647),
      column: nullable(text(200)).description('null: the line as a whole'),
      code: text(50),
      message: text(300),
    }),
    { max: importLimits.problems },
  ).description('Of the first bad lines; POST /employees/import/problems tells all of them'),
}).id('EmployeeImport');

export const importExample = {
  mode: 'good_rows',
  dry_run: false,
  lines: 120,
  created: 100,
  updated: 10,
  unchanged: 9,
  bad_lines: 1,
  problems: [
    { line: 17, column: 'email', code: 'INVALID_FORMAT', message: 'email must be a valid email' },
  ],
} as const;
