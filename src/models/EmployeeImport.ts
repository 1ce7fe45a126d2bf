import { v7 as uuid } from 'uuid';
import { currentContext } from '../context.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { mostLevels, type LineProblem } from '../rules/employees.ts';
import { AuditLog } from './AuditLog.ts';
import { execute, select } from './database.ts';
import { Employee } from './Employee.ts';

/** A line of the file that is good as far as it goes by itself. */
export interface EmployeeLine {
  readonly line: number;
  readonly email: string;
  readonly name: string;
  readonly role: string | null;
  readonly department: string | null;
  readonly managerEmail: string | null;
  /** Null: as it was; today for whoever is new. */
  readonly joinDate: CalendarDate | null;
}

/** What the lines become, and which fields the file tells of; the others stay as they are. */
export interface ImportAim {
  readonly customerId: string;
  readonly today: CalendarDate;
  readonly tellsRole: boolean;
  readonly tellsDepartment: boolean;
  readonly tellsManager: boolean;
}

export interface ImportCounts {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
}

const lines = 'core.employee_import_lines';

/** What a line may say of an employee, as the audit calls it. */
const names = {
  name: 'fullName',
  role: 'role',
  department: 'department',
  manager_id: 'managerId',
  join_date: 'joinDate',
} as const;

type Column = keyof typeof names;

const columns: readonly Column[] = ['name', 'role', 'department', 'manager_id', 'join_date'];

const facts = (of: readonly Column[], valueOf: (column: Column) => string): string =>
  `jsonb_build_object(${of.map((column) => `'${names[column]}', ${valueOf(column)}`).join()})`;

/** Of an employee `e`. */
const now = (column: Column): string => `e.${column}`;

/** Of a line `l` about them. */
const then = (column: Column): string =>
  column === 'join_date' ? 'coalesce(l.join_date, e.join_date)' : `l.${column}`;

/**
 * The lines of one file in a table of their own, where they are compared with each other and with the
 * employees; all within one transaction, which leaves none of them. Every statement is about all lines at
 * once, so neither memory nor round trips grow with the file.
 */
export class EmployeeImport {
  readonly #id = uuid();
  readonly #aim: ImportAim;
  /** Whatever else is changed of somebody meanwhile stays. */
  readonly #told: readonly Column[];
  /** Of the lines `l` and the employees `e`: the line says something new. */
  readonly #differs: string;

  constructor(aim: ImportAim) {
    this.#aim = aim;
    const untold = new Set<Column>([
      ...(aim.tellsRole ? [] : ['role' as const]),
      ...(aim.tellsDepartment ? [] : ['department' as const]),
      ...(aim.tellsManager ? [] : ['manager_id' as const]),
    ]);
    this.#told = columns.filter((column) => !untold.has(column));
    this.#differs = `(${this.#told.map(now).join()}) IS DISTINCT FROM (${this.#told.map(then).join()})`;
  }

