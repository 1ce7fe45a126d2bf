import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { EmployeeImport } from '../../../src/models/EmployeeImport.ts';
import { append, withTenant } from '../../../src/models/database.ts';
import { Customer } from '../../../src/models/Customer.ts';
import { openTestApi, type Caller, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildDedicatedCompany } from '../../support/build.ts';

let api: TestApi;
let hr: Actor;
let ours: Caller;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => enter((await buildCompany()).id));

/** From then on `ours` is somebody of this company, which has a customer of its own. */
async function enter(id: string): Promise<void> {
  companyId = id;
  await withTenant(companyId, async () => append(Customer, { name: 'Ourselves', isSelf: true }));
  hr = await buildActor({ companyId, role: 'hr' });
  ours = api.as(hr);
}

const send = (
  content: string | Buffer,
  fields: Readonly<Record<string, string>> = {},
  headers = {},
) =>
  ours.upload(
    '/employees/import',
    { fields, files: [{ name: 'staff.csv', type: 'text/csv', content: Buffer.from(content) }] },
    headers,
  );

interface Row {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string | null;
  readonly department: string | null;
  readonly manager: string | null;
  readonly joined: string;
  readonly version: number;
}

const employees = (): Promise<Row[]> =>
  api.database.sql<Row>(
    `SELECT e.id, e.name, e.email, e.role, e.department, m.email AS manager,
       e.join_date::text AS joined, e.version
     FROM shared.employees e LEFT JOIN shared.employees m ON m.id = e.manager_id
     WHERE e.company_id = $1 ORDER BY e.email`,
    [companyId],
  );

const auditLines = () =>
  api.database.sql<{ action: string; actor: string; before: object; after: object }>(
    `SELECT action, actor_id AS actor, before, after FROM core.audit_logs
     WHERE company_id = $1 AND entity_type = 'employee' ORDER BY timestamp, id`,
    [companyId],
  );

const linesLeft = () => api.database.sql('SELECT 1 FROM core.employee_import_lines');

const csv = (...lines: string[]): string => lines.join('\r\n');

const staff = csv(
  'email,name,role,department,manager_email,join_date',
  'Ada@x.example,Ada,=1+1,"Legal, Tax",cleo@x.example,2026-01-31',
  'bob@x.example,"Bob ""B"" Ö",,,ada@x.example,',
  'cleo@x.example,Cleo,Head,Board,,2020-02-29',
);

