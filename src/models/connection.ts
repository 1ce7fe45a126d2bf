import pg from 'pg';
import { ConnectionError } from 'sequelize';

type Answer = (error: Error | null, result?: unknown) => void;

/** A statement that goes with `COMMIT`. */
export interface LastStatement {
  readonly sql: string;
  readonly values: readonly unknown[];
  /** Told before the commit is answered; nothing was committed where it failed. */
  readonly answer: Answer;
}

/** What the statements of a transaction fail with after one of them has. */
const isAborted = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '25P02';

/**
 * A connection on which `BEGIN` travels with the first statement after it, and what is `last` with
 * `COMMIT`: two round trips less for each transaction, and none for one that asks nothing. What is asked in
 * one turn of the event loop travels together. Statements are sent as `query(text, values?, answer)`.
 */
export class Connection extends pg.Client {
  last: LastStatement | undefined;

  constructor(config: pg.ClientConfig) {
    super({ ...config, pipeline: true });
    const send = this.query.bind(this);
    let begin: string | undefined;
    let isGathering = false;

    /** Until this turn is over nothing leaves. */
    const gather = (): void => {
      if (isGathering) return;
      isGathering = true;
      const { stream } = this.connection;
      stream.cork();
      process.nextTick(() => {
        isGathering = false;
        stream.uncork();
      });
    };

    const query = (text: string, ...rest: readonly unknown[]): unknown => {
      const answer = rest.at(-1);
      if (!isAnswer(answer)) return preparing(Reflect.apply(send, this, [text, ...rest]));
      gather();
      if (text.startsWith('BEGIN')) {
        begin = text;
        this.last = undefined;
        return process.nextTick(answer, null, nothing);
      }
      const opening = begin;
      begin = undefined;
      const last = text === 'COMMIT;' ? this.last : undefined;
      if (!opening && !last) {
        const told = text === 'COMMIT;' ? unlessRolledBack(answer) : answer;
        return Reflect.apply(send, this, [text, ...rest.slice(0, -1), told]);
      }
      if (!last && (text === 'COMMIT;' || text === 'ROLLBACK;')) {
        return process.nextTick(answer, null, nothing);
      }

      let cause: Error | null = null;
      const noteCause: Answer = (error) => {
        cause = error;
      };
      const withCause =
        (told: Answer): Answer =>
        (error, result) =>
          told(isAborted(error) ? (cause ?? error) : error, result);
      if (opening) Reflect.apply(send, this, [opening, noteCause]);
      if (last) Reflect.apply(send, this, [last.sql, [...last.values], withCause(last.answer)]);
      return Reflect.apply(send, this, [text, ...rest.slice(0, -1), withCause(answer)]);
    };
    Object.assign(this, { query });
  }
}

/** What the server makes of a commit after a failure that somebody has swallowed is none. */
const unlessRolledBack =
  (answer: Answer): Answer =>
  (error, result) => {
    const isLost = !error && Object(result).command === 'ROLLBACK';
    answer(
      isLost ? new Error('The transaction had failed before, and was rolled back') : error,
      result,
    );
  };

/** Without a callback Sequelize sets up a new connection: if that fails there is none to be had. */
async function preparing(setting: unknown): Promise<unknown> {
  try {
    return await setting;
  } catch (error) {
    throw error instanceof Error ? new ConnectionError(error) : error;
  }
}

const nothing: Pick<pg.QueryResult, 'rows' | 'rowCount'> = { rows: [], rowCount: 0 };

const isAnswer = (value: unknown): value is Answer => typeof value === 'function';

/** The driver as Sequelize takes it. */
export const driver = { ...pg, Client: Connection };
