import { askAllAnew } from '../models/keeperStart.ts';
import { Invalid, invalidField, Refusal, type FieldProblem } from '../errors.ts';
import { takeTime, withTenant } from '../models/database.ts';
import { Employee } from '../models/Employee.ts';
import { EmployeeImport, type EmployeeLine, type ImportCounts } from '../models/EmployeeImport.ts';
import {
  demandedColumns,
  importColumns,
  importLimits,
  lineProblems,
  type ImportColumn,
  type ImportMode,
} from '../rules/employees.ts';
import type { KnownCompany } from './companies.ts';
import { tableLines, type TableLine } from './csvTable.ts';
import { customerFor, todayOf, typed } from './employees.ts';
import { ofUpload, rowsOnce, type Once, type Replay } from './idempotency.ts';
import type { StagedFile } from './staging.ts';

export interface ImportWish {
  readonly mode: ImportMode;
  /** Tells what would happen, and changes nothing. */
  readonly dryRun: boolean;
  /** The company's own staff unless told. */
  readonly customerId?: string | undefined;
}

/** Why a line is not imported; without a column where it is the line as a whole. */
export interface BadCell {
  readonly line: number;
  readonly column: string | null;
  readonly code: string;
  readonly message: string;
}

export interface ImportReport extends ImportCounts, Pick<ImportWish, 'mode' | 'dryRun'> {
  /** Without the first, which names the columns, and without empty ones. */
  readonly lines: number;
  readonly badLines: number;
  /** The first of them. */
  readonly problems: readonly BadCell[];
}

/** Reads the cells of a line by the names of their columns; left out are empty ones. @throws Invalid */
export type ReadLine = (cells: Readonly<Record<string, string>>) => {
  readonly email: string;
  readonly name: string;
  readonly role?: string | undefined;
  readonly department?: string | undefined;
  readonly managerEmail?: string | undefined;
  readonly joinDate?: string | undefined;
};

/** Lines of one statement. */
const batchSize = 1000;
/** Of one statement; all of 50,000 lines together take a few seconds. */
const statementMs = 25_000;

/**
 * Employees from a file: one line each, known by the address. Whoever is there is changed, whoever is not is
 * added, nobody is taken away. The same file again changes nothing.
 */
export const createEmployeeImports = ({ readLine }: { readonly readLine: ReadLine }) => {
  /** Takes the good lines in. @returns what was wrong with the others */
  async function load(
    rows: EmployeeImport,
    columns: readonly ImportColumn[],
    table: AsyncGenerator<TableLine>,
    mostProblems: number,
  ): Promise<{ readonly lines: number; readonly bad: BadLines }> {
    const bad = new BadLines(mostProblems);
    let batch: EmployeeLine[] = [];
    let lines = 0;
    const write = async (): Promise<void> => {
      if (batch.length === 0) return;
      for (const line of await rows.add(batch)) {
        bad.add(line, [{ ...lineProblems.DUPLICATE_LINE, code: 'DUPLICATE_LINE' }]);
      }
      batch = [];
    };
    for await (const read of table) {
      lines += 1;
      if (lines > importLimits.lines) {
        const message = `The file has more than ${importLimits.lines} lines: send it in parts`;
        throw invalidField('files', message, 'TOO_MANY_LINES');
      }
      const row = employeeOf(columns, read);
      if ('problems' in row) bad.add(read.line, row.problems);
      else batch.push(row);
      if (batch.length === batchSize) await write();
    }
    await write();
    return { lines, bad };
  }

  function employeeOf(
    columns: readonly ImportColumn[],
    read: TableLine,
  ): EmployeeLine | { readonly problems: readonly Omit<BadCell, 'line'>[] } {
    if ('problem' in read) return { problems: [{ column: null, ...read.problem }] };
    const { line, cells } = read;
    if (cells.length !== columns.length) {
      const message = `has ${cells.length} cells, and the first line ${columns.length}`;
      return { problems: [{ column: null, code: 'WRONG_NUMBER_OF_CELLS', message }] };
    }
    const given = Object.fromEntries(
      columns
        .map((column, index) => [column, cells[index] ?? ''] as const)
        .filter(([, cell]) => cell !== ''),
    );
    try {
      const { email, name, managerEmail = null, joinDate = null, ...told } = readLine(given);
      const { role = null, department = null } = told;
      const { fullName, ...rest } = typed({ name, role, department });
      return { line, email, managerEmail, joinDate, name: fullName, ...rest };
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      return { problems: error.details.map(asBadCell) };
    }
  }

  async function importing(
    company: KnownCompany,
    { mode, dryRun, ...wish }: ImportWish,
    file: StagedFile,
    mostProblems: number = importLimits.problems,
  ): Promise<ImportReport> {
    await takeTime(statementMs);
    await Employee.holdManagers();
    const customerId = await customerFor(wish.customerId);
    const table = tableLines(file.open());
    try {
      const columns = columnsOf(await table.next());
      const rows = new EmployeeImport({
        customerId,
        today: todayOf(company),
        tellsRole: columns.includes('role'),
        tellsDepartment: columns.includes('department'),
        tellsManager: columns.includes('manager_email'),
      });
      const { lines, bad } = await load(rows, columns, table, mostProblems);
      await rows.compare();
      bad.addKnown(await rows.countProblems(), await rows.problems(mostProblems));
      const report = { mode, dryRun, lines, ...bad.told() };
      const isRefused = report.badLines > 0 && mode === 'all_or_nothing';
      if (isRefused && !dryRun) throw refused(report);

      const counts = isRefused ? nothing : await rows.counts();
      if (!dryRun) {
        await rows.apply();
        if (counts.created + counts.updated > 0) await askAllAnew();
      }
      await rows.end();
      return { ...report, ...counts };
    } finally {
      await table.return(undefined);
    }
  }

  /** One file, of which nothing is left afterwards. @throws Invalid where there are more */
  async function withFile<T>(
    { files }: { readonly files: readonly StagedFile[] },
    work: (file: StagedFile) => Promise<T>,
  ): Promise<T> {
    try {
      const [file, ...others] = files;
      if (!file || others.length > 0) throw invalidField('files', 'names more than one file');
      return await work(file);
    } finally {
      for (const file of files) await file.discard();
    }
  }

  return {
    /**
     * What is wrong with each line, however many there are; nothing is changed. They fit into memory, since a
     * file has no more lines than it may.
     * @throws Invalid like `run`
     */
    problems: async (
      company: KnownCompany,
      receive: () => Promise<{
        readonly body: Pick<ImportWish, 'customerId'>;
        readonly files: readonly StagedFile[];
      }>,
    ): Promise<readonly BadCell[]> => {
      const received = await receive();
      const wish = { ...received.body, mode: 'good_rows', dryRun: true } as const;
      return withFile(received, (file) =>
        withTenant(company.id, async () => {
          const most = importLimits.lines * importColumns.length;
          return (await importing(company, wish, file, most)).problems;
        }),
      );
    },

    /**
     * @param receive reads the request
     * @throws Invalid where the file lacks a column, or has too many lines; Refusal IMPORT_REFUSED where lines
     *   are bad and all were wanted; Conflict EMPLOYEE_EXISTS where somebody is added meanwhile
     */
    run: async (
      company: KnownCompany,
      receive: () => Promise<{ readonly body: ImportWish; readonly files: readonly StagedFile[] }>,
      once: Once,
    ): Promise<ImportReport | Replay> => {
      const received = await receive();
      const { body, files } = received;
      return withFile(received, (file) =>
        rowsOnce(ofUpload(once, body, files), () => importing(company, body, file)),
      );
    },
  };
};

