import path from 'node:path';
import { format } from 'node:util';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.ts';
import { currentContext } from './context.ts';

export type { Logger };

/**
 * JSON lines on the console and, with LOG_DIR, in files that roll daily or at 20 MB and keep 14:
 * `<process>.log`, `<process>-error.log` and, for the API, `access.log`.
 * Every line carries the ids of the work it belongs to; no bodies, tokens or personal fields.
 */
export function createLogger(
  { logLevel, logDir, logLevels }: Pick<Config, 'logLevel' | 'logDir' | 'logLevels'>,
  process: 'api' | 'worker',
): { log: Logger; access: Logger; moduleLog: (name: string) => Logger } {
  const options = {
    level: logLevel,
    base: { process },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: ['authorization', 'cookie', 'password', '*.authorization', '*.cookie', '*.password'],
      censor: '[redacted]',
    },
    serializers: { err: loggedError },
    mixin: () => {
      const { requestId, companyId, actorId, workflowId, activity } = currentContext();
      return {
        ...(requestId && { request_id: requestId }),
        ...(companyId && { company_id: companyId }),
        ...(actorId && { user_id: actorId }),
        ...(workflowId && { workflow_id: workflowId }),
        ...(activity && { activity }),
      };
    },
  };
  const screen = pino.destination({ fd: 1, sync: false });
  const file = (name: string): DestinationStream =>
    pino.transport({
      target: 'pino-roll',
      options: {
        file: path.join(logDir ?? '.', name),
        extension: '.log',
        frequency: 'daily',
        size: '20m',
        limit: { count: 14 },
        mkdir: true,
      },
    });

  const log = logDir
    ? pino(
        options,
        pino.multistream([
          // Whoever writes has a level already; here it would hold back a module that may say more.
          { level: 'trace', stream: screen },
          { level: 'trace', stream: file(process) },
          { level: 'error', stream: file(`${process}-error`) },
        ]),
      )
    : pino(options, screen);
  const access =
    logDir && process === 'api' ? pino(options, file('access')) : log.child({ stream: 'access' });

  return {
    log,
    access,
    moduleLog: (name) => log.child({ module: name }, { level: logLevels[name] ?? logLevel }),
  };
}

/** Libraries that warn on the console, such as Sequelize of a lost connection, write lines like ours. */
export function adoptWarnings(log: Logger): void {
  console.warn = (...words: unknown[]) => log.warn({ module: 'console' }, format(...words));
}

/** A statement as it may be logged: some carry their values as literals. */
export const withoutValues = (sql: string): string => sql.replaceAll(/'(?:[^']|'')*'/g, "'…'");

/**
 * What a line says of an error. Only what is named here: the database library hangs the bound values
 * of a failed statement on its errors, and those are people's data.
 */
export function loggedError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const driver: unknown = Reflect.get(error, 'parent');
  const told = (name: string): unknown =>
    Reflect.get(error, name) ?? Reflect.get(Object(driver), name);
  const facts = ['code', 'constraint', 'table'].flatMap((name) => {
    const value = told(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const sql = told('sql');
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...Object.fromEntries(facts),
    ...(typeof sql === 'string' && { sql: withoutValues(sql) }),
    ...(error.cause instanceof Error && { cause: loggedError(error.cause) }),
    ...(error instanceof AggregateError && { errors: error.errors.map(loggedError) }),
  };
}
