import pg from 'pg';
import { ConnectionError } from 'sequelize';

type Answer = (error: unknown, result?: unknown) => void;

/** What the statements of a transaction fail with after one of them has. */
const isAborted = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '25P02';

/**
 * A connection on which `BEGIN` travels with the first statement after it: one round trip less for each
 * transaction, and none for one that asks nothing. Statements are sent as `query(text, values?, answer)`.
 */
class Connection extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super({ ...config, pipeline: true });
    const send = this.query.bind(this);
    let begin: string | undefined;

    const query = (text: string, ...rest: readonly unknown[]): unknown => {
      const answer = rest.at(-1);
      if (!isAnswer(answer)) return preparing(Reflect.apply(send, this, [text, ...rest]));
      if (text.startsWith('BEGIN')) {
        begin = text;
        return process.nextTick(answer, null, nothing);
      }
      const opening = begin;
      begin = undefined;
      if (opening === undefined) return Reflect.apply(send, this, [text, ...rest]);
      if (text === 'COMMIT;' || text === 'ROLLBACK;') {
        return process.nextTick(answer, null, nothing);
      }

      let cause: unknown;
      const noteCause: Answer = (error) => {
        cause = error;
      };
      const answerWithCause: Answer = (error, result) =>
        answer(isAborted(error) ? (cause ?? error) : error, result);
      const { stream } = this.connection;
      stream.cork();
      Reflect.apply(send, this, [opening, noteCause]);
      Reflect.apply(send, this, [text, ...rest.slice(0, -1), answerWithCause]);
      return stream.uncork();
    };
    Object.assign(this, { query });
  }
}

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
