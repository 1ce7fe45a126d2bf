import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { nobody } from '../../src/commands/identity.ts';
import { createDigest } from '../../src/models/auditChain.ts';
import { erasedAs, personalFieldNames } from '../../src/rules/personalFields.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let api: pg.Client;
let companyId: string;
let subject: string;

beforeAll(async () => {
  database = await openTestDatabase();
  api = await connect(database.apiUrl);
});
afterAll(async () => {
  await api.end();
  await database.close();
});
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ({ userId: subject } = await buildActor({ companyId }));
  await database.sql(
    `INSERT INTO core.audit_keys (company_id, key) VALUES ($1, repeat('0123456789abcdef', 8))
     ON CONFLICT DO NOTHING`,
    [companyId],
  );
});

const digest = createDigest('0123456789abcdef'.repeat(8));
const erased = (text: string): string => erasedAs(digest(text));

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

const write = async (line: Readonly<Record<string, unknown>> = {}): Promise<string> => {
  const id = uuid();
  const values = {
    company_id: companyId,
    id,
    timestamp: new Date(),
    actor_type: 'user',
    action: 'UPDATE',
    entity_type: 'user',
    entity_id: subject,
    ...line,
  };
  const names = Object.keys(values);
  await database.sql(
    `INSERT INTO core.audit_logs (${names.join(', ')})
     VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(values),
  );
  return id;
};

const lineOf = async (id: string): Promise<Readonly<Record<string, unknown>> | undefined> =>
  (
    await database.sql<Record<string, unknown>>('SELECT * FROM core.audit_logs WHERE id = $1', [id])
  )[0];

/** In a transaction as the API opens one. @returns the id that was reached, or the SQLSTATE */
async function erase(
  {
    company = companyId,
    objects = [],
    requests = [],
    most = 100,
  }: { company?: string; objects?: string[]; requests?: string[]; most?: number } = {},
  client = api,
): Promise<unknown> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT set_config('app.current_company_id', $1, true)`, [company]);
    const { rows } = await client.query<{ id: string | null }>(
      'SELECT app.erase_in_audit($1, $2, $3, $4, $5) AS id',
      [subject, objects, requests, nobody, most],
    );
    await client.query('COMMIT');
    return rows[0]?.id;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('ROLLBACK');
    return error.code;
  }
}

