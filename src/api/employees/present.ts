import type { BadCell, ImportReport } from '../../commands/employeeImports.ts';
import type { EmployeeView } from '../../commands/employees.ts';
import { csvLine } from '../csv.ts';

export const presentEmployee = (employee: EmployeeView) => ({
  id: employee.id,
  customer_id: employee.customerId,
  user_id: employee.userId,
  name: employee.fullName,
  email: employee.email,
  role: employee.role,
  department: employee.department,
  manager_id: employee.managerId,
  manager_status: employee.managerStatus,
  status: employee.status,
  join_date: employee.joinDate,
  leave_date: employee.leaveDate,
  return_date: employee.returnDate,
  created_at: employee.createdAt.toISOString(),
  updated_at: employee.updatedAt.toISOString(),
  archived_at: employee.archivedAt?.toISOString() ?? null,
  version: employee.version,
});

export const presentImport = (report: ImportReport) => ({
  mode: report.mode,
  dry_run: report.dryRun,
  lines: report.lines,
  created: report.created,
  updated: report.updated,
  unchanged: report.unchanged,
  bad_lines: report.badLines,
  problems: report.problems.map(({ line, column, code, message }) => ({
    line,
    column,
    code,
    message,
  })),
});

export function* problemLines(problems: readonly BadCell[]): Generator<string> {
  yield csvLine(['line', 'column', 'code', 'message']);
  for (const { line, column, code, message } of problems) {
    yield csvLine([line, column, code, message]);
  }
}
