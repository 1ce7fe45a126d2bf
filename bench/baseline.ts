import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Koa from 'koa';
import pg from 'pg';
import { insureAfter, insuredSoFar, nextProperty, propertyId, type Request } from './requests.ts';
import { captureStatements, repeater, type Statement } from './statements.ts';

/** What the first line of standard input holds. */
export interface BaselineInput {
  readonly list: Request;
  readonly subscribe: Request;
  /** Who subscribes, in turn; the first is who `subscribe` is sent by. */
  readonly userIds: readonly string[];
  /** It insures the properties after this one. */
  readonly insured: number;
  readonly databaseUrl: string;
  readonly poolMax: number;
}

/**
 * The same statements as the product's, run by plain pg behind bare Koa: `/list`, `/select` (the one
 * SELECT, without a transaction) and `/subscribe`; and `/update`, one row in a transaction. Ends with its standard input.
 */
const input = createInterface({ input: process.stdin });
const [line] = await once(input, 'line');
const job: BaselineInput = JSON.parse(String(line));
input.once('close', () => process.exit(0));
insureAfter(job.insured);
await serve(job);

async function serve({ list, subscribe, userIds, databaseUrl, poolMax }: BaselineInput) {
  const [listing = [], subscribing = []] = await captureStatements([list, subscribe]);
  const options = { connectionString: databaseUrl, max: poolMax, idleTimeoutMillis: 30_000 };
  const pool = new pg.Pool(options);
  const [select] = listing.filter(({ text }) => text.startsWith('SELECT p.id'));
  const company = /'app.current_company_id', '([^']+)'/.exec(listing[0]?.text ?? '')?.[1];
  if (!select || !company || subscribing.length === 0) throw new Error('Nothing was captured');
  // The wall stands: the company is set, once a connection instead of once a transaction.
  const alone = new pg.Pool({
    ...options,
    options: `-c app.current_company_id=${company} -c search_path=shared,ext`,
  });
  const again = repeater(subscribing);
  const property = propertyId(insuredSoFar());
  const [firstUser = ''] = userIds;
  let turn = 0;

  const transaction = async (
    statements: readonly Statement[],
    renew = (statement: Statement, _policyNumber: string): Statement => statement,
  ): Promise<pg.QueryResult | undefined> => {
    const client = await pool.connect();
    let found: pg.QueryResult | undefined;
    let policyNumber = '';
    try {
      for (const statement of statements) {
        const { text, values } = renew(statement, policyNumber);
        const result = await client.query(text, values && [...values]);
        if (text.includes('core.counters')) policyNumber = String(result.rows[0]?.value);
        if (text === select.text) found = result;
      }
      return found;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  };

  const app = new Koa();
  app.use(async (ctx) => {
    if (ctx.path === '/list') {
      const found = await transaction(listing);
      ctx.body = { items: found?.rows, total: found?.rows[0]?.total };
    } else if (ctx.path === '/select') {
      const found = await alone.query(select.text, [...(select.values ?? [])]);
      ctx.body = { items: found.rows, total: found.rows[0]?.total };
    } else if (ctx.path === '/update') {
      turn += 1;
      await transaction([
        { text: 'BEGIN' },
        { text: `SELECT set_config('app.current_company_id', '${company}', true)` },
        {
          text: 'UPDATE core.notification_preferences SET updated_at = now() WHERE user_id = $1',
          values: [userIds[turn % userIds.length]],
        },
        { text: 'COMMIT' },
      ]);
      ctx.body = { success: true };
    } else {
      turn += 1;
      const userId = userIds[turn % userIds.length] ?? firstUser;
      await transaction(subscribing, again({ [firstUser]: userId, [property]: nextProperty() }));
      ctx.status = 201;
      ctx.body = { success: true };
    }
  });
  const server = createServer({ keepAliveTimeout: 65_000 }, app.callback());
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    console.log(`http://127.0.0.1:${port}`);
  });
}