describe('the function that erases in the audit', () => {
  it('knows the same names as the chain', async () => {
    const functions = await database.sql<{ prosrc: string }>(
      `SELECT prosrc FROM pg_proc WHERE oid::regprocedure::text ~ '^app\\.erase'`,
    );
    const lists = functions.flatMap(({ prosrc }) =>
      Array.from(prosrc.matchAll(/'\{([\w,.]+)\}'::text\[\]/g), ([, list = '']) => list.split(',')),
    );

    expect(functions).toHaveLength(2);
    expect(lists.length).toBeGreaterThan(4);
    for (const list of lists) expect(list.toSorted()).toEqual(personalFieldNames.toSorted());
  });

  it('replaces personal values at any depth, and those alone', async () => {
    const id = await write({
      before: JSON.stringify({ email: 'é@a.example', premium: '1.00', at: null, count: 1.5 }),
      after: JSON.stringify({
        username: '',
        reason: 'said Ada',
        contact: {
          phone: '1',
          note: 'x',
          address: { city: 'Köln', no: 7, parts: ['a', ['b'], {}] },
        },
        list: [{ email: 'b' }, 'email', null],
        flag: true,
      }),
      ip: '192.0.2.1',
      user_agent: 'Mozilla/5.0',
      request_id: 'Ada',
      workflow_id: 'Ada',
    });
    const before = await lineOf(id);
    await write({ action: 'ERASE' });

    await erase();

    expect(await lineOf(id)).toEqual({
      ...before,
      before: { email: erased('é@a.example'), premium: '1.00', at: null, count: 1.5 },
      after: {
        username: erased(''),
        reason: 'said Ada',
        contact: {
          phone: erased('1'),
          note: 'x',
          address: { city: erased('Köln'), no: 7, parts: [erased('a'), [erased('b')], {}] },
        },
        list: [{ email: erased('b') }, 'email', null],
        flag: true,
      },
      ip: erased('192.0.2.1'),
      user_agent: erased('Mozilla/5.0'),
    });
  });

  it('does not replace what it has replaced', async () => {
    const id = await write({ after: JSON.stringify({ email: 'a@a.example' }), ip: '192.0.2.1' });
    await write({ action: 'ERASE' });
    await erase();
    const once = await lineOf(id);

    await erase();

    expect(await lineOf(id)).toEqual(once);
  });

  it('does nothing of which no line of the same company tells', async () => {
    const id = await write({ ip: '192.0.2.1' });
    const { id: other } = await buildCompany();
    await write({ company_id: other, action: 'ERASE' });

    expect(await erase()).toBe('42501');
    expect(await lineOf(id)).toMatchObject({ ip: '192.0.2.1' });
  });

  it('reaches no line of another company', async () => {
    const { id: other } = await buildCompany();
    const id = await write({ actor_id: subject, ip: '192.0.2.1', request_id: 'r' });
    await write({ company_id: other, action: 'ERASE' });

    await erase({ company: other, objects: [id, subject], requests: ['r'] });

    expect(await lineOf(id)).toMatchObject({ ip: '192.0.2.1' });
    expect(await erase({ company: '' })).toBe('42501');
  });

  it("leaves other people's lines, and from where others acted", async () => {
    const { userId: colleague } = await buildActor({ companyId });
    const facts = JSON.stringify({ email: 'c@a.example' });
    const about = await write({ entity_id: colleague, actor_id: subject, after: facts, ip: '1' });
    const by = await write({ actor_id: colleague, after: facts, ip: '192.0.2.2' });
    const unknown = await write({
      entity_type: 'route',
      entity_id: null,
      ip: '3',
      request_id: 'x',
    });
    const same = await write({ entity_type: 'route', entity_id: null, ip: '4', request_id: 'r' });
    const signedIn = await write({
      entity_id: colleague,
      actor_id: colleague,
      ip: '5',
      request_id: 'r',
    });
    await write({ action: 'ERASE' });

    await erase({ requests: ['r'] });

    expect(await lineOf(about)).toMatchObject({ after: { email: 'c@a.example' }, ip: erased('1') });
    expect(await lineOf(by)).toMatchObject({
      after: { email: erased('c@a.example') },
      ip: '192.0.2.2',
    });
    expect(await lineOf(unknown)).toMatchObject({ ip: '3' });
    expect(await lineOf(same)).toMatchObject({ ip: erased('4') });
    expect(await lineOf(signedIn)).toMatchObject({ ip: '5' });
  });

  it('goes on behind the last line of a batch', async () => {
    const ids = [await write({ ip: '1' }), await write({ ip: '2' }), await write({ ip: '3' })];
    await write({ action: 'ERASE' });

    const reached = await erase({ most: 2 });

    expect(reached).toBe(ids[1]);
    expect(await lineOf(ids[1] ?? '')).toMatchObject({ ip: erased('2') });
    expect(await lineOf(ids[2] ?? '')).toMatchObject({ ip: '3' });
  });

  it('makes the key of a company whose audit has none yet', async () => {
    await database.sql('DELETE FROM core.audit_keys WHERE company_id = $1', [companyId]);
    const id = await write({ ip: '192.0.2.1' });
    await write({ action: 'ERASE' });

    await erase();

    const [made] = await database.sql<{ key: string }>(
      'SELECT key FROM core.audit_keys WHERE company_id = $1',
      [companyId],
    );
    expect(await lineOf(id)).toMatchObject({
      ip: erasedAs(createDigest(made?.key ?? '')('192.0.2.1')),
    });
  });

  it('is not for workers', async () => {
    await write({ action: 'ERASE' });
    const worker = await connect(database.workerUrl);

    const outcome = await erase({}, worker);
    await worker.end();

    expect(outcome).toBe('42501');
  });
});
