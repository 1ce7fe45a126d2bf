import { createDigest } from '../../src/models/auditChain.ts';
import { erasedAs } from '../../src/rules/personalFields.ts';
import { openTestApi, type TestApi } from '../support/api.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import type { Actor } from '../../src/context.ts';
import { sealAll, writeLines } from './chain.ts';

let api: TestApi;
let companyId: string;
let admin: Actor;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildActor({ companyId, role: 'tenant_admin' });
});

const verify = async (actor = admin) => (await api.as(actor).get('/audit-logs/verify')).body.data;

describe('GET /audit-logs/verify', () => {
  it('is for administrators and auditors', async () => {
    const agent = await buildActor({ companyId, role: 'call_center' });
    const auditor = await buildActor({ companyId, role: 'auditor' });

    const stranger = await api.visiting(companyId).get('/audit-logs/verify');
    const refused = await api.as(agent).get('/audit-logs/verify');

    expect(stranger).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await verify(auditor)).toMatchObject({ valid: true });
  });

  it('counts what is sealed and what is still too new', async () => {
    expect(await verify()).toEqual({
      valid: true,
      checked: 0,
      retired: 0,
      unsealed: 0,
      first_bad: null,
    });
    await writeLines(companyId, [{}, {}, {}]);
    await sealAll();
    await writeLines(companyId, [{}]);

    expect(await verify()).toEqual({
      valid: true,
      checked: 3,
      retired: 0,
      unsealed: 1,
      first_bad: null,
    });
  });

  it('names the first bad line of this company, and looks at no other', async () => {
    const other = await buildCompany();
    await writeLines(other.id, [{}]);
    const ids = await writeLines(companyId, [{}, {}, {}]);
    await sealAll();
    await api.database.sql(`UPDATE core.audit_logs SET action = 'X' WHERE company_id = $1`, [
      other.id,
    ]);
    expect(await verify()).toMatchObject({ valid: true });

    await api.database.sql(`UPDATE core.audit_logs SET action = 'X' WHERE id = $1`, [ids[1]]);

    expect(await verify()).toEqual({
      valid: false,
      checked: 1,
      retired: 0,
      unsealed: 0,
      first_bad: { seq: 2, audit_id: ids[1], kind: 'changed' },
    });
  });

  it('goes over many pages while other requests are answered', async () => {
    const lines = 8500;
    await api.database.sql(
      `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type, after)
       SELECT $1, gen_random_uuid(), now() - interval '1 microsecond' * ($2 - n), 'system', 'UPDATE',
         'plan', jsonb_build_object('premium', n || '.00')
       FROM generate_series(1, $2::int) n`,
      [companyId, lines],
    );
    await sealAll();
    const order: string[] = [];
    const checked = verify().then((answer) => {
      order.push('verified');
      return answer;
    });
    for (let count = 0; count < 3; count += 1) {
      await fetch(`${api.address}/health/live`).then(() => order.push('live'));
    }
    expect(await checked).toEqual({
      valid: true,
      checked: lines,
      retired: 0,
      unsealed: 0,
      first_bad: null,
    });
    expect(order).toEqual(['live', 'live', 'live', 'verified']);

    await api.database.sql(
      `DELETE FROM core.audit_logs WHERE id =
         (SELECT audit_id FROM core.audit_seals WHERE company_id = $1 AND seq = 8401)`,
      [companyId],
    );

    expect(await verify()).toMatchObject({ first_bad: { seq: 8401, kind: 'missing' } });

    const turnSeal = () =>
      api.database.sql(
        'UPDATE core.audit_seals SET hash = reverse(hash) WHERE company_id = $1 AND seq = 4000',
        [companyId],
      );
    await turnSeal();
    expect(await verify()).toMatchObject({ first_bad: { seq: 4000, kind: 'seal_changed' } });

    await turnSeal();
    await api.database.sql(
      'DELETE FROM core.audit_seals WHERE company_id = $1 AND seq BETWEEN 4001 AND 8000',
      [companyId],
    );
    expect(await verify()).toMatchObject({
      checked: 4000,
      first_bad: { seq: 4001, audit_id: null, kind: 'seal_changed' },
    });
  });

  it('finds a line that was put in among sealed ones behind those that are too new', async () => {
    await writeLines(companyId, [{}, {}]);
    await sealAll();
    await writeLines(companyId, [{}, {}]);
    expect(await verify()).toMatchObject({ valid: true, checked: 2, unsealed: 2 });
    const yearsAgo = (years: number) => new Date(Date.now() - years * 31_557_600_000);
    const [added] = await writeLines(companyId, [{ timestamp: yearsAgo(3) }]);

    expect(await verify()).toMatchObject({
      valid: false,
      checked: 2,
      first_bad: { seq: null, audit_id: added, kind: 'added' },
    });

    await api.database.sql(`UPDATE core.audit_logs SET timestamp = '-infinity' WHERE id = $1`, [
      added,
    ]);
    expect(await verify()).toMatchObject({ first_bad: { audit_id: added, kind: 'added' } });
  });

  it('stays valid when personal values are replaced by their digests, and nothing else is', async () => {
    const [id] = await writeLines(companyId, [{}]);
    await sealAll();
    const [row] = await api.database.sql<{ key: string }>(
      'SELECT key FROM core.audit_keys WHERE company_id = $1',
      [companyId],
    );
    const digest = createDigest(row?.key ?? '');
    const erased = (text: string): string => erasedAs(digest(text));
    const set = (change: string, value: string) =>
      api.database.sql(`UPDATE core.audit_logs SET ${change} WHERE id = $1`, [id, value]);

    await set('ip = $2', erased('192.0.2.0'));
    await set(
      `after = jsonb_set(after, '{policyholderName}', to_jsonb($2::text))`,
      erased('Ida 0'),
    );
    await set(
      `after = jsonb_set(after, '{contact,email}', to_jsonb($2::text))`,
      erased('a@b.example'),
    );
    expect(await verify()).toMatchObject({ valid: true, checked: 1 });

    await set(`after = jsonb_set(after, '{premium}', to_jsonb($2::text))`, erased('121.00'));
    expect(await verify()).toMatchObject({ first_bad: { seq: 1, kind: 'changed' } });
  });
});