export type EmployeeImports = ReturnType<typeof createEmployeeImports>;

const nothing: ImportCounts = { created: 0, updated: 0, unchanged: 0 };

/** How many lines are bad, and of the first ones why. */
class BadLines {
  readonly #most: number;
  #lines = 0;
  #problems: BadCell[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(line: number, problems: readonly Omit<BadCell, 'line'>[]): void {
    this.#lines += 1;
    if (this.#problems.length >= this.#most) return;
    this.#problems.push(
      ...problems.map(({ column, code, message }) => ({ line, column, code, message })),
    );
  }

  addKnown(lines: number, problems: Awaited<ReturnType<EmployeeImport['problems']>>): void {
    this.#lines += lines;
    for (const { line, problem } of problems) {
      this.#problems.push({ line, ...lineProblems[problem], code: problem });
    }
  }

  told(): Pick<ImportReport, 'badLines' | 'problems'> {
    const inOrder = this.#problems.toSorted((a, b) => a.line - b.line);
    return { badLines: this.#lines, problems: inOrder.slice(0, this.#most) };
  }
}

/** @throws Invalid for a first line that cannot be read, or names a column twice, none that is known, or not all that it must */
function columnsOf({ value, done }: IteratorResult<TableLine, unknown>): readonly ImportColumn[] {
  if (done === true) throw invalidField('files', 'The file is empty', 'REQUIRED');
  if ('problem' in value) {
    const { code, message } = value.problem;
    throw invalidField('files', `The first line: ${message}`, code);
  }
  const names = value.cells.map((name) => name.toLowerCase());
  const columns = names.flatMap((name) => importColumns.filter((column) => column === name));
  const missing = demandedColumns.filter((column) => !columns.includes(column));
  const unknown = names.find((name) => !importColumns.some((column) => column === name));
  const known = `known are ${importColumns.join(', ')}, separated by commas`;
  if (missing.length > 0) {
    const message = `The first line lacks the column ${missing.join(', ')}; ${known}`;
    throw invalidField('files', message, 'MISSING_COLUMN');
  }
  if (unknown !== undefined) {
    const message = `The first line names the column ${unknown.slice(0, 100)}; ${known}`;
    throw invalidField('files', message, 'UNKNOWN_COLUMN');
  }
  if (new Set(columns).size < columns.length) {
    throw invalidField('files', 'The first line names a column twice', 'REPEATED_COLUMN');
  }
  return columns;
}

const refused = ({ lines, badLines, problems }: Omit<ImportReport, keyof ImportCounts>): Refusal =>
  new Refusal(
    422,
    'IMPORT_REFUSED',
    `Nothing was imported, since ${badLines} of ${lines} lines are bad`,
    { facts: { lines, bad_lines: badLines, problems } },
  );

const asBadCell = ({ field, code, message }: FieldProblem): Omit<BadCell, 'line'> => ({
  column: field || null,
  code,
  message,
});