  /** @returns the lines whose address an earlier one has */
  async add(batch: readonly EmployeeLine[]): Promise<number[]> {
    const rows = batch.map((row) => ({ ...row, id: uuid(), auditId: uuid() }));
    const added = await select<{ line: number }>(
      `INSERT INTO ${lines} (company_id, import_id, line, id, audit_id, email, name, role, department,
         manager_email, join_date)
       SELECT (SELECT app.company_id()), $1, r.line, r.id, r."auditId", r.email, r.name, r.role,
         r.department, r."managerEmail", r."joinDate"
       FROM jsonb_to_recordset($2) AS r (line integer, id uuid, "auditId" uuid, email text, name text,
         role text, department text, "managerEmail" text, "joinDate" date)
       ORDER BY r.line
       ON CONFLICT (company_id, import_id, email) DO NOTHING RETURNING line`,
      [this.#id, JSON.stringify(rows)],
    );
    const taken = new Set(added.map(({ line }) => line));
    return batch.map(({ line }) => line).filter((line) => !taken.has(line));
  }

  /**
   * Finds whom the lines are about, keeps others from changing whom they change, and notes what does not
   * fit. Of whom they say nothing new nobody has to wait for the end: they may be answering just now.
   */
  async compare(): Promise<void> {
    // Nobody has counted these lines yet: taken for a few, they would be compared each with each.
    await execute(`SELECT set_config('enable_nestloop', 'off', true)`);
    const { customerId, tellsManager, today } = this.#aim;
    const own = this.#told.filter((column) => column !== 'manager_id');
    await execute(
      `WITH telling AS MATERIALIZED (
         SELECT l.email, l.manager_email FROM ${lines} l
           LEFT JOIN employees e ON e.email = l.email AND e.archived_at IS NULL
           LEFT JOIN employees m ON m.id = e.manager_id
         WHERE l.import_id = $1 AND (e.id IS NULL
           OR (${own.map(now).join()}) IS DISTINCT FROM (${own.map(then).join()})
           OR ($2 AND m.email IS DISTINCT FROM l.manager_email)))
       SELECT count(*) FROM (
         SELECT 1 FROM employees WHERE archived_at IS NULL AND email IN (
           SELECT email FROM telling UNION SELECT manager_email FROM telling)
         ORDER BY id FOR NO KEY UPDATE) AS held`,
      [this.#id, tellsManager],
    );
    await execute(
      `UPDATE ${lines} l SET id = e.id, is_new = false,
         problem = CASE WHEN e.customer_id <> $2 THEN 'OTHER_CUSTOMER'
           WHEN l.join_date > coalesce(e.return_date, e.leave_date) THEN 'OUT_OF_RANGE' END
       FROM employees e WHERE l.import_id = $1 AND e.email = l.email AND e.archived_at IS NULL`,
      [this.#id, customerId],
    );
    await execute(
      `UPDATE ${lines} SET join_date = $2 WHERE import_id = $1 AND is_new AND join_date IS NULL`,
      [this.#id, today],
    );
    if (tellsManager) await this.#findManagers();
  }

  /**
   * In the order of the file.
   * @param most so many of them
   */
  async problems(most: number): Promise<{ line: number; problem: LineProblem }[]> {
    return select<{ line: number; problem: LineProblem }>(
      `SELECT line, problem FROM ${lines} WHERE import_id = $1 AND problem IS NOT NULL
       ORDER BY line LIMIT ${most}`,
      [this.#id],
    );
  }

  async countProblems(): Promise<number> {
    const [counted] = await select<{ bad: number }>(
      `SELECT count(problem)::integer AS bad FROM ${lines} WHERE import_id = $1`,
      [this.#id],
    );
    return counted?.bad ?? 0;
  }

  /** What the good lines change. */
  async counts(): Promise<ImportCounts> {
    const [counted] = await select<ImportCounts>(
      `SELECT count(*) FILTER (WHERE l.is_new)::integer AS created,
         count(*) FILTER (WHERE e.id IS NOT NULL AND ${this.#differs})::integer AS updated,
         count(*) FILTER (WHERE e.id IS NOT NULL AND NOT ${this.#differs})::integer AS unchanged
       FROM ${lines} l LEFT JOIN employees e ON e.id = l.id
       WHERE l.import_id = $1 AND l.problem IS NULL`,
      [this.#id],
    );
    return counted ?? { created: 0, updated: 0, unchanged: 0 };
  }

  /** Writes what the good lines say, each employee with an audit line. */
  async apply(): Promise<void> {
    const actorId = currentContext().actorId ?? null;
    const { customerId } = this.#aim;
    // Before the rows change: what was there until now is told too.
    await AuditLog.recordEach(
      'UPDATE',
      Employee.entityType,
      `SELECT l.audit_id, l.id AS entity_id, changed.before, changed.after
       FROM ${lines} l JOIN employees e ON e.id = l.id, LATERAL (
         SELECT jsonb_object_agg(key, old.value) AS before, jsonb_object_agg(key, fresh.value) AS after
         FROM jsonb_each(${facts(this.#told, now)}) AS old
           JOIN jsonb_each(${facts(this.#told, then)}) AS fresh USING (key)
         WHERE old.value <> fresh.value) AS changed
       WHERE l.import_id = $1 AND l.problem IS NULL AND ${this.#differs}`,
      [this.#id],
    );
    await execute(
      `UPDATE employees e SET ${this.#told.map((column) => `${column} = ${then(column)}`).join()},
         version = e.version + 1, updated_at = now(), updated_by = $2
       FROM ${lines} l
       WHERE l.import_id = $1 AND l.problem IS NULL AND e.id = l.id AND ${this.#differs}`,
      [this.#id, actorId],
    );
    await AuditLog.recordEach(
      'CREATE',
      Employee.entityType,
      `SELECT l.audit_id, l.id AS entity_id, NULL::jsonb AS before,
         ${facts(columns, (column) => `l.${column}`)} || jsonb_build_object('customerId', $2::uuid, 'email', l.email) AS after
       FROM ${lines} l WHERE l.import_id = $1 AND l.problem IS NULL AND l.is_new`,
      [this.#id, customerId],
    );
    await execute(
      `INSERT INTO employees (company_id, id, customer_id, name, email, role, department, manager_id,
         join_date, created_by, updated_by)
       SELECT l.company_id, l.id, $2, l.name, l.email, l.role, l.department, l.manager_id, l.join_date,
         $3, $3
       FROM ${lines} l WHERE l.import_id = $1 AND l.problem IS NULL AND l.is_new`,
      [this.#id, customerId, actorId],
    );
  }

  /** Its lines are gone. */
  async end(): Promise<void> {
    await execute(`DELETE FROM ${lines} WHERE import_id = $1`, [this.#id]);
  }

  /**
   * A manager is somebody of the company, or of another line. Lines count as good while from somebody
   * without a manager one comes down to them, over good lines and over employees as they are.
   */
  async #findManagers(): Promise<void> {
    await execute(
      `UPDATE ${lines} l SET manager_id = found.id,
         problem = coalesce(l.problem, CASE WHEN found.id IS NULL THEN 'MANAGER_NOT_FOUND' END)
       FROM (
         SELECT r.line, coalesce(m.id, e.id) AS id FROM ${lines} r
         LEFT JOIN ${lines} m ON m.import_id = $1 AND m.email = r.manager_email
         LEFT JOIN employees e ON e.email = r.manager_email AND e.archived_at IS NULL
         WHERE r.import_id = $1 AND r.manager_email IS NOT NULL) AS found
       WHERE l.import_id = $1 AND l.line = found.line`,
      [this.#id],
    );
    await execute(
      `WITH RECURSIVE good AS MATERIALIZED (
         SELECT id, manager_id FROM ${lines} WHERE import_id = $1 AND problem IS NULL),
       present AS MATERIALIZED (
         SELECT id, manager_id FROM good
         UNION ALL
         SELECT e.id, e.manager_id FROM employees e
         WHERE e.archived_at IS NULL AND NOT EXISTS (SELECT FROM good g WHERE g.id = e.id)),
       reached AS (
         SELECT id, 1 AS level FROM present WHERE manager_id IS NULL
         UNION ALL
         SELECT p.id, r.level + 1 FROM reached r JOIN present p ON p.manager_id = r.id
         WHERE r.level < ${mostLevels})
       UPDATE ${lines} l SET problem = 'MANAGER_CYCLE'
       WHERE l.import_id = $1 AND l.problem IS NULL
         AND NOT EXISTS (SELECT FROM reached r WHERE r.id = l.id)`,
      [this.#id],
    );
  }
}