describe('POST /employees/import', () => {
  it('adds whoever is not there, with managers of later lines, each with an audit line', async () => {
    const [{ today } = { today: '' }] = await api.database.sql<{ today: string }>(
      `SELECT (now() AT TIME ZONE 'Europe/Berlin')::date::text AS today`,
    );

    const answer = await send(staff);

    expect(answer).toMatchObject({
      status: 200,
      body: {
        data: {
          mode: 'all_or_nothing',
          dry_run: false,
          lines: 3,
          created: 3,
          updated: 0,
          unchanged: 0,
          bad_lines: 0,
          problems: [],
        },
      },
    });
    expect(await employees()).toMatchObject([
      {
        name: 'Ada',
        email: 'ada@x.example',
        role: '=1+1',
        department: 'Legal, Tax',
        manager: 'cleo@x.example',
        joined: '2026-01-31',
      },
      { name: 'Bob "B" Ö', role: null, manager: 'ada@x.example', joined: today },
      { name: 'Cleo', manager: null, joined: '2020-02-29', version: 1 },
    ]);
    const audit = await auditLines();
    expect(audit.map(({ action, actor }) => [action, actor])).toEqual(
      Array.from({ length: 3 }, () => ['CREATE', hr.userId]),
    );
    expect(audit[2]?.after).toMatchObject({ fullName: 'Cleo', email: 'cleo@x.example' });
    expect(await linesLeft()).toEqual([]);
  });

  it('changes whoever is there, in the fields that the file has, and says what changed', async () => {
    await send(staff);

    const again = await send(staff);
    const partly = await send(
      csv('name,email', 'Ada Lovelace,ADA@X.example', 'Cleo,cleo@x.example'),
    );
    const moved = await send(
      csv('email,name,manager_email,department', 'bob@x.example,Bob,cleo@x.example,'),
    );

    expect(again.body.data).toMatchObject({ created: 0, updated: 0, unchanged: 3 });
    expect(partly.body.data).toMatchObject({ created: 0, updated: 1, unchanged: 1 });
    expect(moved.body.data).toMatchObject({ updated: 1 });
    expect(await employees()).toMatchObject([
      { name: 'Ada Lovelace', role: '=1+1', manager: 'cleo@x.example', version: 2 },
      { name: 'Bob', manager: 'cleo@x.example', version: 2 },
      { name: 'Cleo', role: 'Head', version: 1 },
    ]);
    const [, , , ada, bob, ...others] = await auditLines();
    expect(others).toEqual([]);
    expect(ada).toMatchObject({
      action: 'UPDATE',
      before: { fullName: 'Ada' },
      after: { fullName: 'Ada Lovelace' },
    });
    expect(Object.keys(bob?.after ?? {}).toSorted()).toEqual(['fullName', 'managerId']);
  });

  const bad = csv(
    'email,name,manager_email,join_date',
    'good@x.example,Good,,',
    'nobody,No Address,,',
    'late@x.example,,,2026-02-30',
    'short@x.example,Short',
    'GOOD@x.example,Twice,,',
    'lost@x.example,Lost,ghost@x.example,',
    'under@x.example,Under,lost@x.example,',
    'a@x.example,A,b@x.example,',
    'b@x.example,B,a@x.example,',
    'self@x.example,Self,self@x.example,',
    'fine@x.example,Fine,good@x.example,',
  );
  const problems = [
    { line: 3, column: 'email', code: 'INVALID_FORMAT' },
    { line: 4, column: 'name', code: 'REQUIRED' },
    { line: 4, column: 'join_date', code: 'INVALID_FORMAT' },
    { line: 5, column: null, code: 'WRONG_NUMBER_OF_CELLS' },
    { line: 6, column: 'email', code: 'DUPLICATE_LINE' },
    { line: 7, column: 'manager_email', code: 'MANAGER_NOT_FOUND' },
    { line: 8, column: 'manager_email', code: 'MANAGER_CYCLE' },
    { line: 9, column: 'manager_email', code: 'MANAGER_CYCLE' },
    { line: 10, column: 'manager_email', code: 'MANAGER_CYCLE' },
    { line: 11, column: 'manager_email', code: 'MANAGER_CYCLE' },
  ];

  it('imports nothing where one line is bad, and names each that is', async () => {
    const answer = await send(bad);

    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'IMPORT_REFUSED', lines: 11, bad_lines: 9, problems },
    });
    expect(await employees()).toEqual([]);
    expect(await auditLines()).toEqual([]);
    expect(await linesLeft()).toEqual([]);
  });

  it('imports the good lines where these are wanted', async () => {
    const answer = await send(bad, { mode: 'good_rows' });

    expect(answer).toMatchObject({
      status: 200,
      body: { data: { lines: 11, created: 2, bad_lines: 9, problems } },
    });
    expect((await employees()).map(({ email, manager }) => [email, manager])).toEqual([
      ['fine@x.example', 'good@x.example'],
      ['good@x.example', null],
    ]);
  });

  it('takes a line that cannot be read for a bad one, and the others for what they are', async () => {
    const file = Buffer.concat([
      Buffer.from('email,name\na@x.example,A\nb@x.example,"B\nc@x.example,Jos'),
      Buffer.from([0xe9]),
      Buffer.from('\nd@x.example,"D"\n'),
    ]);

    const refused = await send(file);
    const some = await send(file, { mode: 'good_rows' });

    const told = [
      { line: 3, column: null, code: 'MALFORMED_CSV' },
      { line: 4, column: null, code: 'WRONG_ENCODING' },
    ];
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'IMPORT_REFUSED', lines: 4, bad_lines: 2, problems: told },
    });
    expect(some.body.data).toMatchObject({ created: 2, bad_lines: 2, problems: told });
    expect((await employees()).map(({ name }) => name)).toEqual(['A', 'D']);
  });

  it('tells what is wrong with every line as CSV, however many there are, and changes nothing', async () => {
    const lines = Array.from({ length: 2500 }, (_, n) => `nobody ${n},Name,`);
    const file = {
      name: 'staff.csv',
      type: 'text/csv',
      content: Buffer.from(
        csv(
          'email,name,manager_email',
          ...lines,
          'a@x.example,A,ghost@x.example',
          'b@x.example,B,',
        ),
      ),
    };

    const report = await send(file.content, { mode: 'good_rows', dry_run: 'true' });
    const all = await ours.upload('/employees/import/problems', { files: [file] });
    const two = await ours.upload('/employees/import/problems', { files: [file, file] });

    expect(report.body.data).toMatchObject({ bad_lines: 2501 });
    expect(report.body.data.problems).toHaveLength(1000);
    expect(all).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/csv; charset=utf-8' },
    });
    const told = all.text.trimEnd().split('\r\n');
    expect(told).toHaveLength(1 + 2501);
    expect(told[0]).toBe('line,column,code,message');
    expect(told[2500]).toMatch(/^2501,email,INVALID_FORMAT,/);
    expect(told[2501]).toMatch(/^2502,manager_email,MANAGER_NOT_FOUND,/);
    expect(two).toMatchObject({ status: 422, body: { details: [{ field: 'files' }] } });
    expect(await employees()).toEqual([]);
    expect(await auditLines()).toEqual([]);
    expect(await linesLeft()).toEqual([]);
  });

  it('holds nobody of whom the file says nothing new', async () => {
    await send(staff);
    const [ada, bob, cleo] = await employees();
    const waiting = async (id = ''): Promise<boolean> => {
      const free = await api.database.sql(
        'SELECT 1 FROM shared.employees WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED',
        [id],
      );
      return free.length === 0;
    };
    const [own] = await api.database.sql<{ id: string }>(
      'SELECT id FROM shared.customers WHERE company_id = $1',
      [companyId],
    );
    const none = { role: null, department: null, joinDate: null };

    await withTenant(companyId, async () => {
      const rows = new EmployeeImport({
        customerId: own?.id ?? '',
        today: '2026-02-01',
        tellsRole: false,
        tellsDepartment: false,
        tellsManager: true,
      });
      await rows.add([
        { line: 2, email: 'ada@x.example', name: 'Ada', managerEmail: 'cleo@x.example', ...none },
        { line: 3, email: 'bob@x.example', name: 'Bob', managerEmail: 'ada@x.example', ...none },
        { line: 4, email: 'cleo@x.example', name: 'Cleo', managerEmail: null, ...none },
      ]);
      await rows.compare();

      expect(await waiting(bob?.id)).toBe(true);
      // Nobody archives the manager of somebody who is changed.
      expect(await waiting(ada?.id)).toBe(true);
      expect(await waiting(cleo?.id)).toBe(false);
      // What the file does not tell of stays as somebody else has it meanwhile.
      await api.database.sql(`UPDATE shared.employees SET role = 'Chair' WHERE id = $1`, [
        cleo?.id,
      ]);
      expect(await rows.counts()).toEqual({ created: 0, updated: 1, unchanged: 2 });
      await rows.apply();
      await rows.end();
    });

    expect(await employees()).toMatchObject([
      { name: 'Ada', role: '=1+1', department: 'Legal, Tax', version: 1 },
      { name: 'Bob', version: 2 },
      { name: 'Cleo', role: 'Chair', version: 1 },
    ]);
  });

  it('tells in a dry run what would happen, and changes nothing', async () => {
    await send(csv('email,name', 'good@x.example,Old'));
    const before = await employees();

    const some = await send(bad, { mode: 'good_rows', dry_run: 'true' });
    const none = await send(bad, { dry_run: 'true' });

    expect(some.body.data).toMatchObject({ dry_run: true, created: 1, updated: 1, bad_lines: 9 });
    expect(none.body.data).toMatchObject({ created: 0, updated: 0, bad_lines: 9, problems });
    expect(none.status).toBe(200);
    expect(await employees()).toEqual(before);
    expect(await auditLines()).toHaveLength(1);
  });

  it('never makes a circle out of lines and of who is there already', async () => {
    await send(csv('email,name,manager_email', 'a@x.example,A,', 'b@x.example,B,a@x.example'));

    const circle = await send(csv('email,name,manager_email', 'a@x.example,A,b@x.example'));
    const turned = await send(
      csv('email,name,manager_email', 'a@x.example,A,b@x.example', 'b@x.example,B,'),
    );

    expect(circle.body).toMatchObject({ problems: [{ line: 2, code: 'MANAGER_CYCLE' }] });
    expect(turned.status).toBe(200);
    expect((await employees()).map(({ manager }) => manager)).toEqual(['b@x.example', null]);
  });

  it('keeps the lines of one customer apart from the people of another', async () => {
    const manager = await buildActor({ companyId, role: 'compliance_manager' });
    const { body } = await api.as(manager).post('/customers', { name: 'Harbour' });
    const customer = { customer_id: body.data.id };
    await send(csv('email,name', 'a@x.example,A'));

    const taken = await send(csv('email,name', 'a@x.example,A'), customer);
    const added = await send(
      csv('email,name,manager_email', 'b@x.example,B,a@x.example'),
      customer,
    );
    const unknown = await send(csv('email,name', 'c@x.example,C'), { customer_id: uuid() });

    expect(taken.body).toMatchObject({ problems: [{ line: 2, code: 'OTHER_CUSTOMER' }] });
    expect(added.body.data).toMatchObject({ created: 1 });
    expect(unknown).toMatchObject({ status: 422, body: { details: [{ field: 'customer_id' }] } });
    expect((await ours.get('/employees', customer)).body.items).toMatchObject([{ name: 'B' }]);
  });

  it('lets nobody join after they left', async () => {
    await send(csv('email,name,join_date', 'a@x.example,A,2026-01-01'));
    const [{ id } = { id: '' }] = await employees();
    await ours.post(`/employees/${id}/leave`, { date: '2026-03-31' });

    const answer = await send(csv('email,name,join_date', 'a@x.example,A,2026-04-01'));

    expect(answer.body).toMatchObject({
      code: 'IMPORT_REFUSED',
      problems: [{ line: 2, column: 'join_date', code: 'OUT_OF_RANGE' }],
    });
  });

  it.each([
    ['an empty file', '\r\n\r\n', 'REQUIRED', /empty/],
    ['a missing column', 'email,role\n', 'MISSING_COLUMN', /lacks the column name; known are/],
    ['other separators', 'email;name\n', 'MISSING_COLUMN', /separated by commas/],
    ['an unknown column', 'email,name,colour\n', 'UNKNOWN_COLUMN', /colour/],
    ['a column twice', 'email,name,Name\n', 'REPEATED_COLUMN', /twice/],
    [
      'another encoding',
      Buffer.from('\ufeffemail,name\na@x.example,José', 'utf16le'),
      'WRONG_ENCODING',
      /UTF-8/,
    ],
    ['an open quote in the first line', 'email,"name\na@x.example,A\n', 'MALFORMED_CSV', /quote/],
  ])('refuses %s by name, in any mode', async (_, content, code, message) => {
    const answer = await send(content, { mode: 'good_rows' });

    expect(answer).toMatchObject({
      status: 422,
      body: { details: [{ field: 'files', code, message: expect.stringMatching(message) }] },
    });
    expect(await employees()).toEqual([]);
  });

  it('refuses what is no single file, and unknown wishes', async () => {
    const file = { name: 'a.csv', content: Buffer.from('email,name\na@x.example,A') };

    const json = await ours.post('/employees/import', { email: 'a@x.example' });
    const none = await ours.upload('/employees/import', { fields: { mode: 'good_rows' } });
    const two = await ours.upload('/employees/import', { files: [file, file] });
    const mode = await send('email,name', { mode: 'some' });

    expect(json.status).toBe(415);
    for (const [answer, field] of [
      [none, 'files'],
      [two, 'files'],
      [mode, 'mode'],
    ] as const) {
      expect(answer).toMatchObject({ status: 422, body: { details: [{ field }] } });
    }
    expect(await employees()).toEqual([]);
  });

  it('answers once more to a repeated key, and takes it for no other file', async () => {
    const key = { 'Idempotency-Key': uuid() };

    const first = await send(staff, {}, key);
    const again = await send(staff, {}, key);
    const other = await send(csv('email,name', 'd@x.example,D'), {}, key);

    expect(again).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' } });
    expect(again.body.data).toEqual(first.body.data);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect(await employees()).toHaveLength(3);
  });

  it('imports a file once that two send at once', async () => {
    const answers = await Promise.all([send(staff), send(staff)]);

    expect(answers.map(({ body }) => body.data.created).toSorted()).toEqual([0, 3]);
    expect(await employees()).toHaveLength(3);
  });

  it('stays in its company, also in one with tables of its own', async () => {
    await send(staff);
    const first = companyId;
    const { id } = await buildDedicatedCompany(api.database.sql);
    await enter(id);

    const answer = await send(staff);

    expect(answer.body.data).toMatchObject({ created: 3 });
    expect((await ours.get('/employees', { search: 'bob' })).body.items).toHaveLength(1);
    expect(await employees()).toEqual([]);
    companyId = first;
    expect(await employees()).toHaveLength(3);
  });

  it('takes 50,000 lines, and says so of one more', async () => {
    const line = (n: number): string =>
      `person${n}@x.example,Person ${n},Role ${n % 50},Department ${n % 20},` +
      `${n < 10 ? '' : `person${Math.floor(n / 10)}@x.example`},2026-01-31`;
    const file = (lines: number): string =>
      csv(
        'email,name,role,department,manager_email,join_date',
        ...Array.from({ length: lines }, (_, n) => line(n)),
      );

    const answer = await send(file(50_000));
    const more = await send(file(50_001));

    expect(answer).toMatchObject({ status: 200, body: { data: { created: 50_000 } } });
    expect(more).toMatchObject({
      status: 422,
      body: { details: [{ field: 'files', code: 'TOO_MANY_LINES' }] },
    });
    const [counted] = await api.database.sql(
      `SELECT (SELECT count(*)::int FROM shared.employees WHERE company_id = $1) AS rows,
         (SELECT count(*)::int FROM core.audit_logs WHERE company_id = $1
            AND entity_type = 'employee') AS lines`,
      [companyId],
    );
    expect(counted).toEqual({ rows: 50_000, lines: 50_000 });
  }, 120_000);
});
