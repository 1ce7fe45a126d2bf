import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { exported } from '../../../src/api/audit-logs/export.ts';
import { rawRoute } from '../../../src/api/route.ts';
import { startServer } from '../../../src/api/server.ts';
import type { Actor } from '../../../src/context.ts';
import { platformCompanyId } from '../../../src/models/database.ts';
import { writeLines } from '../../audit/chain.ts';
import { openTestApi, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildApp } from '../platform/harness.ts';

let api: TestApi;
let admin: Actor;
let companyId: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const path = '/audit-logs/export';

/** A file's text; supertest does not read one that is not JSON. */
const textOf = (answer: { text?: string; body: unknown }): string =>
  answer.text ?? (Buffer.isBuffer(answer.body) ? answer.body.toString() : '');

const linesOf = (answer: Parameters<typeof textOf>[0]): Record<string, unknown>[] =>
  textOf(answer)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

const lastExport = (company = companyId) =>
  api.database.sql(
    `SELECT actor_id, after FROM core.audit_logs WHERE company_id = $1 AND action = 'EXPORT'
     ORDER BY timestamp DESC, id DESC LIMIT 1`,
    [company],
  );

describe('GET /audit-logs/export', () => {
  it('is a file of what the list shows, and is told in the audit', async () => {
    await writeLines(companyId, [{}, { action: 'ARCHIVE' }, { action: 'ARCHIVE' }]);
    const filters = { action: 'ARCHIVE', from: '2026-01-01' };
    const listed = await api.as(admin).get('/audit-logs', filters);

    const answer = await api.as(admin).get(path, filters);

    expect(answer.headers).toMatchObject({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': expect.stringMatching(
        /^attachment; filename="audit-\d{4}-\d\d-\d\d\.jsonl"$/,
      ),
      'cache-control': 'no-store',
    });
    expect(linesOf(answer)).toHaveLength(2);
    expect(linesOf(answer)).toEqual(listed.body.items);
    expect(await lastExport()).toEqual([
      {
        actor_id: admin.userId,
        after: {
          format: 'jsonl',
          count: 2,
          filters: { action: 'ARCHIVE', from: '2026-01-01T00:00:00.000Z' },
        },
      },
    ]);
  });

  it('is for administrators and auditors, and never of another company', async () => {
    const other = await buildCompany();
    await writeLines(other.id, [{}]);
    const foreign = await buildActor({ companyId: other.id, role: 'auditor' });
    await writeLines(companyId, [{ entityType: 'ours' }]);
    const agent = await buildActor({ companyId, role: 'call_center' });

    expect((await api.visiting(companyId).get(path)).status).toBe(401);
    expect((await api.as(agent).get(path)).status).toBe(403);
    const theirs = await api.as(foreign).get(path);
    expect(linesOf(theirs)).toHaveLength(1);
    expect(textOf(theirs)).not.toContain('ours');
    expect((await api.as(admin).get(path, { format: 'xlsx' })).status).toBe(422);
    expect((await api.as(admin).get(path, { page: 2 })).status).toBe(422);
  });

  it('has each line once over many pages, whatever is written meanwhile', async () => {
    const count = 3200;
    // Many a microsecond apart, and many at the same instant; in a year that nothing else happens in.
    await api.database.sql(
      `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type, after)
       SELECT $1, gen_random_uuid(), '2190-01-01Z'::timestamptz + (n % 1500) * interval '1 microsecond',
         'system', 'UPDATE', 'plan', jsonb_build_object('n', n)
       FROM generate_series(1, $2::int) n`,
      [companyId, count],
    );

    const lines = linesOf(await api.as(admin).get(path, { from: '2190-01-01' }));

    expect(lines).toHaveLength(count);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(count);
    const empty = await api.as(admin).get(path, { from: '2195-01-01' });
    expect([empty.status, textOf(empty)]).toEqual([200, '']);
  });

  it('is a table whose cells no spreadsheet computes', async () => {
    const actorId = uuid();
    const texts = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', 'a "b", c', 'plain', null];
    const from = '2190-02-01';
    await writeLines(
      companyId,
      texts.map((userAgent, index) => ({
        userAgent,
        actorId,
        timestamp: new Date(Date.UTC(2190, 1, 1, 0, 0, 60 - index)),
        before: null,
        after: { premium: '=2' },
        ip: '192.0.2.1',
      })),
    );

    const answer = await api.as(admin).get(path, { format: 'csv', from });

    const [head, ...rows] = textOf(answer).split('\r\n');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': expect.stringContaining('.csv"'),
    });
    expect(head).toBe(
      'id,timestamp,actor_id,actor_type,action,entity_type,entity_id,before,after,request_id,' +
        'workflow_id,ip,user_agent',
    );
    expect(rows[0]).toMatch(new RegExp(`^[0-9a-f-]{36},2190-02-01T00:01:00.000Z,${actorId},user,`));
    expect(rows.map((line) => line.split(',192.0.2.1,')[1])).toEqual([
      "'=1+1",
      "'+1",
      "'-1",
      "'@SUM(A1)",
      "'\tx",
      `"'\rx"`,
      '"a ""b"", c"',
      'plain',
      '',
      undefined,
    ]);
    expect(rows[0]).toContain(',,"{""premium"":""=2""}",');
  });

  it('is not read further once the client has gone, compressed or not', async () => {
    for (const encoding of ['identity', 'gzip']) {
      let pages = 0;
      let hasEnded = false;
      const endless = rawRoute({
        method: 'GET',
        path: '/endless',
        permission: 'public',
        summary: 'Does not end by itself',
        tag: 'Test',
        mediaType: 'text/csv',
        handle: () => {
          const read = async function* () {
            try {
              for (;;) {
                pages += 1;
                yield Array.from({ length: 1000 }, () => ({ id: uuid() }));
              }
            } finally {
              hasEnded = true;
            }
          };
          return exported(read(), 'csv', ['id'], (line) => line);
        },
      });
      const lifecycle = { isStopping: false };
      const { app } = buildApp({ routes: [endless], lifecycle });
      const server = await startServer(app, { host: '127.0.0.1', port: 0, lifecycle });
      const request = get(`${server.url}/api/v1/endless`, {
        agent: false,
        headers: { 'Accept-Encoding': encoding },
      });
      const [answer] = await once(request, 'response');
      await once(answer, 'data');
      request.destroy();
      while (!hasEnded) await pause(10);
      const readThen = pages;
      await pause(50);

      expect([encoding, pages]).toEqual([encoding, readThen]);
      await server.stop();
    }
  });

  it('is cut off, not left open, where it cannot be read on', async () => {
    for (const encoding of ['identity', 'gzip']) {
      const failing = rawRoute({
        method: 'GET',
        path: '/failing',
        permission: 'public',
        summary: 'Fails on the way',
        tag: 'Test',
        mediaType: 'text/csv',
        handle: () => {
          const read = async function* () {
            yield [{ id: uuid() }];
            throw new Error('the database is away');
          };
          return exported(read(), 'csv', ['id'], (line) => line);
        },
      });
      const lifecycle = { isStopping: false };
      const { app } = buildApp({ routes: [failing], lifecycle });
      const server = await startServer(app, { host: '127.0.0.1', port: 0, lifecycle });

      const answer = fetch(`${server.url}/api/v1/failing`, {
        headers: { 'Accept-Encoding': encoding },
      }).then((got) => got.text());

      await expect(answer).rejects.toThrow();
      await server.stop();
    }
  });
});

describe('GET /administration/audit-logs/export', () => {
  it("is of one company, which finds it in its audit, or of all's last month", async () => {
    const every = '/administration/audit-logs/export';
    const staff = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
    const other = await buildCompany();
    await writeLines(companyId, [{ entityType: 'first' }]);
    await writeLines(other.id, [{ entityType: 'second' }]);

    const ofOne = await api.as(staff).get(every, { company_id: companyId, entity_type: 'first' });
    const ofAll = await api.as(staff).get(every, { format: 'csv' });

    expect(linesOf(ofOne)).toMatchObject([{ company_id: companyId, entity_type: 'first' }]);
    expect(textOf(ofAll)).toMatch(/^company_id,id,/);
    expect(textOf(ofAll)).toContain(`${other.id},`);
    expect(await lastExport()).toMatchObject([
      { actor_id: staff.userId, after: { count: 1, filters: { entityType: 'first' } } },
    ]);
    expect(await lastExport(platformCompanyId)).toMatchObject([
      { actor_id: staff.userId, after: { format: 'csv', filters: { from: expect.any(String) } } },
    ]);
    expect((await api.as(admin).get(every)).status).toBe(403);
  });
});
