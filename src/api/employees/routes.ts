import { Readable } from 'node:stream';
import type { EmployeeImports } from '../../commands/employeeImports.ts';
import type { Employees } from '../../commands/employees.ts';
import type { Stage } from '../../commands/staging.ts';
import { listRoute, rawRoute, route, type Route } from '../route.ts';
import { presentEmployee, presentImport, problemLines } from './present.ts';
import {
  createEmployeeBody,
  editEmployeeBody,
  employeeAnswer,
  employeeExample,
  employeePath,
  employeesQuery,
  eventBody,
  importAnswer,
  importExample,
  importForm,
  problemsForm,
  replaceEmployeeBody,
} from './schema.ts';

const tag = 'Compliance';
const all = { path: '/employees', aliases: ['/employees'], tag } as const;
const one = {
  path: '/employees/:id',
  aliases: ['/employees/:id'],
  tag,
  params: employeePath,
} as const;
const answersEmployee = { answer: presentEmployee, answerSchema: employeeAnswer } as const;

const { customer_id, user_id, name, email, role, department, join_date } = employeeExample;
const examples = {
  body: { customer_id, user_id, name, email, role, department, manager_id: null, join_date },
  answer: employeeExample,
};

export const employeeRoutes = ({
  employees,
  employeeImports,
  stageTable,
}: {
  readonly employees: Employees;
  readonly employeeImports: EmployeeImports;
  readonly stageTable: Stage;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'employee:read',
    summary: 'The people of all customers, or of one',
    businessRules: true,
    query: employeesQuery,
    ...answersEmployee,
    handle: ({ actor, query }) => employees.list(actor, query),
    ofEach: {
      customer_id: ({ actor }, customerIds, size) =>
        employees.ofCustomers(actor, customerIds, size),
    },
    examples: { answer: employeeExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'employee:write',
    summary: 'Add an employee',
    businessRules: true,
    message: 'Employee created',
    status: 201,
    idempotency: 'optional',
    body: createEmployeeBody,
    ...answersEmployee,
    handle: ({ company, body, once }) => employees.create(company, body, once),
    examples,
  }),
  route({
    method: 'POST',
    path: '/employees/import',
    permission: 'employee:write',
    summary: 'Add and change employees by a CSV file, known by their address; nobody is taken away',
    businessRules: true,
    message: 'Imported',
    idempotency: 'optional',
    tag,
    upload: importForm,
    isTable: true,
    answer: presentImport,
    answerSchema: importAnswer,
    handle: ({ company, receive, once }) =>
      employeeImports.run(company, () => receive(importForm, stageTable), once),
    examples: { answer: importExample },
  }),
  rawRoute({
    method: 'POST',
    path: '/employees/import/problems',
    permission: 'employee:write',
    summary: 'What is wrong with each line of such a file, as CSV; changes nothing',
    businessRules: true,
    tag,
    upload: problemsForm,
    isTable: true,
    mediaType: 'text/csv; charset=utf-8',
    async handle({ company, receive, setHeader }) {
      const problems = await employeeImports.problems(company, () =>
        receive(problemsForm, stageTable),
      );
      setHeader('Content-Disposition', 'attachment; filename="problems.csv"');
      return Readable.from(problemLines(problems), { objectMode: false });
    },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'employee:read',
    summary: 'One employee',
    ...answersEmployee,
    handle: ({ actor, params }) => employees.get(actor, params.id),
    several: ({ actor }, ids) => employees.several(actor, ids),
    examples: { answer: employeeExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'employee:write',
    ifMatch: true,
    summary: 'Replace what is known of an employee',
    businessRules: true,
    message: 'Employee replaced',
    body: replaceEmployeeBody,
    ...answersEmployee,
    handle: ({ actor, params, body, expectedVersion }) =>
      employees.edit(actor, params.id, body, expectedVersion),
    examples,
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'employee:write',
    ifMatch: true,
    summary: 'Change some of what is known of an employee',
    businessRules: true,
    message: 'Employee changed',
    body: editEmployeeBody,
    ...answersEmployee,
    handle: ({ actor, params, body, expectedVersion }) =>
      employees.edit(actor, params.id, body, expectedVersion),
    examples: { body: { department }, answer: employeeExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'employee:write',
    ifMatch: true,
    summary: 'Archive an employee to whom nobody reports',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      employees.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/employees/:id/restore',
    permission: 'employee:write',
    ifMatch: true,
    summary: 'Bring an archived employee back',
    message: 'Employee restored',
    tag,
    params: employeePath,
    ...answersEmployee,
    handle: ({ actor, params, expectedVersion }) =>
      employees.restore(actor, params.id, expectedVersion),
    examples: { answer: employeeExample },
  }),
  route({
    method: 'POST',
    path: '/employees/:id/leave',
    permission: 'employee:write',
    ifMatch: true,
    idempotency: 'optional',
    summary: 'Note that an employee has left; who reports to them still does',
    businessRules: true,
    message: 'Left',
    tag,
    params: employeePath,
    body: eventBody,
    ...answersEmployee,
    handle: ({ company, params, body, expectedVersion, once }) =>
      employees.leave(company, params.id, body, expectedVersion, once),
    examples: {
      body: { date: '2026-06-30' },
      answer: { ...employeeExample, status: 'inactive', leave_date: '2026-06-30', version: 2 },
    },
  }),
  route({
    method: 'POST',
    path: '/employees/:id/return',
    permission: 'employee:write',
    ifMatch: true,
    idempotency: 'optional',
    summary: 'Note that an employee who had left is there again',
    businessRules: true,
    message: 'Returned',
    tag,
    params: employeePath,
    body: eventBody,
    ...answersEmployee,
    handle: ({ company, params, body, expectedVersion, once }) =>
      employees.return(company, params.id, body, expectedVersion, once),
    examples: {
      body: { date: '2026-09-01' },
      answer: { ...employeeExample, return_date: '2026-09-01', version: 3 },
    },
  }),
];
